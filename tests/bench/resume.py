"""A search killed with SIGKILL and resumed: calls that were sent again although the ledger had them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.endpoint import Endpoint
from tests.bench.killing import run_killed
from tests.bench.row import ROWS, Row
from tests.bench.searches import command, questions

KILLS, CALLS_BETWEEN = 3, 120


def measure(quick: bool, *more: str) -> Row:
    """Kill it some times, resume it to its end, and compare what was sent with what the ledger held."""
    with tempfile.TemporaryDirectory() as name, Endpoint(0.05, 0.15) as endpoint:
        folder = Path(name)
        overrides = command(questions(folder), endpoint.base_url, "llm.cache=false", "run.dir=run")
        candidates, items, kills, calls = (2, 6, 1, 100) if quick else (6, 12, KILLS, CALLS_BETWEEN)
        overrides += ["author=composer", f"search.candidates={candidates}"]
        overrides += [f"evaluate.items={items}", f"evaluate.test_items={items}", *more]
        killed = run_killed(folder, endpoint, ("run", overrides), ("resume", ["run"]), kills, calls)
    return Row(
        *ROWS["resume"],
        figure=str(killed.again),
        ok=killed.again == killed.left == 0 and killed.repeats <= killed.in_flight,
        note=f"killed {killed.kills} times in a search of {killed.calls} requests; {killed.in_flight} calls "
        f"were in flight then, {killed.repeats} requests more than calls, {killed.left} processes left",
    )
