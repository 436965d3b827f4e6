"""Which evaluations have failed, and candidates that are mended: archive, studies, replay, resume."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.engine.repair import failing, repair_brief
from meta_search.testing import CountingEndpoint, Fault
from meta_search.types import REPAIR, Brief, ItemResult
from tests.kits.answers import adds_below
from tests.kits.broken_agents import BROKEN, MENDED
from tests.kits.searches import assert_replays, cut_behind, tables, written_search

adds = adds_below(12)


def writes(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """Writes agents that crash on every item, and mends those that it is shown, but not the second one."""
    asked = messages[-1]["content"]
    if body["model"] != "writer":
        return adds(messages, body)
    n = body["seed"]  # of the brief, and of those that mend its candidate
    if "Mend the first agent" in asked and "AssertionError: what is this (line 3: `assert" in asked:
        return MENDED.format(n=n) if n != 1 else BROKEN.format(n="still 1")
    return BROKEN.format(n=n)


LLM = (
    *("author=llm", "author.formats=[program]", "author.reflexions=0", "search.operators=[novel]"),
    # With these items the mended agents are better than the seed, so that no race stops them.
    *("search.seeds=[direct]", "search.candidates=3", "run.dir=run", "domain.seed=2"),
)


@pytest.mark.slow
def test_a_candidate_that_fails_on_all_items_is_mended_once(folder: Path) -> None:
    with CountingEndpoint(writes) as endpoint:
        assert cli.main(["run", *written_search(folder, endpoint, *LLM, "search.in_flight=2")]) == 0
    archive = meta_search.open_run("run")
    found = {r.agent.name: r for r in archive.agents() if r.author == "llm"}
    assert sorted(found) == ["Broken 0", "Broken 1", "Broken 2", "Broken still 1", "Mended 0", "Mended 2"]
    broken, mended = found["Broken 0"], found["Mended 0"]
    assert (mended.operator, mended.parents) == ("debug", (broken.agent.id,))
    assert mended.generation == broken.generation  # a chain is one generation
    assert (broken.status, broken.evaluations["train"].stopped) == ("partial", "faults on all of its 3 items")
    assert not broken.evaluations["train"].complete
    assert mended.status in ("population", "finalist")
    assert mended.evaluations["train"].outcomes == {"ok": 6}

    asked = {e.data["brief"]: e.data for e in archive.events("ask")}
    assert sorted(asked) == [0, 1, 2, REPAIR, REPAIR + 1, REPAIR + 2]
    assert asked[REPAIR]["design"] == asked[0]["design"]
    # The guide knows of three briefs, each told once, of what its chain came to.
    told = {e.data["brief"]: e.data["value"] for e in archive.events("tell")}
    assert sorted(told) == [0, 1, 2]
    trials = archive.trials("briefs")
    assert [(t.number, t.agent) for t in trials] == [
        (0, mended.agent.id),
        (1, found["Broken still 1"].agent.id),
        (2, found["Mended 2"].agent.id),
    ]
    assert [t.number for t in archive.trials("designs")] == [0, 1, 2]
    assert told[0] >= 0 > told[1]
    assert_replays()


@pytest.mark.slow
def test_nobody_waits_for_the_first_agent_to_be_mended(folder: Path) -> None:
    """Who opens with worked examples does."""
    another = threading.Event()

    def slowly(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        if body["model"] == "writer" and body["seed"] == 2:
            another.set()
        if (
            body["model"] == "writer"
            and body["seed"] == 0
            and "Mend the first agent" in messages[-1]["content"]
        ):
            assert another.wait(60.0)  # the next briefs come and go
        return writes(messages, body)

    with CountingEndpoint(slowly) as endpoint:
        words = written_search(folder, endpoint, *LLM, "search.in_flight=2", "budget.calls=500")
        assert cli.main(["run", *words]) == 0
    events = meta_search.open_run("run").events()
    order = [(e.kind, e.data["brief"]) for e in events if e.kind in ("ask", "tell")]
    assert order.index(("ask", REPAIR)) < order.index(("ask", 2)) < order.index(("tell", 0))


@pytest.mark.slow
def test_resumed_at_any_point_of_a_chain_it_goes_on_as_without(folder: Path) -> None:
    """The run as it is after `kill -9`: what came later has rows, but no events."""
    with CountingEndpoint(writes) as endpoint:
        words = written_search(folder, endpoint, *LLM, "search.in_flight=1", "search.candidates=2")
        assert cli.main(["run", *words]) == 0
        events = [(e.seq, e.kind, e.data) for e in meta_search.open_run("run").events()]
        whole, sent = tables("run"), endpoint.calls
        second = next(seq for seq, kind, data in events if kind == "ask" and data["brief"] == REPAIR + 1)
        written = next(seq for seq, _, data in events if data.get("brief") == REPAIR + 1 and seq > second)
        told = next(seq for seq, kind, data in events if kind == "tell" and data["brief"] == 1)
        for kept in (second - 1, second, written, told - 1):
            assert cli.main(["resume", cut_behind(kept)]) == 0
            found = tables(f"cut{kept}")
            for name in ("agents", "edges", "trials", "evaluations", "attempts"):
                assert found[name] == whole[name], (kept, name)
            again = [json.loads(row[2]) for row in found["events"] if row[1] in ("ask", "tell")]
            assert again == [data for _, kind, data in events if kind in ("ask", "tell")], kept
        assert endpoint.calls - sent <= 4  # the check of the endpoint; all else is in the ledger
    assert_replays(f"cut{second}")


@pytest.mark.parametrize(
    "more", [("author=composer", "search.operators=[novel]"), (*LLM, "search.attempts=1")]
)
def test_nobody_mends_without_the_meta_agent_or_an_attempt_left(folder: Path, more: tuple[str, ...]) -> None:
    with CountingEndpoint(writes, faults=unreadable) as endpoint:
        words = written_search(folder, endpoint, *more, "search.seeds=[direct]", "search.candidates=1")
        assert cli.main(["run", *words, "run.dir=run"]) == 0
    archive = meta_search.open_run("run")
    found = [r for r in archive.agents() if r.operator == "novel"]
    assert [(r.status, r.evaluations["train"].stopped[:13]) for r in found] == [("partial", "faults on all")]
    assert [e.data["brief"] for e in archive.events("ask")] == [0]


def unreadable(index: int, body: Mapping[str, Any]) -> Fault | None:
    """Every prompt but that of the seed is too long for the task model."""
    seed = body["max_tokens"] == 64
    if body["model"] == "writer" or seed:
        return None
    return Fault("status", status=400, message="This model's maximum context length is 1 token")


def row(kind: str = "ok", score: float = 0.0) -> ItemResult:
    return ItemResult("a", "train", "i", 0, kind, score=score)


@pytest.mark.parametrize(
    ("rows", "all_", "any_"),
    [
        ([], "", ""),
        ([row("crash"), row("timeout")], "faults on all of its 2 items", "faults on all of its 2 items"),
        ([row("crash"), row(score=1.0)], "", "faults on 1 of its 2 items"),
        ([row("bad_answer"), row(score=1.0)], "", ""),  # no answer is a wrong one
        ([row(), row()], "", "nothing right in 2 items"),
        ([row(), row(score=0.5)], "", ""),
    ],
)
def test_what_counts_as_failing(rows: list[ItemResult], all_: str, any_: str) -> None:
    assert (failing(rows, "all"), failing(rows, "any")) == (all_, any_)


def test_a_chain_of_briefs_has_one_trial() -> None:
    first = Brief(7, "mutate", "composer", ("a", "b"), ("c",), 0.4, ("plan",), 9)
    second = repair_brief(first, "x", "llm")
    third = repair_brief(second, "y", "llm")
    assert len({first.code, second.code, third.code}) == 3
    assert first.number == second.number == third.number == 7
    assert (third.operator, third.parents, third.inspirations, third.seed) == ("debug", ("y",), (), 9)
