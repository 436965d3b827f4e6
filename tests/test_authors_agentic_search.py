"""`author=agentic` in whole searches: natively and in words, on its budget, killed, resumed and replayed."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.testing import CountingEndpoint, EndpointFeatures, ToolReply
from tests.kits.searches import assert_replays, overrides, run_killed, written_search
from tests.kits.tool_models import AGENT, ToolModel, adds, everything, never

WORDS = (
    "author=agentic",
    "search.operators=[novel,mutate]",
    "search.seeds=[direct,chain_of_thought]",
    "search.candidates=2",
    "search.in_flight=1",
    "search.attempts=1",
    "run.dir=run",
)
MOODY = '''"""Sums of two numbers."""
import os, time

def items(split):
    first = ("examples", "train", "validation", "test").index(split) * 100
    return [(f"What is {n} + 3?", str(n + 3)) for n in range(first, first + 6)]

def score(item, answer):
    if answer == item.target:
        return 1
    return 0, f"SAID-{item.id}: not so\\nat " + str(time.perf_counter_ns()) + str(os.getpid())
'''
READS = 20  # steps of a brief that takes its time


def search(folder: Path, endpoint: CountingEndpoint, *more: str) -> list[str]:
    return written_search(folder, endpoint, *WORDS, *more)


def written(endpoint: CountingEndpoint) -> list[Any]:
    return [r for r in sorted(endpoint.requests, key=lambda r: r.index) if r.body["model"] == "writer"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "features",
    [
        EndpointFeatures(),
        EndpointFeatures(tools=False),
        EndpointFeatures(tools=False, schema=False),
        EndpointFeatures(ignores_tools=True),
    ],
    ids=["native", "by schema", "in words", "tools are dropped without a word"],
)
def test_a_search_with_every_tool(folder: Path, features: EndpointFeatures) -> None:
    with CountingEndpoint(ToolModel(everything), features=features) as endpoint:
        assert cli.main(["run", *search(folder, endpoint)]) == 0
    archive = meta_search.open_run("run")
    found = [r for r in archive.agents() if r.author == "agentic"]
    assert len(found) == 2, [a.message for a in archive.attempts()]
    assert all(r.agent.name.startswith("Adder") for r in found)
    failed = archive.attempts()
    assert [a.stage for a in failed] == ["check", "check"]
    talk = written(endpoint)[-1].body["messages"]
    told = "\n".join(str(m["content"]) for m in talk)
    for said in (
        "«direct»",
        "Call 1 by",
        "It says:",
        "of 2 right",
        "not taken (check)",
        "Nobody has written",
    ):
        assert said in told, said
    with sqlite3.connect("run/archive.db") as database:
        rows = database.execute("SELECT purpose, agent FROM calls WHERE agent LIKE 'brief-%'").fetchall()
    assert {purpose for purpose, _ in rows} == {"meta"}
    assert len({agent for _, agent in rows}) == 2
    shown = [row for row in archive.rows("calls", text=True) if str(row["agent"]).startswith("brief-")]
    assert '"tool": "trace"' in "\n".join(str(row["reply"]) for row in shown)
    assert any("Call 1 by" in m["content"] for row in shown for m in row["request"])
    assert_replays()


@pytest.mark.slow
def test_it_is_killed_and_goes_on_without_sending_a_call_again(folder: Path) -> None:
    def seen(endpoint: CountingEndpoint) -> list[str]:
        return [json.dumps(r.body, sort_keys=True) for r in written(endpoint)]

    with CountingEndpoint(ToolModel(everything), latency_s=0.01) as endpoint:
        verb = ["run", *search(folder, endpoint)]
        for calls in (16, 22, 34):
            run_killed(folder, endpoint, calls, *verb)
            verb = ["resume", "run"]
        assert cli.main(verb) == 0
        sent = seen(endpoint)
    with sqlite3.connect("run/archive.db") as database:
        (known,) = database.execute(
            "SELECT COUNT(*) FROM calls WHERE agent LIKE 'brief-%' AND author = 'meta agent'"
        ).fetchone()
    archive = meta_search.open_run("run")
    assert len(archive.events("resume")) == 3
    assert len({*sent}) == known - 2  # two prompts went to the task model
    assert len(sent) - len({*sent}) <= 3  # what was in flight when it was killed
    assert len([r for r in archive.agents() if r.author == "agentic"]) == 2
    assert_replays()


@pytest.mark.slow
def test_what_comes_meanwhile_changes_nothing_of_a_brief_that_is_resumed(folder: Path) -> None:
    """One brief reads for long; others hand in at once, and are evaluated before the kill and after it."""
    slow: list[int] = []

    def answer(messages: Any, body: Any) -> ToolReply | str:
        if body["model"] != "writer":
            return adds(messages, body)
        seed, step = body["seed"], sum(m["role"] == "assistant" for m in messages)
        slow.extend([seed] * (not slow))
        if seed == slow[0] and step < READS:
            return ToolReply((("list", {}), ("grep", {"pattern": "Solver", "where": "traces"})))
        source = AGENT.format(n=seed % 1000)
        return ToolReply((("hand_in", {"name": f"At once {seed}", "thought": "", "source": source}),))

    more = ("search.in_flight=2", "search.candidates=4", f"author.steps={READS + 1}")
    with CountingEndpoint(answer, latency_s=0.05) as endpoint:
        verb = ["run", *search(folder, endpoint, *more)]
        run_killed(folder, endpoint, 52, *verb)
        before = [r for r in written(endpoint) if r.body["seed"] != slow[0]]
        assert before  # somebody handed in meanwhile
        assert cli.main(["resume", "run"]) == 0
        sent = [json.dumps(r.body, sort_keys=True) for r in written(endpoint)]
        [*_, last] = [r.body["messages"] for r in written(endpoint) if r.body["seed"] == slow[0]]
    told = [m["content"].partition("\n\n[Left")[0] for m in last if m["role"] == "tool"]
    assert len(told) == 2 * READS
    assert len({*told}) == 2  # the same at every step
    assert "At once" not in told[0]
    assert len(sent) - len({*sent}) <= 2  # in flight at the kill
    assert len([r for r in meta_search.open_run("run").agents() if r.author == "agentic"]) == 4
    assert_replays()


@pytest.mark.slow
def test_the_budget_of_a_brief_holds_to_the_call(folder: Path) -> None:
    with CountingEndpoint(ToolModel(never)) as endpoint:
        words = search(folder, endpoint, "author.steps=5", "author.tries=3", "search.candidates=1")
        assert cli.main(["run", *words]) == 0
        meta = written(endpoint)
    assert len(meta) == 5
    told = meta[-1].body["messages"]
    results = [m["content"] for m in told if m["role"] == "tool"]
    assert [r.splitlines()[-1] for r in results] == [
        "[Left: 4 steps, 2 tries.]",
        "[Left: 3 steps, 1 tries.]",
        "[Left: 2 steps, 0 tries.]",
        "[Left: 1 step, 0 tries. This is the last one: hand in now.]",
    ]
    assert "each item costs a try: 1 are named, and 0 are left" in results[3]
    archive = meta_search.open_run("run")
    [record] = [r for r in archive.agents() if r.author == "agentic"]
    assert "Solver 2" in record.agent.source  # the last that was tried
    assert_replays()


def test_who_never_hands_in_and_never_tries_comes_to_nothing(folder: Path) -> None:
    def idles(step: int, told: str) -> Any:
        return (("list", {}),) if step % 2 else "Let me think."

    with CountingEndpoint(ToolModel(idles)) as endpoint:
        words = search(folder, endpoint, "author.steps=4", "search.give_up_after=2")
        cli.main(["run", *words])
        assert len(written(endpoint)) == 8
    attempts = meta_search.open_run("run").attempts()
    assert [a.message for a in attempts] == [
        "the 4 steps (author.steps) ended before an agent was handed in"
    ] * 2
    assert_replays()


@pytest.mark.slow
def test_the_budget_of_the_run_ends_it(folder: Path) -> None:
    with CountingEndpoint(ToolModel(everything)) as endpoint:
        words = search(folder, endpoint, "search.candidates=50", "budget.calls=60")
        cli.main(["run", *words])
        assert endpoint.calls <= 60
    assert [e.data["why"] for e in meta_search.open_run("run").events("stop")] == ["budget"]
    assert_replays()


@pytest.mark.slow
def test_folds_hide_items_and_agents(folder: Path) -> None:
    more = ("evaluate.folds=2", "search.candidates=3", "evaluate.items=4", "author.tries=6")
    with CountingEndpoint(ToolModel(everything)) as endpoint:
        assert cli.main(["run", *search(folder, endpoint, *more)]) == 0
        talks = [r.body for r in written(endpoint)]
    archive = meta_search.open_run("run")
    for event in archive.events("ask"):
        number = event.data["brief"]
        own = [b for b in talks if b["seed"] == event.data["seed"]]
        told = json.dumps(own[-1]["messages"])
        assert "scored on 4 train items" in told, number  # of eight
    assert_replays()


@pytest.mark.slow
def test_a_moody_scorer_replays_and_no_scored_item_but_those_of_train_is_shown(folder: Path) -> None:
    """What this scorer says of an answer is never the same twice."""
    (folder / "mine.py").write_text(MOODY)
    with CountingEndpoint(ToolModel(everything)) as endpoint:
        words = overrides(folder / "mine.py", endpoint, *WORDS, domain="python", meta="writer", task="solver")
        assert cli.main(["run", *words, "run.confirm=false"]) == 0
        told = "\n".join(json.dumps(r.body["messages"]) for r in written(endpoint))
    assert "> SAID-train-" in told
    for n in (*range(200, 206), *range(300, 306)):
        assert f"What is {n} + 3" not in told
    assert "SAID-validation" not in told
    assert "SAID-test" not in told
    chances = [c for e in meta_search.open_run("run").events("delivery") for c in e.data.get("chances", ())]
    assert {c[0] for c in chances} == {"said"}  # of what was tried
    assert_replays()


CRASHES = """def forward(self, taskInfo):
    answer = LLMAgentBase(["thinking", "answer"], "Solver")([taskInfo], "Reply with the number.")
    if answer[0].content == answer[1].content:
        raise ValueError(f"no thought in {object()} at {id(answer)}")
    return answer[1]
