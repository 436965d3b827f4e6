"""Whole searches against a model that thinks 2,000 hidden tokens first, and is cut at small limits."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.testing import count_tokens
from tests.endpoints.server import META, Asked, OddEndpoint, Reply, completion
from tests.kits.searches import overrides, sums

THINKS = 2000
PLAN = {"name": "P", "thought": "T.", "way": "direct", "routes": [], "hint": "", "samples": 1, "shown": 1}
EDIT = """Name: Edited {n}
Thought: Another word.
<<<<<<< SEARCH
def forward(self, taskInfo):
=======
LIMIT = {n}


def forward(self, taskInfo):
>>>>>>> REPLACE"""


class Thinks(OddEndpoint):
    """Thinks before every answer, within its limit; what it writes for the meta agent is by what was asked.

    Attributes:
        tells: Whether its usage names the thinking.
        form: What the meta agent writes.
        needs: Tokens that it thinks.
    """

    needs = THINKS

    def __init__(self, form: str, tells: bool = True) -> None:
        super().__init__()
        self.form, self.tells = form, tells

    def said(self, body: Mapping[str, Any], number: int = 0) -> str:
        asked = json.dumps(body["messages"])
        if META not in json.dumps(body["messages"][0]):
            return super().said(body, number)
        last = str(body["messages"][-1]["content"])
        if "`keep`" in last:
            return "keep"
        if "ideas only" in last:
            return "1. Ask twice and compare.\n2. Work with a program.\nPick: 2"
        if self.form == "plan":
            plan = {**PLAN, "hint": f"Hint {number}.", "name": f"P{number}"}
            return json.dumps({"plans": [plan]} if '"plans"' in asked or "plans" in last else plan)
        if self.form == "edit" and "SEARCH" in asked:
            return EDIT.format(n=number)
        return super().said(body, number)

    def respond(self, asked: Asked) -> Reply:
        text = self.said(asked.body, asked.number)
        limit = asked.body.get("max_tokens") or asked.body["max_completion_tokens"]
        needed = self.needs + count_tokens(text)
        used = {"prompt_tokens": 40, "completion_tokens": min(limit, needed)}
        if self.tells:
            used["completion_tokens_details"] = {"reasoning_tokens": min(limit, self.needs)}  # type: ignore[assignment]
        if needed <= limit:
            return Reply(200, completion(text, usage=used))
        return Reply(200, completion(text[: 4 * max(0, limit - self.needs)], "length", usage=used))


def search(endpoint: OddEndpoint, form: str, *more: str) -> int:
    words = (
        *("evaluate.items=4", "evaluate.test_items=4", "search.candidates=8", "search.prior=false"),
        *("search.seeds=[chain_of_thought]", "author=mixed", f"author.formats=[{form}]", "run.dir=run"),
        *("search.operators=[novel,mutate,bootstrap]", "run.confirm=false", "search.in_flight=1"),
    )
    return cli.main(["run", *overrides(sums(Path.cwd()), endpoint.base_url, *words, *more)])


def faults() -> Counter[tuple[str, str]]:
    """(Purpose, fault) of the calls that came to none, but for those that only probe the endpoint."""
    with sqlite3.connect("file:run/archive.db?mode=ro", uri=True) as database:
        rows = database.execute("SELECT purpose, fault FROM calls WHERE fault IS NOT NULL AND fault != ''")
        return Counter((purpose, fault) for purpose, fault in rows if purpose != "probe")


@pytest.mark.parametrize(
    ("form", "tells"),
    [
        ("program", True),
        pytest.param("program", False, marks=pytest.mark.slow),
        *(
            pytest.param(form, tells, marks=pytest.mark.slow)
            for form in ("edit", "plan")
            for tells in (True, False)
        ),
    ],
)
def test_drafts_teachers_and_tasks_arrive_whole(folder: Path, form: str, tells: bool) -> None:
    with Thinks(form, tells) as endpoint:
        assert search(endpoint, form, "llm.meta.extra={reasoning_effort:low}") == 0
    assert faults() == Counter()
    archive = meta_search.open_run("run")
    found = {(r.author, r.operator): r for r in archive.agents()}
    assert {("llm", "novel"), ("llm", "mutate"), ("composer", "bootstrap")} <= found.keys()
    outcomes = {kind for r in found.values() for e in r.evaluations.values() for kind in e.outcomes}
    assert outcomes == {"ok"}
    taught = [len(r.agent.demonstrations) for r in archive.agents() if r.operator == "bootstrap"]
    assert max(taught) > 2  # of a teacher that thinks as well
    assert [a.message for a in archive.attempts() if "cut" in a.message] == []
    meta = [asked.body for asked in endpoint.asked if META in json.dumps(asked.body["messages"][0])]
    assert {body.get("reasoning_effort") for body in meta} == {"low"}
    assert {body["max_tokens"] for body in meta} == {16_384}


def test_a_limit_that_is_too_small_is_named_with_its_key(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Longer(Thinks):
        needs = 40_000

    with Longer("program") as endpoint:
        assert search(endpoint, "program", "search.candidates=1", "author=llm", "search.give_up_after=2") in (
            0,
            3,
        )
    out = capsys.readouterr().out
    assert "raise author.max_tokens" in out
    assert "raise llm.max_tokens" in out
