"""Who solves what: counted by hand, drawn without trusting a name."""

from __future__ import annotations

from pathlib import Path

from meta_search.dashboard.views.overview import overview
from meta_search.report.behaviour import MOST, Behaviour, behaviour, line
from meta_search.report.tables import agent_rows
from tests.kits.list_archive import HOSTILE, ListArchive, named_agent
from tests.kits.stored import stored


def found(archive: ListArchive) -> Behaviour | None:
    rows = [row for row in agent_rows(archive) if row["complete"]]
    return behaviour(archive, rows, "train")


def three(hostile: str = "twin") -> ListArchive:
    archive = ListArchive()
    for name, scores in (
        ("weak", [1.0, 0.0, 0.0, 0.0]),
        ("strong", [1.0, 1.0, 0.0, 0.6]),
        (hostile, [1.0, 0.0, 0.0, 0.0]),
    ):
        archive.add(named_agent(name, body=f"return {len(archive.records)}"), {"train": scores})
    return archive


def test_behaviours_are_counted() -> None:
    made = found(three())
    assert made is not None
    assert (made.complete, made.different, made.solved) == (3, 2, 3)
    assert made.agents[0][1] == "strong"
    assert made.items == ("train-0", "train-1", "train-3", "train-2")  # the easiest first
    assert made.scores[0] == (1.0, 1.0, 0.6, 0.0)
    assert line(made) == (
        "3 fully evaluated agents show 2 different behaviours; together they solve 3 of 4 items, the best "
        "alone 3."
    )


def test_one_agent_or_none_behaves_in_no_way() -> None:
    archive = ListArchive()
    assert found(archive) is None
    archive.add(named_agent("only"), {"train": [1.0]})
    assert found(archive) is None


def test_a_row_an_agent_and_no_more_than_can_be_read() -> None:
    archive = ListArchive()
    for number in range(MOST + 5):
        archive.add(named_agent("same", body=f"return {number}"), {"train": [1.0, float(number % 2)]})
    made = found(archive)
    assert made is not None
    assert len(made.agents) == len(made.scores) == MOST  # equal names are rows of their own
    assert made.complete == MOST + 5


def test_the_overview_says_how_different_they_are(tmp_path: Path) -> None:
    told = overview(tmp_path, stored(three(HOSTILE), tmp_path))["behaviour"]
    assert told.startswith("3 fully evaluated agents show 2 different behaviours")
