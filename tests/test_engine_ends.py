"""Why a search ended is always said: on the screen, by `status` and `archive list`, and on the page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.config import CANDIDATES, from_mapping
from meta_search.engine import loop
from meta_search.engine.ends import end_of
from meta_search.testing import CountingEndpoint
from tests.kits.answers import adds_below, as_asked
from tests.kits.pages import page_text, page_view
from tests.kits.searches import assert_replays, composed_search, written_search

LLM = ("author=llm", "author.formats=[program]", "author.reflexions=0", "author.debug_rounds=0")
SAME = """Name: Same
Thought: always.
```python
def forward(self, taskInfo):
    return LLMAgentBase(["answer"], "Solver")([taskInfo], "Reply with only the number.")[0]
```"""


def same(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    return SAME if body.get("model") == "writer" else as_asked(body, "7")


def test_a_search_that_has_stopped_finding_says_so_and_suggests(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(same) as endpoint:
        more = ("search.seeds=[direct]", "search.operators=[novel]", "run.dir=run", "search.in_flight=4")
        more = (*more, "search.give_up_after=12")
        assert cli.main(["run", *written_search(folder, endpoint, *LLM, *more)]) == 0
    shown = capsys.readouterr().out
    line = re.compile(r"search ended: the last 1\d briefs came to no new candidate \(.* duplicate")
    assert len(line.findall(shown)) == 2  # when it ended, and on the last screen
    assert "try a higher author.temperature" in shown
    assert "drafts in" in shown
    with meta_search.open_run("run") as archive:
        assert archive.meta("end")["why"] == "nothing new"
        briefs = len(archive.events("ask"))
    assert 12 < briefs <= 12 + 4 + 1
    for words in (["status", "run"], ["archive", "list", "run"], ["report", "run"]):
        assert cli.main(words) == 0
        assert line.search(capsys.readouterr().out)
    assert "The search ended: the last 1" in page_text("run/report.html")
    assert page_view("run/report.html", "overview")["alarms"]
    assert_replays()


def test_the_budget_that_ended_it_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOOK_S", 0.0)  # a search of a second would be over before the next look
    with CountingEndpoint(adds_below(9)) as endpoint:
        words = composed_search(folder, endpoint, "budget.calls=60", "search.seeds=[direct,chain_of_thought]")
        assert cli.main(["run", *words]) == 0
    assert "search ended: what is left of budget.calls=60 is kept for the" in capsys.readouterr().out
    assert cli.main(["status", "--json"]) == 2  # there is no run under runs/
    capsys.readouterr()
    assert cli.main(["status", "run", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["end"]["why"] == "report"
    assert row["status"] == "done"
    assert row["calls"] <= 60


def test_briefs_that_come_to_nothing_do_not_count(folder: Path) -> None:
    told = iter(range(10**6))

    def every_third(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        if body.get("model") != "writer":
            return as_asked(body, "7")
        number = next(told)
        return SAME.replace("Solver", f"Solver {number}") if number % 3 == 2 else SAME.replace("def", "if")

    with CountingEndpoint(every_third) as endpoint:
        more = ("search.seeds=[direct]", "search.candidates=2", "search.operators=[novel]", "run.dir=run")
        assert cli.main(["run", *written_search(folder, endpoint, *LLM, *more)]) == 0
    with meta_search.open_run("run") as archive:
        assert archive.meta("end")["why"] == "candidates"
        found = [r for r in archive.agents() if r.author == "llm"]
        assert len(found) == 2
        assert len(archive.events("ask")) > 2


@pytest.mark.parametrize(
    ("keys", "most"),
    [
        ({}, CANDIDATES),
        ({"budget": {"wall_s": 900.0}}, float("inf")),
        ({"budget": {"usd": 2.0}}, float("inf")),
        ({"budget": {"usd": 2.0}, "search": {"candidates": 7}}, 7),
        ({"search": {"candidates": 0}}, 0),
    ],
)
def test_candidates_have_no_limit_of_their_own_beside_a_budget(keys: dict[str, Any], most: float) -> None:
    assert from_mapping(keys).most_candidates == most


@pytest.mark.parametrize(
    ("why", "text"),
    [
        ("candidates", "all 9 candidates are written (search.candidates)"),
        ("finish", "stopped early (Ctrl-C, `steer stop`, or SIGTERM with run.report_on_stop)"),
        ("finish, empty", "stopped early, before an agent was found: there is nothing to report on yet"),
        ("time", "the search's 75% of budget.wall_s=900 are over"),
        ("signal", "stopped by a signal"),
        ("error", "nothing answers"),
        ("budget", "nothing answers"),
    ],
)
def test_ends_in_words(why: str, text: str) -> None:
    config = from_mapping({"search": {"candidates": 9}, "budget": {"wall_s": 900.0}})
    assert end_of(why, config, told="nothing answers")["text"] == text
