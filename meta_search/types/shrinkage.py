"""Scores drawn towards what is typical: few items say little."""

from __future__ import annotations

__all__ = ["drawn_in"]

SHRINKAGE = 4  # items' worth of the typical score that an agent's own items are added to; not tuned


def drawn_in(total: float, items: int, typical: float) -> float:
    """A mean score, drawn towards the typical one as far as its items are few.

    Empirical Bayes in its plainest form (B. Efron and C. Morris 1977, Scientific American 236:119).

    Args:
        total: Sum of its scores, each 0..1.
        items: How many these are.
        typical: Mean score of all agents, 0..1.
    """
    return (total + SHRINKAGE * typical) / (items + SHRINKAGE)
