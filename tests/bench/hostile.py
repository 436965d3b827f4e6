"""Hostile agents: every attack of `tests.hostile`, in every mode that this machine allows, and counted.

`META_SEARCH_HOSTILE_TABLE=FILE` writes the whole table there, as Markdown.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.row import ROWS, NotYet, Row
from tests.hostile.nobody import why_not

ROOT = Path(__file__).resolve().parents[2]


def measure(quick: bool) -> Row:
    """An attack counts as through if it springs a trap, learns a secret, scores, or harms who comes after.

    Args:
        quick: As this account and inline only, eight attacks at a time.
    """
    accounts = ["root"] if quick or why_not() else ["root", "nobody"]
    places = ["inline"] if quick else ["inline", "ray"]
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "lines.json"
        modes = ["--as", *accounts, "--on", *places, "--json", str(found), *(["--together"] if quick else [])]
        if table := os.environ.get("META_SEARCH_HOSTILE_TABLE"):
            modes += ["--markdown", str(Path(table).resolve())]
        command = [sys.executable, "-m", "tests.hostile", *modes]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if not found.exists():
            raise NotYet(f"the hostile agents did not run: {done.stderr.strip()[-200:]}")
        columns = json.loads(found.read_text())
    lines = [line for column in columns.values() for line in column]
    through, odd = (sum(bool(line[what]) for line in lines) for what in ("escaped", "odd"))
    others = f"; not as nobody: {why_not()}" if why_not() else ""
    return Row(
        *ROWS["hostile"],
        figure=f"{through} of {len(lines)} attacks",
        ok=through == 0 and odd == 0,
        note=f"{len(lines) // len(columns)} agents; {'; '.join(columns)}; {odd} odd outcomes{others}",
    )
