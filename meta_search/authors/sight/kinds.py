"""Kinds of items in prompts: their names, and what came of them, in a line."""

from __future__ import annotations

from collections.abc import Mapping

from meta_search.text import one_line

__all__ = ["MOST_KINDS", "changes", "counts", "kind_name", "percent", "points"]

LONGEST = 40  # characters of a kind's name
MOST_KINDS = 12  # in a line


def kind_name(kind: str) -> str:
    """A kind as prompts call it."""
    return one_line(kind, LONGEST) or "no kind"


def percent(share: float) -> str:
    """A share of 1 in whole per cent."""
    return f"{100 * share:.0f} %"


def points(change: float) -> str:
    """A change of a share in points, with its sign."""
    return f"{100 * change:+.0f}"


def counts(by_kind: Mapping[str, tuple[float, int]]) -> str:
    """For each kind how many items were right, of how many."""
    return _line({kind: f"{right:g} of {n}" for kind, (right, n) in by_kind.items()})


def changes(by_kind: Mapping[str, float]) -> str:
    """For each kind that changed by how many points."""
    return _line({kind: points(change) for kind, change in by_kind.items() if round(100 * change)})


def _line(cells: Mapping[str, str]) -> str:
    shown = [f"{kind_name(kind)} {cell}" for kind, cell in sorted(cells.items())]
    more = len(shown) - MOST_KINDS
    return ", ".join(shown[:MOST_KINDS]) + (f", and {more} more kinds" if more > 0 else "")
