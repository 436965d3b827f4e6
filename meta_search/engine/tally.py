"""What all agents of a run came to, counted as results arrive: who gets an item right for the least tokens,
and what ways of working reach on each kind of item.

Every result is looked at once, so that a context costs the same however long the run is. Sums are exact, and
ties are broken by the order of the agents: so it does not matter in which order results came, and a resumed
run counts the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from domains.domain import Item
from meta_search.agent.blocks.combine import pick
from meta_search.authors.plan import SEED_PLANS, Plan, plan_from
from meta_search.authors.views import WayRate
from meta_search.outcomes import UNSCORED
from meta_search.run.folds import Folds
from meta_search.run.members import Member, Members
from meta_search.types import OWN, Brief, ItemResult

__all__ = ["Tally", "plan_of"]

NONE: Mapping[tuple[str, int], ItemResult] = {}
SOLVERS = 3  # per item, as the cheapest may be the agent that is to learn from them

Place = tuple[int, int, int]  # tokens and calls, place of the agent, repeat: less is better


@dataclass(slots=True)
class _Sum:
    """What a way of working came to on the items of a kind within a fold."""

    right: Fraction = Fraction()
    items: int = 0
    tokens: int = 0


class Tally:
    """Counts the train results of all members.

    Args:
        members: All agents of the run.
        items: Train items by their ids.
        folds: Of the run: what an author may not be shown is left out of what it is told.
    """

    def __init__(self, members: Members, items: Mapping[str, Item], folds: Folds) -> None:
        self._members, self._items, self._folds = members, items, folds
        self._seen: dict[str, int] = {}  # agent -> results counted
        self._solvers: dict[tuple[str, int | None], list[tuple[Place, ItemResult]]] = {}
        self._sums: dict[tuple[str, str, int | None], _Sum] = {}

    def update(self) -> None:
        """Count what has come since."""
        for place, (agent, member) in enumerate(self._members.items()):
            results, seen = member.results.get("train", NONE), self._seen.get(agent, 0)
            if len(results) > seen:
                self._seen[agent] = len(results)
                plan = plan_of(member)
                for row in islice(results.values(), seen, None):
                    if row.item in self._items and row.kind not in UNSCORED:
                        self._count(member, place, row, plan)

    def solver(self, brief: Brief, item: str, agent: str) -> ItemResult | None:
        """How an agent got an item right, the cheapest one that the author of a brief may be shown.

        Args:
            brief: The brief.
            item: Id of the item.
            agent: Who is not meant.
        """
        held = self._folds.held_out(brief)
        groups = {None, held}  # agents that no fold was held out from, and those of the same one
        rows = [row for group in groups for row in self._solvers.get((item, group), ())]
        return next((row for _, row in sorted(rows, key=lambda r: r[0]) if row.agent != agent), None)

    def rates(self, brief: Brief) -> tuple[WayRate, ...]:
        """What ways of working came to, over all kinds and by kind, on what the author may be shown."""
        held = self._folds.held_out(brief)
        found: dict[tuple[str, str], _Sum] = {}
        for (way, kind, fold), told in self._sums.items():
            if held is None or fold != held:
                for name in dict.fromkeys(("", kind)):
                    total = found.setdefault((way, name), _Sum())
                    total.right += told.right
                    total.items += told.items
                    total.tokens += told.tokens
        return tuple(
            WayRate(way, kind, float(total.right), total.items, total.tokens / total.items)
            for (way, kind), total in sorted(found.items())
        )

    def _count(self, member: Member, place: int, row: ItemResult, plan: Plan | None) -> None:
        if row.right:
            key = row.item, self._folds.held_out(member.candidate.brief)
            better = (row.used.tokens + row.used.calls, place, row.repeat)
            rows = [*self._solvers.get(key, ()), (better, row)]
            first = {r.agent: (p, r) for p, r in sorted(rows, key=lambda r: r[0], reverse=True)}
            self._solvers[key] = sorted(first.values(), key=lambda r: r[0])[:SOLVERS]
        if plan is not None:
            item = self._items[row.item]
            routes = [(route.words, route.way) for route in plan.routes]
            way = str(pick(item.question, routes, plan.way))  # type: ignore[no-untyped-call]
            total = self._sums.setdefault((way, item.kind, self._folds.of.get(row.item)), _Sum())
            total.right += Fraction(row.score or 0.0)
            total.items += 1
            total.tokens += row.used.tokens


def plan_of(member: Member) -> Plan | None:
    """The plan that an agent is, as it was compiled from one or is a seed that is as good as one."""
    candidate = member.candidate
    if candidate.plan is not None:
        try:
            return plan_from(candidate.plan)
        except ValueError:
            return None
    ours = candidate.brief.kind == "seed" and candidate.brief.author != OWN
    return SEED_PLANS.get(candidate.agent.name) if ours else None
