"""What a search writes in a world: designs, and programs of authors that are no designs."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from meta_search.authors.designs import design_of
from meta_search.authors.plan import SEED_PLANS
from meta_search.types import Scalar
from tests.bench.landscape.simulate import SEEDS

if TYPE_CHECKING:
    from tests.bench.worlds.world import World

__all__ = ["Made", "Program", "Work", "drawn_works", "random_design", "seed_designs"]

NEW, PROGRAMS = 0.4, 0.5  # shares: of designs that are new, and of children that are programs

Made: TypeAlias = tuple[tuple[str, Scalar], ...]
"""A design by what of it is read, so that equal designs are equal."""


@dataclass(frozen=True, slots=True)
class Program:
    """An agent that is no design: an author's program, which does about as well as its parent.

    Attributes:
        number: Tells it from others of the same parent.
        parent: What it was made from.
    """

    number: int
    parent: Made | Program


Work: TypeAlias = Made | Program


def seed_designs(world: World) -> list[Made]:
    """The seeds that a search of a world begins with."""
    plans = (SEED_PLANS[name] for name in SEEDS)
    found = (design_of(world.space, plan, world.keywords) for plan in plans)
    return [world.made(design) for design in found if design is not None]


def random_design(world: World, rng: random.Random) -> Made:
    """A design whose every choice is drawn uniformly."""
    return world.made({name: rng.choice(choices) for name, choices in world.space.parameters().items()})


def drawn_works(world: World, n: int, seed: int) -> list[Work]:
    """Works as a search writes them: the seeds, then new designs, and children of what is good so far.

    A child is a design with one other choice, or a program. A parent is the better of two earlier works by
    what one run of both scored.

    Args:
        world: Where they work.
        n: How many, all different.
        seed: Others for another seed.
    """
    rng = random.Random(f"{world.seed}/works/{seed}")
    found: dict[Work, float] = {work: _scored(world, work) for work in world.seeds()[:n]}
    parameters = world.space.parameters()
    while len(found) < n:
        parent = max(rng.choices(list(found), k=2), key=lambda work: found[work])
        if not found or rng.random() < NEW:
            work: Work = random_design(world, rng)
        elif isinstance(parent, Program) or rng.random() < PROGRAMS:
            work = Program(len(found), parent)
        else:
            name = rng.choice(list(parameters))
            work = world.made({**dict(parent), name: rng.choice(parameters[name])})
        if work not in found:
            found[work] = _scored(world, work)
        elif rng.random() < 0.1:  # small spaces are soon used up
            work = Program(len(found), parent)
            found[work] = _scored(world, work)
    return list(found)


def _scored(world: World, work: Work) -> float:
    rows = world.rows(work)
    return sum(rows[place].right for place in world.searched) / len(world.searched)
