"""What earlier runs of the same domain found out about briefs, to begin a search with.

The study of briefs learns from their trials as from its own, from the first ask on. They come first, so that
Optuna's TPE weighs them less the more trials of its own the study has: its weights fall with age. Operators
that never paid off in them are left out of the briefs that a search opens with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["MOST", "NOTHING", "Prior"]

MOST = 50  # briefs, the newest: a search of its own hundred candidates soon outweighs them
SURE = 5  # briefs of an operator, none of which paid, that speak against it


@dataclass(frozen=True, slots=True)
class Prior:
    """Briefs of earlier runs, with what they were told.

    Attributes:
        briefs: (parameters, value) of each, the newest last; values as `guide.gain_per_cost` has them.
        runs: How many runs they are from.
    """

    briefs: tuple[tuple[Mapping[str, Any], float], ...] = ()
    runs: int = 0

    @property
    def line(self) -> str:
        """For users, one line."""
        briefs, runs = len(self.briefs), self.runs
        text = f"prior: {briefs} brief{'s' * (briefs != 1)} of {runs} earlier run{'s' * (runs != 1)}"
        unpaid = sorted(self.barren())
        return (
            f"{text}; skipped in the opening (never paid off before): {', '.join(unpaid)}" if unpaid else text
        )

    def barren(self) -> frozenset[str]:
        """Operators that were tried `SURE` times or more and never brought a gain."""
        values = defaultdict(list)
        for params, value in self.briefs:
            values[str(params["operator"])].append(value)
        return frozenset(o for o, found in values.items() if len(found) >= SURE and max(found) <= 0.0)

    def to_json(self) -> dict[str, Any]:
        """As it is stored in an event; empty without any briefs."""
        if not self.briefs:
            return {}
        return {"runs": self.runs, "briefs": [[dict(params), value] for params, value in self.briefs]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Prior:
        """From an event; empty where there is none."""
        if not data:
            return cls()
        return cls(tuple((dict(params), float(value)) for params, value in data["briefs"]), int(data["runs"]))


NOTHING = Prior()
