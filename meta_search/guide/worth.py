"""What a brief was worth, as the guide is told it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["NOTHING_CAME", "VALUE_OF_NOTHING", "Worth", "gain_per_cost", "share_gained"]

VALUE_OF_NOTHING = -0.25  # of a brief that nothing came of: between a small loss and a large one
DOUBT = 2.0  # items' worth of no gain that those compared are added to: few say little


@dataclass(frozen=True, slots=True)
class Worth:
    """What came of a brief.

    Attributes:
        value: `gain_per_cost`, or `VALUE_OF_NOTHING`: what the study's trial is told.
        gain: Share of what was left to gain that it brought, 0..1, see `share_gained`; `None` for `value`
            where that is more than 0.
        cost: Of writing and evaluating, as a multiple of a typical candidate's.
    """

    value: float
    gain: float | None = None
    cost: float = 1.0

    @property
    def brought(self) -> float:
        """The gain, 0..1."""
        return min(1.0, max(0.0, self.value if self.gain is None else self.gain))

    def told(self) -> dict[str, float]:
        """What is kept beside the value; nothing where nothing is known."""
        return {} if self.gain is None else {"gain": self.gain, "cost": self.cost}

    @classmethod
    def of(cls, value: float, told: Mapping[str, float]) -> Worth:
        """From the value of a trial and what was kept beside it; earlier versions kept nothing."""
        gain = told.get("gain")
        return cls(value, None if gain is None else float(gain), float(told.get("cost", 1.0)))


NOTHING_CAME = Worth(VALUE_OF_NOTHING)


def gain_per_cost(gain: float, cost: float, typical: float) -> float:
    """Value of a brief: the child's gain over its parents per unit of cost.

    Args:
        gain: Child's score minus the best parent's, on the items that both were scored on; -1..1.
        cost: Tokens used to write and evaluate the child.
        typical: Median cost of the candidates so far, in tokens.

    Returns:
        `gain / (cost / typical)` for a gain. A loss counts as it is: divided by its cost, an expensive loss
        would look mild.
    """
    return gain / max(0.1, cost / max(typical, 1.0)) if gain > 0 else gain


def share_gained(ours: Mapping[str, float], theirs: Mapping[str, float]) -> float:
    """By how much of what was left to gain an agent is better than another, 0..1.

    Args:
        ours: Item -> score 0..1.
        theirs: The same of the other one. Only items that both have are compared.
    """
    shared = [item for item in theirs if item in ours]
    gained = sum(ours[i] - theirs[i] for i in shared)
    left = sum(1.0 - theirs[i] for i in shared)
    return max(0.0, gained) / max(left + DOUBT, 1.0)
