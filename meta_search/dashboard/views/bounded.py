"""An archive as reports read it, of a large run a part: the first agents, the best and the newest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from archive import summaries
from archive.records import Archive
from archive.values import Event, Record, Trial
from meta_search.types import Attempt, Importance, ItemResult, Lesson, MetaName, Split, Usage

__all__ = ["Bounded"]

MOST_AGENTS = 400
MOST_RESULTS = 6_000  # of the agents that are looked at
FIRST, BEST = 40, 40  # agents that came first, and the best, which are looked at in any case
MOST_TRIALS, MOST_ATTEMPTS = 2_000, 2_000
MOST_EVENTS = 30_000  # the last of all kinds, which tell of more agents than are looked at
FEW_CALLS = 30_000  # rows of the ledger, up to which all are summed by agent and time
T = TypeVar("T")


class Bounded:
    """Satisfies `report.source.Archive`. What was read once is kept: one serves one answer.

    Args:
        archive: The run.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._kept: dict[object, Any] = {}
        self.total = summaries.how_many_agents(archive)

    @property
    def part(self) -> str:
        """What of a large run is looked at, in words; `""` where it is all of it."""
        looked_at = len(self.agents())
        if looked_at == self.total:
            return ""
        return (
            f"of {self.total:,} agents these lines look at {looked_at:,}: the first, the best and the newest"
        )

    @property
    def _few(self) -> bool:
        return summaries.last_row(self._archive, "calls") <= FEW_CALLS

    def _once(self, key: object, read: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = read()
        found: T = self._kept[key]
        return found

    def agents(self) -> Sequence[Record]:
        return self._once("agents", self._agents)

    def _agents(self) -> Sequence[Record]:
        archive = self._archive
        newest = summaries.newest(archive, MOST_AGENTS)
        counts = summaries.results_by_agent(archive, newest)
        chosen, room = [], MOST_RESULTS
        for agent in newest:
            room -= counts.get(agent, 0)
            if room < 0 and self.total > FIRST:
                break
            chosen.append(agent)
        if len(chosen) < self.total:
            final = archive.meta("final")
            named = [*final.get("finalists", ()), *final.get("baselines", ())] if final else []
            best = summaries.likely_best(archive)[:BEST]
            chosen += [*summaries.oldest(archive, FIRST), *best, *map(str, named)]
        found = archive.get(dict.fromkeys(chosen))
        return sorted(found, key=lambda record: (record.created, record.agent.id))

    def get(self, ids: Iterable[str]) -> Sequence[Record]:
        return self._archive.get(ids)

    def best(self) -> Record | None:
        return self._once("best", self._archive.best)

    def results(self, agent: str, split: Split, trace: bool = True) -> Sequence[ItemResult]:
        if trace:
            return self._archive.results(agent, split)
        return self._once((agent, split), lambda: self._archive.results(agent, split, trace=False))

    def importance(self, agent: str) -> Sequence[Importance]:
        return self._archive.importance(agent)

    def lessons(self) -> Sequence[Lesson]:
        return self._once("lessons", lambda: summaries.lessons(self._archive))

    def attempts(self) -> Sequence[Attempt]:
        return self._once("attempts", lambda: summaries.last_attempts(self._archive, MOST_ATTEMPTS))

    def trials(self, study: str) -> Sequence[Trial]:
        return self._once(("trials", study), lambda: summaries.last_trials(self._archive, study, MOST_TRIALS))

    def studies(self) -> Sequence[str]:
        return self._archive.studies()

    def events(self, kind: str) -> Sequence[Event]:
        """Of deliveries those of briefs alone, and those that the scorer failed on."""
        return self._once(("events", kind), lambda: self._events(kind))

    def _events(self, kind: str) -> Sequence[Event]:
        return summaries.last_events(self._archive, (kind,), MOST_EVENTS)

    def writing(self) -> Mapping[int, Usage]:
        return self._once("writing", self._archive.writing)

    def usage(self) -> Mapping[str, Usage]:
        few = self._few
        read = self._archive.usage if few else lambda: summaries.paid(self._archive)[0]
        return self._once("usage", read)

    def spending(self) -> Sequence[tuple[str, str, str, Usage]]:
        """Empty of a very long ledger."""
        few = self._few
        return self._once("spending", self._archive.spending) if few else []

    def paid_over_time(self) -> Sequence[tuple[float, Usage]]:
        """Empty of a very long ledger."""
        few = self._few
        return self._once("paid", self._archive.paid_over_time) if few else []

    def meta(self, key: MetaName) -> Any:
        return self._archive.meta(key)