"""


@pytest.mark.slow
def test_a_crash_that_says_an_address_replays(folder: Path) -> None:
    """The agent crashes outside the dry run alone, each time with other words."""

    def crashes(step: int, told: str) -> Any:
        source = AGENT.format(n=len(told) % 97)
        script: list[Any] = [
            (("try", {"source": CRASHES, "items": ["1", "2"]}),),
            (("list", {}),),
            (("hand_in", {"name": "Adder", "thought": "adds", "source": source}),),
        ]
        return script[step] if step < len(script) else "I am at a loss."

    with CountingEndpoint(ToolModel(crashes)) as endpoint:
        assert cli.main(["run", *search(folder, endpoint, "search.candidates=1")]) == 0
        told = str(written(endpoint)[-1].body["messages"])
    assert "ValueError: no thought in <object object at 0x" in told
    assert_replays()


@pytest.mark.slow
def test_hostile_calls_harm_nothing(folder: Path) -> None:
    """Halves of characters, zeros, escapes, long and deep texts, paths and SQL, many in a reply."""
    nasty = [
        "\ud800",
        "a\x00b",
        "\x1b[31m",
        "x" * 5_000,
        "(" * 2_000,
        "../../etc/passwd",
        "'; DROP TABLE agents",
    ]

    def attacks(step: int, told: str) -> Any:
        source = AGENT.format(n=len(told) % 97)
        wild = [source.replace("Solver", text) for text in nasty]
        script: list[Any] = [
            [("show", {"agent": text}) for text in nasty] + [("\ud800", {"\ud800": 1}), ("list", "\ud800")],
            [("grep", {"pattern": text}) for text in nasty] + [("trace", {"agent": "%", "item": "*"})],
            [("ask", {"prompt": text}) for text in nasty],
            [("try", {"source": text, "items": [text]}) for text in nasty],
            [("try", {"source": text, "items": ["1"]}) for text in wild],
            [("hand_in", {"name": text, "thought": text, "source": text}) for text in nasty],
            [("hand_in", {"name": nasty[0] + nasty[1] + nasty[2], "thought": nasty[3], "source": source})],
        ]
        return script[step] if step < len(script) else "I am at a loss."

    with CountingEndpoint(ToolModel(attacks)) as endpoint:
        assert cli.main(["run", *search(folder, endpoint, "search.candidates=1")]) == 0
        assert len(written(endpoint)) == 7
    archive = meta_search.open_run("run")
    [record] = [r for r in archive.agents() if r.author == "agentic"]
    assert record.agent.name.isprintable()
    assert len(record.thought) <= 1000
    assert len(archive.attempts()) == len(nasty)
    assert_replays()
