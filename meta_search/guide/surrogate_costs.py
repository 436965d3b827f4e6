"""What an item costs, by the same features as scores: the logarithm of cost is additive in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache

from meta_search.guide.surrogate_features import Feature
from meta_search.guide.surrogate_items import Tally
from meta_search.guide.surrogate_posterior import Posterior
from meta_search.types.designs import Cell

__all__ = ["Costs"]

# An effect of 0.1 on scores goes with one of e^0.5 on costs: votes treble them, a way may cost ten times as
# much as another.
WIDER = 5.0
LEFT, SPREAD = 0.1, 0.5  # standard deviations of a logarithm: of an agent with a kind, of an item
FARTHEST = 5.0  # logarithms from the first one that are believed
LOOKS = 10_000  # cells whose foretold cost is kept


class Costs:
    """Learns the logarithm of costs, beyond what is foretold of a design; an own posterior, as its noise is
    another.

    Args:
        foretold: What an item costs that is treated so, in any unit, such as LLM calls.

    Attributes:
        foretold: Logarithm of that.
    """

    def __init__(self, foretold: Callable[[Cell], float]) -> None:
        self.foretold = lru_cache(LOOKS)(lambda cell: math.log(foretold(cell)))
        self._posterior = Posterior()
        self._first: float | None = None

    def learn(self, values: Mapping[Feature, tuple[float, float]], tally: Tally, foretold: float) -> None:
        """The costs of an agent with a kind of item, or what is new of them, and what was foretold."""
        mean, n = tally.costs()
        mean -= foretold
        self._first = mean if self._first is None else self._first
        off = min(FARTHEST, max(-FARTHEST, mean - self._first))
        precision = 1.0 / (LEFT**2 + SPREAD**2 / n)
        row = self._posterior.row({f: (v, WIDER * sd) for f, (v, sd) in values.items()})
        self._posterior.change(row, precision - tally.cost_precision, precision * off - tally.cost_weighted)
        tally.cost_precision, tally.cost_weighted = precision, precision * off

    def of(self, values: Mapping[Feature, tuple[float, float]], cell: Cell) -> float:
        """Expected cost of an item; what is foretold while none was seen."""
        if self._first is None:
            return math.exp(self.foretold(cell))
        known = {f: pair for f, pair in values.items() if self._posterior.has(f)}
        mean = self._posterior.mean_of(self._posterior.row(known)) if known else 0.0
        return math.exp(self._first + self.foretold(cell) + min(FARTHEST, max(-FARTHEST, mean)))
