"""Is the best seed among the baselines? `python -m tests.bench.baselines [--searches N]`.

Simulated seeds of a search, raced on train items by the rules of the engine (`guide.racing`), the best two
validated. Then baselines are chosen in several ways, some after further items (`final.qualifying`). Told are:
how often the truly best seed is among the tested, how far the best of the tested is below it, how often that
is ten points or more, and how many runs of an item the further ones took.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from meta_search.final.qualifying import BASELINES, chosen, next_lap, ranked
from meta_search.guide.racing import Race, Standing, decide

ITEMS, BLOCK, FINALISTS = 18, 6, 2
SHRINKAGE = 4


@dataclass
class Seed:
    """A simulated seed."""

    skill: float
    cost: float
    train: dict[str, float] = field(default_factory=dict)
    validation: dict[str, float] = field(default_factory=dict)
    stopped: bool = False

    @property
    def scores(self) -> dict[str, float]:
        return self.train | self.validation

    def standing(self) -> Standing:
        return Standing(self.train, self.cost, dict.fromkeys(self.train, self.cost))


@dataclass(frozen=True)
class World:
    """What seeds there are, and how items go."""

    seeds: int
    spread: float  # of true scores
    alike: float  # share of an item's outcome that all seeds have in common
    dear: float  # how much costs differ, as the spread of their logarithm


WORLDS = {
    "ten seeds, close": World(10, 0.05, 0.5, 0.8),
    "ten seeds": World(10, 0.1, 0.5, 0.8),
    "ten seeds, far apart": World(10, 0.2, 0.5, 0.8),
    "ten seeds, items alike": World(10, 0.1, 0.8, 0.8),
    "ten seeds, costs alike": World(10, 0.1, 0.5, 0.0),
    "five seeds": World(5, 0.1, 0.5, 0.8),
}


class Search:
    """The seeds of one search, raced.

    Args:
        world: Of what kind.
        rng: All that is drawn.
    """

    def __init__(self, world: World, rng: random.Random) -> None:
        self.rng, self.world = rng, world
        middle = rng.uniform(0.3, 0.7)
        skills = [min(0.98, max(0.02, rng.gauss(middle, world.spread))) for _ in range(world.seeds)]
        self.seeds = [Seed(skill, 100 * 2.7 ** rng.gauss(0, world.dear)) for skill in skills]
        self.seeds.sort(key=lambda s: s.cost)
        self.common = {f"{split}{n}": rng.random() for split in "tv" for n in range(ITEMS)}
        for seed in self.seeds:
            self._race(seed)
        complete = sorted((s for s in self.seeds if not s.stopped), key=lambda s: -mean(s.train))
        for seed in complete[:FINALISTS]:
            self.run(seed, seed.validation, [f"v{n}" for n in range(ITEMS)])

    def run(self, seed: Seed, into: dict[str, float], items: list[str]) -> None:
        for item in items:
            luck = self.common[item] if self.rng.random() < self.world.alike else self.rng.random()
            into[item] = float(luck < seed.skill)

    def _race(self, seed: Seed) -> None:
        done, race = 0, Race(ITEMS, BLOCK, FINALISTS)
        while done < ITEMS:
            size = BLOCK if done or sum(bool(s.train) for s in self.seeds) < 2 else BLOCK // 2
            self.run(seed, seed.train, [f"t{n}" for n in range(done, min(ITEMS, done + size))])
            done += size
            front = [s.standing() for s in self.seeds if s is not seed and len(s.train) == ITEMS]
            best = max(front, key=lambda s: s.mean, default=None)
            if done < ITEMS and decide(seed.standing(), best, front, race):
                seed.stopped = True
                return


def mean(scores: dict[str, float]) -> float:
    return sum(scores.values()) / max(1, len(scores))


def before(search: Search) -> tuple[list[Seed], int]:
    """The rule before: of seeds that were not stopped the best two by their shrunken mean."""
    ready = [s for s in search.seeds if not s.stopped]
    typical = statistics.fmean(mean(s.train) for s in ready)
    return sorted(
        ready, key=lambda s: -(sum(s.scores.values()) + SHRINKAGE * typical) / (len(s.scores) + SHRINKAGE)
    )[:BASELINES], 0


def by_chance(search: Search) -> tuple[list[Seed], int]:
    """By chance, without further items."""
    return _picked(search), 0


def qualified(most: float) -> Callable[[Search], tuple[list[Seed], int]]:
    """As in force, with further items of all splits but test, up to so many whole evaluations."""

    def choose(search: Search) -> tuple[list[Seed], int]:
        laps, order = 0, list(search.common)
        while laps < most * len(order):
            missing = [any(item not in s.scores for item in order) for s in search.seeds]
            lap = next_lap([s.scores for s in search.seeds], missing)
            if not lap:
                break
            for place in lap:
                seed = search.seeds[place]
                items = [item for item in order if item not in seed.scores][:BLOCK]
                search.run(seed, seed.validation, items)
                laps += len(items)
        return _picked(search), laps

    return choose


def _picked(search: Search) -> list[Seed]:
    scores = [s.scores for s in search.seeds]
    return [search.seeds[place] for place in chosen(ranked(scores))]


WAYS = {
    "before": before,
    "by chance": by_chance,
    "by chance, 2 evaluations more": qualified(2),
    "by chance, 4 evaluations more": qualified(4),
    "by chance, no limit": qualified(1000),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=300)
    searches = parser.parse_args().searches
    heads = ("best among tested", "below it, points", "by 10 or more", "tested", "runs of an item more")
    table = Table("world", "choice", *heads, title=f"{searches} simulated searches each")
    for name, world in WORLDS.items():
        for way, choose in WAYS.items():
            hits, below, tested, more = 0, [], [], []
            for number in range(searches):
                search = Search(world, random.Random(number))
                picked, laps = choose(search)
                best = max(s.skill for s in search.seeds)
                top = max(s.skill for s in picked)
                hits += top == best
                below.append(100 * (best - top))
                tested.append(len(picked))
                more.append(laps)
            far = sum(b >= 10 for b in below) / searches
            figures = (f"{statistics.fmean(below):.1f}", f"{far:.0%}", f"{statistics.fmean(tested):.1f}")
            table.add_row(name, way, f"{hits / searches:.0%}", *figures, f"{statistics.fmean(more):.0f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
