"""Time of `meta-search --help`, and of importing the package."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from tests.bench.row import ROWS, NotYet, Row

HELP_S, IMPORT_MS = 0.3, 50.0


def measure(quick: bool) -> Row:
    """Medians over fresh processes; an interpreter that does nothing is taken off the import's time."""
    rounds = 5 if quick else 15
    helps = [_timed("-c", "from meta_search.cli import main; main()", "--help") for _ in range(rounds)]
    bare = statistics.median(_timed("-c", "pass") for _ in range(rounds))
    imports = [_timed("-c", "import meta_search") - bare for _ in range(rounds)]
    help_s, import_ms = statistics.median(helps), statistics.median(imports) * 1000
    return Row(
        *ROWS["startup"],
        figure=f"--help {help_s:.2f} s; import {import_ms:.0f} ms",
        ok=help_s <= HELP_S and import_ms < IMPORT_MS,
        note=f"medians of {rounds} fresh processes; the bare interpreter takes {bare * 1000:.0f} ms",
    )


def _timed(*arguments: str) -> float:
    start = time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    took = time.perf_counter() - start
    if done.returncode != 0:
        raise NotYet(f"`python {' '.join(arguments)}` fails: {done.stderr.strip().splitlines()[-1:]}")
    return took
