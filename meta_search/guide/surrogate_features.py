"""What a design does with items of a kind, as features of a linear model: main effects and interactions.

The prior of each feature's effect is normal with mean 0; how far it may go is a matter of its group. So an
effect is pooled over kinds as far as kinds agree, and over choices as far as these do (Gelman and Hill 2007,
Data Analysis Using Regression and Multilevel Models, ch. 13).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from meta_search.types import Scalar
from meta_search.types.designs import Cell, Space

__all__ = ["MOST", "Feature", "Features", "Scales"]

MOST = 2000  # features that a space may have: of more, the finest interactions are left out

Feature = tuple[Scalar, ...]
"""Group first: ("kind", kind), ("choice", slot, choice), ("kind choice", kind, slot, choice), …"""


@dataclass(frozen=True, slots=True)
class Scales:
    """Standard deviations of effects, on the scale of scores.

    Fitted to the recorded landscapes; `first` is the first slot that each kind has of its own, as `way`.

    Attributes:
        level: Of everything.
        kind: Of a kind of item.
        choice: Of a choice; `first_choice` of one in the first slot.
        kind_choice: Of a choice with items of a kind, beyond the choice's own; `first_kind_choice` likewise.
        pair: Of two choices together.
        kind_pair: Of a choice of the first slot and one that all kinds share, with items of a kind.
        agent: Of an agent that is no design, beyond its parents.
        left: Of an agent with items of a kind, beyond all of that; `agent_left` of one that is no design.
        inherited: Share of its parents' effects that an agent has which is no design.
    """

    level: float = 0.3
    kind: float = 0.2
    choice: float = 0.1
    first_choice: float = 0.15
    kind_choice: float = 0.12
    first_kind_choice: float = 0.3
    pair: float = 0.06
    kind_pair: float = 0.12
    agent: float = 0.15
    left: float = 0.05
    agent_left: float = 0.15
    inherited: float = 0.7


class Features:
    """The features of a space.

    Args:
        space: Of designs.
        scales: Of their effects.
    """

    def __init__(self, space: Space, scales: Scales) -> None:
        self._space, self._scales = space, scales
        own = [slot.name for slot in space.slots if slot.per_kind]
        self._first = own[0] if own else (space.slots[0].name if space.slots else "")
        self._shared = {slot.name for slot in space.slots if not slot.per_kind}
        self._plainest = {slot.name: slot.choices[0] for slot in space.slots}
        # Numbers of three values or more: most of what they do is that they are not the plainest.
        self._counted = {
            slot.name
            for slot in space.slots
            if len(slot.choices) > 2 and all(isinstance(c, int | float) for c in slot.choices)
        }

    def of(self, kind: str, cell: Cell) -> dict[Feature, float]:
        """Feature -> standard deviation of its effect, of a cell of a kind of item."""
        return dict(self._of(kind, cell))

    def plain(self, kind: str) -> dict[Feature, float]:
        """What all agents have in common with items of a kind."""
        return {("level",): self._scales.level, ("kind", kind): self._scales.kind}

    def main(self, slot: str, choice: Scalar) -> dict[Feature, float]:
        """The feature of a choice by itself; empty where the space has no such choice."""
        known = any(s.name == slot and choice in s.choices for s in self._space.slots)
        sd = self._scales.first_choice if slot == self._first else self._scales.choice
        return {("choice", slot, choice): sd} if known else {}

    def _of(self, kind: str, cell: Cell) -> Iterator[tuple[Feature, float]]:
        scales = self._scales
        yield from self.plain(kind).items()
        parts = [(slot, choice) for name, value in cell for slot, choice in self._read(name, value)]
        for slot, choice in parts:
            first = slot == self._first
            yield ("choice", slot, choice), scales.first_choice if first else scales.choice
            if self._fine:
                yield (
                    ("kind choice", kind, slot, choice),
                    scales.first_kind_choice if first else scales.kind_choice,
                )
        if not self._fine:  # the first slot's alone
            way = dict(cell).get(self._first)
            if way is not None:
                yield ("kind choice", kind, self._first, way), scales.first_kind_choice
        for place, (slot, choice) in enumerate(parts):
            for other, second in parts[place + 1 :]:
                if slot.rstrip("+") == other.rstrip("+"):
                    continue
                yield ("pair", slot, choice, other, second), scales.pair
                if self._finest and self._meets_first(slot, other):
                    yield ("kind pair", kind, slot, choice, other, second), scales.kind_pair

    def _read(self, name: str, value: Scalar) -> Iterator[tuple[str, Scalar]]:
        """A choice; of a number, also whether it is more than the plainest."""
        yield name, value
        if name in self._counted and value != self._plainest[name]:
            yield f"{name}+", True

    def _meets_first(self, slot: str, other: str) -> bool:
        names = {slot.rstrip("+"), other.rstrip("+")}
        return self._first in names and bool((names - {self._first}) & self._shared)

    @cached_property
    def _sizes(self) -> tuple[int, int, int]:
        """Features without those of kinds, with kinds × choices, and with kinds × pairs."""
        choices = [len(slot.choices) + (slot.name in self._counted) for slot in self._space.slots]
        kinds, every = len(self._space.kinds), sum(choices)
        pairs = (every * every - sum(n * n for n in choices)) // 2
        first = sum(n for n, slot in zip(choices, self._space.slots, strict=True) if slot.name == self._first)
        shared = sum(
            n
            for n, slot in zip(choices, self._space.slots, strict=True)
            if slot.name in self._shared and slot.name != self._first
        )
        base = 1 + kinds + every + pairs
        return base, base + kinds * every, base + kinds * every + kinds * first * shared

    @cached_property
    def _fine(self) -> bool:
        return self._sizes[1] <= MOST

    @cached_property
    def _finest(self) -> bool:
        return self._sizes[2] <= MOST
