"""A search killed with SIGKILL and resumed: calls that were sent again although the ledger had them."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path

from tests.bench.endpoint import Endpoint
from tests.bench.row import ROWS, NotYet, Row, family
from tests.bench.searches import command, questions, start

KILLS = 3
AFTER_CALLS = 60  # more, each time
PATIENCE_S = 240.0


def measure(quick: bool) -> Row:
    """Kill it some times, resume it to its end, and compare what was sent with what the ledger held."""
    kills = 1 if quick else KILLS
    with tempfile.TemporaryDirectory() as name, Endpoint(0.05, 0.15) as endpoint:
        folder = Path(name)
        overrides = command(questions(folder), endpoint.base_url, "llm.cache=false", "run.dir=run")
        overrides += ["author=composer", "search.candidates=6", "evaluate.items=12", "evaluate.test_items=12"]
        verb, arguments = "run", overrides
        again = in_flight = 0
        for kill in range(kills + 1):
            before = _done(folder / "run") if kill else Counter()
            sent = endpoint.books().sent
            process = start(folder, verb, arguments)
            goal = endpoint.books().calls + AFTER_CALLS if kill < kills else None
            _wait(endpoint, process, goal, folder)
            # What was sent in this sitting beyond what the ledger came to hold anew in it.
            fresh = Counter(endpoint.books().sent) - Counter(sent)
            after = _done(folder / "run")
            again += sum((fresh - (after - before) - _reserved(folder / "run")).values())
            in_flight += sum(_reserved(folder / "run").values())
            verb, arguments = "resume", ["run"]
        calls = endpoint.books().calls
    return Row(
        *ROWS["resume"],
        figure=str(again),
        ok=again == 0,
        note=f"killed {kills} times in a search of {calls} calls; {in_flight} calls were in flight then",
    )


def _wait(endpoint: Endpoint, process: object, goal: int | None, folder: Path) -> None:
    """Until the endpoint saw `goal` calls, then kill everything; or until the process ended by itself."""
    import subprocess

    assert isinstance(process, subprocess.Popen)
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        if goal is not None and endpoint.books().calls >= goal:
            everyone = family(process.pid)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            while any(Path(f"/proc/{pid}").exists() for pid in everyone) and time.monotonic() < deadline:
                time.sleep(0.05)
            return
        time.sleep(0.02)
    if process.poll() != 0:
        process.kill()
        last = (folder / "output").read_text().strip().splitlines() or ["nothing"]
        raise NotYet(f"the search did not end well: {last[-1]}")


def _done(run: Path) -> Counter[str]:
    return _rows(run, "state = 'done'")


def _reserved(run: Path) -> Counter[str]:
    return _rows(run, "state = 'reserved'")


def _rows(run: Path, condition: str) -> Counter[str]:
    """Messages of the ledger's calls -> number of calls with them."""
    with sqlite3.connect(f"file:{run / 'archive.db'}?mode=ro", uri=True) as database:
        rows = database.execute(f"SELECT request FROM calls WHERE {condition}").fetchall()
    found: Counter[str] = Counter()
    for (packed,) in rows:
        request = json.loads(zlib.decompress(packed))
        found[json.dumps([list(message) for message in request["messages"]])] += 1
    return found
