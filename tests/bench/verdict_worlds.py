"""Kinds of worlds in which the verdict is tried: how the scores of two agents on one item come about.

Each is a function of a random state and a true gain (0..1, of the finalist over the baseline) that draws the
scores of both on an item. None was chosen for what the verdict says in it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["WORLDS", "Draw"]

Draw = Callable[[random.Random, float], tuple[float, float]]  # gain -> scores of finalist and baseline


def clipped(value: float) -> float:
    return min(1.0, max(0.0, value))


def share_of(rng: random.Random, times: int, chance: float) -> float:
    """The share of so many tries that are right."""
    return sum(rng.random() < chance for _ in range(times)) / times


def binary(base: float, alike: float) -> Draw:
    """Right or wrong; with chance `alike` both answers hang on the same difficulty."""

    def draw(rng: random.Random, gain: float) -> tuple[float, float]:
        one = rng.random()
        other = one if rng.random() < alike else rng.random()
        return float(one < base + gain), float(other < base)

    return draw


def graded(noise: float, middle: float = 0.5) -> Draw:
    """Scores around an item's own level; none is cut off at 0 or 1."""

    def draw(rng: random.Random, gain: float) -> tuple[float, float]:
        level = rng.uniform(middle - 0.1, middle + 0.1) - gain / 2
        return clipped(level + gain + rng.uniform(-noise, noise)), clipped(level + rng.uniform(-noise, noise))

    return draw


def thirds(rng: random.Random, gain: float) -> tuple[float, float]:
    """A rubric of three points, each met by chance."""
    return share_of(rng, 3, 0.5 + gain), share_of(rng, 3, 0.5)


def rare(share: float, heavy: bool) -> Draw:
    """Small gains and rare heavy losses, or the other way round; the mean difference is the gain."""

    def draw(rng: random.Random, gain: float) -> tuple[float, float]:
        size = 0.8
        small = share * size / (1 - share)
        odd = rng.random() < share
        moved = (-size if odd else small) * (1 if heavy else -1) + gain
        base = 0.9 if moved < 0 else 0.05
        return clipped(base + moved), base

    return draw


def repeats(rng: random.Random, gain: float) -> tuple[float, float]:
    """Three tries at an item, whose difficulty they share."""
    level = rng.betavariate(1, 1) * (1 - gain)
    return share_of(rng, 3, level + gain), share_of(rng, 3, level)


def opposed(apart: float) -> Draw:
    """Two kinds of items, as many of each: the finalist is better at one, the baseline at the other."""

    def draw(rng: random.Random, gain: float) -> tuple[float, float]:
        side = apart if rng.random() < 0.5 else -apart
        return float(rng.random() < 0.5 + side / 2 + gain), float(rng.random() < 0.5 - side / 2)

    return draw


def mostly_sure(share: float) -> Draw:
    """Items that both always solve or both never do, but for a share that is open."""

    def draw(rng: random.Random, gain: float) -> tuple[float, float]:
        if rng.random() >= share:
            score = float(rng.random() < 0.5)
            return score, score
        return float(rng.random() < 0.5 + gain / 2 / share), float(rng.random() < 0.5 - gain / 2 / share)

    return draw


def tried(times: int, share: float = 1.0) -> Draw:
    """Items right or wrong, each run a number of times; of a `share` of them the difficulty is shared."""

    def draw(rng: random.Random, gain: float) -> tuple[float, float]:
        one, other = rng.random(), rng.random()
        other = one if rng.random() < share else other
        return share_of(rng, times, one * (1 - gain) + gain), share_of(rng, times, other * (1 - gain))

    return draw


WORLDS: dict[str, Draw] = {
    "right or wrong, 10 %": binary(0.1, 0.3),
    "right or wrong, 20 %": binary(0.2, 0.3),
    "right or wrong, 35 %": binary(0.35, 0.3),
    "right or wrong, 50 %": binary(0.5, 0.3),
    "right or wrong, 65 %": binary(0.65, 0.3),
    "right or wrong, 75 %": binary(0.75, 0.3),
    "right or wrong, 20 %, much alike": binary(0.2, 0.8),
    "right or wrong, 50 %, much alike": binary(0.5, 0.8),
    "right or wrong, 75 %, much alike": binary(0.75, 0.8),
    "right or wrong, 50 %, unlike": binary(0.5, 0.0),
    "two kinds, 20 points apart": opposed(0.2),
    "two kinds, 60 points apart": opposed(0.6),
    "half of the items open": mostly_sure(0.5),
    "a quarter of the items open": mostly_sure(0.25),
    "graded, hardly any noise": graded(0.02),
    "graded, little noise": graded(0.1),
    "graded, noise": graded(0.2),
    "graded, much noise": graded(0.3),
    "graded, low": graded(0.1, 0.3),
    "graded, high": graded(0.1, 0.7),
    "wrong, half right, right, unlike": tried(2, 0.0),
    "rubric of three": thirds,
    "two repeats": tried(2),
    "three repeats": repeats,
    "three repeats, half alike": tried(3, 0.5),
    "five repeats": tried(5),
    "rare heavy losses, 1 %": rare(0.01, True),
    "rare heavy losses, 2 %": rare(0.02, True),
    "rare heavy losses, 5 %": rare(0.05, True),
    "rare heavy losses, 10 %": rare(0.1, True),
    "rare heavy losses, 20 %": rare(0.2, True),
    "rare heavy gains, 2 %": rare(0.02, False),
    "rare heavy gains, 5 %": rare(0.05, False),
    "rare heavy gains, 10 %": rare(0.1, False),
}
