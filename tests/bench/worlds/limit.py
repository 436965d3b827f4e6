"""How much could any model learn? `python -m tests.bench.worlds.limit`.

Some designs are drawn uniformly and run on all items; then a model says which of all designs is best. Told is
how many items that one is below the truly best, for the search's surrogate and for a logistic model that
knows the law of the world: which effects there are and how large they may be, on kinds and on single items.
No search knows that, so where the two are level, a better model would bring nothing.

Source: Rasmussen and Williams 2006, sections 3.4 and 3.5 (Laplace's approximation for logistic regression).
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from rich.console import Console
from rich.table import Table

from meta_search.guide.surrogate import Surrogate, Uses
from meta_search.types.designs import Cell
from tests.bench.worlds.draws import Array
from tests.bench.worlds.laws import LAWS
from tests.bench.worlds.measures import over_seeds
from tests.bench.worlds.oracle import Value, best_design
from tests.bench.worlds.places import Place, place, seeds
from tests.bench.worlds.works import Made, random_design
from tests.bench.worlds.world import World

DRAWN = (4, 8, 16, 32)
STEPS = 30  # of Newton's method
WIDTH = 110
COLUMNS = ("designs", "worlds", "calls", "surrogate", "knows the law", "difference", "best that was run")
Feature = tuple[Hashable, float]  # name, standard deviation


def surrogate(world: World, designs: Sequence[Made]) -> Value:
    """The search's own model."""
    kinds = {world.items[place]: world.kind_of[place] for place in world.searched}
    model = Surrogate(world.space, kinds, Uses())
    for number, design in enumerate(designs):
        rows = world.rows(design)
        model.meet(str(number), dict(design))
        for item in world.searched:
            model.learn(str(number), world.items[item], rows[item].right)
    return lambda kind, cell: model.shares[kind] * model.posterior.mean_of(model.row(kind, cell))


class Logistic:
    """Log-odds of an item by a cell: a sum of normal effects, whose variances are those of the law."""

    def __init__(self, world: World, designs: Sequence[Made]) -> None:
        self._world, law = world, world.effects.law
        slots = len(world.space.slots)
        one, two = slots**-0.5 / law.noise, (slots * (slots - 1) / 2) ** -0.5 / law.noise
        self._sd = {
            "kind": law.kind / law.noise,
            "choice": law.choice * one,
            "kind choice": law.kind_choice * one,
            "pair": law.pair * two,
            "kind pair": law.kind_pair * two,
            "item": law.item / law.noise,
            "item choice": law.item_choice * one,
            "item cell": law.item_cell / law.noise,
        }
        seen: dict[tuple[str, Cell, int], float] = {}
        for design in designs:
            rows = world.rows(design)
            for kind, cell in world.space.cells(dict(design)).items():
                for item in self._items(kind):
                    seen.setdefault((kind, cell, item), rows[item].right)  # equal cells do the same
        self._columns: dict[Hashable, int] = {}
        told = [list(self._features(*key)) for key in seen]
        for name, _ in itertools.chain(*told):
            self._columns.setdefault(name, len(self._columns))
        self._x = np.zeros((len(told), len(self._columns)))
        for row, features in enumerate(told):
            for name, sd in features:
                self._x[row, self._columns[name]] = sd
        self._fit(np.array(list(seen.values())))

    def _items(self, kind: str) -> Iterator[int]:
        return (item for item in self._world.searched if self._world.kind_of[item] == kind)

    def _features(self, kind: str, cell: Cell, item: int) -> Iterator[Feature]:
        sd = self._sd
        yield "level", max(1.0, abs(self._world.effects.law.level) / self._world.effects.law.noise)
        yield ("kind", kind), sd["kind"]
        yield ("item", item), sd["item"]
        yield ("item", item, cell), sd["item cell"]
        for choice in cell:
            yield ("choice", choice), sd["choice"]
            yield ("choice", choice, kind), sd["kind choice"]
            yield ("choice", choice, item), sd["item choice"]
        for pair in itertools.combinations(cell, 2):
            yield ("pair", pair), sd["pair"]
            yield ("pair", pair, kind), sd["kind pair"]

    def _fit(self, right: Array) -> None:
        kernel = self._x @ self._x.T
        odds = np.zeros(len(right))
        for _ in range(STEPS):
            chance = 1 / (1 + np.exp(-odds))
            self._root = np.sqrt(np.maximum(chance * (1 - chance), 1e-4))
            inner = np.eye(len(odds)) + self._root[:, None] * kernel * self._root
            self._lower = np.linalg.cholesky(inner)
            towards = self._root**2 * odds + right - chance
            step = np.linalg.solve(self._lower, self._root * (kernel @ towards))
            before = odds
            odds = kernel @ (towards - self._root * np.linalg.solve(self._lower.T, step))
            if np.abs(odds - before).max() < 1e-3:
                break
        self._effects = self._x.T @ (right - 1 / (1 + np.exp(-odds)))

    def value(self, kind: str, cell: Cell) -> float:
        """Expected right items of the kind."""
        return sum(self._chance(kind, cell, item) for item in self._items(kind))

    def _chance(self, kind: str, cell: Cell, item: int) -> float:
        vector, unknown = np.zeros(len(self._columns)), 0.0
        for name, sd in self._features(kind, cell, item):
            if name in self._columns:
                vector[self._columns[name]] = sd
            else:
                unknown += sd * sd
        known = np.linalg.solve(self._lower, self._root * (self._x @ vector))
        variance = float(vector @ vector + unknown - known @ known)
        mean = float(self._effects @ vector) / (1 + np.pi * max(variance, 0.0) / 8) ** 0.5
        return float(1 / (1 + np.exp(-mean)))


def regrets(task: tuple[Place, int]) -> tuple[float, float, float, int]:
    """Items below the best: of the best design by the surrogate, by the logistic model, and of the best of
    those that were run; calls that these took."""
    where, drawn = task
    world = where.world()
    assert isinstance(world, World)
    rng = random.Random(f"{where.seed}/limit/{drawn}")
    designs = [*world.seeds(), *(random_design(world, rng) for _ in range(drawn))]
    best, items = world.oracle.train, len(world.searched)
    models = surrogate(world, designs), Logistic(world, designs).value
    by_model = [best_design(world, value)[0] for value in models]
    truths = [*map(world.truth, by_model), max(map(world.truth, designs))]
    calls = sum(world.rows(design)[item].calls for design in designs for item in world.searched)
    one, other, seen = ((best - truth) * items for truth in truths)
    return one, other, seen, calls + world.teaching_calls


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.worlds.limit", description=__doc__)
    parser.add_argument("--seeds", type=int, default=12, help="worlds of each law, for development")
    parser.add_argument("--laws", nargs="+", default=list(LAWS), choices=list(LAWS))
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    table = Table(title="items below the best design of all, mean and 95 % interval")
    for name in COLUMNS:
        table.add_column(name)
    with ProcessPoolExecutor(options.processes) as pool:
        for drawn in DRAWN:
            tasks = [(place(law, seed), drawn) for law in options.laws for seed in seeds(options.seeds)]
            one, other, seen, calls = zip(*pool.map(regrets, tasks), strict=True)
            apart = [a - b for a, b in zip(one, other, strict=True)]
            told = map(_told, (one, other, apart, seen))
            table.add_row(str(drawn), str(len(tasks)), f"{statistics.median(calls):.0f}", *told)
    Console(width=WIDTH).print(table)


def _told(values: Sequence[float]) -> str:
    mean, low, high = over_seeds(values)
    return f"{mean:.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    main()
