"""How an agent came to be: what each step changed, by kind, with how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_search.authors.sight.kinds import MOST_KINDS, kind_name, points
from meta_search.authors.sight.quoting import MARK, named
from meta_search.authors.views import Step
from meta_search.text import one_line
from meta_search.types.evaluations import wilson

__all__ = ["change", "lineage_lines"]

MOST_STEPS, MOST_THOUGHT = 8, 240


def lineage_lines(steps: Sequence[Step]) -> list[str]:
    """One quoted line for each step, the oldest first; of many the first and the newest."""
    lines = [_line(step) for step in steps]
    if len(lines) <= MOST_STEPS:
        return lines
    mark = f"{MARK}[… {len(lines) - MOST_STEPS:,} steps left out …]"
    return [lines[0], mark, *lines[1 - MOST_STEPS :]]


def change(before: float, now: float, items: int) -> tuple[float, float, float]:
    """Difference of two shares of as many items, with its 95 % interval (R. G. Newcombe 1998, Statistics in
    Medicine 17:873, method 10, which takes them for independent: on the same items it is too wide, if
    anything).

    Args:
        before: Sum of scores of the one.
        now: Sum of scores of the other.
        items: Items behind each, more than 0.

    Returns:
        Difference, lower and upper end, -1..1.
    """
    first, second = before / items, now / items
    (low1, high1), (low2, high2) = wilson(before, items), wilson(now, items)
    gain = second - first
    low = gain - math.hypot(second - low2, high1 - first)
    return gain, max(-1.0, low), min(1.0, gain + math.hypot(high2 - second, first - low1))


def _line(step: Step) -> str:
    cells = []
    for kind, (before, now, items) in sorted(step.by_kind.items())[:MOST_KINDS]:
        if items:
            gain, low, high = change(before, now, items)
            told = f"{before:g} → {now:g} of {items} ({points(gain)} points, {points(low)} to {points(high)})"
            cells.append(f"{kind_name(kind)} {told}")
    thought = f": {one_line(step.thought, MOST_THOUGHT)}" if step.thought.strip() else ""
    found = f"; {', '.join(cells)}" if cells else ""
    return f"{MARK}{named(step.name)} ({step.operator}){thought}{found}"
