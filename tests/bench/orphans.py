"""The driver and its eight workers killed while the embedded model serves: what outlives them."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tests.bench.row import ROWS, NotYet, Row, family
from tests.bench.searches import agents, questions, start

MODEL, WORKERS, PATIENCE_S, GONE_S = "qwen2.5-coder-0.5b", 8, 180.0, 15.0


def measure(quick: bool) -> Row:
    """An evaluation with Ray and the 0.5B model; all its processes are looked for after the kill."""
    from meta_search.llm.models import find

    if find(MODEL) is None:
        raise NotYet(f"needs the embedded model: meta-search models pull {MODEL}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        overrides = [
            "domain=table",
            f"domain.path={questions(folder)}",
            "llm=local",
            f"llm.meta.model={MODEL}",
        ]
        overrides += [f"evaluate.workers={WORKERS}", "evaluate.items=50", "run.dir=run"]
        process = start(folder, "evaluate", [str(agents(folder)), *overrides])
        everyone = _answered(folder / "run" / "archive.db", process.pid)
        workers = [pid for pid in everyone if _command(pid).startswith("ray::")]
        server = [pid for pid in everyone if "meta_search.llm.local" in _command(pid)]
        _kill((*workers, process.pid))
        process.wait()
        began = time.monotonic()
        while (left := [p for p in everyone if _lives(p)]) and time.monotonic() - began < GONE_S:
            time.sleep(0.02)
        took = time.monotonic() - began
        _kill(left)
    return Row(
        *ROWS["orphans"],
        figure=f"{len(left)} of {len(everyone)}",
        ok=not left and len(workers) >= WORKERS and len(server) == 1,
        note=f"gone after {took:.1f} s, llama.cpp, {len(workers)} Ray workers and their sandboxes among them",
    )


def _answered(archive: Path, driver: int) -> list[int]:
    """All processes of the run once the model has answered a few calls."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        time.sleep(0.2)
        if archive.exists():
            with sqlite3.connect(f"file:{archive}?mode=ro", uri=True) as database:
                try:
                    (n,) = database.execute("SELECT COUNT(*) FROM calls WHERE state = 'done'").fetchone()
                except sqlite3.OperationalError:
                    continue
            if n >= 5:
                return family(driver)
    _kill((*family(driver), driver))
    raise NotYet(f"the embedded model answered nothing within {PATIENCE_S:g} s")


def _kill(processes: Iterable[int]) -> None:
    """Kill them; some end by themselves meanwhile, like a worker that Ray has no use for."""
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
