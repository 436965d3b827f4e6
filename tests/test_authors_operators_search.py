"""Whole searches with `reflect`, `instruct` and `diagnose`: what is paid, and that they resume and replay."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.testing import CountingEndpoint
from tests.kits.answers import ADDITION, as_asked
from tests.kits.searches import assert_replays, run_killed, tables, written_search

HINT = "add up both numbers"
SEED = '''"""Adder"""


def forward(self, taskInfo):
    solver = LLMAgentBase(["answer"], "Solver", temperature=0.1)
    return solver([taskInfo], "Reply with only the number.")[0]
'''
EDIT = """Cause 1: it is not told what to do
Name: Edited {n}
Thought: told to add.
<<<<<<< SEARCH
"Reply with only
=======
"{hint} ({n}), reply with only
>>>>>>> REPLACE"""


def solves(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """Adds up small numbers, and more of them the more often it is told to."""
    asked = messages[-1]["content"]
    a, b = map(int, ADDITION.findall(asked)[-1])
    told = 4 * (HINT in asked) + 3 * ("twice" in asked)
    return as_asked(body, str(a + b if a + b < 6 + told else 0))


def writes(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """Every other instruction is no better."""
    if body["model"] != "writer":
        return solves(messages, body)
    asked, seed = messages[-1]["content"], body["seed"]
    if "numbered lines" in asked:
        return f"1. First {HINT} ({seed}).\n2. Please {HINT} twice.\n3. Be quick ({seed})."
    if "Cause 1" in asked:
        return EDIT.format(n=seed, hint=HINT)
    told = f"First {HINT} ({seed})" if seed % 2 else f"Be very quick ({seed})"
    return f"```\n{told}, then reply with only the number.\n```"


def words(folder: Path, endpoint: CountingEndpoint, operators: str, *more: str) -> list[str]:
    (folder / "adder.py").write_text(SEED)
    return written_search(
        folder,
        endpoint,
        *(f"search.operators=[{operators}]", f"search.seeds=[{folder}/adder.py]", "search.candidates=5"),
        *("author=llm", "author.reflexions=0", "author.debug_rounds=0", "author.formats=[edit,program]"),
        *("evaluate.racing=false", "domain.dealing=row", "evaluate.items=10", "run.dir=run", *more),
    )


def paid(endpoint: CountingEndpoint) -> dict[str, int]:
    """Requests for agents -> how often each was sent; those of baselines aside, all are of one seed."""
    counts: dict[str, int] = {}
    for request in endpoint.requests:
        if request.body["model"] == "solver":
            key = repr((request.body["messages"], request.body.get("seed"), request.body.get("temperature")))
            counts[key] = counts.get(key, 0) + 1
    return counts


@pytest.mark.slow
def test_a_search_that_reflects(folder: Path) -> None:
    with CountingEndpoint(writes) as endpoint:
        assert cli.main(["run", *words(folder, endpoint, "reflect")]) == 0
        counts = paid(endpoint)
    archive = meta_search.open_run("run")
    made = [r for r in archive.agents() if r.operator == "reflect"]
    dropped = [a for a in archive.attempts() if a.stage == "minibatch"]
    assert made
    assert dropped
    assert all(re.match(r"no gain: mean score 0\.\d\d on \d train items", a.message) for a in dropped)
    assert all(HINT in r.agent.source for r in made)
    assert {r.author for r in made} == {"llm"}
    # The race of a child pays for none of the items that it was tried on; nor does its parent pay again.
    [seed] = [r for r in archive.agents() if r.operator == "seed"]
    train = [r.trace[0].prompt.partition("\n\n")[0] for r in archive.results(seed.agent.id, "train")]
    on_train = [times for key, times in counts.items() if any(question in key for question in train)]
    assert len(on_train) >= len(train) * (1 + len(made)) + len(dropped)
    assert set(on_train) == {1}
    assert_replays()


@pytest.mark.slow
def test_a_search_that_instructs_and_tunes(folder: Path) -> None:
    with CountingEndpoint(writes) as endpoint:
        assert cli.main(["run", *words(folder, endpoint, "instruct,tune", "search.candidates=8")]) == 0
    archive = meta_search.open_run("run")
    made = [r for r in archive.agents() if r.operator == "instruct"]
    tuned = [r for r in archive.agents() if r.operator == "tune"]
    assert made
    assert {r.agent.source for r in tuned} & {r.agent.source for r in made}
    asked = [e.data["operator"] for e in archive.events("ask")]
    first = asked.index("instruct")
    assert asked[first:].count("tune") >= 3
    # The study chose among the instructions, so that one is found which is better than the first.
    chosen = {r.agent.values.get("instruction_1") for r in tuned}
    assert len(chosen) > 1
    assert_replays()


@pytest.mark.slow
def test_a_search_that_diagnoses(folder: Path) -> None:
    with CountingEndpoint(writes) as endpoint:
        assert cli.main(["run", *words(folder, endpoint, "diagnose", "search.candidates=3")]) == 0
    archive = meta_search.open_run("run")
    made = [r for r in archive.agents() if r.operator == "diagnose"]
    assert made
    assert all(r.thought == "told to add. Causes: it is not told what to do" for r in made)
    assert_replays()


@pytest.mark.slow
def test_a_search_by_all_of_them_goes_on_after_a_kill(folder: Path) -> None:
    operators = "reflect,instruct,diagnose,tune,novel"
    with CountingEndpoint(writes, latency_s=0.005) as endpoint:
        whole = words(folder, endpoint, operators, "search.in_flight=1", "search.candidates=7")
        assert cli.main(["run", *whole, "run.dir=whole"]) == 0
        calls = len(endpoint.requests)
    for share in (0.4, 0.7):
        with CountingEndpoint(writes, latency_s=0.005) as endpoint:
            again = words(folder, endpoint, operators, "search.in_flight=1", "search.candidates=7")
            run = f"run-{share}"
            run_killed(folder, endpoint, int(calls * share), "run", *again, f"run.dir={run}")
            assert cli.main(["resume", run]) == 0
        undisturbed, resumed = tables("whole"), tables(run)
        for name in resumed.keys() - {"events"}:  # these tell of the second session
            assert resumed[name] == undisturbed[name], f"{name} killed at {share}"
