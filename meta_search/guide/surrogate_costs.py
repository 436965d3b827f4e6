"""What an item costs, by the same features as scores: the logarithm of cost is additive in them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from meta_search.guide.surrogate_features import Feature, Features
from meta_search.guide.surrogate_items import Tally
from meta_search.guide.surrogate_posterior import Posterior

__all__ = ["Costs"]

# An effect of 0.1 on scores goes with one of e^0.5 on costs: votes treble them, a way may cost ten times as
# much as another.
WIDER = 5.0
LEFT, SPREAD = 0.1, 0.5  # standard deviations of a logarithm: of an agent with a kind, of an item
FARTHEST = 5.0  # logarithms from the first one that are believed


class Costs:
    """Learns the logarithm of costs; an own posterior, as its noise is another.

    Args:
        features: Of the space.
    """

    def __init__(self, features: Features) -> None:
        self._features = features
        self._posterior = Posterior()
        self._first: float | None = None

    def learn(self, values: Mapping[Feature, tuple[float, float]], tally: Tally) -> None:
        """The costs of an agent with a kind of item, or what is new of them."""
        mean, n = tally.costs()
        self._first = mean if self._first is None else self._first
        off = min(FARTHEST, max(-FARTHEST, mean - self._first))
        precision = 1.0 / (LEFT**2 + SPREAD**2 / n)
        row = self._posterior.row({f: (v, WIDER * sd) for f, (v, sd) in values.items()})
        self._posterior.change(row, precision - tally.cost_precision, precision * off - tally.cost_weighted)
        tally.cost_precision, tally.cost_weighted = precision, precision * off

    def of(self, values: Mapping[Feature, tuple[float, float]]) -> float:
        """Expected cost of an item; 1 while none was seen."""
        if self._first is None:
            return 1.0
        known = {f: pair for f, pair in values.items() if self._posterior.has(f)}
        mean = self._posterior.mean_of(self._posterior.row(known)) if known else 0.0
        return math.exp(self._first + min(FARTHEST, max(-FARTHEST, mean)))
