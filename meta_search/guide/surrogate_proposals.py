"""Which design to try next: expected improvement per cost, maximised over all designs of the space.

Improvement is that over the agent which would be chosen now. There are too many designs to look at all:
coordinate ascent, from the best designs that are known, from those that are best in draws of the posterior,
and from random ones. A design is a sum over kinds of item, so that a changed choice of one kind is a changed
term. Designs that are under way count as seen with what is expected of them.

Sources: Jones, Schonlau and Welch 1998 (expected improvement); Snoek, Larochelle and Adams 2012, section 3.2
(per cost); Lee et al. 2020, arXiv 2003.10870 (cost counts less as the budget ends); Ginsbourger, Le Riche and
Carraro 2010 (several at a time, the kriging believer); docs/guidance.md.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meta_search.guide.surrogate import CENTRE, NOISE, Key, Surrogate, key_of
from meta_search.types import Scalar, expected_improvement
from meta_search.types.designs import Cell, Design, Slot

if TYPE_CHECKING:
    from meta_search.guide.surrogate_posterior import Array

__all__ = ["Fixed", "propose"]

KNOWN_STARTS, DRAWN_STARTS, RANDOM_STARTS = 2, 2, 1
SWEEPS = 3  # over all parameters, of one ascent
LOOKS = 3000  # at designs, of one proposal
TRIES = 200  # at random, where all designs that were looked at are known
SPARE = 300  # features that designs which are looked at may have and nobody has met

Fixed = Mapping[str, Collection[Scalar]]


def propose(
    surrogate: Surrogate,
    rng: random.Random,
    left: float = 1.0,
    in_flight: Sequence[Design] = (),
    allowed: Fixed | None = None,
) -> dict[str, Scalar] | None:
    """A design that nobody has tried.

    Args:
        surrogate: What is known.
        rng: Its own, for starts.
        left: Share of the budget that is left: the more, the more cost counts.
        in_flight: Designs that are being written.
        allowed: Slot -> the choices that can be carried out now; all of those that are not named.

    Returns:
        The design, with what is read of it; `None` where all were tried.
    """
    return _Proposal(surrogate, rng, left, in_flight, allowed or {}).make()


@dataclass(frozen=True, slots=True)
class _Sum:
    """A design as it was looked at: its cells; mean, vector whose square is the variance, and cost of their
    sum. In a draw the mean is the value that it has there, and the vector says nothing."""

    cells: dict[str, Cell]
    mean: float
    vector: Array
    cost: float


class _Proposal:
    """One proposal: the posterior as it is now, and what was looked at."""

    def __init__(
        self,
        surrogate: Surrogate,
        rng: random.Random,
        left: float,
        in_flight: Sequence[Design],
        allowed: Fixed,
    ) -> None:
        import numpy as np

        self._np, self._surrogate, self._rng, self._space = np, surrogate, rng, surrogate.space
        self._left = min(1.0, max(0.0, left)) if surrogate.uses.costs else 0.0
        self._parameters = {
            name: (slot, kind, _choices(allowed, slot)) for name, (slot, kind) in self._space.places().items()
        }
        designs = surrogate.designs()
        self._known: set[Key] = {key_of(design) for design in designs.values()}
        self._known |= {key_of(surrogate.space.reduced(design)) for design in in_flight}
        self._root = self._believed(in_flight)
        self._new: dict[Any, int] = {}
        self._cells: dict[tuple[str, Cell], tuple[float, Array, float]] = {}
        self._drawn: dict[tuple[int, str, Cell], float] = {}
        self._agents = [agent for agent in designs if surrogate.seen(agent)]
        self._means: dict[str, float] = {}
        self._best_mean, self._best = self._incumbent()
        aim, toss = surrogate.uses.aim, rng.random() < 0.5
        self._by_draw = aim == "draw" or (aim == "both" and toss)
        self._looks = 0
        self._found: tuple[float, dict[str, Scalar]] | None = None

    def make(self) -> dict[str, Scalar] | None:
        draws = [self._np.array(self._gauss(self._width)) for _ in range(DRAWN_STARTS)]
        starts = [self._ascend(self._random(), draw) for draw in draws]
        if self._by_draw:
            for start in starts:
                if key_of(self._space.reduced(start)) not in self._known:
                    return self._space.reduced(start)
        else:
            ranked = sorted(self._agents, key=lambda agent: -self._mean_of(agent))
            known = self._surrogate.designs()
            starts = [
                *(self._whole(known[agent]) for agent in ranked[:KNOWN_STARTS]),
                *starts,
                *(self._random() for _ in range(RANDOM_STARTS)),
            ]
            for start in starts:
                self._ascend(start, None)
        for _ in range(TRIES if self._found is None else 0):
            design = self._random()
            self._note(design, self._sum(self._surrogate.cells(design), None), None)
        return None if self._found is None else self._found[1]

    # -- looking at designs

    def _ascend(self, design: dict[str, Scalar], draw: Array | None) -> dict[str, Scalar]:
        """Change one choice at a time for the better, until none is."""
        now = self._sum(self._surrogate.cells(design), draw)
        value = self._note(design, now, draw)
        names = [name for name, (_, _, choices) in self._parameters.items() if len(choices) > 1]
        for _ in range(SWEEPS):
            self._rng.shuffle(names)
            before = value
            for name in names:
                for choice in self._parameters[name][2]:
                    if choice == design[name] or (draw is None and self._looks > LOOKS):
                        continue
                    other: dict[str, Scalar] = {**design, name: choice}
                    theirs = self._changed(now, other, name, draw)
                    worth = self._note(other, theirs, draw)
                    if worth > value:
                        design, now, value = other, theirs, worth
            if value <= before:
                break
        return design

    def _note(self, design: dict[str, Scalar], now: _Sum, draw: Array | None) -> float:
        """What a design is worth: in a draw, or by its expected improvement; the best new one is kept."""
        if draw is not None:
            worth = now.mean
            if not self._by_draw:
                return worth
        else:
            self._looks += 1
            worth = self._improvement(now.mean, now.vector) / max(now.cost, 1e-9) ** self._left
        if self._found is None or worth > self._found[0]:
            reduced = self._space.reduced(design)
            if key_of(reduced) not in self._known:
                self._found = worth, reduced
        return worth

    def _improvement(self, mean: float, vector: Array) -> float:
        """E max(0, score - score of the best), both uncertain."""
        if self._best is None:
            return max(1e-9, mean + math.sqrt(float(vector @ vector)))
        off = vector - self._best
        sd = math.sqrt(float(off @ off)) + 1e-9
        return max(1e-300, expected_improvement(mean - self._best_mean, sd))

    def _sum(self, cells: Mapping[str, Cell], draw: Array | None) -> _Sum:
        """A design as the sum of its cells."""
        mean, vector, cost = CENTRE, self._np.zeros(self._width), 0.0
        for kind, cell in cells.items():
            term = self._term(kind, cell, draw)
            mean, vector, cost = mean + term[0], vector + term[1], cost + term[2]
        return _Sum(dict(cells), mean, vector, cost)

    def _changed(self, now: _Sum, design: dict[str, Scalar], name: str, draw: Array | None) -> _Sum:
        """The sum where one parameter of a design was changed."""
        slot, kind, _ = self._parameters[name]
        told = len(self._surrogate.shares.keys() - set(self._space.kinds)) == 0
        if not slot.per_kind or kind not in now.cells or not told:
            return self._sum(self._surrogate.cells(design), draw)
        cell = self._space.cell(design, kind)
        before, after = self._term(kind, now.cells[kind], draw), self._term(kind, cell, draw)
        vector = now.vector if draw is not None else now.vector + (after[1] - before[1])
        mean, cost = now.mean + after[0] - before[0], now.cost + after[2] - before[2]
        return _Sum({**now.cells, kind: cell}, mean, vector, cost)

    def _term(self, kind: str, cell: Cell, draw: Array | None) -> tuple[float, Array | float, float]:
        """A cell's part of a sum: mean, vector whose square is the variance, cost; in a draw its value."""
        found = self._cells.get((kind, cell))
        if found is None:
            found = self._cells[kind, cell] = self._cell(kind, cell)
        if draw is None:
            return found
        key = (id(draw), kind, cell)
        if key not in self._drawn:
            self._drawn[key] = found[0] + float(found[1] @ draw)
        return self._drawn[key], 0.0, found[2]

    def _cell(self, kind: str, cell: Cell) -> tuple[float, Array, float]:
        """The term of one kind. Features that nobody has met are independent, and get places behind."""
        surrogate, share = self._surrogate, self._surrogate.shares[kind]
        posterior, features = surrogate.posterior, surrogate.features.of(kind, cell)
        vector, places, fresh = self._np.zeros(self._width), [], {}
        for feature, sd in features.items():
            place = posterior.place(feature)
            if place is None or place >= self._met:
                fresh[feature] = sd
            else:
                places.append(place)
        vector[: self._met] = self._root[places].sum(axis=0)
        for feature, sd in fresh.items():
            place = self._new.setdefault(feature, len(self._new))
            if place < SPARE:
                vector[self._met + place] += sd
        certain = {feature: (1.0, sd) for feature, sd in features.items()}
        mean = float(posterior.mean[places].sum())
        return share * mean, share * vector, share * surrogate.costs.of(certain, cell)

    # -- the posterior as it is now

    def _believed(self, in_flight: Sequence[Design]) -> Array:
        """Root of the covariance of effects, once the designs under way have brought what is expected."""
        surrogate = self._surrogate
        coming: list[tuple[Design, float]] = [(design, 1.0) for design in in_flight]
        for agent, made in surrogate.designs().items():
            todo = 1.0 - min(1.0, surrogate.seen(agent) / max(1, sum(surrogate.planned.values())))
            if agent in surrogate.awaited and todo:
                coming.append((made, todo))
        rows = [
            (surrogate.row(kind, cell), kind, todo)
            for design, todo in coming
            for kind, cell in surrogate.cells(design).items()
        ]
        self._met = len(surrogate.posterior)
        self._width = self._met + SPARE
        root = surrogate.posterior.root()
        for (places, values), kind, todo in rows:
            along = values @ root[places]
            square = float(along @ along)
            noise = surrogate.scales.left**2 + NOISE / max(1.0, surrogate.planned[kind] * todo)
            if square > 1e-12:
                shrink = (1.0 - math.sqrt(noise / (noise + square))) / square
                root = root - self._np.outer(root @ along, along * shrink)
        return root

    def _mean_of(self, agent: str) -> float:
        """Of an agent that was met, on fresh items."""
        if agent not in self._means:
            self._means[agent] = self._surrogate.mean(agent)
        return self._means[agent]

    def _incumbent(self) -> tuple[float, Array | None]:
        """Mean and vector of the agent that would be chosen now."""
        best: tuple[float, str] | None = None
        for agent in self._surrogate.over():
            mean = self._mean_of(agent)
            if best is None or mean > best[0]:
                best = mean, agent
        if best is None:
            return 0.0, None
        constant, effects, _ = self._surrogate.linear(best[1])
        mean = constant + float(effects @ self._surrogate.posterior.mean)
        vector = self._np.zeros(self._width)
        vector[: self._met] = effects[: self._met] @ self._root
        return mean, vector

    # -- starts

    def _random(self) -> dict[str, Scalar]:
        return {name: self._rng.choice(choices) for name, (_, _, choices) in self._parameters.items()}

    def _whole(self, design: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """With the plainest choice for what it does not read, and what cannot be carried out now."""
        return {
            name: design[name] if design.get(name) in choices else choices[0]
            for name, (_, _, choices) in self._parameters.items()
        }

    def _gauss(self, n: int) -> list[float]:
        return [self._rng.gauss(0.0, 1.0) for _ in range(n)]


def _choices(allowed: Fixed, slot: Slot) -> list[Scalar]:
    """Those that can be carried out; the plainest where none can."""
    found = [c for c in slot.choices if slot.name not in allowed or c in allowed[slot.name]]
    return found or [slot.choices[0]]
