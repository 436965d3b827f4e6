"""Which worlds there are: a law, a seed, and sizes that the seed draws where nobody gives them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from meta_search.authors.designs import space_of
from meta_search.authors.plan import WAYS
from tests.bench.worlds.laws import COSTS
from tests.bench.worlds.recorded import FILES, Recorded
from tests.bench.worlds.world import World, for_report, keywords

__all__ = ["ITEMS", "KINDS", "Place", "place", "seeds"]

KINDS = (2, 3, 4, 6, 8, 12, 16)
ITEMS = (12, 18, 24, 40)


@dataclass(frozen=True, slots=True)
class Place:
    """How a world is made, see `World`.

    Attributes:
        blocks: Of stages besides the way of working, which designs may have: they widen the space.
    """

    law: str
    seed: int
    kinds: int
    items: int
    costs: str
    blocks: tuple[str, ...] = ()

    def world(self) -> World | Recorded:
        """The world; the last ones are kept, as strategies follow each other on it."""
        return _made(self)


@lru_cache(4)
def _made(one: Place) -> World | Recorded:
    if one.law in FILES:
        return Recorded(one.law, one.seed)
    more: dict[str, Any] = {"blocks": one.blocks} if one.blocks else {}
    space = space_of(WAYS, keywords(one.kinds), **more)
    return World(one.law, one.seed, one.kinds, one.items, one.costs, space=space)


def place(
    law: str, seed: int, kinds: int = 0, items: int = 0, costs: str = "", blocks: Sequence[str] = ()
) -> Place:
    """A world by law and seed; what is 0 or empty is drawn by the seed, the same for all laws. Recorded ones
    have their own sizes, and a seed that says which half of the items is searched on."""
    if law in FILES:
        land = Recorded(law, seed)
        return Place(law, seed, len(land.kinds), len(land.searched), "recorded")
    rng = random.Random(f"sizes/{seed}")
    drawn = rng.choice(KINDS), rng.choice(ITEMS), rng.choice(list(COSTS))
    return Place(law, seed, kinds or drawn[0], items or drawn[1], costs or drawn[2], tuple(blocks))


def seeds(n: int, report: bool = False) -> Sequence[int]:
    """The first n seeds of worlds for development, or of those for the report."""
    return [seed for seed in range(2 * n) if for_report(seed) == report]
