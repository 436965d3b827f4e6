"""Statistics of paired comparisons: two agents on the same items. Standard library only."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from statistics import NormalDist

__all__ = ["bootstrap_interval", "bootstrap_mean", "holm", "sign_flip_test", "sign_test", "tango_interval"]

EXACT_UP_TO = 14  # 2**14 sign patterns take 5 ms; beyond, they are drawn


def sign_test(wins: int, losses: int) -> float:
    """Exact two-sided sign test, which on right/wrong pairs is McNemar's exact test.

    Q. McNemar 1947, Psychometrika 12:153; items on which both agree say nothing about which is better.

    Args:
        wins: Items that only the first got right.
        losses: Items that only the second got right.

    Returns:
        The p-value, 0..1; 1 without any disagreement.
    """
    n = wins + losses
    tail = sum(math.comb(n, k) for k in range(min(wins, losses) + 1))
    return min(1.0, 2 * tail / (1 << n))


def sign_flip_test(differences: Sequence[float], seed: int = 0, draws: int = 20_000) -> float:
    """Two-sided paired permutation test of a mean difference of zero (R. A. Fisher 1935, ch. 21).

    Under the null hypothesis each item's difference could as well have had the other sign. All sign
    patterns are gone through for up to 14 differences, else `draws` random ones, counted with the observed
    pattern (B. Phipson and G. Smyth 2010, SAGMB 9:39), so that p is never 0.

    Args:
        differences: Per item, the score of the first less that of the second, each -1..1.
        seed: Seed of the drawn patterns.
        draws: Number of drawn patterns.

    Returns:
        The p-value, 0..1.
    """
    moved = [abs(d) for d in differences if d]
    seen = abs(sum(differences)) - 1e-9  # sums of floats in another order are equal only nearly
    if len(moved) <= EXACT_UP_TO:
        sums = _all_signed_sums(moved)
        return sum(abs(s) >= seen for s in sums) / len(sums)
    # Signed sums of eight differences by the byte that chooses their signs: one look-up for eight.
    tables = [_all_signed_sums(moved[i : i + 8]) for i in range(0, len(moved), 8)]
    sizes = [len(table) for table in tables]
    rng = random.Random(seed)
    hits = 0
    for _ in range(draws):
        signs = rng.randbytes(len(tables))
        hits += abs(sum(t[b % n] for t, b, n in zip(tables, signs, sizes, strict=True))) >= seen
    return (hits + 1) / (draws + 1)


def _all_signed_sums(values: Sequence[float]) -> list[float]:
    sums = [0.0]
    for value in values:
        sums = [s + value for s in sums] + [s - value for s in sums]
    return sums


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values of several tests, family-wise (S. Holm 1979, Scand. J. Statist. 6:65)."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [1.0] * len(p_values)
    reached = 0.0
    for rank, i in enumerate(order):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = reached
    return adjusted


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


def bootstrap_mean(
    values: Sequence[float], level: float = 0.95, seed: int = 0, draws: int = 5_000
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean (B. Efron 1979, Ann. Statist. 7:1).

    Percentiles are widened for small samples as T. Hesterberg advises (2015, Am. Stat. 69:371), by
    spreading the means by sqrt(n / (n - 1)). Fewer than two values give (-inf, inf).
    """
    n = len(values)
    if n < 2:
        return -math.inf, math.inf
    rng = random.Random(seed)
    mean = sum(values) / n
    spread = math.sqrt(n / (n - 1))
    means = sorted(mean + spread * (sum(rng.choices(values, k=n)) / n - mean) for _ in range(draws))
    cut = round((1 - level) / 2 * draws)
    return means[cut], means[draws - 1 - cut]


def bootstrap_interval(
    differences: Sequence[float], level: float = 0.95, seed: int = 0, draws: int = 5_000
) -> tuple[float, float]:
    """`bootstrap_mean` of differences of graded scores, each -1..1."""
    low, high = bootstrap_mean(differences, level, seed, draws)
    return max(-1.0, low), min(1.0, high)
