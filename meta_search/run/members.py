"""What the engine knows of each agent while it runs: its scored items, and how its race stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from archive.select import Population, Selectable
from domains.domain import Item
from meta_search.guide.racing import Standing
from meta_search.outcomes import UNSCORED
from meta_search.types import (
    OWN,
    Agent,
    Candidate,
    Evaluation,
    ItemResult,
    Split,
    Usage,
    behaves_alike,
    item_means,
)

__all__ = ["Member", "Members", "first_items"]

FEWEST_TO_RACE = 6


@dataclass(slots=True, eq=False)
class Member:
    """An agent of the run.

    Attributes:
        candidate: The agent with its brief.
        seed: Whether it is hand-made, not found.
        results: Split -> (item, repeat) -> scored result.
        racing: Whether it is under evaluation now.
        done: Whether its evaluation on train is finished or was stopped.
        stopped: Why it was stopped early, `""` if it was not.
        children: Agents that were made from it.
        wanted: Split -> pairs of a full evaluation.
        next_look: Split -> pairs at which its race is looked at next.
        same_as: Id of the agent that it behaves as, where the two are counted as that one; `""` for others.
    """

    candidate: Candidate
    seed: bool = False
    results: dict[Split, dict[tuple[str, int], ItemResult]] = field(default_factory=dict)
    racing: bool = False
    done: bool = False
    stopped: str = ""
    children: int = 0
    wanted: dict[Split, int] = field(default_factory=dict)
    next_look: dict[Split, int] = field(default_factory=dict)
    same_as: str = ""
    _scores: dict[Split, dict[str, float]] = field(default_factory=dict)  # of splits unchanged since
    _costs: dict[Split, dict[str, float]] = field(default_factory=dict)
    _used: dict[Split, Usage] = field(default_factory=dict)

    @property
    def agent(self) -> Agent:
        return self.candidate.agent

    @property
    def own(self) -> bool:
        """Whether it is a seed that the person brought along."""
        return self.seed and self.candidate.brief.author == OWN

    def rows(self, split: Split) -> list[ItemResult]:
        """Scored results on a split, in the order in which they came; faults of the endpoint left out."""
        return [r for r in self.results.get(split, {}).values() if r.kind not in UNSCORED]

    def ran(self, split: Split) -> int:
        """Item × repeat pairs that were run, those included that the endpoint spoiled."""
        return len(self.results.get(split, {}))

    def add(self, result: ItemResult) -> None:
        """Keep a result."""
        self.results.setdefault(result.split, {})[(result.item, result.repeat)] = result
        for kept in (self._scores, self._costs, self._used):
            kept.pop(result.split, None)

    def forget(self) -> None:
        """Drop all results: nobody asks for them any more."""
        for kept in (self.results, self._scores, self._costs, self._used):
            kept.clear()

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
        scores = self.scores(split)
        return sum(scores.values()) / len(scores) if scores else 0.0

    def cost(self, split: Split) -> float:
        """Used tokens per item; calls count as one token each, so that nothing is free."""
        rows = self.rows(split)
        return sum(map(_cost, rows)) / len(rows) if rows else 0.0

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

    def __iter__(self) -> Iterator[Member]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, agent: str) -> bool:
        return agent in self._by_id

    def __getitem__(self, agent: str) -> Member:
        return self._by_id[agent]

    def get(self, agent: str) -> Member | None:
        return self._by_id.get(agent)

    def made_alike(self, agent: Agent) -> Member | None:
        """The member that is this agent: by its id, or by what it is made of: older ids are others."""
        alike = (m for m in self.all() if replace(m.agent, id=agent.id, name=agent.name) == agent)
        return self.get(agent.id) or next(alike, None)

    def add(self, member: Member) -> None:
        self._by_id[member.agent.id] = member
        for parent in member.candidate.brief.parents:
            if parent in self._by_id:
                self._by_id[parent].children += 1

    def all(self) -> list[Member]:
        return list(self._by_id.values())

    def finished(self) -> list[Member]:
        """Members whose train evaluation is complete."""
        return [m for m in self.all() if m.done and not m.stopped and m.rows("train")]

    def best(self) -> Member | None:
        """Highest score on train among complete ones; the cheaper of equals."""
        return max(self.finished(), key=lambda m: (m.score("train"), -m.cost("train")), default=None)

    def incumbent(self) -> Member | None:
        """Whom to race against: the best, or while none is complete the most promising with a few items."""
        partial = [m for m in self.all() if not m.stopped and len(m.rows("train")) >= FEWEST_TO_RACE]
        return self.best() or max(partial, key=lambda m: m.evaluation("train").low, default=None)

    def like(self, member: Member) -> Member | None:
        """The first complete agent that does the same as a member, as far as that one has come."""
        return next((m for m in self.finished() if m is not member and member.behaves_as(m)), None)

    def front(self, but: Member | None = None) -> list[Standing]:
        """Standings of the complete members without one."""
        return [m.standing("train") for m in self.finished() if m is not but]

    def population(self) -> Population:
        """Complete members as `archive.select` sees them; all that have results where none is complete."""
        chosen = self.finished() or [m for m in self.all() if m.rows("train") and not m.same_as]
        return Population(
            tuple(Selectable(m.agent.id, m.scores("train"), m.cost("train"), m.children) for m in chosen)
        )

    def ranked(self, split: Split = "train", fewest: int = 1) -> list[Member]:
        """Members with results on a split, best first."""
        pool = [m for m in self.all() if len(m.rows(split)) >= fewest]
        return sorted(pool, key=lambda m: (-m.score(split), m.cost(split)))


def _cost(row: ItemResult) -> float:
    return row.used.tokens + row.used.calls


def first_items(items: Sequence[Item], most: int) -> list[Item]:
    """The first `most` items; all where `most` is 0."""
    return list(items[:most] if most else items)
