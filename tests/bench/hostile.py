"""Hostile agents: the attacks of the test suite, run as it runs them, and counted."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.bench.row import ROWS, NotYet, Row

ROOT = Path(__file__).resolve().parents[2]
SUITES = ("tests/test_evaluate_hostile.py", "tests/test_evaluate_nobody.py")


def measure(quick: bool) -> Row:
    """Every attack is a test that fails if the agent gets what it wants."""
    suites = [suite for suite in SUITES if (ROOT / suite).exists()]
    if not suites:
        raise NotYet("there is no suite of hostile agents")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *suites]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    last = (done.stdout.strip().splitlines() or [""])[-1]
    counts = {kind: int(n) for n, kind in re.findall(r"(\d+) (passed|failed|skipped|error)", last)}
    through = counts.get("failed", 0) + counts.get("error", 0)
    if not counts.get("passed"):
        raise NotYet(f"the suite of hostile agents did not run: {last}")
    return Row(
        *ROWS["hostile"],
        figure=f"{through} of {counts['passed'] + through} attacks",
        ok=through == 0,
        note=f"{counts.get('skipped', 0)} skipped; suites {', '.join(suites)}",
    )
