"""Signals end a search as they ask: Ctrl-C once with a report, twice without; SIGTERM and a lost terminal."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

import meta_search
from meta_search import cli
from meta_search.compose import compose
from meta_search.engine.stopping import Stopping
from meta_search.run.journal import Recorder
from meta_search.run.progress import Progress
from meta_search.run.run import Run
from meta_search.run.signals import signals
from meta_search.testing import CountingEndpoint
from tests.kits.answers import adds_below
from tests.kits.processes import gone, until
from tests.kits.searches import assert_same, command, composed_search, replay

adds = adds_below(9)  # so that there is something to find out
LONG = ("search.candidates=30", "search.seeds=[direct,chain_of_thought]", "budget.wall_s=600")


def found_some(process: subprocess.Popen[str], evaluated: int = 4) -> str:
    """Read what a search prints until it has evaluated so many agents."""
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if read.count("right on 6 train items") >= evaluated:
            return read
    raise AssertionError(read)


def stops() -> list[str]:
    return [event.data["why"] for event in meta_search.open_run("run").events("stop")]


@pytest.mark.slow
def test_the_first_ctrl_c_ends_with_a_report_and_resume_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(adds, latency_s=0.02) as endpoint:
        words = composed_search(folder, endpoint, *LONG, "run.grace_s=20", "llm.mode=record")
        process = command(folder, "run", *words)
        try:
            found_some(process)
            process.send_signal(signal.SIGINT)
            began = time.monotonic()
            shown, _ = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == 3, shown
        assert time.monotonic() - began < 20
        assert "in flight, then the final report, within 20 s; Ctrl-C again to stop at once" in shown
        assert "fresh test items: " in shown.replace("\n", " ")
        assert "\n  meta-search resume run\n" in shown
        assert "\nreport: run/report.html\n" in shown
        assert stops() == ["finish"]
        archive = meta_search.open_run("run")
        assert archive.meta("status") == "stopped"
        tested = [r for r in archive.agents() if "test" in r.evaluations]
        assert {r.evaluations["test"].items for r in tested} == {6}
        # What was under way goes on, to another end and another report.
        before = {r.agent.id for r in archive.agents()}
        assert cli.main(["resume", "run"]) == 0
    assert stops() in (["finish", "nothing new"], ["finish", "candidates"])
    archive = meta_search.open_run("run")
    assert archive.meta("status") == "done"
    assert before < {r.agent.id for r in archive.agents()}
    assert replay() == 0
    assert_same("run", "again")


def test_nothing_is_reported_where_nothing_was_found(folder: Path) -> None:
    with CountingEndpoint(adds, latency_s=0.1) as endpoint:
        process = command(folder, "run", *composed_search(folder, endpoint, *LONG))
        try:
            endpoint.wait_for(2)
            process.send_signal(signal.SIGINT)
            shown, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 3, shown
    assert "stopped before the end; everything is saved. Go on with: meta-search resume run" in shown
    assert "search ended: stopped early, before an agent was found" in shown
    assert "report.html" not in shown
    assert not any("test" in r.evaluations for r in meta_search.open_run("run").agents())


@pytest.mark.slow
@pytest.mark.parametrize(
    "numbers",
    [
        [signal.SIGINT] * 2,
        pytest.param([signal.SIGTERM], marks=pytest.mark.slow),
        pytest.param([signal.SIGHUP], marks=pytest.mark.slow),
    ],
)
def test_a_second_ctrl_c_and_the_other_signals_stop_at_once(
    folder: Path, numbers: list[signal.Signals]
) -> None:
    """The endpoint never answers again: who waited for it would wait for the whole of the grace."""
    held = threading.Event()

    def latency(index: int) -> float:
        return 60.0 if held.is_set() else 0.01

    with CountingEndpoint(adds, latency_s=latency) as endpoint:
        words = composed_search(folder, endpoint, *LONG, "run.on_hangup=stop", "llm.timeout_s=3")
        process = command(folder, "run", *words)
        try:
            found_some(process)
            held.set()
            for number in numbers:
                process.send_signal(number)
                time.sleep(0.3)
            shown, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 3, shown
    assert stops() == ["signal"]
    assert meta_search.open_run("run").meta("status") == "stopped"


class Lost:
    """A command on a terminal that is lost.

    Args:
        folder: Where it is run.
        arguments: Of `meta-search`.
        before: Words before the command.
    """

    def __init__(self, folder: Path, *arguments: str, before: Sequence[str] = ()) -> None:
        self.pid, self._leader = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ |= {"PYTHONPATH": str(Path(meta_search.__file__).parents[1]), "TERM": "xterm"}
            words = [*before, sys.executable, "-P", "-m", "meta_search", *arguments]
            os.execvp(words[0], words)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):
            while os.read(self._leader, 4096):
                pass

    def lose(self) -> None:
        """Close the terminal: the kernel hangs up on its processes, and every further write fails."""
        os.close(self._leader)

    def status(self) -> int:
        """How the command ended."""
        assert until(lambda: gone(self.pid), 60)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "status", "ended", "reported"),
    [
        ("continue", 0, "candidates", True),
        pytest.param("auto", 3, "signal", False, marks=pytest.mark.slow),
    ],
)
def test_a_lost_terminal(folder: Path, policy: str, status: int, ended: str, reported: bool) -> None:
    """With standard input on the terminal a search stops, unless it is to go on; its log tells it all."""
    with CountingEndpoint(adds, latency_s=0.05) as endpoint:
        more = ("search.candidates=2", "search.seeds=[direct]", f"run.on_hangup={policy}")
        process = Lost(folder, "run", *composed_search(folder, endpoint, *more))
        endpoint.wait_for(3)
        process.lose()
        assert process.status() == status
    assert stops() == [ended]
    log = Path("run/log.txt").read_text()
    assert ("final report on fresh test items" in log) == reported
    assert ("Go on with: meta-search resume run" in log) != reported


@pytest.mark.slow
def test_an_evaluation_outlives_its_terminal_with_its_rows(folder: Path) -> None:
    source = "def forward(self, t):\n    return LLMAgentBase(['answer'], 'A')([t], 'Reply.')[0]\n"
    (folder / "mine.py").write_text(source)
    with CountingEndpoint(adds, latency_s=0.1) as endpoint:
        words = composed_search(folder, endpoint, "run.on_hangup=continue", "evaluate.per_worker=1")
        process = Lost(folder, "evaluate", "mine.py", *words, "--json", "rows.json")
        endpoint.wait_for(2)
        process.lose()
        assert process.status() == 0
    assert json.loads((folder / "rows.json").read_text())[0]["items"] == 6


@pytest.mark.slow
def test_nohup_goes_on(folder: Path) -> None:
    with CountingEndpoint(adds, latency_s=0.05) as endpoint:
        words = composed_search(folder, endpoint, "search.candidates=1", "search.seeds=[direct]")
        process = Lost(folder, "run", *words, before=["nohup"])
        endpoint.wait_for(3)
        process.lose()
        assert process.status() == 0
    assert (folder / "nohup.out").read_text().endswith("run folder: run\n")


INT, TERM = signal.SIGINT, signal.SIGTERM


@pytest.mark.parametrize(
    ("phase", "more", "numbers", "asked"),
    [
        ("search", (), [INT], "finish"),
        ("search", (), [INT, INT], "stop"),
        ("search", (), [INT, TERM], "stop"),
        ("search", (), [TERM], "stop"),
        ("search", (), [TERM, INT], "end"),
        ("search", (), [INT, INT, INT], "end"),
        ("search", ("run.grace_s=0",), [INT], "stop"),
        ("search", ("run.report_on_stop=true",), [TERM], "finish"),
        ("search", ("run.report_on_stop=true",), [signal.SIGHUP], "finish"),
        ("final", (), [INT], "finish"),
        ("final", (), [INT, INT], "end"),
        ("final", (), [TERM], "end"),
    ],
)
def test_what_signals_ask_for(
    tmp_path: Path, phase: str, more: Sequence[str], numbers: Sequence[signal.Signals], asked: str
) -> None:
    config = compose(more)
    progress = Progress(config, tmp_path, 0.0, live=False)
    progress.phase = phase
    stopping = Stopping(cast(Run, SimpleNamespace(config=config, progress=progress, journal=Recorder())), int)
    found = ""
    with signals(stopping.came):  # puts back what the last signal takes away
        try:
            for number in numbers:
                signal.raise_signal(number)
        except KeyboardInterrupt:
            found = "end"
    assert (found or ("stop" if stopping.now else "finish" if stopping.finishing else "")) == asked
    hurried = progress.time_left() <= config.run.grace_s
    assert hurried == (asked == "finish" or (numbers[0] == INT and not more))
