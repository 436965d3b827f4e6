"""Runs that are killed with SIGKILL at random moments and gone on with: what they sent, what they knew."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.endpoint import Endpoint
from tests.bench.row import NotYet, family
from tests.bench.searches import start

__all__ = ["Killed", "run_killed", "run_whole"]

PATIENCE_S = 300.0
GONE_S = 15.0  # what the processes of a killed run get to end


@dataclass(frozen=True, slots=True)
class Killed:
    """What came of a run that was killed some times.

    Attributes:
        calls: Requests that the endpoint saw. kills: Times it was killed.
        again: Requests for calls that the ledger had an answer to.
        in_flight: Calls that were in flight at the kills, summed over them.
        repeats: Requests beyond one a call.
        left: Processes that outlived a kill.
    """

    calls: int
    kills: int
    again: int
    in_flight: int
    repeats: int
    left: int


def run_whole(folder: Path, verb: str, arguments: Sequence[str]) -> None:
    """A run that nobody disturbs.

    Raises:
        NotYet: It did not end well.
    """
    process = start(folder, verb, arguments)
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    _ended_well(folder, process)


def run_killed(
    folder: Path,
    endpoint: Endpoint,
    first: tuple[str, Sequence[str]],
    further: tuple[str, Sequence[str]],
    kills: int,
    calls_between: int,
) -> Killed:
    """Kill a run's driver some times, each time after some random number of calls, and let it end at last.

    Args:
        folder: Working directory; the run lies in `run` there.
        endpoint: Whom it asks, and nobody else does.
        first, further: Command and arguments that start the run, and that go on with it.
        kills: How often. calls_between: Most calls until the next one.
    """
    chance = random.Random(kills)
    again = in_flight = left = done_kills = 0
    before = endpoint.calls()
    for sitting in range(kills + 1):
        known, sent = _rows(folder / "run", "done"), Counter(endpoint.books().sent)
        process = start(folder, *(further if (folder / "run" / "archive.db").exists() else first))
        goal = endpoint.calls() + chance.randint(0, calls_between) if sitting < kills else None
        pause = chance.uniform(0, 0.2)
        survivors = _wait(endpoint, process, goal, pause, folder)
        done_kills += survivors is not None
        left += survivors or 0
        fresh = Counter(endpoint.books().sent) - sent
        settled, flying = _rows(folder / "run", "done") - known, _rows(folder / "run", "reserved")
        # Different agents ask the same: what was sent is compared as numbers of equal requests.
        again += (fresh - settled - flying).total()
        in_flight += flying.total() if sitting < kills else 0
        if survivors is None:
            break
    _ended_well(folder, process)
    calls = endpoint.calls() - before
    repeats = calls - _rows(folder / "run", "done").total()
    return Killed(calls, done_kills, again, in_flight, repeats, left)


def _wait(
    endpoint: Endpoint, process: subprocess.Popen[str], goal: int | None, pause_s: float, folder: Path
) -> int | None:
    """Until the endpoint saw `goal` calls and a pause has passed, then kill the driver.

    Returns:
        Processes of the run that outlived it; `None` if it ended by itself.
    """
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        if goal is not None and endpoint.calls() >= goal:
            time.sleep(pause_s)
            everyone = family(process.pid)
            process.kill()
            process.wait()
            end = time.monotonic() + GONE_S
            while (living := [pid for pid in everyone if _lives(pid)]) and time.monotonic() < end:
                time.sleep(0.02)
            return len(living)
        time.sleep(0.01)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return None


def _lives(pid: int) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return bool(fields) and fields[0] not in "ZX"


def _ended_well(folder: Path, process: subprocess.Popen[str]) -> None:
    if process.wait() != 0:
        last = (folder / "output").read_text().strip().splitlines() or ["nothing"]
        raise NotYet(f"the run did not end well: {last[-1]}")


def _rows(run: Path, state: str) -> Counter[str]:
    """Messages and seed of the ledger's calls in a state -> number of calls with them."""
    found: Counter[str] = Counter()
    if not (run / "archive.db").exists():
        return found
    with sqlite3.connect(f"file:{run / 'archive.db'}?mode=ro", uri=True) as database:
        try:
            rows = database.execute("SELECT request FROM calls WHERE state = ?", (state,)).fetchall()
        except sqlite3.OperationalError:  # killed before it had any tables
            return found
    for (packed,) in rows:
        request = json.loads(zlib.decompress(packed))
        found[json.dumps([[list(m) for m in request["messages"]], request["seed"]])] += 1
    return found
