"""The score of an agent on a split, with its interval."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from meta_search.types.calls import Usage
from meta_search.types.items import ItemResult
from meta_search.types.names import UNSCORED, OutcomeKind, Split

__all__ = [
    "MOST_LEFT_OUT",
    "PAUSED",
    "Evaluation",
    "EvaluationRow",
    "free_text",
    "item_means",
    "pareto_front",
    "stopped_line",
    "too_many_left_out",
    "wilson",
    "wilson_by_item",
]

MOST_LEFT_OUT = 0.05  # of an agent's results; with more of them without a score nothing is claimed
PAUSED = "paused: "  # how the reason begins of an evaluation that may go on


def stopped_line(why: str) -> str:
    """Why an evaluation is not complete, in words for people: that it stopped, or pauses."""
    return why if why.startswith(PAUSED) else f"stopped: {why}"


def too_many_left_out(left_out: int, scored: int) -> bool:
    """Whether more than `MOST_LEFT_OUT` of an agent's results came to no score."""
    return left_out > MOST_LEFT_OUT * (left_out + scored)


def free_text(share: float) -> str:
    """How many items an agent answered without any LLM call, to stand beside its score.

    Args:
        share: Of its scored items, 0..1.

    Returns:
        As `40 % without a call`; `""` for none.
    """
    if share <= 0:
        return ""
    percent = "<1" if share < 0.005 else ">99" if 0.995 <= share < 1 else f"{100 * share:.0f}"
    return f"{percent} % without a call"


