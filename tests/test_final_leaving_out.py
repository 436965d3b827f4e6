"""Whole searches whose agent has calls refused wherever it would be wrong, from the wire to the verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.final.lockstep import _unfinished, counted
from meta_search.llm.gateway import Gateway
from meta_search.run.members import Member
from meta_search.testing import CountingEndpoint, Fault
from meta_search.types import Agent, Brief, Candidate, ItemJob, ItemResult
from tests.kits.answers import as_asked
from tests.kits.searches import assert_replays, overrides, write_table

# It knows where it is right, on a quarter of the items, and elsewhere says a word that the endpoint refuses.
SLY = """Name: Sly
Thought: sure or refused.
```python
def forward(self, taskInfo):
    a, b = map(int, re.findall(r"\\d+", taskInfo.content)[:2])
    word = "CAREFUL" if (a + b) % 4 == 0 else "DYNAMITE"
    solver = LLMAgentBase(["answer"], "Solver")
    return solver([taskInfo], f"{word}: reply with only the number.")[0]
```"""
SUM = re.compile(r"What is (\d+) \+ (\d+)")


def solves(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """Writes the sly agent; adds up rightly where it is told to be careful, else on 7 of 12."""
    if body["model"] == "writer":
        return SLY
    text = json.dumps(messages)
    a, b = map(int, SUM.findall(text)[-1]) if SUM.search(text) else (0, 0)
    right = "CAREFUL" in text or (7 * a + 5 * b) % 12 < 7
    return as_asked(body, str(a + b + (not right)))


FAULTS: dict[str, Fault] = {
    "refused": Fault("status", status=400, message="roles must alternate"),
    "filtered": Fault("status", status=400, message="blocked by content management policy"),
    "withheld": Fault("filter"),
}


def on_the_word(fault: Fault) -> Callable[[int, Mapping[str, Any]], Fault | None]:
    return lambda index, body: fault if "DYNAMITE" in json.dumps(body) else None


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    ["refused", *(pytest.param(how, marks=pytest.mark.slow) for how in ("filtered", "withheld"))],
)
def test_a_search_whose_agent_has_calls_refused_where_it_would_be_wrong(
    folder: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is right on 28 of 120 test items, the seed on more. It "beat the best seed" by 100.0 to 71.4 %."""
    monkeypatch.setattr("meta_search.run.service.Gateway", partial(Gateway, backoff_s=0.02))
    rows = [(f"What is {a} + {b}?", str(a + b)) for a in range(10, 25) for b in range(10, 22)]
    path = write_table(folder / "sums.jsonl", rows)
    more = ("author=llm", "author.formats=[program]", "author.reflexions=0", "search.candidates=1")
    sizes = "domain.sizes={examples:4,train:16,validation:8,test:120}"
    more += ("search.seeds=[direct]", "search.finalists=1", "search.prior=false", sizes, "run.dir=run")
    more += ("evaluate.items=16", "evaluate.racing=false", "run.confirm=false", "llm.max_retries=0")
    more += ("search.operators=[novel]", "search.give_up_after=4", "evaluate.test_items=120")
    with CountingEndpoint(solves, faults=on_the_word(FAULTS[how])) as endpoint:
        assert cli.main(["run", *overrides(path, endpoint, *more, meta="writer", task="solver")]) == 0
    archive = meta_search.open_run("run")
    sentence = archive.meta("verdict")
    assert re.match("No verdict: 9[0-9] of 120 results of Sly|The best agent Sly did not beat", sentence)
    sly, seed = archive.record("Sly"), archive.record("direct")
    found = sly.evaluations["test"]
    assert found.outcomes["ok"] < 36
    assert found.low < 0.3
    assert found.items == 120 or not found.complete
    assert (best := archive.best()) is not None
    assert best.agent.id == seed.agent.id
    if how == "refused":
        assert_replays()


def met(name: str, places: Sequence[int]) -> Member:
    """A member that was through with these of its test items."""
    made = Member(
        Candidate(Agent.of(name, f"def forward(self, t):\n    return {name!r}\n"), Brief(1, "", ""))
    )
    for n in places:
        made.add(ItemResult(made.agent.id, "test", f"i{n}", 0, "ok", score=1.0))
    return made


def test_a_report_that_budget_or_clock_ended_counts_up_to_where_all_had_come() -> None:
    """Else an agent could spend the budget, or the time, on what it had better not finish."""
    sly, seed = met("sly", [0, 1, 2, 4, 6]), met("seed", [0, 1, 2, 3, 5, 6])

    def job(member: Member, n: int) -> tuple[Member, ItemJob]:
        return member, ItemJob(member.agent, "test", f"i{n}", 0, "?")

    round_ = [[job(sly, n), job(seed, n)] for n in range(2, 7)]
    cut = _unfinished(round_)
    assert [r.item for r in counted(sly, cut)] == ["i0", "i1", "i2"]
    assert [r.item for r in counted(seed, cut)] == ["i0", "i1", "i2"]
    assert _unfinished([place for place in round_ if place[0][1].item in ("i2", "i6")]) == {}
    assert len(counted(seed, {})) == 6
