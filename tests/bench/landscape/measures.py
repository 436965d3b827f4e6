"""What a simulated search is worth: regret, calls until it is small, calls saved, finalists lost."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.landscape.ground import Ground
from tests.bench.landscape.simulate import Trace
from tests.bench.landscape.table import Design, Landscape

__all__ = ["NEVER", "Interval", "Saving", "calls_until", "mean", "median", "ratio", "regret_at", "saving"]

NEVER = float("inf")
DRAWS = 2000
Interval = tuple[float, float, float]  # estimate, lower and upper end of 95 %


@dataclass(frozen=True, slots=True)
class Saving:
    """What racing did in one search or in several.

    Attributes:
        used: Calls of the whole search, seeds' and authors' included. full: had no candidate been stopped.
        lost: Would-be finalists that were stopped; `places`: would-be finalists. Of the candidates written,
            those are the `finalists` best by all their items, of equals the cheaper; where score and cost are
            equal they share the last places, each in part.
        worse: Places of finalists that, of those not stopped, only a lower score can fill.
    """

    used: int = 0
    full: int = 0
    lost: float = 0.0
    worse: int = 0
    places: int = 0

    def __add__(self, other: Saving) -> Saving:
        return Saving(
            self.used + other.used,
            self.full + other.full,
            self.lost + other.lost,
            self.worse + other.worse,
            self.places + other.places,
        )

    @property
    def saved(self) -> float:
        """Share of the calls that was saved."""
        return 1 - self.used / max(1, self.full)

    @property
    def lost_share(self) -> float:
        """Share of the would-be finalists that was stopped."""
        return self.lost / max(1, self.places)


def regret(landscape: Landscape, reach: int, design: Design | None) -> int:
    """Held-out items by which a design is below `reach`; 0 where it is above."""
    return max(0, reach - (landscape.score(design, landscape.held_out) if design else 0))


def calls_until(landscape: Landscape, trace: Trace, most: int, stays: bool) -> float:
    """Used calls until the best agent's held-out regret is at most `most` items.

    The best agent is the one that the search would choose: the highest score on the searched items, of equals
    the cheaper. Its regret is taken to the best held-out score among the designs of the space that are best
    on the searched items: no search that sees only those could choose better.

    Args:
        stays: And no more than that to the end of the search. Else the first time, which may be luck.

    Returns:
        `NEVER` if it did not come to that.
    """
    reach, since = landscape.reach()[1], NEVER
    for evaluation in trace.evaluations:
        if regret(landscape, reach, evaluation.best) > most:
            since = NEVER if stays else since
        elif since == NEVER:
            since = evaluation.used
    return since


def regret_at(landscape: Landscape, trace: Trace, calls: int) -> int:
    """Held-out regret, in items, of the best agent when so many calls were used."""
    best = next((e.best for e in reversed(trace.evaluations) if e.used <= calls), None)
    return regret(landscape, landscape.reach()[1], best)


def saving(ground: Ground, trace: Trace, finalists: int = 2) -> Saving:
    """What racing saved in a search, and what it lost."""
    used = full = trace.writing
    found: list[tuple[float, int, bool]] = []
    for evaluation in trace.evaluations:
        rows = [ground.rows(evaluation.design)[place] for place in ground.searched]
        used += sum(row.calls for row in rows[: evaluation.items])
        full += sum(row.calls for row in rows)
        if evaluation.operator != "seed":
            cost = sum(row.tokens + row.calls for row in rows)
            found.append((sum(row.right for row in rows), -cost, bool(evaluation.stopped)))
    top = sorted((key[:2] for key in found), reverse=True)[:finalists]
    lost = 0.0
    for key in set(top):
        equal = [stopped for *other, stopped in found if tuple(other) == key]
        lost += top.count(key) * sum(equal) / len(equal)
    left = sorted((score for score, _, stopped in found if not stopped), reverse=True)[:finalists]
    left += [-1] * (len(top) - len(left))
    worse = sum(score > kept for (score, _), kept in zip(top, left, strict=False))
    return Saving(used, full, lost, worse, len(top))


def mean(values: Sequence[float]) -> Interval:
    """Mean with its interval by bootstrap over searches."""
    return _bootstrap(lambda draw: statistics.fmean(draw(values)))


def median(values: Sequence[float]) -> Interval:
    """Median with its interval by bootstrap over searches."""
    return _bootstrap(lambda draw: statistics.median(draw(values)))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """Ratio of two medians with its interval; seeds are paired, as they search on the same half."""
    pairs = list(zip(ours, theirs, strict=True))

    def one(draw: Callable[[Sequence[tuple[float, float]]], Sequence[tuple[float, float]]]) -> float:
        drawn = draw(pairs)
        below = statistics.median(b for _, b in drawn)
        return statistics.median(a for a, _ in drawn) / below if below < NEVER else 0.0

    return _bootstrap(one)


def _bootstrap(estimate: Callable[..., float]) -> Interval:
    rng = random.Random(0)
    found = sorted(estimate(lambda values: rng.choices(values, k=len(values))) for _ in range(DRAWS))
    return estimate(lambda values: values), found[int(0.025 * DRAWS)], found[int(0.975 * DRAWS) - 1]
