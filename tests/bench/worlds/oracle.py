"""The best design of a world, by its truth or by what a model holds of it: exactly where it can be, by
coordinate ascent from many starts else."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meta_search.types import Scalar
from meta_search.types.designs import Cell, Design

if TYPE_CHECKING:
    from tests.bench.worlds.works import Made
    from tests.bench.worlds.world import World

__all__ = ["Oracle", "Value", "best_design", "find_best"]

MOST_EXACT = 30_000  # combinations of shared choices × of one kind's × kinds
STARTS = 24

Value = Callable[[str, Cell], float]
"""Kind of items and what is done with it -> expected right items of the kind, up to a factor."""


@dataclass(frozen=True, slots=True)
class Oracle:
    """What no search can be better than.

    Attributes:
        design: The best on the items that are searched on, as its ground knows it.
        train: Its expected score there; `held_out`: on the others.
        exact: Whether all designs were compared.
    """

    design: Any
    train: float
    held_out: float
    exact: bool


class _Sums:
    """Values by kind and cell, each worked out once."""

    def __init__(self, world: World, value: Value) -> None:
        self._world, self._value = world, value
        self._known: dict[tuple[str, Cell], float] = {}

    def of(self, design: Design, kind: str) -> float:
        key = kind, self._world.space.cell(design, kind)
        if key not in self._known:
            self._known[key] = self._value(*key)
        return self._known[key]

    def total(self, design: Design) -> float:
        return sum(self.of(design, kind) for kind in self._world.kinds)


def find_best(world: World) -> Oracle:
    """By the truth of the items that are searched on."""
    made, exact = best_design(world, world.kind_truth)
    return Oracle(made, world.truth(made), world.truth_held_out(made), exact)


def best_design(world: World, value: Value) -> tuple[Made, bool]:
    """The design whose kinds add up to the most, and whether all were compared. Kinds are independent once
    what they share is chosen, so each has its best choices by itself."""
    shared = {s.name: s.choices for s in world.space.slots if not s.per_kind}
    own = {s.name: s.choices for s in world.space.slots if s.per_kind}
    size = math.prod(map(len, shared.values())) * math.prod(map(len, own.values())) * len(world.kinds)
    exact, sums = size <= MOST_EXACT, _Sums(world, value)
    return world.made(_compared(world, sums, shared, own) if exact else _climbed(world, sums)), exact


def _compared(
    world: World, sums: _Sums, shared: dict[str, tuple[Scalar, ...]], own: dict[str, tuple[Scalar, ...]]
) -> Design:
    slots = {s.name: s for s in world.space.slots}
    best: tuple[float, Design] = (-1.0, {})
    for common in itertools.product(*shared.values()):
        total, made = 0.0, dict(zip(shared, common, strict=True))
        for kind in world.kinds:
            names = [world.space.parameter(slots[name], kind) for name in own]
            tries = (dict(zip(names, each, strict=True)) for each in itertools.product(*own.values()))
            score, chosen = max(
                ((sums.of({**made, **one}, kind), one) for one in tries), key=lambda pair: pair[0]
            )
            total, made = total + score, {**made, **chosen}
        best = max(best, (total, made), key=lambda pair: pair[0])
    return best[1]


def _climbed(world: World, sums: _Sums) -> Design:
    """Change one or two choices at a time while that helps; two, as a pair may be better than its parts."""
    rng = random.Random(world.seed)
    parameters = world.space.parameters()
    best: tuple[float, Design] = (-1.0, {})
    for start in range(STARTS):
        design = {name: rng.choice(choices) for name, choices in parameters.items()}
        score, better = sums.total(design), True
        while better:
            better = False
            for changes in _moves(parameters, rng, pairs=start % 4 == 0):
                tried = {**design, **changes}
                if (found := sums.total(tried)) > score + 1e-12:
                    design, score, better = tried, found, True
        best = max(best, (score, design), key=lambda pair: pair[0])
    return best[1]


def _moves(
    parameters: dict[str, tuple[Scalar, ...]], rng: random.Random, pairs: bool
) -> list[dict[str, Scalar]]:
    one = [{name: choice} for name, choices in parameters.items() for choice in choices]
    rng.shuffle(one)
    if not pairs or len(one) < 2:
        return one
    two = [{**a, **b} for a, b in (rng.sample(one, 2) for _ in range(8 * len(one)))]
    return [*one, *two]
