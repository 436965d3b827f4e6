"""The engine on real searches against a scripted endpoint: stops, budgets, refusals, resume after kill -9."""

from __future__ import annotations

import re
import signal
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.testing import CountingEndpoint, Fault
from tests.bench import resume
from tests.kits.answers import adds_below
from tests.kits.searches import command, composed_search

adds = adds_below(9)  # so that there is something to find out


def test_a_budget_of_calls_is_never_exceeded_and_the_report_has_its_share(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(adds) as endpoint:
        words = composed_search(folder, endpoint, "budget.calls=60", "search.seeds=[direct,chain_of_thought]")
        status = cli.main(["run", *words])
        assert endpoint.calls <= 60 + 1  # the check that the endpoint answers is no call of the run
    shown = capsys.readouterr().out
    assert status == 0, shown
    assert "fresh test items" in shown
    tested = [r for r in meta_search.open_run("run").agents() if "test" in r.evaluations]
    assert len(tested) >= 2
    assert len({r.evaluations["test"].items for r in tested}) == 1


@pytest.mark.slow
def test_a_signal_ends_the_run_in_order_and_resume_goes_on(folder: Path) -> None:
    with CountingEndpoint(adds, latency_s=0.05) as endpoint:
        words = composed_search(folder, endpoint, "search.candidates=4")
        process = command(folder, "run", *words)
        try:
            endpoint.wait_for(20)
            process.send_signal(signal.SIGTERM)
            shown, _ = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == 3, shown
        assert "meta-search resume" in shown
        assert cli.main(["resume", "run"]) == 0
    archive = meta_search.open_run("run")
    assert archive.meta("status") == "done"
    assert any("test" in r.evaluations for r in archive.agents())


@pytest.mark.parametrize(
    "executor", ["inline", pytest.param("ray", marks=[pytest.mark.ray, pytest.mark.slow])]
)
def test_kill_9_and_resume_sends_no_call_again(executor: str) -> None:
    row = resume.measure(True, f"evaluate.executor={executor}")
    assert (row.figure, row.ok) == ("0", True), row


def test_agents_that_carry_scored_items_are_refused(folder: Path) -> None:
    """The llm author copies a train question into its agent: it must not be evaluated."""

    def cheats(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        asked = messages[-1]["content"]
        if not any("Reply with a line `Name" in message["content"] for message in messages):
            return adds(messages, body)
        known = re.search(r"^Item 1 .*?\n> (A baker.*?\?)", asked, re.DOTALL | re.MULTILINE)
        question = known.group(1) if known else "A baker sells loaves twice. What is 11 + 2?"
        return (
            "Name: Cheat\nThought: knows.\n```python\ndef forward(self, taskInfo):\n"
            f"    if taskInfo.content == {question!r}: return '13'\n"
            "    return LLMAgentBase(['answer'], 'A')([taskInfo], '')[0]\n```"
        )

    with CountingEndpoint(cheats) as endpoint:
        words = composed_search(
            folder, endpoint, "search.candidates=2", "search.seeds=[direct]", "author=llm"
        )
        status = cli.main(
            ["run", *words, "search.operators=[novel]", "author.formats=[program]", "author.reflexions=0"]
        )
    assert status == 0
    archive = meta_search.open_run("run")
    assert all(record.agent.name != "Cheat" or "13" not in record.agent.source for record in archive.agents())
    with sqlite3.connect(Path("run") / "archive.db") as database:
        stages = [row[0] for row in database.execute("SELECT stage FROM attempts")]
    assert stages
    assert set(stages) <= {"leak", "duplicate"}
    assert "leak" in stages


@pytest.mark.slow
def test_the_guide_is_told_every_brief(folder: Path) -> None:
    with CountingEndpoint(adds) as endpoint:
        assert cli.main(["run", *composed_search(folder, endpoint, "search.candidates=3", "seed=5")]) == 0
    archive = meta_search.open_run("run")
    trials = archive.trials("briefs")
    assert [t.number for t in trials] == list(range(len(trials)))
    assert len(trials) >= 3  # those that come to nothing do not count
    assert all(t.values is not None for t in trials)
    asked = [e.data["brief"] for e in archive.events("ask")]
    told = [e.data["brief"] for e in archive.events("tell")]
    assert asked == sorted(asked) == sorted(told)
    assert time.time() - archive.agents()[0].created < 600


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["llm.base_url=http://127.0.0.1:9/v1"], "nothing answers at llm.base_url"),
        (["llm.api_key_env=NO_SUCH_KEY"], "NO_SUCH_KEY"),
        (["search.operators=[foo]"], "search.operators: unknown name foo"),
        (["search.seeds=[foo]"], "no seed is named foo"),
        (["author.formats=[foo]"], "author.formats: unknown name foo"),
        (["domain.path=nowhere.jsonl"], "nowhere.jsonl"),
        (["llm.mode=replay"], "llm.mode=replay"),
        (["llm=local", "llm.base_url=http://127.0.0.1:9/v1"], "llm.base_url needs llm=endpoint"),
        (["evaluate.workers=-1"], "evaluate.workers=-1"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    folder: Path, capsys: pytest.CaptureFixture[str], more: list[str], told: str
) -> None:
    with CountingEndpoint(adds) as endpoint:
        assert cli.main(["run", *composed_search(folder, endpoint), *more]) == 2
    error = capsys.readouterr().err.strip()
    assert error.count("\n") == 0
    assert error.startswith("meta-search: ")
    assert told in error


def test_an_evaluation_is_no_search_to_go_on_with(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine.py").write_text("def forward(self, taskInfo):\n    return 'no'\n")
    with CountingEndpoint(adds) as endpoint:
        assert cli.main(["evaluate", "mine.py", *composed_search(folder, endpoint)]) == 0
    assert cli.main(["resume", "run"]) == 2
    assert "is an evaluation" in capsys.readouterr().err


def test_an_endpoint_that_refuses_every_request_ends_the_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = Fault("status", status=400, message="temperature is not supported")
    with CountingEndpoint(adds, faults=lambda index, body: fault) as endpoint:
        assert cli.main(["run", *composed_search(folder, endpoint, "search.candidates=1")]) == 1
    assert "refuses every request" in capsys.readouterr().err
    results = meta_search.open_run("run").agents()
    assert not any(r.evaluations for r in results)
