"""Racing: after each block of items, decide whether a candidate goes on now, or pauses.

A candidate matters if it may end among the finalists, so it races against the last of those who would be
finalists now. Nothing is stopped for good: where the odds are low it pauses, and before finalists are
chosen those with the best odds are taken up again, until all that stay paused together would have cost less
than `LOST` finalists. The odds come of a model of who gets which item right (`guide.item_response`), so
that a candidate may run first the items that tell most of it. Cost decides between equals only, as it does
among finalists.

Source: races, Maron and Moore 1994, Hoeffding races; taking up the most doubtful, Russo 2020, Simple Bayesian
algorithms for best-arm identification, Operations Research 68.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from meta_search.guide.item_response import ItemResponse

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["LOST", "Contest", "Entrant", "Standing", "too_expensive"]

PAUSE = 0.10  # a candidate with lower odds than this pauses,
EARLY = 0.02  # or than this before its first whole block: who sees only pauses learns little of candidates
LOST = 0.01  # of the finalists, may be expected among those that stay paused; half of what is aimed at
SEEDS_LOST = 0.02  # likewise, of the best seed
UPPER = 2  # while few are complete, one in so many counts as a finalist: what it takes will rise
FEWEST = 3  # items before any decision by scores
LEVEL = 1e-9  # sums of scores that differ by less are equal
ITEMS_DIFFER = 0.35  # spread of the logarithm of an item's cost ratio of two agents
EXTREME = 10.0  # times what most agents cost, on the same items
MOST_SAID = 1_000  # a ratio beyond it is one to an agent that asks no model
FAIR = 0.25  # of the budget that is left: more, one candidate's evaluation may not take at such a cost,
ALL = 1.0  # or not more than there is, while it has everything right


@dataclass(frozen=True, slots=True)
class Standing:
    """An agent's scores so far.

    Attributes:
        scores: Item -> score, 0..1.
        cost: Used cost per item (tokens, or USD: the same unit for all).
        costs: Item -> used cost.
        missing: Items that were run and came to no score; they count 0 in `mean`.
    """

    scores: Mapping[str, float]
    cost: float
    costs: Mapping[str, float] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()

    @property
    def mean(self) -> float:
        return sum(self.scores.values()) / max(1, len(self.scores) + len(self.missing))


@dataclass(frozen=True)
class Entrant:
    """An agent that races, or has.

    Attributes:
        agent: Its id.
        scores: Item -> sum of its scores, and how many these are (repeats).
        missing: Item -> how many of its runs came to no score; they count 0.
        costs: Item -> used cost.
        seed: Whether it is hand-made: seeds are compared with seeds, and are no finalists.
        complete: Whether it is through with all items, and may be a finalist.
    """

    agent: str
    scores: Mapping[str, tuple[float, int]]
    missing: Mapping[str, int] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)
    seed: bool = False
    complete: bool = False

    @cached_property
    def total(self) -> float:
        return math.fsum(score for score, _ in self.scores.values())

    @cached_property
    def spent(self) -> float:
        """Cost of all that it has run."""
        return math.fsum(self.costs.values())

    def row(self, items: Mapping[str, str], repeats: int) -> tuple[Array, Array, Array]:
        """Sum of scores on each item, how many these are, and how many are to come; kept."""
        import numpy as np

        kept: tuple[Mapping[str, str], tuple[Array, Array, Array]] | None = self.__dict__.get("_row")
        if kept is None or kept[0] is not items:
            none = (0.0, 0)
            told = [(*self.scores.get(item, none), self.missing.get(item, 0)) for item in items]
            scores, seen, missing = np.array(told, dtype=float).reshape(len(items), 3).T
            kept = items, (scores, seen, np.maximum(repeats - seen - missing, 0.0))
            self.__dict__["_row"] = kept
        return kept[1]


class Contest:
    """How all agents stand at one moment; a function of the scores alone.

    Args:
        entrants: Everybody with a score.
        items: Item id -> kind, in the order of the items.
        repeats: Runs of each item in a full evaluation.
        finalists: How many will be chosen.
        block: Items between two looks at a race.
    """

    def __init__(
        self,
        entrants: Sequence[Entrant],
        items: Mapping[str, str],
        repeats: int = 1,
        finalists: int = 2,
        block: int = 6,
    ) -> None:
        self._entrants, self._items, self._block = entrants, items, block
        self._repeats, self._finalists = repeats, finalists
        self._row = {entrant.agent: row for row, entrant in enumerate(entrants)}

    # -- what it says

    def rival(self, seed: bool, now: bool = False) -> Entrant | None:
        """Whom a candidate, or a seed, must pass to matter: the last finalist, or the best seed.

        Args:
            seed: Whether it is a seed that asks.
            now: As things stand during the search: seeds count among the others, and while few are complete
                fewer places do.
        """
        field_ = [e for e in self._entrants if e.complete and (e.seed == seed or (now and not seed))]
        ranked = sorted(field_, key=lambda e: (-e.total, e.spent))
        places = 1 if seed else self._finalists
        if now:
            places = self._places(seed, len(ranked))
        return ranked[places - 1] if len(ranked) >= places else None

    def _places(self, seed: bool, complete: int) -> int:
        """How many of those that are complete count as the ones to pass, during the search."""
        return 1 if seed else max(1, min(self._finalists, complete // UPPER))

    def odds(self, agents: Sequence[str], rival: Entrant | None) -> dict[str, float]:
        """The chance of agents to end above another one; level with it they do where they cost less.

        With nobody to pass, everybody's chance is 1.
        """
        if rival is None:
            return dict.fromkeys(agents, 1.0)
        import numpy as np

        ties = np.array([self._cheaper(self._entrants[self._row[a]], rival) for a in agents])
        found = self._model.odds([self._row[a] for a in agents], rival.total, ties)
        return {agent: float(odds) for agent, odds in zip(agents, found, strict=True)}

    def expected(self, agents: Sequence[str]) -> dict[str, float]:
        """The mean score that each of these agents is expected to end with, 0..1."""
        found = self._model.expected([self._row[agent] for agent in agents])
        runs = max(1, len(self._items) * self._repeats)
        return {agent: round(float(total) / runs, 6) for agent, total in zip(agents, found, strict=True)}

    def most_telling(self, agent: str) -> list[str]:
        """All items, those first that tell most of whether an agent is a good one."""
        told = [-round(float(t), 9) for t in self._model.telling(self._row[agent])]
        return [item for _, item in sorted(zip(told, self._items, strict=True), key=lambda each: each[0])]

    def why_pause(self, agent: str) -> str:
        """Why a candidate or a seed pauses now, `""` where it goes on."""
        me = self._entrants[self._row[agent]]
        rival = self.rival(me.seed, now=True)
        n = sum(seen for _, seen in me.scores.values())
        if rival is None or rival is me or n < FEWEST:
            return ""
        odds = self.odds([agent], rival)[agent]
        if odds > (SEEDS_LOST if me.seed else PAUSE if n >= self._block else EARLY):
            return ""
        goal = "the best seed" if me.seed else "the best so far"
        if (places := self._places(me.seed, sum(e.complete for e in self._entrants))) > 1:
            goal = f"the top {places}"
        return self._prospect(me, rival, odds, goal)

    def _prospect(self, me: Entrant, rival: Entrant, odds: float, goal: str) -> str:
        """In words, how likely an agent is to reach a rival, who is or closes the goal."""
        most = me.total + float(me.row(self._items, self._repeats)[2].sum())
        if most < rival.total - LEVEL:
            return f"cannot reach {goal}, even with all other items right"
        if most < rival.total + LEVEL and (times := _times(me, rival)) > 1.0:
            return f"can at best draw level with {goal}, at {times:.1f}× the cost"
        return f"{_percent(odds)} chance to reach {goal}"

    def to_take_up(self, paused: Sequence[str], seed: bool) -> list[str]:
        """Of paused candidates, or seeds, those that are taken up before the choice, the best odds first."""
        rival = self.rival(seed)
        odds, hope = self.odds(paused, rival), self.expected(paused)
        places = 1 if seed else self._finalists
        ranked = sorted(paused, key=lambda a: (-round(odds[a], 9), -hope[a], self._row[a]))
        allowed = (SEEDS_LOST if seed else LOST) * places
        kept = 0.0
        while ranked and kept + odds[ranked[-1]] <= allowed:
            kept += odds[ranked.pop()]
        return ranked

    def at_risk(self, paused: Sequence[str]) -> float:
        """Finalists that are to be expected among candidates that stay paused; at most all of them."""
        odds = self.odds(paused, self.rival(seed=False))
        return min(float(self._finalists), math.fsum(odds.values()))

    # -- inside

    @cached_property
    def _model(self) -> ItemResponse:
        import numpy as np

        rows = [entrant.row(self._items, self._repeats) for entrant in self._entrants]
        scores, seen, left = (np.array(column) for column in zip(*rows, strict=True))
        kinds = {kind: n for n, kind in enumerate(dict.fromkeys(self._items.values()))}
        return ItemResponse(scores, seen, left, [kinds[kind] for kind in self._items.values()])

    def _cheaper(self, entrant: Entrant, rival: Entrant) -> float:
        """The chance that an agent ends cheaper than another: what items cost varies, the rest is known."""
        shared = [i for i in self._items if i in entrant.costs and i in rival.costs]
        mine, theirs = (math.fsum(e.costs[i] for i in shared) for e in (entrant, rival))
        if not shared or mine == theirs:
            return 0.5
        if not mine or not theirs:
            return float(mine < theirs)
        left = 1 / len(shared) - 1 / max(len(self._items), len(shared))
        return statistics.NormalDist(0, ITEMS_DIFFER * math.sqrt(left) + 0.01).cdf(math.log(theirs / mine))


def _percent(odds: float) -> str:
    return "under 0.1%" if odds < 0.001 else f"{odds:.1%}"


def _times(one: Entrant, other: Entrant) -> float:
    """What the items that both have run cost one over what they cost the other; 0 where nothing is known."""
    shared = one.costs.keys() & other.costs.keys()
    mine, theirs = (math.fsum(e.costs[i] for i in sorted(shared)) for e in (one, other))
    return mine / theirs if theirs else 0.0


def too_expensive(candidate: Standing, front: Sequence[Standing], share: float) -> str:
    """Why the candidate should pause for its cost alone, from the first item on, or `""`.

    Only an outlier does, and only where the search cannot pay for it: it would leave too little budget to
    find anything else.

    Args:
        candidate: The one that races.
        front: All that are complete, without the candidate.
        share: Of the budget that is left, what the rest of its evaluation would take.
    """
    if not front or not candidate.costs or share <= (ALL if candidate.mean >= 1.0 else FAIR):
        return ""
    ratio = statistics.median(_cost_ratio(candidate, rival) for rival in front)
    if ratio < EXTREME:
        return ""
    much = (
        f"costs {ratio:.0f}× as much as most agents" if ratio < MOST_SAID else "costs more than most agents"
    )
    return f"{much}: its evaluation would take {min(share, 1.0):.0%} of the budget left"


def _cost_ratio(candidate: Standing, rival: Standing) -> float:
    """The candidate's cost over the rival's, on the items that both have run: items differ in cost."""
    shared = candidate.costs.keys() & rival.costs.keys()
    if not shared:
        return candidate.cost / max(rival.cost, 1e-9)
    return sum(candidate.costs[i] for i in shared) / max(sum(rival.costs[i] for i in shared), 1e-9)
