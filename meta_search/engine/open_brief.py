"""A brief that was asked for and not yet told: what engine, event `ask` and a resumed run know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from meta_search.types import Brief, Scalar

__all__ = ["Writing"]


@dataclass(frozen=True, slots=True)
class Writing:
    """A brief that was asked for and not yet told.

    Attributes:
        design: Number of its trial in the study of designs.
        tuning: (source, trial number) of the tuning studies that it asked.
        values: What they chose.
        tokens: What the meta agent used to carry it out.
        used: Evaluation attempts so far.

    Where the brief has a candidate mended, all but the brief itself are its whole chain's (`mending`).
    """

    brief: Brief
    design: int
    tuning: tuple[tuple[str, int], ...] = ()
    values: Mapping[str, Scalar] | None = None
    tokens: int = 0
    used: int = 0

    @property
    def mends(self) -> bool:
        """Whether it goes on with the chain of another brief."""
        return self.brief.kind == "repair"

    def written(self, tokens: int, used: int) -> Writing:
        """With what an author took for it."""
        return replace(self, tokens=self.tokens + tokens, used=self.used + used)

    def told(self) -> dict[str, Any]:
        """As an event `ask` tells it."""
        brief = self.brief.to_json()
        return {
            "brief": brief.pop("number"),
            **brief,
            "design": self.design,
            "tuning": self.tuning,
            "values": dict(self.values or {}),
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Writing:
        """From an event `ask`."""
        brief = Brief.from_json({**data, "number": data["brief"]})
        tuning = tuple((str(source), int(number)) for source, number in data["tuning"])
        return cls(brief, data["design"], tuning, data["values"])
