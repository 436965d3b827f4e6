"""Errors and power of the verdict, by simulation: `python -m tests.bench.verdicts [--searches N]`.

For each world and number of test items, simulated final reports of one finalist and one baseline: how often
it says "beats" where both are equally good, and where the finalist is 10 and 20 points better; how often the
interval holds the true difference; how often sentence and interval disagree; how often an agent that is
cheaper and 10 points worse is said to pay back.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from meta_search.report.payback import Paid
from meta_search.report.standing import Contender
from meta_search.report.verdict import verdict

ITEMS = (24, 42, 100)
Draw = Callable[[random.Random, float], tuple[float, float]]  # gain -> scores of finalist and baseline


def clipped(value: float) -> float:
    return min(1.0, max(0.0, value))


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
    return tuple(sum(rng.random() < 0.5 + g for _ in range(3)) / 3 for g in (gain, 0.0))  # type: ignore[return-value]


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
    return tuple(sum(rng.random() < level + g for _ in range(3)) / 3 for g in (gain, 0.0))  # type: ignore[return-value]


WORLDS: dict[str, Draw] = {
    "right or wrong, 50 %": binary(0.5, 0.3),
    "right or wrong, 20 %": binary(0.2, 0.3),
    "right or wrong, 75 %, much alike": binary(0.75, 0.8),
    "graded, little noise": graded(0.1),
    "graded, much noise": graded(0.3),
    "rubric of three": thirds,
    "three repeats": repeats,
    "rare heavy losses, 2 %": rare(0.02, True),
    "rare heavy losses, 5 %": rare(0.05, True),
    "rare heavy losses, 10 %": rare(0.1, True),
    "rare heavy gains, 5 %": rare(0.05, False),
}


@dataclass
class Told:
    """Counts over simulated reports."""

    beats: int = 0
    covered: int = 0
    apart: int = 0
    repaid: int = 0


def simulate(draw: Draw, items: int, gain: float, searches: int, seed: int) -> Told:
    """Simulated final reports."""
    told, rng = Told(), random.Random(seed)
    for number in range(searches):
        pairs = [draw(rng, gain) for _ in range(items)]
        measure = "right" if all(score in (0.0, 1.0) for pair in pairs for score in pair) else "score"
        sides = [
            Contender(
                name,
                name,
                {f"i{n}": pair[k] for n, pair in enumerate(pairs)},
                results=items,
                kind=kind,
                measure=measure,
                costs={f"i{n}": (50.0 + 50 * k + rng.random(), 0.0, 1.0) for n in range(items)},
            )
            for k, (name, kind) in enumerate((("X", "found"), ("Y", "seed")))
        ]
        found = verdict(sides[1:], sides[:1], paid=Paid(tokens=10_000), seed=number)
        best = found.best
        assert best is not None
        told.beats += found.outcome == "beats"
        told.covered += best.low <= gain <= best.high
        told.apart += (found.outcome == "beats") != (best.low > 0)
        payback = found.payback("Y")
        told.repaid += payback is not None and payback.case == "pays_back"
    return told


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=200)
    searches = parser.parse_args().searches
    heads = ("items", "false beats", "beats at +10", "at +20", "interval holds", "apart", "false pays back")
    table = Table("world", *heads, title=f"{searches} simulated reports each, per cent")
    for name, draw in WORLDS.items():
        for items in ITEMS:
            null, ten, twenty, worse = (
                simulate(draw, items, gain, searches, seed=items) for gain in (0.0, 0.1, 0.2, -0.1)
            )
            figures = (
                null.beats,
                ten.beats,
                twenty.beats,
                (null.covered + ten.covered) / 2,
                null.apart + ten.apart + twenty.apart,
                worse.repaid,
            )
            table.add_row(name, str(items), *(f"{100 * figure / searches:.1f}" for figure in figures))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
