"""What is known of items, and of one agent's results with items of one kind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

__all__ = ["Difficulties", "Tally"]

SHRINKAGE = 6.0  # results with which an item's ease is drawn towards that of its kind
PSEUDO = 2.0  # items, half of them right, with which a share is drawn towards a half for its noise


class Difficulties:
    """How much easier than others of its kind an item is: its mean residual, shrunken.

    Args:
        items: Planned item -> its kind.
    """

    def __init__(self, items: Mapping[str, str]) -> None:
        self._kinds = dict(items)
        self._sums = dict.fromkeys(items, 0.0)
        self._counts = dict.fromkeys(items, 0)
        self._ease = dict.fromkeys(items, 0.0)
        self._of_kind: dict[str, float] = dict.fromkeys(items.values(), 0.0)
        self._planned: dict[str, int] = {}
        for kind in items.values():
            self._planned[kind] = self._planned.get(kind, 0) + 1

    def add(self, item: str, residual: float) -> None:
        """An agent's score on an item, less what was expected of the agent with the kind."""
        self._sums[item] += residual
        self._counts[item] += 1
        ease = self._sums[item] / (self._counts[item] + SHRINKAGE)
        self._of_kind[self._kinds[item]] += ease - self._ease[item]
        self._ease[item] = ease

    def ease(self, item: str) -> float:
        """By how much a score on it is above those on others of its kind."""
        kind = self._kinds[item]
        return self._ease[item] - self._of_kind[kind] / self._planned[kind]

    def mean(self, items: Iterable[str]) -> float:
        """Mean ease of items of one kind."""
        found = [self.ease(item) for item in items]
        return sum(found) / len(found) if found else 0.0


class Tally:
    """Results of one agent with items of one kind.

    Attributes:
        precision: Of the observation that the posterior has of them; 0 before it has one.
        weighted: Precision × value of it.
        cost_precision: Likewise, of the logarithm of costs.
        cost_weighted: Likewise.
    """

    def __init__(self) -> None:
        self._scores: dict[str, tuple[float, int]] = {}
        self._total = 0.0  # of items' means
        self._costs, self._costed = 0.0, 0
        self.precision = self.weighted = 0.0
        self.cost_precision = self.cost_weighted = 0.0

    def __len__(self) -> int:
        return len(self._scores)

    def add(self, item: str, score: float) -> None:
        """A score; the repeats of an item count as one, with their mean."""
        before, n = self._scores.get(item, (0.0, 0))
        self._scores[item] = before + score, n + 1
        self._total += (before + score) / (n + 1) - (before / n if n else 0.0)

    def add_cost(self, cost: float) -> bool:
        """A cost, if it is one. Whether the mean is worth telling: with the first, second, fourth, …"""
        if not (math.isfinite(cost) and cost > 0):
            return False
        self._costs += math.log(cost)
        self._costed += 1
        return self._costed & (self._costed - 1) == 0

    def items(self) -> Iterable[str]:
        """Those that were run."""
        return self._scores

    def mean(self) -> float:
        """Score, 0..1."""
        return self._total / len(self._scores)

    def noise(self) -> float:
        """Variance of the mean score: binomial, of a share that is drawn towards a half. Graded scores have
        no more than that."""
        n = len(self._scores)
        share = (min(n, max(0.0, self._total)) + PSEUDO / 2) / (n + PSEUDO)
        return share * (1.0 - share) / n

    def costs(self) -> tuple[float, int]:
        """Mean logarithm of its costs, and of how many."""
        return self._costs / self._costed, self._costed
