"""A brief that was asked for and not yet told: what engine, event `ask` and a resumed run know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from meta_search.authors.registry import HAND
from meta_search.run.events import BriefAsked, Steered
from meta_search.types import Brief, HandedIn, Scalar

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
        cost_usd: What the meta agent's calls cost, where there are several meta models; else 0.
        handed: What a person handed in for it, who added an agent; `None` for others.
    """

    brief: Brief
    design: int
    tuning: tuple[tuple[str, int], ...] = ()
    values: Mapping[str, Scalar] = field(default_factory=dict)
    tokens: int = 0
    used: int = 0
    cost_usd: float = 0.0
    handed: HandedIn | None = None

    @property
    def added(self) -> bool:
        """Whether a person added its agent: no study of the guide asked for it, and none is told."""
        return self.brief.kind == "added"

    @property
    def repairs(self) -> bool:
        """Whether it goes on with the chain of another brief."""
        return self.brief.kind == "repair"

    def spent(self, tokens: int, used: int, cost_usd: float = 0.0) -> OpenBrief:
        """With what an author took for it."""
        return replace(
            self, tokens=self.tokens + tokens, used=self.used + used, cost_usd=self.cost_usd + cost_usd
        )

    def asked(self) -> BriefAsked:
        """As an event."""
        return BriefAsked(self.brief, self.design, self.tuning, self.values)

    @classmethod
    def of_person(cls, steered: Steered, number: int, seed: int) -> OpenBrief:
        """What an agent that a person adds is written for.

        Args:
            steered: What they asked for.
            number: How many were added before.
            seed: Of the run.
        """
        brief = Brief(number, "added", HAND, seed=seed * 10_007 + number, kind="added")
        thought = f"{steered.name}\nAdded by {steered.who} while the search ran."
        return cls(brief, -1, handed=HandedIn(steered.source, thought))

    @classmethod
    def of(cls, asked: BriefAsked) -> OpenBrief:
        """From an event."""
        return cls(asked.brief, asked.design, asked.tuning, asked.values)
