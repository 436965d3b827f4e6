"""Briefs that come to several candidates: archive, counts, studies, repairs, replay, resume."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.engine.repair import faulty
from meta_search.run.members import Member, Members
from meta_search.testing import CountingEndpoint
from meta_search.types import REPAIR, Agent, Brief, Candidate, ItemResult
from tests.kits.answers import adds_below, as_asked
from tests.kits.broken_agents import BROKEN, MENDED
from tests.kits.searches import assert_replays, cut_behind, tables, written_search

adds = adds_below(12)
ODD = BROKEN.replace("Broken", "Odd").replace("assert", "assert int(answer.content) % 2 == 0 or")


def writes(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """Two agents a brief: sound ones, then one that crashes before a sound one, then two that crash."""
    asked = messages[-1]["content"]
    if body["model"] != "writer":
        return adds(messages, body)
    n = body["seed"]
    if "Mend the first agent" in asked:
        return MENDED.format(n=f"{n} again")
    first, second = ((MENDED, MENDED), (BROKEN, MENDED), (BROKEN, BROKEN))[n % 3]
    return first.format(n=f"{n}a") + "\n\n" + second.format(n=f"{n}b")


SEVERAL = (
    *("author=llm", "author.formats=[program]", "author.reflexions=0", "search.operators=[mutate]"),
    *("search.seeds=[direct]", "run.dir=run", "domain.seed=2", "author.drafts=2"),
)


@pytest.mark.slow
def test_all_drafts_of_a_reply_are_evaluated_and_the_best_one_tells(folder: Path) -> None:
    with CountingEndpoint(writes) as endpoint:
        words = written_search(folder, endpoint, *SEVERAL, "search.candidates=7", "search.in_flight=2")
        assert cli.main(["run", *words]) == 0
    archive = meta_search.open_run("run")
    found = {r.agent.name: r for r in archive.agents() if r.author == "llm"}
    # Seven candidates: those of three briefs, and the first one of the fourth.
    names = ["Broken 1a", "Broken 2a", "Broken 2b", "Mended 0a", "Mended 0b", "Mended 1b", "Mended 2 again"]
    assert sorted(found) == [*names, "Mended 3a"]
    assert all("train" in record.evaluations for record in found.values())
    delivered = [e.data for e in archive.events("delivery") if "brief" in e.data and "found" in e.data]
    named = {r.agent.id: name for name, r in found.items()}
    came = {d["brief"]: [named[d["agent"]], *(named[a] for a in d.get("further", ()))] for d in delivered}
    assert came[0] == ["Mended 0a", "Mended 0b"]
    assert came[2] == ["Broken 2a", "Broken 2b"]
    assert came[REPAIR + 2] == ["Mended 2 again"]  # where all of a brief fail, the best of them is mended
    assert REPAIR + 1 not in came  # one of its agents works
    assert came[3] == ["Mended 3a"]
    assert [a.stage for a in archive.attempts()] == ["surplus"]
    told = [e.data["brief"] for e in archive.events("tell")]
    assert sorted(told) == [0, 1, 2, 3]  # each once
    trials = {t.number: t.agent for t in archive.trials("briefs")}
    assert [named[trials[n] or ""] for n in (1, 2, 3)] == ["Mended 1b", "Mended 2 again", "Mended 3a"]
    assert_replays()


@pytest.mark.slow
def test_resumed_in_the_middle_of_several_evaluations_it_goes_on_as_without(folder: Path) -> None:
    """The run as it is after `kill -9`: what came later has rows, but no events."""
    with CountingEndpoint(writes) as endpoint:
        words = written_search(folder, endpoint, *SEVERAL, "search.in_flight=1", "search.candidates=6")
        assert cli.main(["run", *words]) == 0
        events = [(e.seq, e.kind, e.data) for e in meta_search.open_run("run").events()]
        whole, sent = tables("run"), endpoint.calls
        written = {
            d["brief"]: (seq, [d["agent"], *d.get("further", [])]) for seq, k, d in events if "found" in d
        }
        ended = {
            d["agent"]: seq for seq, k, d in events if k == "race" and "to" not in d and d["split"] == "train"
        }
        cuts = []
        for brief in (0, 1, 2):
            seq, agents = written[brief]
            ends = [ended[agent] for agent in agents]
            cuts += [seq, min(ends) - 1, min(ends), max(ends)]
        repair = written[REPAIR + 2][0]
        for kept in sorted({*cuts, repair, repair - 1}):
            assert cli.main(["resume", cut_behind(kept)]) == 0
            found = tables(f"cut{kept}")
            for name in ("agents", "edges", "trials", "evaluations", "attempts"):
                assert found[name] == whole[name], (kept, name)
            again = [json.loads(row[2]) for row in found["events"] if row[1] in ("ask", "tell")]
            assert again == [data for _, kind, data in events if kind in ("ask", "tell")], kept
        assert endpoint.calls - sent <= len({*cuts, repair}) + 1  # the check of the endpoint
    assert_replays(f"cut{cuts[1]}")


@pytest.mark.slow
def test_an_agent_that_faults_on_some_items_is_mended_too(folder: Path) -> None:
    def odd(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        if body["model"] != "writer":  # the seed is bad at it, and worth beating
            seed = "final answer" in messages[-1]["content"]
            return as_asked(body, "0") if seed else adds(messages, body)
        mends = "Mend the first agent" in messages[-1]["content"]
        return (MENDED if mends else ODD).format(n=body["seed"])

    words = (*SEVERAL, "search.candidates=1", "author.drafts=1", "evaluate.racing=false")
    with CountingEndpoint(odd) as endpoint:
        assert cli.main(["run", *written_search(folder, endpoint, *words)]) == 0
        again = written_search(folder, endpoint, *words, "search.failing=all", "run.dir=other")
        assert cli.main(["run", *again]) == 0
    found = {r.agent.name: r for r in meta_search.open_run("run").agents() if r.author == "llm"}
    assert sorted(found) == ["Mended 0", "Odd 0"]
    outcomes = found["Odd 0"].evaluations["train"].outcomes
    assert outcomes["crash"] >= 2
    assert outcomes["ok"] >= 1
    assert found["Odd 0"].status != "partial"  # it works, and stays in the population
    assert found["Mended 0"].parents == (found["Odd 0"].agent.id,)
    assert [r.agent.name for r in meta_search.open_run("other").agents() if r.author == "llm"] == ["Odd 0"]
    assert_replays()


@pytest.mark.slow
def test_a_leak_is_heard_of_and_mended_in_the_conversation(folder: Path) -> None:
    questions = [f"A baker sells loaves twice. What is {a} + {b}?" for a in range(3, 15) for b in range(9)]

    def cheats(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        if body["model"] != "writer":
            return adds(messages, body)
        if "carries the question of a scored item" in messages[-1]["content"]:
            return MENDED.format(n="honest")
        return MENDED.format(n="cheat").replace("def forward", f"KNOWN = {questions!r}\n\n\ndef forward")

    with CountingEndpoint(cheats) as endpoint:
        words = written_search(folder, endpoint, *SEVERAL, "search.candidates=1")
        assert cli.main(["run", *words]) == 0
    archive = meta_search.open_run("run")
    assert [r.agent.name for r in archive.agents() if r.author == "llm"] == ["Mended honest"]
    assert [a.stage for a in archive.attempts()] == ["leak"]
    scored = [a.message for a in archive.attempts()]
    assert all("q-" not in message for message in scored)  # no id of an item
    assert_replays()


def member(name: str, kinds: str, seed: bool = False) -> Member:
    """A member with a result for each letter: right, wrong or crashed."""
    brief = Brief(0, "novel", "llm")
    found = Member(Candidate(Agent.of(name, f"x = {name!r}"), brief), seed, done=True)
    for n, kind in enumerate(kinds):
        outcome, score = {"r": ("ok", 1.0), "w": ("ok", 0.0), "c": ("crash", 0.0)}[kind]
        found.add(ItemResult(name, "train", f"i{n}", 0, outcome, score=score))  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("kinds", "best", "worth"),
    [
        ("rrrrrrrrcc", "", True),
        ("rrrrrrrrrc", "", False),  # one of ten
        ("rc", "", False),  # one fault may be chance
        ("rrcc", "rrrw", True),
        ("wwcc", "rrrr", False),  # could not beat the best one
        ("rrcc", "rrrr", False),
        ("rrrr", "rrrr", False),
        ("", "", False),
    ],
)
def test_which_agents_are_worth_mending(kinds: str, best: str, worth: bool) -> None:
    members, ours = Members(), member("ours", kinds)
    for one in (ours, *([member("best", best, seed=True)] if best else [])):
        members.add(one)
    assert faulty(ours, members) == worth


def test_the_best_of_a_brief_is_a_complete_one(folder: Path) -> None:
    members = Members()
    stopped, poor, good, twin = (
        member(n, k) for n, k in zip("abcd", ("rrr", "rww", "rrw", "rrr"), strict=True)
    )
    stopped.stopped, twin.same_as = "behind", "x"
    for one in (stopped, poor, good, twin):
        members.add(one)
    assert members.best_of(Brief(0, "novel", "llm")) is good
    broken, few = member("e", "ccc"), Members()
    for one in (broken, twin):
        few.add(one)
    assert few.best_of(Brief(0, "novel", "llm")) is twin  # it works: nothing is to be mended
