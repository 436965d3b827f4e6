"""What `meta-search evaluate` prints and writes: one row an agent."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from meta_search.commands.terminal import print_rich, say
from meta_search.errors import ConfigError
from meta_search.report.screen import lasting
from meta_search.text import one_line

__all__ = ["check_writable", "print_evaluations"]

Row = dict[str, Any]
MOST_HINTS = 20


def print_evaluations(
    rows: Sequence[Row], file: Path | None, notes: Sequence[str] = (), tells: bool = True
) -> None:
    """Write the rows as JSON, and print them as a table where there still is a terminal.

    Below the table stands the most frequent fault of each agent that has any, with what mends it.

    Args:
        rows: One an agent, as `meta-search evaluate --json` has them.
        file: Where to write them; `None` writes nothing.
        notes: Sentences on perturbed items.
        tells: Whether people are told of answers without an LLM call (`domain.model_free`).
    """
    if file:
        file.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    with lasting(sys.stdout):
        _print(rows if tells else [{**row, "model_free": 0.0} for row in rows])
        _print_perturbed(rows, notes)


def _print_perturbed(rows: Sequence[Row], notes: Sequence[str]) -> None:
    """What perturbing the items cost each agent."""
    from meta_search.report.robustness import Drop, robustness_table

    distinct = {row["agent"]: row for row in rows if "perturbed" in row}.values()
    found = [Drop(**drop) for row in distinct for drop in row["perturbed"]["drops"]]
    if found:
        names = list(dict.fromkeys(drop.perturbation for drop in found))
        print_rich(robustness_table(sorted(found, key=lambda drop: names.index(drop.perturbation))))
    for note in notes:
        say(note)


def _print(rows: Sequence[Row]) -> None:
    from meta_search.report.tables import evaluations_table

    print_rich(evaluations_table(rows))
    failing = list({row["agent"]: row for row in rows if row["hint"]}.values())
    for row in failing[:MOST_HINTS]:
        say(f"{row['agent'][:8]}  {one_line(row['name'], 40)}: {one_line(row['hint'], 600)}")
    if len(failing) > MOST_HINTS:
        print(f"and {len(failing) - MOST_HINTS} more agents with faults; --json lists all of them")


def check_writable(file: Path | None) -> None:
    """Refuse a file that could not be written at the end, before any work is done for it."""
    if file and (file.is_dir() or not file.absolute().parent.is_dir()):
        raise ConfigError(f"--json {file}: cannot write there; name a file in an existing folder")
