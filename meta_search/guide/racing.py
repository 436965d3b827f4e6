"""Racing: after each block of items, decide whether a candidate can still matter.

Blocks come in fixed order, so that every candidate meets the same items first and can be compared with the
incumbent item by item.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from meta_search.types import wilson

__all__ = ["Standing", "decide", "sign_test"]

OPTIMISTIC_Z = 1.2816  # one-sided 90 %: the upper bound in "could still be"
ALPHA = 0.10  # for all looks at one candidate together
DEAR = 4.0  # this many times the incumbent's cost needs a better score to go on
FEWEST = 3  # items before any decision


@dataclass(frozen=True, slots=True)
class Standing:
    """An agent's scores so far.

    Attributes:
        scores: Item -> score, 0..1.
        cost: Used cost per item (tokens, or USD: the same unit for all).
    """

    scores: Mapping[str, float]
    cost: float

    @property
    def mean(self) -> float:
        return sum(self.scores.values()) / len(self.scores) if self.scores else 0.0


def sign_test(worse: int, better: int) -> float:
    """One-sided exact sign test: chance of at least `worse` losses among the decided pairs of equals.

    Source: Conover, Practical Nonparametric Statistics, section 3.4. Ties are left out.
    """
    n = worse + better
    return sum(math.comb(n, k) for k in range(worse, n + 1)) / 2**n if n else 1.0


def decide(
    candidate: Standing, incumbent: Standing | None, front: Sequence[Standing], planned: int, block: int
) -> str:
    """Why the candidate should stop now, or `""` to go on.

    Args:
        candidate: The one that races.
        incumbent: The best agent so far, evaluated on at least these items; `None` at the start.
        front: The Pareto front (score up, cost down) without the candidate.
        planned: Items of a full evaluation.
        block: Items between two looks; the sign test is corrected (Bonferroni) for that many looks.
    """
    n = len(candidate.scores)
    if incumbent is None or n < FEWEST or n >= planned:
        return ""
    if candidate.mean == 0.0 and n >= block and (1 - incumbent.mean) ** n <= ALPHA:
        return f"nothing right in {n} items"
    shared = _shared(candidate, incumbent)
    worse = sum(a < b for a, b in shared)
    better = sum(a > b for a, b in shared)
    looks = max(1, math.ceil(planned / block) - 1)
    p = sign_test(worse, better)
    if p <= ALPHA / looks:
        return f"worse than the best on {worse} items, better on {better} (p = {p:.3f}, {looks} looks)"
    if _beyond_reach(candidate, incumbent, planned):
        return "cannot reach the best even with everything else right"
    low_high = wilson(sum(candidate.scores.values()), n, OPTIMISTIC_Z)
    for member in front:
        # On the same items too: the first blocks may be harder than the rest.
        mean = min(member.mean, sum(score for _, score in _shared(candidate, member)) / n)
        if member.cost <= candidate.cost and mean >= low_high[1]:
            return f"at best {low_high[1]:.0%}, dominated by a cheaper agent at {mean:.0%}"
    if candidate.cost > DEAR * incumbent.cost and better <= worse:
        return (
            f"{candidate.cost / max(incumbent.cost, 1e-9):.0f} times as dear as the best and no better so far"
        )
    return ""


def _shared(candidate: Standing, other: Standing) -> list[tuple[float, float]]:
    """Scores of both on the items that both have."""
    return [(score, other.scores[i]) for i, score in candidate.scores.items() if i in other.scores]


def _beyond_reach(candidate: Standing, incumbent: Standing, planned: int) -> bool:
    if len(incumbent.scores) < planned:
        return False
    most = sum(candidate.scores.values()) + planned - len(candidate.scores)
    return most < sum(incumbent.scores.values())
