"""What an agent loses without each of its components, found by running it without them.

A component that is left out is asked nothing, and its answers are empty (`ItemJob.mute`). What does not
change by that is answered by the ledger; only prompts that change are asked, within a budget of calls.

A leaf, as `importance` is: what runs agents is handed in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from meta_search.importance import Component, components, mean_score
from meta_search.outcomes import UNSCORED
from meta_search.types import Agent, Importance, ItemResult

__all__ = ["LeftOut", "Probe", "leave_out", "whole"]

Probe = Callable[[Agent, Sequence[int], Sequence[str]], list[ItemResult]]
"""Runs an agent on train items, by their places, with components left out. Scored results with traces, in the
order of the places; fewer of them where the run has ended."""

MOST_COMPONENTS = 32  # that are left out one by one: those that use most tokens


def whole(agent: Agent, probe: Probe, places: Sequence[int]) -> list[tuple[int, ItemResult]]:
    """An agent on train items as it is: (place, result), items that were not scored are left out."""
    rows = zip(places, probe(agent, places, ()), strict=False)
    return [(place, result) for place, result in rows if result.kind not in UNSCORED]


@dataclass(slots=True)
class LeftOut:
    """What leaving out components shows; grows with each that is tried.

    Attributes:
        before: Results of the whole agent.
        places: Positions of their items on train, from 0.
        rows: One for each component that was left out by itself, in the order of `components`.
        without: Component -> results on all the items without it.
        replayed: Calls of all runs without components that an earlier run of the same item made as well: the
            ledger answers them.
        asked: The other calls of these runs, which have new prompts. At most so many are sent: the ledger may
            have them from elsewhere.
        unmeasured: Components for which too few calls were left, or without which an item was not scored.
    """

    before: list[ItemResult]
    places: list[int]
    rows: list[Importance] = field(default_factory=list)
    without: dict[str, list[ItemResult]] = field(default_factory=dict)
    replayed: int = 0
    asked: int = 0
    unmeasured: list[str] = field(default_factory=list)
    _known: dict[str, Counter[Hashable]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known = {r.item: _requests(r) for r in self.before}

    def run(self, agent: Agent, probe: Probe, part: Component) -> bool:
        """Leave out one component by itself. Returns whether it could be measured."""
        replayed, asked = self.replayed, self.asked
        again = self.results(agent, probe, (part.name,))
        if again is None:
            return False
        self.without[part.name] = again
        n = len(self.before)
        value = round(mean_score(self.before) - mean_score(again), 6)
        cost = part.calls / n, part.tokens / n, self.replayed - replayed, self.asked - asked
        self.rows.append(Importance(agent.id, part.name, "leave_out", value, n, *cost))
        return True

    def results(self, agent: Agent, probe: Probe, mute: Sequence[str]) -> list[ItemResult] | None:
        """Results without some components; of items that never ask them, the results as they were.

        `None` where some item was not scored.
        """
        spoken = [any((c.component or c.author) in mute for c in r.trace) for r in self.before]
        places = [p for p, said in zip(self.places, spoken, strict=True) if said]
        fresh = probe(agent, places, tuple(mute)) if places else []
        self.count(fresh)
        if len(fresh) < len(places) or any(r.kind in UNSCORED for r in fresh):
            return None
        come = iter(fresh)
        return [next(come) if said else r for r, said in zip(self.before, spoken, strict=True)]

    def count(self, results: Iterable[ItemResult]) -> None:
        """Add to the calls that were replayed and asked.

        Told from the prompts, not from what was paid, so that a replay of the search comes to the same.
        """
        for result in results:
            known, made = self._known.setdefault(result.item, Counter()), _requests(result)
            asked = (made - known).total()
            self.asked, self.replayed = self.asked + asked, self.replayed + made.total() - asked
            self._known[result.item] = known | made


def leave_out(
    agent: Agent,
    probe: Probe,
    before: Sequence[tuple[int, ItemResult]],
    most_calls: int,
    only: Collection[str] = (),
) -> LeftOut:
    """Measure what an agent loses without each of its components.

    Items in which a component is not asked are not run again without it. Before each run, as many calls are
    set aside as the agent made after the component's first one: those are the prompts that may change. A
    component for which too few are left is not measured.

    Args:
        agent: The agent to look at.
        probe: Runs it.
        before: The runs of the whole agent, as `whole` returns them.
        most_calls: Calls sent to a model after which no further run is begun; an agent that makes more calls
            without a component may exceed it by one run.
        only: Components to look at; empty takes all, at most 32 of them.
    """
    places, whole_runs = [p for p, _ in before], [r for _, r in before]
    parts = components(whole_runs)
    largest = {c.name for c in sorted(parts, key=lambda c: -c.tokens)[:MOST_COMPONENTS]}
    found = LeftOut(whole_runs, places)
    for part in (c for c in parts if c.name in (only or largest)):
        left = most_calls - found.asked
        if sum(_may_change(r, part.name) for r in whole_runs) > left or not found.run(agent, probe, part):
            found.unmeasured.append(part.name)
    return found


def _requests(result: ItemResult) -> Counter[Hashable]:
    """An item's requests; equal ones are told apart by their number only."""
    return Counter((call.role, call.fields, call.prompt) for call in result.trace)


def _may_change(result: ItemResult, component: str) -> int:
    first = next((c.index for c in result.trace if (c.component or c.author) == component), None)
    return 0 if first is None else sum(c.index > first for c in result.trace)
