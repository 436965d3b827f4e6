"""The rules of stopping before this one, to compare with: no candidate that was stopped went on.

Blocks come in fixed order, so that every candidate meets the same items first and can be compared with others
item by item. A candidate matters if it may end among the finalists. So it races against the last of those
who would be finalists now, not against the best, or all but the best would be stopped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from meta_search.guide.racing import Standing
from tests.bench.landscape.evidence import Paired, Test, betting, chance, reachable

__all__ = ["ALPHA", "Race", "decide", "last_finalist", "pair"]

ALPHA = 0.05  # a candidate with less chance than this to end among the finalists is stopped
EQUAL_COST = 1.1  # costs that differ by less say nothing yet: items differ too
MOST_SAID = 1_000  # a ratio beyond it is one to an agent that asks no model
WORST_ODDS = 0.5  # however expensive, a candidate with better odds than this goes on
UPPER = 2  # while few are complete, one in so many counts as a finalist; with 3, one of six was lost
NOTHING_RIGHT = 0.10  # chance that an agent like the best has nothing right in so many items
FEWEST = 3  # items before any decision by scores


@dataclass(frozen=True, slots=True)
class Race:
    """How races are run.

    Attributes:
        planned: Items of a full evaluation.
        block: Items between two looks.
        finalists: How many will be chosen: a candidate must have a chance to be one of them. Of equals the
            cheaper is chosen, so that one that costs more than its rival must end above it.
        test: How sure it is that a candidate falls behind.
        alpha: Stop a candidate where `test` gives this or less. What is left costs an expensive candidate
            more, so that its odds must be better in that proportion.
    """

    planned: int
    block: int
    finalists: int = 2
    test: Test = chance
    alpha: float = ALPHA


def decide(candidate: Standing, incumbent: Standing | None, front: Sequence[Standing], race: Race) -> str:
    """Why the candidate should stop now, or `""` to go on.

    Args:
        candidate: The one that races.
        incumbent: The best agent so far, `None` at the start; while none is complete, the most promising.
        front: All that are complete, without the candidate.
        race: How races are run.
    """
    n = len(candidate.scores)
    if incumbent is None or n < FEWEST or n + len(candidate.missing) >= race.planned:
        return ""
    if candidate.mean == 0.0 and n >= race.block and (1 - incumbent.mean) ** n <= NOTHING_RIGHT:
        return f"nothing right in {n} items"
    if not front:
        return _worse(candidate, incumbent, race)
    place = _last_place(len(front), race.finalists)
    return _out_of_reach(candidate, last_finalist(front, race.finalists), place, race)


def _out_of_reach(candidate: Standing, rival: Standing, place: int, race: Race) -> str:
    """Whether it has too little chance to take the place of the last finalist."""
    ratio = _cost_ratio(candidate, rival)
    paired = pair(candidate, rival, race, strict=ratio > EQUAL_COST)
    goal = f"make the top {place}" if place > 1 else "beat the best" if paired.strict else "match the best"
    much = f"costs {ratio:.1f}× as much" if ratio < MOST_SAID else "costs more: that one is free"
    cost = f" ({much})" if paired.strict else ""
    if not reachable(paired):
        return f"cannot {goal} even if every remaining item is right{cost}"
    odds = race.test(paired)
    if odds <= min(WORST_ODDS, race.alpha * max(1.0, ratio)):
        left = len(paired.rest)
        return f"{_place(paired.behind)} with {left} to go: {odds:.1%} chance to {goal}{cost}"
    return ""


def _place(behind: float) -> str:
    if not behind:
        return "level"
    items = f"{abs(behind):.3g} item{'' if abs(behind) == 1 else 's'}"
    return f"{items} {'behind' if behind > 0 else 'ahead'}"


def last_finalist(complete: Sequence[Standing], finalists: int) -> Standing:
    """The agent to beat: the last of those who would be finalists now.

    While few are complete, it is one of the upper half, as what it takes to be a finalist will rise.
    """
    ranked = sorted(complete, key=lambda s: (-s.mean, s.cost))
    return ranked[_last_place(len(ranked), finalists) - 1]


def _last_place(complete: int, finalists: int) -> int:
    return max(1, min(finalists, complete // UPPER))


def _cost_ratio(candidate: Standing, rival: Standing) -> float:
    """The candidate's cost over the rival's, on the items that both have run: items differ in cost."""
    shared = candidate.costs.keys() & rival.costs.keys()
    if not shared:
        return candidate.cost / max(rival.cost, 1e-9)
    return sum(candidate.costs[i] for i in shared) / max(sum(rival.costs[i] for i in shared), 1e-9)


def _worse(candidate: Standing, incumbent: Standing, race: Race) -> str:
    """While no agent is complete, what it takes is not known: whether it is worse than the most promising."""
    paired = pair(candidate, incumbent, race, strict=False)
    doubt = betting(paired)
    return f"{_place(paired.behind)} and significantly worse (p = {doubt:.3f})" if doubt <= race.alpha else ""


def pair(candidate: Standing, rival: Standing, race: Race, strict: bool) -> Paired:
    """What a `Test` sees of two agents.

    Args:
        candidate: The one that races.
        rival: The one that it races against. Items to come that the rival lacks count as wrong.
        race: How races are run.
        strict: Whether the candidate must end above the rival, not level with it.
    """
    seen = [(score, rival.scores[i]) for i, score in candidate.scores.items() if i in rival.scores]
    done = candidate.scores.keys() | candidate.missing
    rest = [score for i, score in rival.scores.items() if i not in done]
    left = race.planned - len(done)
    looks = max(1, math.ceil(race.planned / race.block) - 1)
    return Paired(tuple(seen), tuple([*rest, *[0.0] * left][:left]), looks, strict)
