"""The surrogate: a Bayesian model of the chance that an agent gets an item of a kind right.

Score of agent a on item i of kind k: `0.5 + x(a, k)'w + r(a, k) + d(i) + noise`. The features x are what the
agent's design does with the kind (`surrogate_features`), so that what is seen of any design says something of
every other; an agent that is no design has an effect of its own and a share of its parents'. r is what is
left of an agent with a kind, d how easy an item is, the noise binomial. Results of one agent with one kind
are one observation, whose precision grows as they come: nothing is refitted.

Sources: Rasmussen and Williams 2006, sections 2.1 and 2.7; docs/guidance.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from meta_search.guide.surrogate_costs import Costs
from meta_search.guide.surrogate_features import Feature, Features, Scales
from meta_search.guide.surrogate_items import Difficulties, Tally
from meta_search.guide.surrogate_posterior import Posterior
from meta_search.types import Scalar
from meta_search.types.designs import Cell, Design, Space

if TYPE_CHECKING:
    from meta_search.guide.surrogate_posterior import Array, Row

__all__ = ["CENTRE", "NOISE", "Expected", "Key", "Surrogate", "Uses", "key_of"]

USUAL = Scales()
CENTRE = 0.5  # of scores, where nothing is known
NOISE = 0.2  # variance of a score on one item, where nothing is known
FAINTEST = 0.1  # share of an ancestor's effects that still counts
Key = frozenset[tuple[str, Any]]
Values = dict[Feature, tuple[float, float]]  # feature -> its value, sd of its effect


@dataclass(frozen=True, slots=True)
class Uses:
    """What the surrogate decides; each can be left out, to measure what it brings.

    Attributes:
        designs: Proposes the composer's designs; else TPE.
        finalists: Says whom to validate and to test; else raw scores.
        items: Knows that items are hard or easy.
        costs: Proposes by expected improvement per cost, as long as there is a budget left.
        aim: How designs are chosen: by expected `improvement`, by a `draw` of the posterior (Thompson
            sampling), or by `both`, one as often as the other.
    """

    designs: bool = True
    finalists: bool = True
    items: bool = True
    costs: bool = True
    aim: str = "improvement"


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of an agent or a design.

    Attributes:
        mean: Of its chance to get a fresh item right, kinds as often as in the planned items; 0..1.
        sd: Standard deviation of that.
    """

    mean: float
    sd: float


Parts: TypeAlias = "tuple[float, list[Row], list[float], float]"
"""Of an agent's score: constant, rows of features, their weights, variance that is its own."""


@dataclass(slots=True)
class _Known:
    """An agent: its features by kind, and what it did."""

    design: dict[str, Any] | None
    values: dict[str, Values]
    left: float
    foretold: dict[str, float]
    rows: dict[str, Row] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    parts: Parts | None = None  # of its score, until it has another result


