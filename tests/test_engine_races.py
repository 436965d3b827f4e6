"""Agents that do the same on all train items are one: in population, finalists, resume and replay."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from archive.records import Record
from meta_search import cli
from meta_search.guide.worth import VALUE_OF_NOTHING
from meta_search.testing import CountingEndpoint
from tests.kits.answers import adds_below
from tests.kits.author_contexts import SOURCES
from tests.kits.searches import assert_replays, cut_behind, tables, written_search

solves = adds_below(9)
WORDS = (
    *("author=llm", "author.formats=[program]", "author.reflexions=0", "search.operators=[novel]"),
    *("search.seeds=[direct]", "search.in_flight=1", "search.prior=false", "run.dir=run"),
)
SAME = """def forward(self, taskInfo):
    idle{n} = word{n} = "nobody reads {n}"
    return LLMAgentBase(["answer"], "Solver {n}")([taskInfo], "Reply with only the number.")[0]"""
OTHER = """def forward(self, taskInfo):
    answer = LLMAgentBase(["answer"], "Solver")([taskInfo], "Reply with only the number.")[0].content
    return answer if answer != "0" else "none" """


def writes(*sources: str) -> Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], str]:
    """A meta model that writes these agents in turn, all under one name; and solves sums."""
    left = itertools.cycle(enumerate(sources))

    def answer(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        if body["model"] != "writer":
            return solves(messages, body)
        number, source = next(left)
        return f"Name: Agent\nThought: {number}.\n```python\n{source.replace('{n}', str(number))}\n```"

    return answer


def found(run: str = "run") -> list[Record]:
    with meta_search.open_run(run) as archive:
        return [r for r in archive.agents() if r.operator == "novel"]


@pytest.mark.parametrize("cache", ["true", pytest.param("false", marks=pytest.mark.slow)])
def test_agents_that_do_the_same_are_counted_once(
    folder: Path, capsys: pytest.CaptureFixture[str], cache: str
) -> None:
    with CountingEndpoint(writes(SAME, SAME, OTHER, SAME)) as endpoint:
        more = ("search.candidates=4", f"llm.cache={cache}", "evaluate.racing=false")
        assert cli.main(["run", *written_search(folder, endpoint, *WORDS, *more)]) == 0
        train = [r.body["messages"][-1]["content"] for r in endpoint.requests if r.body["model"] == "solver"]
    shown = capsys.readouterr().out
    first, second, other, third = found()
    assert [r.agent.name for r in found()] == ["Agent", "Agent 2", "Agent 3", "Agent 4"]
    assert [r.same_as for r in found()] == ["", first.agent.id, "", first.agent.id]
    assert [r.status for r in (second, third)] == ["duplicate"] * 2
    assert {first.status, other.status} <= {"finalist", "population"}
    told = "behaves as «Agent» on all 6 train items: counted once"
    assert f"«Agent 2» {told}" in shown
    assert (second.evaluations["train"].stopped, second.evaluations["train"].complete) == (told, False)
    assert {*second.evaluations, *third.evaluations} == {"train"}  # neither validated nor tested
    assert set(first.evaluations) == {"train", "validation", "test"}
    with meta_search.open_run("run") as archive:
        values = {t.agent: t.values for t in archive.trials("briefs")}
        assert values[second.agent.id] == values[third.agent.id] == (VALUE_OF_NOTHING,)
    if cache == "true":  # the ledger had all answers
        assert [second.evaluations["train"].paid.calls, third.evaluations["train"].paid.calls] == [0, 0]
        assert train
    assert_replays()
    capsys.readouterr()
    assert cli.main(["archive", "list", "run", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["Agent 2"]["same_as"] == first.agent.id


@pytest.mark.slow
def test_a_seed_stands_for_an_agent_that_was_found_before_it(folder: Path) -> None:
    """The third seed is evaluated after the first brief, which comes to the same."""
    copied = SOURCES["chain_of_thought"].replace("    return answer", "    unused = {n}\n    return answer")
    with CountingEndpoint(writes(copied)) as endpoint:
        more = ("search.seeds=[direct,program_of_thought,chain_of_thought]", "search.candidates=1")
        words = written_search(folder, endpoint, *WORDS, *more, "evaluate.racing=false")
        assert cli.main(["run", *words]) == 0
    with meta_search.open_run("run") as archive:
        seed = archive.record("chain_of_thought")
        races = [e.data for e in archive.events("race") if e.data.get("same_as")]
    [copy] = found()
    assert (copy.status, copy.same_as, seed.status) == ("duplicate", seed.agent.id, "seed")
    assert [(race["agent"], race["same_as"]) for race in races] == [(copy.agent.id, seed.agent.id)]
    assert "test" not in copy.evaluations
    assert_replays()


@pytest.mark.slow
def test_what_was_counted_once_is_after_a_resume(folder: Path) -> None:
    """As after `kill -9` once the first of two that do the same is told of: what came later has no events."""
    with CountingEndpoint(writes(SAME, SAME, OTHER)) as endpoint:
        words = written_search(folder, endpoint, *WORDS, "search.candidates=3", "evaluate.racing=false")
        assert cli.main(["run", *words]) == 0
        whole = tables("run")
        first, second, _ = found()
        with meta_search.open_run("run") as archive:
            tells = [e.seq for e in archive.events("tell")]
        for kept in tells[:2]:
            assert cli.main(["resume", cut_behind(kept)]) == 0
            again = tables(f"cut{kept}")
            for name in ("agents", "edges", "trials", "evaluations"):
                assert again[name] == whole[name], (kept, name)
    assert ("same", first.agent.id) in {(kind, parent) for parent, _, kind in whole["edges"]}
    assert second.same_as == first.agent.id


# -- races that pause and go on


SLOWLY = ("evaluate.items=12", "evaluate.block=4", "search.seeds=[direct,chain_of_thought]")
NEVER = '''def forward(self, taskInfo):
    LLMAgentBase(["answer"], "Solver {n}")([taskInfo], "Reply with only the number.")
    return "no idea {n}"'''
RIGHT = """def forward(self, taskInfo):
    names = "{n}"
    numbers = [int(w.strip("?")) for w in taskInfo.content.split() if w.strip("?").isdigit()]
    LLMAgentBase(["answer"], "Solver {n}")([taskInfo], "Reply with only the number.")
    return str(sum(numbers))"""
MOSTLY = RIGHT.replace("return str", 'return "many" if numbers[0] == 5 else str')


def paused_search(folder: Path, endpoint: CountingEndpoint, *more: str) -> list[str]:
    """Four candidates, one at a time; seeds seldom are right."""
    return written_search(folder, endpoint, *WORDS, *SLOWLY, "search.candidates=4", *more)


def test_who_has_low_odds_pauses_frees_its_place_and_stays_in_the_archive(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(writes(RIGHT, MOSTLY, NEVER, OTHER)) as endpoint:
        assert cli.main(["run", *paused_search(folder, endpoint)]) == 0
    shown = capsys.readouterr().out
    with meta_search.open_run("run") as archive:
        [never] = [r for r in archive.agents() if "no idea" in r.agent.source]
        ends = [e.data for e in archive.events("race") if e.data["agent"] == never.agent.id]
        told = {t.agent: t.values for t in archive.trials("briefs")}
    evaluation = never.evaluations["train"]
    assert never.status == "paused"
    assert not evaluation.complete
    assert evaluation.items < 12
    assert evaluation.stopped.startswith("paused: ")
    assert evaluation.stopped == "paused: cannot reach the top 2, even with all other items right"
    assert f"; {evaluation.stopped}" in shown
    assert shown.count("who pauses is looked at again before the finalists are chosen") == 1
    assert 0.0 <= ends[-1]["expected"] < 0.5
    assert never.agent.id in told
    assert_replays()
    capsys.readouterr()
    assert cli.main(["archive", "list", "run", "--json"]) == 0
    rows = {row["agent"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows[never.agent.id]["status"] == "paused"
    assert cli.main(["archive", "show", "run", never.agent.id]) == 0
    assert f"not complete: {evaluation.stopped}" in capsys.readouterr().out


@pytest.mark.slow
def test_what_paused_does_after_a_resume(folder: Path) -> None:
    """As after `kill -9` behind the plan of a look, and where one is taken up: the end is the same.

    Two do the same, so that a place among the finalists is left for those that pause.
    """
    with CountingEndpoint(writes(RIGHT, NEVER, OTHER, RIGHT.replace("Solver", "Adder"))) as endpoint:
        assert cli.main(["run", *paused_search(folder, endpoint)]) == 0
        whole = tables("run")
        with meta_search.open_run("run") as archive:
            races = [e for e in archive.events("race") if e.data["split"] == "train"]
        ended = {e.data["agent"] for e in races if "expected" in e.data}
        plans = [e.seq for e in races if e.data["agent"] in ended and "to" in e.data]
        taken_up = [s for s in plans if any(e.seq < s and "expected" in e.data for e in races)]
        assert {r.status for r in found()} >= {"finalist", "duplicate"}
        for kept in (plans[1], taken_up[-1]):
            assert cli.main(["resume", cut_behind(kept)]) == 0
            again = tables(f"cut{kept}")
            for name in ("agents", "evaluations", "trials"):
                assert again[name] == whole[name], (kept, name)
