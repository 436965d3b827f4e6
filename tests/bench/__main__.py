"""`python -m tests.bench`: measure, and print figures beside what is to be reached."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from meta_search.run.blas import one_thread
from tests.bench.row import ROWS, NotYet, Row

TIMEOUT_S = 1800
ROOT = Path(__file__).resolve().parents[2]


def one(name: str, quick: bool) -> Row:
    """Measure one row in this process; a part that is missing is a row that says so."""
    what, target = ROWS[name]
    one_thread()  # as the command line does
    try:
        return importlib.import_module(f"tests.bench.{name}").measure(quick)  # type: ignore[no-any-return]
    except NotYet as missing:
        return Row(what, target, note=str(missing))
    except ImportError as missing:
        return Row(what, target, note=f"{missing}")


def apart(name: str, quick: bool) -> Row:
    """Measure one row in a process of its own: memory, imports and Ray start anew."""
    what, target = ROWS[name]
    command = [sys.executable, "-m", "tests.bench", "--one", name, *(["--quick"] if quick else [])]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return Row(what, target, note=f"did not end within {TIMEOUT_S} s")
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        reason = done.stderr.strip().splitlines() or ["no output"]
        return Row(what, target, note=f"the measurement failed: {reason[-1]}")
    return Row(**json.loads(lines[-1]))


def table(rows: list[Row]) -> Table:
    shown = Table("what", "measured", "target", "", title=f"Figures on {os.cpu_count()} cores")
    for row in rows:
        verdict = {True: "ok", False: "short", None: "not yet measured"}[row.ok]
        figure = "\n".join(
            part for part in (row.figure, f"[dim]{row.note}[/dim]" if row.note else "") if part
        )
        shown.add_row(row.what, figure, row.target, verdict)
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"default: all of {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="smaller, less exact")
    parser.add_argument("--json", metavar="FILE", help="write the rows there as well")
    parser.add_argument("--one", choices=ROWS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(dataclasses.asdict(one(options.one, options.quick))))
        return
    if unknown := [name for name in options.rows if name not in ROWS]:
        parser.error(f"no row {unknown[0]}: there are {', '.join(ROWS)}")
    console = Console()
    rows = []
    for name in options.rows or ROWS:
        with console.status(f"measuring {name}"):
            rows.append(apart(name, options.quick))
        print(f"{name}: {rows[-1].figure or 'not yet measured'}", file=sys.stderr, flush=True)
    console.print(table(rows))
    if options.json:
        Path(options.json).write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=2))


if __name__ == "__main__":
    main()
