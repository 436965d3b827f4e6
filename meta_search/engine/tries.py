"""Every agent of a run in short, and how agents came to be: what each brought by kind of item.

What is said of an agent is kept until something of it changes, so that a search of thousands of agents costs
no more for each brief than a look at every one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from operator import itemgetter

from domains.domain import Item
from meta_search.authors.views import Step, Tried
from meta_search.engine.fates import KEPT, MOST_WHY, fate
from meta_search.run.folds import Folds
from meta_search.run.members import Member, Members
from meta_search.text import one_line
from meta_search.types import Attempt, Brief, item_means, pareto_front

__all__ = ["Tries", "by_kind_before", "in_short", "lineage", "named_twin"]

MOST_STEPS = 8  # of a lineage
NOBODY = "no agent"


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is said of an agent while nothing of this changes."""

    parent: Member | None
    state: tuple[int, bool, str, int]
    tried: Tried


def named_twin(members: Members, stage: str, message: str) -> str:
    """The message of a failed draft; of a duplicate with the name of its twin, not with its id."""
    same = members.get(message.removeprefix("is ")) if stage == "duplicate" else None
    return f"it was «{same.agent.name}» once more" if same else message


class Tries:
    """What was tried in a run, failed attempts included.

    Args:
        members: All agents of the run.
        items: Train items by their ids.
        folds: Of the run.
        failing: `search.failing`.
    """

    def __init__(self, members: Members, items: Mapping[str, Item], folds: Folds, failing: str) -> None:
        self._members, self._items, self._folds, self._failing = members, items, folds, failing
        self._kept: dict[tuple[str, int | None], _Kept] = {}  # by agent, and the fold of the reader
        self._on_front: dict[str, tuple[Tried, Tried]] = {}  # agent -> as it is told, and with a better fate
        self._missed: list[tuple[int, Brief, Tried]] = []  # with the number of agents that came before

    def missed(self, brief: Brief, attempts: Sequence[Attempt]) -> None:
        """A brief has come to nothing.

        Args:
            brief: The brief.
            attempts: Its drafts that failed; the last one says why.
        """
        stage, message = (attempts[-1].stage, attempts[-1].message) if attempts else ("draft", "nothing came")
        message = named_twin(self._members, stage, message)
        fate = f"failed: {stage.replace('_', ' ')}: {one_line(message, MOST_WHY)}"
        tried = Tried("", NOBODY, "", brief.operator, brief.author, brief.parents, fate=fate)
        self._missed.append((len(self._members), brief, tried))

    def all(self, brief: Brief) -> tuple[Tried, ...]:
        """What was tried so far, as the author of a brief may see it: children of its first parent first,
        then in the order in which they came."""
        told = {agent: self._told(member, brief) for agent, member in self._members.items()}
        front = self._front(told)
        told |= {agent: self._better(told[agent], fate) for agent, fate in front.items()}
        rows = list(zip(count(), (m.candidate.brief for m in self._members), told.values()))
        if self._missed:
            rows = sorted([*self._missed, *rows], key=itemgetter(0))
        if self._folds.count:
            rows = [row for row in rows if self._folds.may_follow(brief, row[1])]
        first = brief.parents[:1]
        children = [tried for _, _, tried in rows if first and tried.parents[:1] == first]
        others = [tried for _, _, tried in rows if not first or tried.parents[:1] != first]
        return (*children, *others)

    def _told(self, member: Member, reader: Brief) -> Tried:
        whose = member.agent.id, self._folds.held_out(reader)
        kept, ran = self._kept.get(whose), member.ran("train")
        parent = kept.parent if kept else self._members.get("".join(member.candidate.brief.parents[:1]))
        state = (ran, member.done, member.stopped, 0 if parent is None else parent.ran("train"))
        if kept is not None and kept.state == state:
            return kept.tried
        shown = [row for row in member.rows("train") if self._folds.shows(reader, row.item)]
        became = fate(member, self._members, shown, self._failing)
        tried = in_short(member, parent, self._items, became)
        self._kept[whose] = _Kept(parent, state, tried)
        return tried

    def _better(self, tried: Tried, fate: str) -> Tried:
        before, better = self._on_front.get(tried.id, (None, tried))
        if before is not tried or better.fate != fate:
            better = replace(tried, fate=fate)
            self._on_front[tried.id] = tried, better
        return better

    def _front(self, told: Mapping[str, Tried]) -> dict[str, str]:
        """Fates of the agents that nobody beats in score and tokens at once, the best of them first."""
        whole = [t for t in told.values() if t.fate == KEPT]
        found = [whole[i].id for i in pareto_front([(t.score, t.tokens) for t in whole])]
        return {
            agent: f"{KEPT}, on the front" if n else f"{KEPT}, best so far" for n, agent in enumerate(found)
        }


def in_short(member: Member, before: Member | None, items: Mapping[str, Item], became: str) -> Tried:
    """An agent in short.

    Args:
        member: The agent.
        before: Its first parent.
        items: Train items by their ids.
        became: What became of it (`engine.fates`).
    """
    candidate, brief = member.candidate, member.candidate.brief
    evaluation, by_kind = member.evaluation("train"), by_kind_before(member, before, items)
    return Tried(
        id=candidate.agent.id,
        name=candidate.agent.name,
        thought=candidate.thought,
        operator=brief.operator,
        author=brief.author,
        parents=brief.parents,
        score=evaluation.score,
        low=evaluation.low,
        high=evaluation.high,
        items=evaluation.items,
        tokens=member.cost("train"),
        change={kind: (now - then) / n for kind, (then, now, n) in by_kind.items()},
        fate=became,
        model_free=evaluation.free_share,
    )


def by_kind_before(
    member: Member, before: Member | None, items: Mapping[str, Item]
) -> dict[str, tuple[float, float, int]]:
    """Kind of item -> (right of the agent before, right of this one, items), on those that both were scored
    on; right is the sum of an item's mean scores."""
    if before is None:
        return {}
    mine, theirs = _means(member), _means(before)
    by_kind: dict[str, list[tuple[float, float]]] = {}
    for item, known in items.items():  # in the order of the items: sums of floats depend on theirs
        if item in mine and item in theirs:
            by_kind.setdefault(known.kind, []).append((theirs[item], mine[item]))
    return {
        kind: (sum(b for b, _ in pairs), sum(n for _, n in pairs), len(pairs))
        for kind, pairs in by_kind.items()
    }


def lineage(member: Member, members: Members, items: Mapping[str, Item]) -> tuple[Step, ...]:
    """How an agent came to be: its line of first parents, the oldest of the last steps first, itself last."""
    line: list[Member] = []
    at: Member | None = member
    while at is not None and at not in line and len(line) < MOST_STEPS:
        line.append(at)
        at = members.get("".join(at.candidate.brief.parents[:1]))
    befores = [*line[1:], at]
    return tuple(
        Step(
            name=each.agent.name,
            thought=each.candidate.thought,
            operator=each.candidate.brief.operator,
            by_kind=by_kind_before(each, before, items),
        )
        for each, before in reversed(list(zip(line, befores, strict=True)))
    )


def _means(member: Member) -> dict[str, float]:
    """Item -> mean score on train, without what came to no score."""
    rows = sorted(member.rows("train"), key=lambda row: (row.item, row.repeat))
    return item_means((row.item, row.score or 0.0) for row in rows)
