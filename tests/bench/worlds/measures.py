"""What results say of strategies: calls until the best is found, and how good what is found is by then."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.bench.landscape.measures import NEVER, Interval
from tests.bench.worlds.searching import Result

__all__ = ["calls_until", "over_seeds", "points_at", "ratio", "restricted"]

DRAWS = 2000
LEVEL = 1e-9  # items by which shares of items may differ and be equal

T = TypeVar("T")


def calls_until(result: Result, items: float = 1.0, stays: bool = True) -> float:
    """Used calls until the agent that the search would choose is within so many items of the best design, by
    their expected scores on the items that are searched on.

    Args:
        result: Of a search.
        items: How far from the best it may be.
        stays: And no further to the end of the search; else the first time, which may be luck.

    Returns:
        `NEVER` where it does not come to that: the search is censored at its cap.
    """
    since, n = NEVER, result.task.place.items
    for used, train, _ in result.curve:
        if (result.best[0] - train) * n > items + LEVEL:
            since = NEVER if stays else since
        elif since == NEVER:
            since = used
    return since


def restricted(calls: float, cap: float) -> float:
    """Calls up to a cap. Their mean is the restricted mean (Royston and Parmar 2013, BMC Med. Res. Methodol.
    13:152): it takes a censored search for what is known of it, and needs no model of the rest."""
    return min(calls, cap)


def points_at(result: Result, calls: float) -> float:
    """Expected score on held-out items, in per cent, of what the search would choose after so many calls; 0
    before the first agent is known."""
    scores = [held_out for used, _, held_out in result.curve if used <= calls]
    return 100 * scores[-1] if scores else 0.0


def ratio(ours: Sequence[float], theirs: Sequence[float], cap: float) -> Interval:
    """Ratio of the restricted means of calls; searches are paired by world."""
    pairs = [(restricted(a, cap), restricted(b, cap)) for a, b in zip(ours, theirs, strict=True)]
    return over_seeds(pairs, lambda drawn: sum(a for a, _ in drawn) / max(1.0, sum(b for _, b in drawn)))


def over_seeds(values: Sequence[T], estimate: Callable[[Sequence[T]], float] = statistics.fmean) -> Interval:  # type: ignore[assignment]
    """An estimate with its 95 % interval by bootstrap over worlds."""
    rng = random.Random(0)
    found = sorted(estimate(rng.choices(values, k=len(values))) for _ in range(DRAWS))
    return estimate(values), found[int(0.025 * DRAWS)], found[int(0.975 * DRAWS) - 1]
