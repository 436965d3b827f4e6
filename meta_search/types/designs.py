"""The space of designs that the composer writes agents from, as guide and authors share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from meta_search.types.agents import Scalar

__all__ = ["Cell", "Design", "Slot", "Space"]

Design = Mapping[str, Scalar]
"""Parameter -> value, see `Space.parameter`. Parameters that nothing reads are absent."""

Cell = tuple[tuple[str, Scalar], ...]
"""What a design does with items of one kind: (slot, choice) of every slot that is read there, by slot."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One choice of a design.

    Attributes:
        name: As `way`.
        choices: All that there are, the plainest first.
        per_kind: Whether each kind of item has a choice of its own.
        when: (slot, choices): read only where all of these slots have one of their choices.
    """

    name: str
    choices: tuple[Scalar, ...]
    per_kind: bool = False
    when: tuple[tuple[str, tuple[Scalar, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Space:
    """All designs of a run.

    Attributes:
        slots: Each behind those that its `when` names.
        kinds: Of items; `("",)` where they are not told apart.
    """

    slots: tuple[Slot, ...]
    kinds: tuple[str, ...] = ("",)

    def parameter(self, slot: Slot, kind: str) -> str:
        """Name of the parameter that holds a choice: `way:KIND`, or `votes` where all kinds share it."""
        return f"{slot.name}:{kind}" if slot.per_kind and kind else slot.name

    def parameters(self) -> dict[str, tuple[Scalar, ...]]:
        """Parameter -> its choices, in the order in which they are made."""
        return {name: slot.choices for name, (slot, _) in self.places().items()}

    def places(self) -> dict[str, tuple[Slot, str]]:
        """Parameter -> its slot, and the kind of item that it is of; of shared slots the first kind."""
        return {
            self.parameter(slot, kind): (slot, kind)
            for slot in self.slots
            for kind in (self.kinds if slot.per_kind else self.kinds[:1])
        }

    def cell(self, design: Design, kind: str) -> Cell:
        """What a design does with items of a kind. A parameter that is absent has its plainest choice."""
        found: dict[str, Scalar] = {}
        for slot in self.slots:
            if all(found.get(name) in choices for name, choices in slot.when):
                found[slot.name] = design.get(self.parameter(slot, kind), slot.choices[0])
        return tuple(sorted(found.items()))

    def cells(self, design: Design) -> dict[str, Cell]:
        """Kind -> what the design does with items of it."""
        return {kind: self.cell(design, kind) for kind in self.kinds}

    def reduced(self, design: Design) -> dict[str, Scalar]:
        """The design with what something reads of it, in the order of `parameters`, and nothing else."""
        cells = {kind: dict(cell) for kind, cell in self.cells(design).items()}
        made: dict[str, Scalar] = {}
        for slot in self.slots:
            for kind, cell in cells.items():
                if slot.name in cell:
                    made.setdefault(self.parameter(slot, kind), cell[slot.name])
        return made