class Surrogate:
    """Learns from every result, and predicts agents and designs. Only one thread may use it.

    Args:
        space: Of designs.
        items: Planned item -> its kind.
        uses: What it is used for.
        scales: Of effects, before anything is seen.
        foretold: What an item costs that is treated so, before anything is seen, in any unit.

    Attributes:
        awaited: Agents whose results are still to come.
    """

    def __init__(
        self,
        space: Space,
        items: Mapping[str, str],
        uses: Uses,
        scales: Scales = USUAL,
        foretold: Callable[[Cell], float] = lambda cell: 1.0,
    ) -> None:
        self.space, self.uses, self.scales = space, uses, scales
        self.items = dict(items)
        kinds = Counter(self.items.values()) or Counter({"": 1})
        if len(kinds) > max(24, len(space.kinds)):  # as many kinds as items tell nothing
            self.items = {i: k if k in space.kinds else "" for i, k in self.items.items()}
            kinds = Counter(self.items.values())
        self.shares = {kind: n / kinds.total() for kind, n in sorted(kinds.items())}
        self.planned = dict(kinds)
        self.features = Features(space, scales)
        self.posterior = Posterior()
        self.costs = Costs(foretold)
        self.difficulties = Difficulties(self.items)
        self._agents: dict[str, _Known] = {}
        self.awaited: set[str] = set()
        self._over: dict[str, None] = {}

    # -- what is seen

    def meet(self, agent: str, design: Design | None = None, parents: Sequence[str] = ()) -> None:
        """An agent is there; only the first time counts.

        Args:
            agent: Its id.
            design: What it is; `None` where it does what no design does.
            parents: Agents that it was made from; those that were not met do not count.
        """
        if agent in self._agents:
            return
        self.awaited.add(agent)
        if design is not None:
            cells = self.cells(design)
            values = {kind: _certain(self.features.of(kind, c)) for kind, c in cells.items()}
            foretold = {kind: self.costs.foretold(cell) for kind, cell in cells.items()}
            self._agents[agent] = _Known(self.space.reduced(design), values, self.scales.left, foretold)
            return
        met = [self._agents[parent] for parent in parents if parent in self._agents]
        values = {kind: self._inherited(agent, kind, met) for kind in self.shares}
        foretold = {
            kind: self.scales.inherited * sum(p.foretold[kind] for p in met) / max(1, len(met))
            for kind in self.shares
        }
        self._agents[agent] = _Known(None, values, self.scales.agent_left, foretold)

    def learn(self, agent: str, item: str, score: float, cost: float = math.nan) -> None:
        """A result of an agent that was met; what is no number, and items of no known kind, are left out.

        Args:
            agent: Its id.
            item: Id of an item.
            score: 0..1.
            cost: In tokens, or what the run counts in; not finite where it is not known.
        """
        kind, known = self.items.get(item), self._agents[agent]
        if kind is None or not math.isfinite(score):
            return
        row, score = self._row(known, kind), min(1.0, max(0.0, score))
        if self.uses.items:
            self.difficulties.add(item, score - CENTRE - self.posterior.mean_of(row))
        tally = known.tallies.setdefault(kind, Tally())
        tally.add(item, score)
        if tally.add_cost(cost):
            self.costs.learn(known.values[kind], tally, known.foretold[kind])
        easier = self.difficulties.mean(tally.items()) if self.uses.items else 0.0
        precision = 1.0 / (known.left**2 + tally.noise())
        weighted = precision * (tally.mean() - easier - CENTRE)
        self.posterior.change(row, precision - tally.precision, weighted - tally.weighted)
        tally.precision, tally.weighted, known.parts = precision, weighted, None

    def end(self, agent: str, whole: bool) -> None:
        """No more results of an agent are to come.

        Args:
            agent: Its id.
            whole: Whether it may be chosen: it has run on all items, and does not behave as another.
        """
        self.awaited.discard(agent)
        if whole:
            self._over[agent] = None

    def recall(self, slot: str, choice: Scalar, effect: float, sd: float) -> None:
        """What a choice brought in earlier runs; before anything is learned. Choices that this space lacks,
        and effects that are no number, are left out.

        Args:
            slot: Its name.
            choice: One of its choices.
            effect: Mean score of designs with it, less that of all; -1..1.
            sd: Standard deviation of what is not known of its effect here.
        """
        found = self.features.main(slot, choice)
        if found and math.isfinite(effect) and sd > 0.0:
            self.posterior.change(self.posterior.row(_certain(found)), sd**-2, effect * sd**-2)

    # -- what is expected

    def design_score(self, design: Design) -> Expected:
        """Of a design that nobody has run."""
        rows = {kind: self.row(kind, cell) for kind, cell in self.cells(design).items()}
        vector = self.posterior.dense(list(rows.values()), [self.shares[kind] for kind in rows])
        left = sum(share**2 for share in self.shares.values()) * self.scales.left**2
        return self._expected(CENTRE, vector, left)

    def agent_score(self, agent: str) -> Expected:
        """Of an agent that was met, on fresh items."""
        return self._expected(*self.linear(agent))

    def mean(self, agent: str) -> float:
        """Mean of `agent_score`, in less time."""
        constant, rows, weights, _ = self._parts(agent)
        terms = (w * self.posterior.mean_of(row) for row, w in zip(rows, weights, strict=True))
        return min(1.0, max(0.0, constant + sum(terms)))

    def cost(self, design: Design) -> float:
        """Expected cost of one item; what is foretold while no cost was seen."""
        cells = self.cells(design)
        return sum(
            share * self.costs.of(_certain(self.features.of(kind, cells[kind])), cells[kind])
            for kind, share in self.shares.items()
        )

    # -- what else proposals need

    def cells(self, design: Design) -> dict[str, Cell]:
        """Kind of item -> what a design does with it; with kinds that nothing tells, what it does mostly."""
        told = self.space.cells(design)
        usual = Counter(told.values()).most_common(1)[0][0]
        return {kind: told.get(kind, usual) for kind in self.shares}

    def row(self, kind: str, cell: Cell) -> Row:
        """Features of a cell, made where they are new."""
        return self.posterior.row(_certain(self.features.of(kind, cell)))

    def designs(self) -> dict[str, dict[str, Any]]:
        """Agent -> its design, of those that were met."""
        return {agent: known.design for agent, known in self._agents.items() if known.design is not None}

    def over(self) -> list[str]:
        """Agents that may be chosen."""
        return list(self._over)

    def seen(self, agent: str) -> int:
        """Items that an agent has results on."""
        known = self._agents.get(agent)
        return sum(len(tally) for tally in known.tallies.values()) if known else 0

    def met(self, agent: str) -> bool:
        """Whether an agent has results."""
        known = self._agents.get(agent)
        return known is not None and any(known.tallies.values())

    def linear(self, agent: str) -> tuple[float, Array, float]:
        """An agent's score on fresh items: constant, vector over effects (d), variance that is its own."""
        constant, rows, weights, variance = self._parts(agent)
        return constant, self.posterior.dense(rows, weights), variance

    # -- inside

    def _expected(self, constant: float, vector: Array, left: float) -> Expected:
        mean = constant + float(vector @ self.posterior.mean)
        variance = float(vector @ self.posterior.covariance @ vector) + left
        return Expected(min(1.0, max(0.0, mean)), math.sqrt(max(0.0, variance)))

    def _row(self, known: _Known, kind: str) -> Row:
        if kind not in known.rows:
            known.rows[kind] = self.posterior.row(known.values[kind])
        return known.rows[kind]

    def _inherited(self, agent: str, kind: str, met: Sequence[_Known]) -> Values:
        """Features of an agent that is no design: what all have, its parents' in part, its own."""
        found = _certain(self.features.plain(kind))
        for parent in met:
            for feature, (value, sd) in parent.values[kind].items():
                share = value * self.scales.inherited / len(met)
                if feature not in found or feature[0] not in ("level", "kind"):
                    found[feature] = (found.get(feature, (0.0, sd))[0] + share, sd)
        faint = [f for f, (value, _) in found.items() if abs(value) < FAINTEST / max(1, len(met))]
        for feature in faint:
            del found[feature]
        return {**found, ("agent", agent): (1.0, self.scales.agent)}

    def _parts(self, agent: str) -> Parts:
        """The same in parts.

        What is left of the agent with a kind, r, is normal given w and its results:
        E r = g (y - x'w), Var r = left² (1 - g), with g = left² / (left² + noise).
        """
        known = self._agents[agent]
        if known.parts is not None:
            return known.parts
        constant, variance, rows, weights = 0.0, 0.0, [], []
        for kind, weight in self.shares.items():
            tally = known.tallies.get(kind)
            gain = known.left**2 * tally.precision if tally else 0.0
            value = tally.weighted / tally.precision if tally and tally.precision else 0.0
            constant += weight * (CENTRE + gain * value)
            variance += weight**2 * known.left**2 * (1.0 - gain)
            rows.append(self._row(known, kind))
            weights.append(weight * (1.0 - gain))
        known.parts = constant, rows, weights, variance
        return known.parts


def _certain(features: Mapping[Feature, float]) -> Values:
    return {feature: (1.0, sd) for feature, sd in features.items()}


def key_of(design: Mapping[str, Any]) -> Key:
    """What tells designs apart."""
    return frozenset(design.items())
