"""From `meta-search run` to the first item being evaluated: its first call reaches the endpoint."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.bench.endpoint import Endpoint
from tests.bench.row import ROWS, NotYet, Row
from tests.bench.searches import command, questions, start

LIMITS_S = {"ray": 20.0, "inline": 12.0}
PATIENCE_S = 120.0


def measure(quick: bool) -> Row:
    """The whole command in a fresh process, once with each executor (median of three unless quick)."""
    took = {name: sorted(_first(name) for _ in range(1 if quick else 3)) for name in LIMITS_S}
    medians = {name: times[len(times) // 2] for name, times in took.items()}
    return Row(
        *ROWS["first_item"],
        figure=", ".join(f"{name} {seconds:.1f} s" for name, seconds in medians.items()),
        ok=all(medians[name] <= limit for name, limit in LIMITS_S.items()),
        note="from the start of the process to the first request at a local endpoint",
    )


def _first(executor: str) -> float:
    with tempfile.TemporaryDirectory() as name, Endpoint(0.05, 0.15) as endpoint:
        folder = Path(name)
        overrides = command(questions(folder), endpoint.base_url, f"evaluate.executor={executor}")
        began = time.monotonic()
        process = start(folder, "run", [*overrides, "author=composer", "search.candidates=1"])
        try:
            while time.monotonic() - began < PATIENCE_S and process.poll() is None:
                first = endpoint.books().first
                if first is not None:
                    return first - began
                time.sleep(0.05)
        finally:
            process.terminate()
            process.wait()
        last = (folder / "output").read_text().strip().splitlines() or ["nothing"]
        raise NotYet(f"`meta-search run` with {executor} evaluated nothing: {last[-1]}")
