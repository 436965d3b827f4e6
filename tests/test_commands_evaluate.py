"""`meta-search evaluate`: rows with hints, one agent after the other, and what comes of being cut short."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.commands import evaluate as evaluating
from meta_search.commands.agents import read_agents
from meta_search.testing import CountingEndpoint, Fault
from tests.kits.searches import command, overrides, write_table

ASK = "def forward(self, taskInfo):\n    return LLMAgentBase(['answer'], 'A')([taskInfo], 'Say 1.')[0]\n"
CRASH = "def forward(self, taskInfo):\n    LLMAgentBase(['answer'], 'A')([taskInfo])\n    return 1 / 0\n"
ITEMS = 5


@pytest.fixture
def files(folder: Path) -> Path:
    """A domain of sums, and an ADAS archive with two agents of which one crashes and one stands twice."""
    write_table(folder / "sums.csv", ((f"What is {a} + 1?", str(a + 1)) for a in range(60)))
    entries = [("asks", ASK), ("crashes", CRASH), ("asks again", ASK)]
    (folder / "agents.json").write_text(json.dumps([{"name": n, "code": c} for n, c in entries]))
    return folder


@pytest.fixture
def endpoint() -> Iterator[CountingEndpoint]:
    with CountingEndpoint(lambda messages, body: "1") as endpoint:
        yield endpoint


def words(endpoint: CountingEndpoint, *more: str) -> list[str]:
    return overrides("sums.csv", endpoint, f"evaluate.items={ITEMS}", f"domain.sizes.test={ITEMS}", *more)


def rows_of(path: str = "rows.json") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(Path(path).read_text())
    return rows


@pytest.mark.slow
def test_macro_f1_stands_beside_the_score_where_labels_are_compared(
    files: Path, endpoint: CountingEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(files / "sums.csv", ((f"Is {n} odd?", "01"[n % 2]) for n in range(60)))
    labels = words(endpoint, "domain.matcher=labels")
    assert cli.main(["evaluate", "agents.json", *labels, "--json", "rows.json"]) == 0
    asks, crashes, _ = rows_of()
    right = asks["score"]  # it says 1 to all: of that label F1 is 2p / (1 + p), of the other 0
    assert 0 < right < 1
    assert asks["measures"] == {"macro_f1": pytest.approx(right / (1 + right))}
    assert crashes["measures"] == {"macro_f1": 0}
    shown = capsys.readouterr().out
    assert "macro" in shown
    assert f"{100 * right / (1 + right):.1f}" in shown


def test_rows_are_in_input_order_and_faults_come_with_what_mends_them(
    files: Path, endpoint: CountingEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evaluate", "agents.json", *words(endpoint), "--json", "rows.json"]) == 0
    rows = rows_of()
    assert [row["name"] for row in rows] == ["asks", "crashes", "asks"]
    assert [row["items"] for row in rows] == [ITEMS] * 3
    assert [row["complete"] for row in rows] == [True] * 3
    assert endpoint.calls == 2 * ITEMS  # the agent that stands twice runs once
    assert rows[1]["outcomes"] == {"crash": ITEMS}
    assert rows[1]["measures"] == {}
    hint = rows[1]["hint"]
    assert hint.startswith(f"{ITEMS} of {ITEMS} items: crash: ZeroDivisionError")
    assert "(line 3: `return 1 / 0`); the divisor may be 0" in hint
    assert rows[0]["hint"] == ""
    shown = capsys.readouterr().out
    assert f"crashes: {hint}" in shown
    assert "2 of 2 agents evaluated" in shown
    assert "estimate: about 10 calls" in shown
    assert cli.main(["archive", "show", "latest", "crashes"]) == 0
    assert hint in capsys.readouterr().out
    assert cli.main(["archive", "show", "latest", "crashes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["evaluations"]["test"]["hint"] == hint


@pytest.mark.parametrize("limit", ["budget.calls=7", "budget.tokens=450"])
def test_the_end_of_the_budget_is_status_3_with_everything_saved(
    files: Path, endpoint: CountingEndpoint, capsys: pytest.CaptureFixture[str], limit: str
) -> None:
    more = words(endpoint, limit, "llm.max_tokens=8", "llm.max_concurrency=1")
    more += [
        "evaluate.workers=1",
        "evaluate.per_worker=1",
    ]  # one item after the other, however busy the machine
    arguments = ["evaluate", "agents.json", *more, "--json", "rows.json"]
    assert cli.main(arguments) == 3
    shown = capsys.readouterr().out
    assert re.search(rf"cut short: {limit} (is used up|has no room for the next call)", shown)
    rows = rows_of()
    assert [row["complete"] for row in rows] == [True, False, True]
    assert rows[0]["items"] == ITEMS
    assert 0 < rows[1]["items"] < ITEMS
    archive = meta_search.open_run("latest")
    assert archive.meta("status") == "cut short"
    [half] = [r for r in archive.agents() if r.agent.name == "crashes"]
    assert half.evaluations["test"].items == rows[1]["items"]
    assert not half.evaluations["test"].complete


def test_a_budget_of_nothing_says_so(
    files: Path, endpoint: CountingEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", "agents.json", *words(endpoint, "budget.calls=0"), "--json", "rows.json"]
    assert cli.main(arguments) == 3
    assert [(row["score"], row["complete"]) for row in rows_of()] == [(None, False)] * 3
    assert endpoint.calls == 0


def slow_from_3(index: int) -> float:
    """Seconds: what was answered before has been scored by then."""
    return 2.0 if index >= 3 else 0.0


def archived_items() -> int:
    records = meta_search.open_run("latest").agents()
    return sum(e.items for record in records for e in record.evaluations.values())


@pytest.mark.slow
def test_the_first_ctrl_c_lets_items_in_flight_finish_and_begins_none(files: Path) -> None:
    with CountingEndpoint(lambda messages, body: "1", latency_s=0.5) as endpoint:
        more = words(endpoint, "evaluate.per_worker=2", "run.grace_s=20")
        process = command(files, "evaluate", "agents.json", *more, "--json", "rows.json")
        endpoint.wait_for(2)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
        assert endpoint.calls == 2
    assert process.returncode == 3, out
    assert "stopping: finishing what is in flight, within 20 s; Ctrl-C again to stop at once" in out
    assert sum(row["items"] for row in rows_of()[:2]) == archived_items() == 2
    assert meta_search.open_run("latest").meta("status") == "cut short"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_status_3_with_everything_saved(files: Path, root: Path, number: signal.Signals) -> None:
    agents = [
        {"name": "silent", "code": "def forward(self, t):\n    return '1'\n"},
        {"name": "asks", "code": ASK},
    ]
    Path("two.json").write_text(json.dumps(agents))
    with CountingEndpoint(lambda messages, body: "1", latency_s=2.0) as endpoint:
        process = subprocess.Popen(
            [sys.executable, "-m", "meta_search", "evaluate", "two.json", *words(endpoint),
             "--json", "rows.json", "llm.max_concurrency=1", "run.grace_s=0"],
            env={**os.environ, "PYTHONPATH": str(root)}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        endpoint.wait_for(1)
        assert process.stdout is not None
        assert any("1 of 2 agents evaluated" in line for line in iter(process.stdout.readline, ""))
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 3, out
    assert "cut short: stopped by a signal; what was evaluated is saved" in out
    assert [(row["items"] == ITEMS, row["complete"]) for row in rows_of()] == [(True, True), (False, False)]
    assert endpoint.calls < ITEMS  # what queued is not sent any more
    assert archived_items() == sum(row["items"] for row in rows_of())
    assert meta_search.open_run("latest").meta("status") == "cut short"


@pytest.mark.slow
def test_an_endpoint_that_goes_away_fails_the_run_and_keeps_what_there_is(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def faults(index: int, _: object) -> Fault | None:
        return Fault("status", 401, message="this key was withdrawn") if index >= 3 else None

    with CountingEndpoint(lambda messages, body: "1", faults=faults, latency_s=slow_from_3) as endpoint:
        more = words(endpoint, "llm.max_concurrency=1")
        assert cli.main(["evaluate", "agents.json", *more]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "what was evaluated is saved in runs/" in line
    assert "resume" not in line
    assert archived_items() == 3


@pytest.mark.slow
def test_a_large_file_runs_through_a_small_window(
    files: Path, endpoint: CountingEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory holds the window and the best agents' results, whatever the number of agents."""
    monkeypatch.setattr(evaluating, "WINDOW", 4)
    most: list[int] = []
    finish = evaluating.EvaluationRun._finish

    def watched(self: evaluating.EvaluationRun, member: Any) -> None:
        finish(self, member)
        most.append(len(self._running) + sum(bool(m.results) for m in self._best))

    monkeypatch.setattr(evaluating.EvaluationRun, "_finish", watched)
    many = [{"name": f"a{n}", "code": ASK.replace("Say 1.", f"Say {n}.")} for n in range(40)]
    Path("many.json").write_text(json.dumps(many))
    rows = meta_search.evaluate("many.json", *words(endpoint))
    assert [row["name"] for row in rows] == [f"a{n}" for n in range(40)]
    assert all(row["items"] == ITEMS and row["complete"] for row in rows)
    assert len(most) == 40
    assert max(most) <= evaluating.MOST_ROWS + 4


def test_an_agents_file_may_begin_with_a_byte_order_mark(folder: Path) -> None:
    """Some editors write one: it is no part of the agent, and none of its identity."""
    (folder / "marked.py").write_text("\ufeff" + ASK, encoding="utf-8")
    (folder / "plain.py").write_text(ASK, encoding="utf-8")
    (marked,), (plain,) = read_agents("marked.py"), read_agents("plain.py")
    assert (marked.agent.id, marked.agent.source) == (plain.agent.id, ASK)


def test_a_prompt_in_a_text_file_is_evaluated_as_an_agent_of_one_call(folder: Path) -> None:
    (folder / "prompt.md").write_text("Add: {question}\n")
    (found,) = read_agents("prompt.md")
    assert found.agent.name == "prompt"
    assert 'PROMPT = """Add: {question}"""' in found.agent.source
