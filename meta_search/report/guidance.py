"""What the guide expects of operators and authors at the end of a search, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meta_search.report.source import Archive, meta_value
from meta_search.text import one_line

__all__ = ["guidance_lines", "guidance_rows"]

HEADING = "expected gain of one more brief, in % of the score that is left to gain (95 % intervals)"
MOST = 6  # lines


def guidance_rows(archive: Archive) -> list[dict[str, Any]]:
    """A row an operator and author, those that are expected to bring most per cost first.

    Returns:
        `operator`, `author`; `gain`, `low`, `high`: shares of what is left to gain; `cost`: a multiple of a
        typical candidate's; `briefs`: how many were told. Empty where no bandit took part.
    """
    found = meta_value(archive, "outlooks")
    rows = found if isinstance(found, list) else []
    return [dict(row) for row in rows if isinstance(row, Mapping) and {"gain", "low", "high"} <= row.keys()]


def guidance_lines(archive: Archive) -> list[str]:
    """For a terminal: a heading, and a line for each of the best."""
    rows = guidance_rows(archive)
    head = f"{HEADING}, most per cost first" if len(rows) > 1 else HEADING
    more = [f"  and {len(rows) - MOST} more"] if len(rows) > MOST else []
    return [f"{head}:", *(f"  {_line(row)}" for row in rows[:MOST]), *more] if rows else []


def _line(row: Mapping[str, Any]) -> str:
    briefs = int(row["briefs"])
    low, high = (min(100.0, max(0.0, 100 * float(row[end]))) for end in ("low", "high"))
    told = f"{one_line(str(row['operator']), 24)} by {one_line(str(row['author']), 24)}"
    seen = f"after {briefs} brief{'s' * (briefs != 1)}" if briefs else "not tried yet"
    return (
        f"{told}: {max(0.0, 100 * float(row['gain'])):.1f} [{low:.0f}, {high:.0f}]"
        f" at {float(row['cost']):.1f}× the typical cost, {seen}"
    )
