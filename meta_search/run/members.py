"""What the engine knows of each agent while it runs: its scored items, and how its race stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from archive.select import Population, Selectable
from domains.domain import Item
from meta_search.guide.racing import Standing
from meta_search.outcomes import UNSCORED
from meta_search.types import (
    OWN,
    Agent,
    Brief,
    Candidate,
    Evaluation,
    ItemResult,
    Split,
    Usage,
    behaves_alike,
    item_means,
)

__all__ = ["Member", "Members", "first_items"]


@dataclass(slots=True, eq=False)
class Member:
    """An agent of the run.

    Attributes:
        candidate: The agent with its brief.
        seed: Whether it is hand-made, not found.
        results: Split -> (item, repeat) -> scored result.
        racing: Whether it is under evaluation now.
        done: Whether its evaluation on train is finished, was stopped or pauses.
        stopped: Why it was stopped early or pauses, `""` if it was not.
        at_pause: The mean score that it is expected to end with, while it pauses or was taken up again;
            `None` for others.
        children: Agents that were made from it.
        wanted: Split -> pairs of a full evaluation.
        next_look: Split -> pairs at which its race is looked at next.
        chosen: The (item, repeat) of train that it runs up to there; none for the next in fixed order.
        dropped: Why it is no parent any more, and, unless it is a seed, no finalist: who dropped it. `""` for
            others.
        same_as: Id of the agent that it behaves as, where the two are counted as that one; `""` for others.
        expected: Mean and standard deviation of its score on fresh items, by all that train has shown of it
            and of others; `None` where nothing says so. Known once the search is over.
    """

    candidate: Candidate
    seed: bool = False
    results: dict[Split, dict[tuple[str, int], ItemResult]] = field(default_factory=dict)
    racing: bool = False
    done: bool = False
    stopped: str = ""
    at_pause: float | None = None
    children: int = 0
    wanted: dict[Split, int] = field(default_factory=dict)
    next_look: dict[Split, int] = field(default_factory=dict)
    chosen: tuple[tuple[str, int], ...] = ()
    dropped: str = ""
    same_as: str = ""
    expected: tuple[float, float] | None = None
    # Of splits unchanged since: every brief looks at all members.
    _rows: dict[Split, list[ItemResult]] = field(default_factory=dict)
    _scores: dict[Split, dict[str, float]] = field(default_factory=dict)
    _costs: dict[Split, dict[str, float]] = field(default_factory=dict)
    _means: dict[Split, tuple[float, float]] = field(default_factory=dict)  # score and cost
    _used: dict[Split, Usage] = field(default_factory=dict)
    _selectable: Selectable | None = None

    @property
    def agent(self) -> Agent:
        return self.candidate.agent

    @property
    def own(self) -> bool:
        """Whether it is a seed that the person brought along."""
        return self.seed and self.candidate.brief.author == OWN

    @property
    def whole(self) -> bool:
        """Whether it was evaluated on all train items, and is not counted as another agent."""
        return self.done and not self.stopped and bool(self.rows("train"))

    @property
    def gone(self) -> bool:
        """Whether it is out of the race, as a person has dropped it. Seeds stay: they are the yardstick."""
        return bool(self.dropped) and not self.seed

    def end(self) -> None:
        """Its race on train is over, as a person has dropped it."""
        self.done, self.stopped, self.at_pause = True, self.dropped, None

    @property
    def paused(self) -> bool:
        """Whether its race on train pauses, or was taken up again."""
        return self.at_pause is not None

    @property
    def split(self) -> Split:
        """The split that it is, or would be, under evaluation on."""
        return "validation" if self.done and not self.paused else "train"

    @property
    def likely_score(self) -> float:
        """Its score on train; while it pauses what it is expected to be: its items are no fair sample."""
        return self.score("train") if self.at_pause is None else self.at_pause

    def rows(self, split: Split) -> Sequence[ItemResult]:
        """Scored results on a split, in the order in which they came; faults of the endpoint left out."""
        if split not in self._rows:
            found = self.results.get(split, {}).values()
            self._rows[split] = [r for r in found if r.kind not in UNSCORED]
        return self._rows[split]

    def ran(self, split: Split) -> int:
        """Item × repeat pairs that were run, those included that the endpoint spoiled."""
        return len(self.results.get(split, {}))

    def add(self, result: ItemResult) -> None:
        """Keep a result."""
        self.results.setdefault(result.split, {})[(result.item, result.repeat)] = result
        for kept in self._kept():
            kept.pop(result.split, None)

    def forget(self) -> None:
        """Drop all results: nobody asks for them any more."""
        for kept in (self.results, *self._kept()):
            kept.clear()

    def _kept(self) -> tuple[dict[Split, Any], ...]:
        return self._rows, self._scores, self._costs, self._means, self._used

    def scores(self, split: Split) -> Mapping[str, float]:
        """Item -> mean score over its repeats; what came to no score counts 0 here.

        Agents are ranked and chosen by these, and none must gain by items that it left out. A split on which
        nothing at all came to a score says nothing.
        """
        if split not in self._scores:
            rows = self.results.get(split, {}).values() if self.rows(split) else ()
            self._scores[split] = item_means((row.item, row.score or 0.0) for row in rows)
        return self._scores[split]

    def costs(self, split: Split) -> Mapping[str, float]:
        """Item -> mean cost over its repeats, as `cost` counts it."""
        if split not in self._costs:
            self._costs[split] = item_means((row.item, _cost(row)) for row in self.rows(split))
        return self._costs[split]

    def score(self, split: Split) -> float:
        return self._mean(split)[0]

    def cost(self, split: Split) -> float:
        """Used tokens per item; calls count as one token each, so that nothing is free."""
        return self._mean(split)[1]

    def _mean(self, split: Split) -> tuple[float, float]:
        if split not in self._means:
            scores, rows = self.scores(split), self.rows(split)
            score = sum(scores.values()) / len(scores) if scores else 0.0
            self._means[split] = score, sum(map(_cost, rows)) / len(rows) if rows else 0.0
        return self._means[split]

    def used(self, split: Split) -> Usage:
        """What its scored results used."""
        if split not in self._used:
            self._used[split] = sum((row.used for row in self.rows(split)), Usage())
        return self._used[split]

    def standing(self, split: Split) -> Standing:
        """How it stands in a race: paired item by item, on those that came to a score."""
        scores, rows = self.scores(split), self.rows(split)
        if len(rows) == self.ran(split):
            return Standing(scores, self.cost(split), self.costs(split))
        met = item_means((row.item, row.score or 0.0) for row in rows)
        return Standing(met, self.cost(split), self.costs(split), frozenset(scores.keys() - met.keys()))

    def selectable(self, improved: int = 0) -> Selectable:
        """As `archive.select` sees it. `improved`: how many of its children scored higher."""
        kept, scores = self._selectable, self.scores("train")
        same = kept is not None and kept.scores is scores
        if kept is None or not same or (kept.children, kept.improved) != (self.children, improved):
            kept = Selectable(self.agent.id, scores, self.cost("train"), self.children, improved)
            self._selectable = kept
        return kept

    def evaluation(self, split: Split) -> Evaluation:
        """Summary of a split so far."""
        complete = self.ran(split) >= self.wanted.get(split, 0) and not (split == "train" and self.stopped)
        stopped = self.stopped if split == "train" else ""
        return Evaluation.of(self.agent.id, split, self.results.get(split, {}).values(), complete, stopped)

    def behaves_as(self, other: Member) -> bool:
        """Whether another agent did the same on every train item that this one has run.

        Items without a verdict on the other one are left out, as long as most are left.
        """
        theirs, rows, known = other.results.get("train", {}), self.rows("train"), 0
        for row in rows:
            their = theirs.get((row.item, row.repeat))
            if their is not None and their.kind not in UNSCORED:
                if not behaves_alike(row, their):
                    return False
                known += 1
        return 2 * known > len(rows)

    def by_kind(self, items: Mapping[str, Item]) -> dict[str, tuple[float, int]]:
        """Kind of item -> (sum of scores, items) on train."""
        found: dict[str, tuple[float, int]] = {}
        for item, score in self.scores("train").items():
            kind = items[item].kind if item in items else ""
            right, n = found.get(kind, (0.0, 0))
            found[kind] = (right + score, n + 1)
        return found


class Members:
    """All agents of the run, in the order in which they came."""

    def __init__(self) -> None:
        self._by_id: dict[str, Member] = {}
        self._by_brief: dict[int, list[Member]] = {}

    def __iter__(self) -> Iterator[Member]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, agent: str) -> bool:
        return agent in self._by_id

    def __getitem__(self, agent: str) -> Member:
        return self._by_id[agent]

    def items(self) -> Iterable[tuple[str, Member]]:
        """Ids and members, in the order in which they came."""
        return self._by_id.items()

    def get(self, agent: str) -> Member | None:
        return self._by_id.get(agent)

    def made_alike(self, agent: Agent) -> Member | None:
        """The member that is this agent: by its id, or by what it is made of: older ids are others."""
        alike = (m for m in self.all() if replace(m.agent, id=agent.id, name=agent.name) == agent)
        return self.get(agent.id) or next(alike, None)

    def add(self, member: Member) -> None:
        self._by_id[member.agent.id] = member
        self._by_brief.setdefault(member.candidate.brief.code, []).append(member)
        for parent in member.candidate.brief.parents:
            if parent in self._by_id:
                self._by_id[parent].children += 1

    def all(self) -> list[Member]:
        return list(self._by_id.values())

    def finished(self) -> list[Member]:
        """Members whose train evaluation is complete."""
        return [m for m in self.all() if m.whole]

    def best(self) -> Member | None:
        """Highest score on train among complete ones; the cheaper of equals."""
        return max(self.finished(), key=lambda m: (m.score("train"), -m.cost("train")), default=None)

    def of_brief(self, brief: Brief) -> list[Member]:
        """The candidates that a brief came to, the first one first."""
        return list(self._by_brief.get(brief.code, ()))

    def best_of(self, brief: Brief) -> Member:
        """The best of a brief's candidates, all of which are through with train: of those that answer
        anything one that no other agent behaves as, and that was not stopped; of equals the cheaper, then the
        first.
        """

        def worth(member: Member) -> tuple[bool, bool, bool, float, float]:
            answers = any(row.kind == "ok" for row in member.rows("train"))
            new = not member.same_as
            return answers, new, not member.stopped, member.likely_score, -member.cost("train")

        return max(self.of_brief(brief), key=worth)

    def like(self, member: Member) -> Member | None:
        """The first complete agent that does the same as a member, as far as that one has come."""
        return next((m for m in self.finished() if m is not member and member.behaves_as(m)), None)

    def front(self, but: Member | None = None) -> list[Standing]:
        """Standings of the complete members without one."""
        return [m.standing("train") for m in self.finished() if m is not but]

    def population(self) -> Population:
        """Complete members as `archive.select` sees them; all that have results where none is complete.

        Those that a person dropped are left out, as long as there are others.
        """
        chosen = self.finished() or [m for m in self.all() if m.rows("train") and not m.same_as]
        chosen = [m for m in chosen if not m.dropped] or chosen
        improved = self.improved()
        return Population(tuple(m.selectable(improved[m.agent.id]) for m in chosen))

    def improved(self) -> Counter[str]:
        """Agent -> how many of its children scored higher than it."""
        return Counter(
            parent
            for child in self.finished()
            if not child.same_as
            for parent in child.candidate.brief.parents
            if parent in self and child.score("train") > self[parent].score("train")
        )

    def ranked(self, split: Split = "train") -> list[Member]:
        """Members with results on a split, best first."""
        pool = [m for m in self.all() if m.rows(split)]
        return sorted(pool, key=lambda m: (-m.score(split), m.cost(split)))


def _cost(row: ItemResult) -> float:
    return row.used.tokens + row.used.calls


def first_items(items: Sequence[Item], most: int) -> list[Item]:
    """The first `most` items; all where `most` is 0."""
    return list(items[:most] if most else items)
