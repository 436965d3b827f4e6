"""A brief that was asked for and not yet told: what engine, event `ask` and a resumed run know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from meta_search.run.events import BriefAsked
from meta_search.types import Brief, Scalar

__all__ = ["OpenBrief"]


@dataclass(frozen=True, slots=True)
class OpenBrief:
    """A brief that was asked for and not yet told.

    Where it has a candidate repaired, all but the brief itself are of its whole chain (`engine.repair`).

    Attributes:
        brief: What the author is asked for.
        design: Number of its trial in the study of designs.
        tuning: (source, trial number) of the tuning studies that it asked.
        values: What they chose, by parameter.
        tokens: What the meta agent used to carry it out.
        used: Evaluation attempts so far.
    """

    brief: Brief
    design: int
    tuning: tuple[tuple[str, int], ...] = ()
    values: Mapping[str, Scalar] = field(default_factory=dict)
    tokens: int = 0
    used: int = 0

    @property
    def repairs(self) -> bool:
        """Whether it goes on with the chain of another brief."""
        return self.brief.kind == "repair"

    def spent(self, tokens: int, used: int) -> OpenBrief:
        """With what an author took for it."""
        return replace(self, tokens=self.tokens + tokens, used=self.used + used)

    def asked(self) -> BriefAsked:
        """As an event."""
        return BriefAsked(self.brief, self.design, self.tuning, self.values)

    @classmethod
    def of(cls, asked: BriefAsked) -> OpenBrief:
        """From an event."""
        return cls(asked.brief, asked.design, asked.tuning, asked.values)
