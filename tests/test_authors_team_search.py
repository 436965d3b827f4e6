"""`search=dylan`: the whole team first, smaller ones from it, and a report of both; `simplify` end to end."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.authors.roles import POOLS
from meta_search.authors.team import roles_in
from meta_search.testing import CountingEndpoint
from tests.kits.answers import SUM, mind
from tests.kits.pages import page_view
from tests.kits.searches import assert_replays, mixed_search, questions

RIGHT = ("Checker", "Reader", "Sceptic")
ROLES = tuple(pair for pool in POOLS.values() for pair in pool)


def team_model(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """Three roles add well, the others say numbers of their own; what is right is rated 5, all else 1."""
    wanted = (body.get("response_format") or {}).get("json_schema")
    fields = wanted["schema"]["properties"] if wanted else {}
    if "roles" in fields:
        return json.dumps({"roles": [{"name": "Baker", "role": "baker who counts loaves"}]})
    asked = messages[-1]["content"]
    a, what, b = SUM.findall(asked)[-1]
    right = int(a) + int(b) if what == "plus" else int(a) * int(b)
    name = next((n for n, role in ROLES if role in messages[0]["content"]), "Baker")
    answer = str(right if name in RIGHT else right + 1000 + sum(map(ord, name)))
    shown = re.findall(r"### answer by Agent \d+:\n(.*)", asked)
    values = {"thinking": "", "answer": answer, "ratings": str([5 if s == str(right) else 1 for s in shown])}
    return json.dumps({field: values[field] for field in fields}) if fields else answer


@pytest.fixture
def searched(folder: Path) -> Any:
    path = questions(folder)
    with CountingEndpoint(team_model) as endpoint:
        words = [w for w in mixed_search(path, endpoint.base_url) if not w.startswith("search.")]
        more = (
            "search=dylan",
            "run.dir=run",
            "search.candidates=2",
            "author.probe_items=4",
            "llm.mode=record",
        )
        assert cli.main(["run", *words, *more]) == 0
    return meta_search.open_run("run")


def test_a_search_for_teams(searched: Any, capsys: pytest.CaptureFixture[str]) -> None:
    records = searched.agents()
    assert len(roles_in(records[0].agent.source)) == 9
    found = [r for r in records if r.operator == "team"]
    assert found
    first = found[0]
    assert sorted(name for name, _ in roles_in(first.agent.source)) == sorted(RIGHT)
    assert first.parents == (records[0].agent.id,)

    before, after = (r.evaluations["test"] for r in (records[0], first))
    assert (before.items, before.used.calls / before.items) == (9, 18.0)
    assert (after.items, after.used.calls / after.items) == (9, 3.0)
    assert after.score == 1.0

    smaller, *_ = page_view("run/report.html", "overview")["simplified"]
    assert smaller["before"]["calls_per_item"] > smaller["after"]["calls_per_item"]
    capsys.readouterr()
    assert cli.main(["archive", "show", "run", records[0].agent.id]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"by ratings\s+Checker: 2.0 calls and \d+ tokens per item, 18 items", shown)
    assert cli.main(["archive", "show", "run", first.agent.id, "--json"]) == 0
    importance = json.loads(capsys.readouterr().out)["importance"]
    assert {row["component"] for row in importance} == set(RIGHT)  # its own ratings, from its traces


@pytest.mark.slow
def test_a_search_for_teams_replays(searched: Any) -> None:
    assert_replays()


@pytest.mark.slow
def test_a_search_that_simplifies_keeps_what_components_are_worth_and_replays(folder: Path) -> None:
    path = questions(folder)
    with CountingEndpoint(mind) as endpoint:
        words = [w for w in mixed_search(path, endpoint.base_url) if not w.startswith("search.")]
        more = ("search.operators=[simplify]", "search.seeds=[debate,self_refine]", "search.candidates=3")
        more = (*more, "search.give_up_after=2", "domain.dealing=row")
        assert cli.main(["run", *words, *more, "run.dir=run", "author.probe_items=5"]) == 0
    archive = meta_search.open_run("run")
    seeds = {r.agent.name: r.agent.id for r in archive.agents() if r.operator == "seed"}
    rows = [row for agent in seeds.values() for row in archive.importance(agent)]
    assert {row.method for row in rows} == {"leave_out"}
    assert {row.items for row in rows} == {5}
    assert sum(row.replayed for row in rows) > 0
    made = [r for r in archive.agents() if r.operator == "simplify"]
    assert [a.stage for a in archive.attempts()] or made
    for record in made:
        parent = archive.get(record.parents)[0]
        assert "LEFT_OUT" in record.agent.source or len(record.agent.source) <= len(parent.agent.source) + 400
    assert_replays()


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("author.ways=[swarm]", "author.ways: unknown name swarm; choose from direct, program, think, team"),
        ("author.ways=[]", "author.ways is empty; choose from direct"),
        ("search.seeds=[team:0]", "no seed is named team:0"),
        ("author.probe_items=0", "author.probe_items=0: must be at least 1"),
    ],
)
def test_bad_settings_are_told_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], word: str, told: str
) -> None:
    words = mixed_search(questions(folder), "http://127.0.0.1:9/v1")
    words = [w for w in words if not w.startswith(word.partition("=")[0])]
    assert cli.main(["run", *words, word]) == 2
    assert told in capsys.readouterr().err
