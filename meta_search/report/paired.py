"""Statistics of paired comparisons: two agents on the same items."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import NamedTuple

__all__ = [
    "Found",
    "bounded_mean",
    "mean_interval",
    "mid_p",
    "right_or_wrong",
    "tango_interval",
]

DRAWS = 20_000
MANY = 2_000  # values, from which fewer draws say as much
CELLS = 2_000_000  # numbers that are held at a time
LEAST_SPREAD = 1e-3  # of a resample, as a share of the sample's


class Found(NamedTuple):
    """A two-sided p-value, and the interval of the difference; it holds 0 unless p is below 1 - level."""

    p: float
    low: float
    high: float


def mid_p(wins: int, losses: int) -> float:
    """Two-sided mid-p version of McNemar's exact test.

    Of the outcomes as likely as the one seen, half count; the exact test counts all, and so claims too little
    (M. W. Fagerland, S. Lydersen and P. Laake 2013, BMC Med. Res. Methodol. 13:91). Items on which both agree
    say nothing about which is better.

    Args:
        wins: Items that only the first got right.
        losses: Items that only the second got right.

    Returns:
        The p-value, 0..1; 1 where both won as many.
    """
    n, fewer = wins + losses, min(wins, losses)
    if wins == losses:
        return 1.0
    below = sum(math.comb(n, k) for k in range(fewer))
    return min(1.0, (2 * below + math.comb(n, fewer)) / (1 << n))


def right_or_wrong(wins: int, losses: int, n: int, level: float = 0.95) -> Found:
    """The test and the interval of a difference of two paired proportions, which agree.

    The test is the mid-p version of McNemar's; where Tango's score says less against no difference, what that
    says. The interval is Tango's, and holds 0 where the test does not reject it.

    Args:
        wins: Items that only the first got right.
        losses: Items that only the second got right.
        n: Items in all.
        level: Coverage of the interval, 0..1.
    """
    low, high = tango_interval(wins, losses, n, level)
    score = abs(_tango_score(wins, losses, n, 0.0)) if n else 0.0
    p = max(mid_p(wins, losses), 2 * (1 - NormalDist().cdf(score)))
    return Found(p, *((low, high) if p < 1 - level else (min(low, 0.0), max(high, 0.0))))


def bounded_mean(differences: Sequence[float], level: float = 0.95, seed: int = 0) -> Found:
    """The test and the interval of the mean of differences that lie in -1..1, which agree.

    After N. Gaffke (2005, "Three test statistics for a nonparametric one-sided hypothesis on the mean of a
    nonnegative variable", Math. Methods Stat. 14:451): the values, and the worst one that there could be, are
    weighted at random (spacings of uniform numbers), and the quantiles of the weighted means are the bounds.
    So heavy losses that are rare enough not to have been seen are reckoned with, where permutation tests and
    bootstraps take what was seen for all there is, and find gains that are none.

    Args:
        differences: Per item, the score of the first less that of the second, each -1..1.
        level: Coverage of the interval, 0..1.
        seed: Seed of the weights.
    """
    import numpy as np

    values = np.asarray(differences, dtype=float)
    draws = DRAWS if len(values) <= MANY else DRAWS // 4
    rng = np.random.default_rng(seed)
    means, spare = np.empty(draws), np.empty(draws)
    step = max(1, CELLS // (len(values) + 1))
    for at in range(0, draws, step):
        weights = rng.standard_exponential((min(step, draws - at), len(values) + 1))
        weights /= weights.sum(axis=1, keepdims=True)
        means[at : at + step] = weights[:, 1:] @ values
        spare[at : at + step] = weights[:, 0]
    least, most = np.sort(means - spare), np.sort(means + spare)
    cut = min(draws - 1, int((1 - level) / 2 * draws))
    hits = min(np.count_nonzero(least <= 0), np.count_nonzero(most >= 0))
    p = min(1.0, 2 * (int(hits) + 1) / (draws + 1))
    low, high = float(least[cut]), float(most[draws - 1 - cut])
    return Found(p, *((low, high) if p < 1 - level else (min(low, 0.0), max(high, 0.0))))


def tango_interval(wins: int, losses: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Score interval of the difference of two paired proportions (T. Tango 1998, Stat. Med. 17:891).

    It keeps its coverage at small n and few disagreements, where Wald's interval collapses, and is never
    empty: with no disagreement at all it is ± z²/(n + z²).

    Args:
        wins: Items that only the first got right.
        losses: Items that only the second got right.
        n: Items in all; 0 gives (-1, 1).
        level: Coverage, 0..1.

    Returns:
        Lower and upper bound of p(first) - p(second), -1..1.
    """
    if n <= 0:
        return -1.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = (wins - losses) / n
    low = _bisect(lambda d: _tango_score(wins, losses, n, d) >= z, -1.0, centre)
    high = _bisect(lambda d: _tango_score(wins, losses, n, d) > -z, centre, 1.0)
    return low, high


def _tango_score(wins: int, losses: int, n: int, difference: float) -> float:
    """Tango's equation 9: the score statistic of a supposed difference, at the restricted maximum."""
    a = 2.0 * n
    b = -wins - losses + (2.0 * n - wins + losses) * difference
    c = -losses * difference * (1 - difference)
    share = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    variance = n * (2 * share + difference * (1 - difference))
    distance = wins - losses - n * difference
    if variance <= 0:
        return math.copysign(math.inf, distance) if abs(distance) > 1e-12 else 0.0
    return distance / math.sqrt(variance)


def _bisect(holds: Callable[[float], bool], low: float, high: float) -> float:
    """The point up to which `holds` is true, it being true at `low` if anywhere."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return (low + high) / 2


def mean_interval(
    values: Sequence[float], level: float = 0.95, seed: int = 0, draws: int = 5_000
) -> tuple[float, float]:
    """Interval of a mean of values without bounds, as costs, which may be skewed.

    The wider at each end of Student's interval and of the bootstrap-t (P. Hall 1988, Ann. Statist. 16:927):
    the first is too short where values are skewed, the second where they are few and even. Fewer than two
    values give (-inf, inf).
    """
    import numpy as np

    n = len(values)
    if n < 2:
        return -math.inf, math.inf
    sample = np.asarray(values, dtype=float)
    mean, error = float(sample.mean()), float(sample.std(ddof=1)) / math.sqrt(n)
    if error == 0:
        return mean, mean
    rng = np.random.default_rng(seed)
    ratios = np.empty(draws)
    step = max(1, CELLS // n)
    for at in range(0, draws, step):
        drawn = sample[rng.integers(0, n, (min(step, draws - at), n))]
        spread = drawn.std(axis=1, ddof=1) / math.sqrt(n)
        even = spread < LEAST_SPREAD * error  # a resample of equal values says nothing
        ratios[at : at + step] = np.where(
            even, 0.0, (drawn.mean(axis=1) - mean) / np.where(even, 1.0, spread)
        )
    below, above = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    student = _student(n - 1, level)
    return mean - max(student, float(above)) * error, mean + max(student, -float(below)) * error


def _student(degrees: int, level: float) -> float:
    """Two-sided quantile of Student's t, by the expansion of Cornish and Fisher; to 1 % at 95 %."""
    if degrees < 2:
        return math.tan(math.pi * level / 2)  # Cauchy's
    z = NormalDist().inv_cdf((1 + level) / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    more: float = sum(term / degrees**k for k, term in enumerate(terms, 1))
    return z + more
