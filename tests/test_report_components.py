"""Agents that were made smaller, beside what they were made from."""

from __future__ import annotations

from pathlib import Path

from meta_search.dashboard.views.overview import overview
from meta_search.report.components import changes
from meta_search.types import ItemResult
from tests.kits.list_archive import ListArchive, named_agent
from tests.kits.stored import stored


def test_agents_that_were_made_smaller_stand_beside_what_they_were_made_from(tmp_path: Path) -> None:
    archive = ListArchive()
    big, small, other = (named_agent(name, n) for n, name in enumerate(("big", "small", "other")))
    archive.add(big, {"train": [1.0, 0.0]}, 400)
    archive.add(small, {"train": [1.0, 0.0]}, 100, operator="simplify", parents=(big.id,))
    archive.add(other, {"train": [1.0, 0.0]}, 100, operator="mutate", parents=(big.id,))
    [row] = changes(archive.agents(), "train")
    assert (row["before"]["name"], row["after"]["name"]) == ("big", "small")
    assert (row["before"]["tokens"], row["after"]["tokens"]) == (800, 200)
    (told,) = overview(tmp_path, stored(archive, tmp_path))["simplified"]
    assert (told["operator"], told["before"]["name"], told["after"]["name"]) == ("simplify", "big", "small")
    assert (told["before"]["tokens_per_item"], told["after"]["tokens_per_item"]) == (400, 100)
    assert round(told["after"]["low"], 3) == 0.095
    assert changes(archive.agents(), "validation") == []
    assert isinstance(archive.item_results[big.id, "train"][0], ItemResult)
