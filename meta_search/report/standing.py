"""Who stands where on the test items: an agent's scores, and their summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from meta_search.text import one_line
from meta_search.types import (
    UNSCORED,
    ItemResult,
    Usage,
    free_text,
    item_means,
    too_many_left_out,
    wilson_by_item,
)

__all__ = ["Contender", "Kind", "Measure", "Standing"]

Kind = Literal["found", "seed", "own", "matched"]
Measure = Literal["right", "score"]


def _percent(share: float) -> str:
    """A share 0..1 in per cent with one decimal, without its sign."""
    return f"{100 * share:.1f}"


@dataclass(frozen=True, slots=True)
class Contender:
    """An agent with what it scored on the test items.

    Attributes:
        agent: Id.
        name: As shown.
        scores: Item -> score 0..1, the mean over its repeats.
        used: Sum over `results` of what its calls cost as if nothing were shared.
        results: Number of item × repeat pairs behind `used`.
        left_out: Pairs that were run and came to no score.
        missing: Item -> share of its pairs that these are, as far as that is known.
        faults: Outcome kinds of these, as far as they are known.
        declined: Item -> share of its pairs that ended in a call which the endpoint declined; they scored 0.
        kind: `found` by the search; of the baselines `seed` (one of ours), `own` (the person's own agent) or
            `matched`: one of these that is sampled until it costs as much per item as a finalist.
        costs: Item -> used tokens, US dollars and calls, each the mean over its repeats.
        measure: What its scores are: `right` or wrong, or a graded `score`.
        free: Item -> share of its pairs that were answered without any LLM call, where it is not 0.
        tells: Whether people are told of these, see `domain.model_free`.
    """

    agent: str
    name: str
    scores: Mapping[str, float]
    used: Usage = field(default_factory=Usage)
    results: int = 0
    left_out: int = 0
    kind: Kind = "seed"
    costs: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    measure: Measure = "right"
    missing: Mapping[str, float] = field(default_factory=dict)
    faults: frozenset[str] = frozenset()
    declined: Mapping[str, float] = field(default_factory=dict)
    free: Mapping[str, float] = field(default_factory=dict)
    tells: bool = True

    @property
    def met(self) -> frozenset[str]:
        """Items that it was run on, whatever came of it."""
        return frozenset(self.scores) | frozenset(self.missing)

    @property
    def unsettled(self) -> bool:
        """Whether so much came to no score that nothing is claimed of it."""
        return too_many_left_out(self.left_out, self.results)

    def at(self, item: str, missing: float) -> float:
        """Its score on an item that it has met, what came to no score taken for `missing`."""
        share = self.missing.get(item, 0.0)
        return self.scores.get(item, 0.0) * (1 - share) + missing * share

    @classmethod
    def of(
        cls,
        agent: str,
        name: str,
        results: Iterable[ItemResult],
        measure: Measure = "right",
        kind: Kind = "seed",
        tells: bool = True,
    ) -> Contender:
        """Gather results of one agent.

        Args:
            agent: Id.
            name: As shown.
            results: Its results on the test split, in any order, those without a score among them.
            measure: `right` counts an item that scored >= 1 as 1 and any other as 0; `score` takes the
                graded score.
            kind: What sort of contender it is.
            tells: As the attribute.
        """
        rows = list(results)
        lost = [r for r in rows if _is_lost(r)]
        kept = [r for r in rows if not _is_lost(r)]
        shares = item_means((r.item, float(_is_lost(r))) for r in rows)
        declined = item_means((r.item, float(r.kind == "declined")) for r in rows)
        free = item_means((r.item, float(r.model_free)) for r in kept)
        tokens = item_means((r.item, r.used.tokens) for r in kept)
        usd = item_means((r.item, r.used.cost_usd) for r in kept)
        calls = item_means((r.item, r.used.calls) for r in kept)
        return cls(
            agent=agent,
            name=name,
            scores=item_means((r.item, _value(r, measure)) for r in kept),
            used=sum((r.used for r in kept), Usage()),
            results=len(kept),
            left_out=len(lost),
            kind=kind,
            costs={item: (tokens[item], usd[item], calls[item]) for item in tokens},
            measure=measure,
            missing={item: share for item, share in shares.items() if share},
            faults=frozenset(r.kind for r in lost),
            declined={item: share for item, share in declined.items() if share},
            free={item: share for item, share in free.items() if share},
            tells=tells,
        )


def _is_lost(result: ItemResult) -> bool:
    """Whether a result came to no score."""
    return result.score is None or result.kind in UNSCORED


def _value(result: ItemResult, measure: Measure) -> float:
    return float(result.right) if measure == "right" else min(1.0, max(0.0, result.score or 0.0))


@dataclass(frozen=True, slots=True)
class Standing:
    """How one contender stands on the test items.

    Attributes:
        agent: Id.
        name: As shown, one line.
        score: Mean over its items, 0..1.
        low: Lower end of the score's 95 % Wilson interval, 0..1, all that came to no score being wrong.
        high: Upper end of it, all that came to no score being right.
        items: Number of items that came to a score.
        calls_per_item: Used, as if nothing were shared.
        tokens_per_item: Used.
        usd_per_item: Used, in US dollars.
        kind: As in `Contender`.
        measure: As in `Contender`.
        model_free: Share of the items that were answered without any LLM call, 0..1.
        tells: As in `Contender`.
    """

    agent: str
    name: str
    score: float
    low: float
    high: float
    items: int
    calls_per_item: float
    tokens_per_item: float
    usd_per_item: float
    kind: Kind = "seed"
    measure: Measure = "right"
    model_free: float = 0.0
    tells: bool = True

    @property
    def told_free(self) -> float:
        """The share of answers without a call as people are told of it."""
        return self.model_free if self.tells else 0.0

    @classmethod
    def of(
        cls, contender: Contender, items: Iterable[str] | None = None, without: Iterable[str] | None = None
    ) -> Standing:
        """How a contender stands.

        Args:
            contender: Who.
            items: On which of the items that it was scored on; all of them where they are not given.
            without: Further items, of which no score counts, its own or that of whom it is compared with.
        """
        chosen = list(contender.scores if items is None else items)
        lost = list(contender.missing.keys() - contender.scores.keys() if without is None else without)
        scores = [contender.scores[i] for i in chosen]
        costs = [contender.costs[i] for i in chosen if i in contender.costs]
        tokens, usd, calls = (sum(c[k] for c in costs) / max(1, len(costs)) for k in range(3))
        repeats = contender.results / max(1, len(contender.scores))
        trials = round(repeats * (len(scores) + len(lost)))
        low, high = (
            wilson_by_item([*(contender.at(i, end) for i in chosen), *[end] * len(lost)], trials)[int(end)]
            for end in (0.0, 1.0)
        )
        return cls(
            agent=contender.agent,
            name=one_line(contender.name, 48),
            score=sum(scores) / len(scores) if scores else 0.0,
            low=low,
            high=high,
            items=len(scores),
            calls_per_item=calls,
            tokens_per_item=tokens,
            usd_per_item=usd,
            kind=contender.kind,
            measure=contender.measure,
            model_free=sum(contender.free.get(i, 0.0) for i in chosen) / max(1, len(chosen)),
            tells=contender.tells,
        )

    def __str__(self) -> str:
        free = free_text(self.told_free)
        free = f" ({free})" if free else ""
        if self.measure == "score":  # a graded mean is no share of right answers
            return f"a mean score of {self.score:.2f} [{self.low:.2f}, {self.high:.2f}]{free}"
        return f"{_percent(self.score)} % [{_percent(self.low)}, {_percent(self.high)}]{free}"