def item_means(scored: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Mean of each item over its repeats.

    Args:
        scored: Pairs of an item's id and a score (or cost) of one of its repeats, in any order.

    Returns:
        Item -> mean, the items in the order in which they first come.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for item, value in scored:
        found[item].append(value)
    return {item: sum(values) / len(values) for item, values in found.items()}


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the Pareto front of (score, cost) pairs: score up, cost down.

    A point is on the front if no other scores at least as much for at most its cost and is better in one of
    the two. Equal points share their place.

    Returns:
        Best score first; equal points in the order given.
    """
    kept: list[int] = []
    # By falling score: on the front is what is cheaper than all before it.
    for i in sorted(range(len(points)), key=lambda i: (-points[i][0], points[i][1])):
        cheapest = points[kept[-1]] if kept else None
        if cheapest is None or points[i][1] < cheapest[1] or points[i] == cheapest:
            kept.append(i)
    return kept


def wilson(successes: float, n: float, z: float = 1.959964) -> tuple[float, float]:
    """Wilson score interval of a proportion (E. B. Wilson 1927, JASA 22:209).

    Args:
        successes: Number (or sum of graded scores) of successes, 0..n.
        n: Number of trials, a fraction where they count for less; 0 gives (0, 1).
        z: Normal quantile; the default gives 95 %.

    Returns:
        Lower and upper bound, 0..1.
    """
    if n <= 0:
        return 0.0, 1.0
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(max(0.0, p * (1 - p) / n) + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def wilson_by_item(means: Iterable[float], trials: int) -> tuple[float, float]:
    """Wilson interval of a mean over items, each tried once or several times.

    Repeats of an item are no new items. So they count for as many trials as their scores bear out: the
    effective number of E. L. Korn and B. I. Graubard (1998, Survey Methodology 24:193), between the number
    of items (repeats that always agree) and that of trials (repeats that agree by chance only). The variance
    between items is taken together with two items of the largest possible one, as few items tell little of
    it: with 5 to 40 items of 5 repeats, 91 to 99 % of such intervals held the true mean, of those that take
    every repeat for an item 39 to 97 %.

    Args:
        means: Mean score of each item over its repeats, 0..1.
        trials: Item × repeat pairs in all; with one per item this is `wilson`.

    Returns:
        Lower and upper bound, 0..1.
    """
    found = list(means)
    if not found:
        return 0.0, 1.0
    n, mean = len(found), sum(found) / len(found)
    effective = float(n)
    if trials > n and (most := mean * (1 - mean)) > 0:
        variance = (math.fsum((m - mean) ** 2 for m in found) + 2 * most) / (n + 1)
        effective = min(float(trials), max(effective, most * n / variance))
    return wilson(mean * effective, effective)


class EvaluationRow(TypedDict):
    """What came of an agent's evaluation, as `meta_search.evaluate` gives it and `evaluate --json` writes it.

    Attributes:
        name: Of the agent.
        agent: Its id.
        score: Mean score, 0..1; `None` where no item came to a score.
        low: Lower end of its 95 % interval.
        high: Upper end of it.
        items: Number of item × repeat pairs behind it.
        calls: Used in all, as if nothing were shared.
        tokens: Likewise.
        cost_usd: Likewise, in US dollars.
        seconds: Sum of wall seconds of the items.
        outcomes: Outcome kind -> count; `ok` is an answer, right or wrong. Those of `UNSCORED` came to no
            score and are not among `items`; the interval holds whatever they would have been.
        complete: Whether every item was run, and no more than 5 % of them came to no score.
        model_free: Share of `items` that it answered without any LLM call, 0..1; a call that the ledger
            answered is a call. See `domain.model_free`.
        hint: The most frequent fault with what mends it, or `""`.
        measures: What the domain measures over all answers together, as `macro_f1`: name -> 0..1.
        perturbed: With `domain.perturb`: `drops`, a list of what each perturbation cost
            (`report.robustness.Drop`), and how many items were `made`, `by_model`, and `left_out` with their
            reasons.
    """

    name: str
    agent: str
    score: float | None
    low: float
    high: float
    items: int
    calls: int
    tokens: int
    cost_usd: float
    seconds: float
    outcomes: dict[OutcomeKind, int]
    complete: bool
    model_free: float
    hint: str
    measures: dict[str, float]
    perturbed: NotRequired[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores of one agent on one split so far.

    Attributes:
        agent: Id of the agent.
        split: Split of the items.
        score: Mean score over `items`, 0..1.
        low: Lower end of its 95 % interval (`wilson_by_item`), all that was left out being wrong.
        high: Upper end of it, all that was left out being right.
        items: Number of (item, repeat) pairs that were scored.
        used: What its calls cost as if nothing were shared, summed over the items.
        paid: What was really sent for it.
        seconds: Sum of wall seconds of the items.
        outcomes: Outcome kind -> count; those of `UNSCORED` are not among `items`.
        complete: Whether every planned item was run, and no more than 5 % of them were left out.
        stopped: Why it was stopped early, `""` if it was not.
        model_free: Pairs among `items` that were answered without any LLM call.
    """

    agent: str
    split: Split
    score: float
    low: float
    high: float
    items: int
    used: Usage
    paid: Usage
    seconds: float
    outcomes: Mapping[OutcomeKind, int]
    complete: bool = True
    stopped: str = ""
    model_free: int = 0

    @property
    def free_share(self) -> float:
        """Share of the scored pairs that were answered without any LLM call, 0..1."""
        return self.model_free / self.items if self.items else 0.0

    @property
    def left_out(self) -> int:
        """Pairs that came to no score."""
        return sum(n for kind, n in self.outcomes.items() if kind in UNSCORED)

    @property
    def sure(self) -> float:
        """The score with all that was left out counted as wrong: agents are ranked by it, so that none gains
        by items that came to no score."""
        return self.score * self.items / max(1, self.items + self.left_out)

    @classmethod
    def of(
        cls, agent: str, split: Split, results: Iterable[ItemResult], complete: bool = True, stopped: str = ""
    ) -> Evaluation:
        """Summarise results of one agent on one split; those without a score are left out, and counted.

        Args:
            agent: Id of the agent.
            split: Split of the items.
            results: Scored results, and those of `UNSCORED`.
            complete: Whether every planned item was run.
            stopped: Why it was stopped early, `""` if it was not.
        """
        every = list(results)
        rows = [r for r in every if r.kind not in UNSCORED]
        total = sum(r.score or 0.0 for r in rows)

        def bound(missing: float) -> tuple[float, float]:
            means = item_means((r.item, missing if r.kind in UNSCORED else r.score or 0.0) for r in every)
            return wilson_by_item(means.values(), len(every))

        return cls(
            agent=agent,
            split=split,
            score=total / len(rows) if rows else 0.0,
            low=bound(0.0)[0],
            high=bound(1.0)[1],
            items=len(rows),
            used=sum((r.used for r in rows), Usage()),
            paid=sum((r.paid for r in rows), Usage()),
            seconds=sum(r.seconds for r in rows),
            outcomes=dict(Counter(r.kind for r in every)),
            complete=complete and not too_many_left_out(len(every) - len(rows), len(rows)),
            stopped=stopped,
            model_free=sum(r.model_free for r in rows),
        )
