"""The engine on real searches against a scripted endpoint: stops, budgets, refusals, resume after kill -9."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from domains.domain import Item
from meta_search import cli
from meta_search.engine.briefs import in_thread
from meta_search.engine.context import keywords
from meta_search.testing import CountingEndpoint, Fault
from tests.bench import resume


def adds(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """Right on small sums, wrong on others, so that there is something to find out."""
    a, b = map(int, re.findall(r"What is (\d+) \+ (\d+)", messages[-1]["content"])[-1])
    wanted = (body.get("response_format") or {}).get("json_schema")
    text = str(a + b if a < 9 else 0)
    return json.dumps(dict.fromkeys(wanted["schema"]["properties"], text)) if wanted else text


def overrides(folder: Path, endpoint: CountingEndpoint, *more: str) -> list[str]:
    text = "A baker sells loaves twice. What is {} + {}?"
    rows = [{"question": text.format(a, b), "answer": str(a + b)} for a in range(3, 15) for b in range(9)]
    (folder / "sums.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return [
        "domain=table", f"domain.path={folder / 'sums.jsonl'}",
        "llm=endpoint", f"llm.base_url={endpoint.base_url}",
        "llm.meta.model=scripted", "llm.task.model=scripted", "evaluate.executor=inline", "author=composer",
        "evaluate.items=6", "evaluate.test_items=6", "run.dir=run", *more,
    ]  # fmt: skip


def test_keywords_tell_kinds_apart_and_are_no_part_of_other_words() -> None:
    items = [
        Item("1", "How many times does the letter a appear in apple?", "1", "letters"),
        Item("2", "How many times does the letter p appear in apple?", "2", "letters"),
        Item("3", "How many one bits are in 7? No letters please.", "3", "bits"),
        Item("4", "How many one bits are in 6? No letters please.", "2", "bits"),
    ]
    found = keywords(items)
    assert found.keys() == {"letters", "bits"}
    for item in items:
        here = [k for k, words in found.items() if all(w in item.question.lower() for w in words.split())]
        assert here == [item.kind]
    assert keywords(items[:2]) == {}


def test_a_thread_hands_on_results_and_errors() -> None:
    assert in_thread(lambda: 42).result(5) == 42
    with pytest.raises(ZeroDivisionError):
        in_thread(lambda: 1 / 0).result(5)


def test_a_budget_of_calls_is_never_exceeded_and_the_report_has_its_share(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(adds) as endpoint:
        words = overrides(folder, endpoint, "budget.calls=60", "search.seeds=[direct,chain_of_thought]")
        status = cli.main(["run", *words])
        assert endpoint.calls <= 60 + 1  # the check that the endpoint answers is no call of the run
    shown = capsys.readouterr().out
    assert status == 0, shown
    assert "fresh test items" in shown
    tested = [r for r in meta_search.open_run("run").agents() if "test" in r.evaluations]
    assert len(tested) >= 2
    assert len({r.evaluations["test"].items for r in tested}) == 1


def test_a_signal_ends_the_run_in_order_and_resume_goes_on(folder: Path) -> None:
    with CountingEndpoint(adds, latency_s=0.05) as endpoint:
        words = overrides(folder, endpoint, "search.candidates=4")
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "meta_search", "run", *words],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(Path(meta_search.__file__).parents[1])},
            stdout=subprocess.PIPE,
            text=True,
        )
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


def test_kill_9_and_resume_sends_no_call_again() -> None:
    row = resume.measure(quick=True)
    assert (row.figure, row.ok) == ("0", True), row


def test_agents_that_carry_scored_items_are_refused(folder: Path) -> None:
    """The llm author copies a train question into its agent: it must not be evaluated."""

    def cheats(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        asked = messages[-1]["content"]
        if "Reply with a line `Name" not in asked and "Look at it again" not in asked:
            return adds(messages, body)
        known = re.search(r"Wrong: (A baker.*?\?)", asked)
        question = known.group(1) if known else "A baker sells loaves twice. What is 11 + 2?"
        return (
            "Name: Cheat\nThought: knows.\n```python\ndef forward(self, taskInfo):\n"
            f"    if taskInfo.content == {question!r}: return '13'\n"
            "    return LLMAgentBase(['answer'], 'A')([taskInfo], '')[0]\n```"
        )

    with CountingEndpoint(cheats) as endpoint:
        words = overrides(folder, endpoint, "search.candidates=2", "search.seeds=[direct]", "author=llm")
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


def test_the_guide_is_told_every_brief(folder: Path) -> None:
    with CountingEndpoint(adds) as endpoint:
        assert cli.main(["run", *overrides(folder, endpoint, "search.candidates=3", "seed=5")]) == 0
    archive = meta_search.open_run("run")
    trials = archive.trials("briefs")
    assert [t.number for t in trials] == [0, 1, 2]
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
        assert cli.main(["run", *overrides(folder, endpoint), *more]) == 2
    error = capsys.readouterr().err.strip()
    assert error.count("\n") == 0
    assert error.startswith("meta-search: ")
    assert told in error


def test_an_evaluation_is_no_search_to_go_on_with(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine.py").write_text("def forward(self, taskInfo):\n    return 'no'\n")
    with CountingEndpoint(adds) as endpoint:
        assert cli.main(["evaluate", "mine.py", *overrides(folder, endpoint)]) == 0
    assert cli.main(["resume", "run"]) == 2
    assert "is an evaluation" in capsys.readouterr().err


def test_an_endpoint_that_refuses_every_request_ends_the_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = Fault("status", status=400, message="temperature is not supported")
    with CountingEndpoint(adds, faults=lambda index, body: fault) as endpoint:
        assert cli.main(["run", *overrides(folder, endpoint, "search.candidates=1")]) == 1
    assert "refuses every request" in capsys.readouterr().err
    results = meta_search.open_run("run").agents()
    assert not any(r.evaluations for r in results)
