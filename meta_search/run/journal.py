"""The order of things: what the engine's thread acts upon, recorded as it happens, to be replayed.

Results and written briefs come from other threads in whatever order. The engine takes them one by one, and
every one it takes, every brief it asks for and everything that only the clock decides gets a row in the table
`events` (`run.events`). Three journals, one Protocol:

- `Recorder` records a live run.
- `run.replay.Replay` hands out what has come in the order of a recording, and compares every step with it.
- `Unrecorded` keeps nothing: for an evaluation, which is not a search.
"""

from __future__ import annotations

import hashlib
import json
import queue
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from typing import Any, Protocol

from archive.records import Archive, Record
from meta_search.outcomes import CHANCE
from meta_search.run.chances import Chances, MetChances
from meta_search.run.events import Decided, Event, ItemDelivered, Key, SearchStopped, Steered
from meta_search.types import Brief, CallRequest, ItemJob, ItemResult

__all__ = [
    "CHANCE",
    "FINISH",
    "Begun",
    "Journal",
    "Recorder",
    "Rows",
    "Unrecorded",
    "call_name",
    "job_key",
]

Rows = Sequence[tuple[str, Mapping[str, Any]]]  # of the table `events`: kind, data
Begun = Mapping[Key, Future[Any]]

FINISH = "finish"  # what the decision is called from which on nothing new is begun: a person said so
FLUSH_EVENTS = 32
FLUSH_S = 0.5


class Journal(Protocol):
    """Hands the engine what has come, and records what it does.

    `put`, `wake` and `as_said` are for any thread, the rest for the engine's.
    """

    @property
    def resumable(self) -> bool:
        """Whether the run can be gone on with after it was stopped."""
        ...

    def open(self, write: Callable[[Rows], None]) -> None:
        """Begin a session.

        Args:
            write: Takes rows of the table `events`.
        """
        ...

    def expect(self, key: Key) -> None:
        """Something was begun that will be `put` under this key."""
        ...

    def comes(self, key: Key) -> bool:
        """Whether to begin what is expected; false in a replay for what this session never delivered."""
        ...

    def put(self, key: Key, happened: object) -> None:
        """Something has come for the engine's thread."""
        ...

    def wake(self) -> None:
        """Have `next` return."""
        ...

    def next(self, timeout_s: float) -> object | None:
        """What has come and is to be handled next; `None` if nothing has in time."""
        ...

    def arrived(self, begun: Begun, timeout_s: float) -> list[Future[Any]]:
        """Of these futures those that are to be taken now, in their order; empty if none has come in time.

        With no time to wait, a replay waits all the same: for what the recording had by then.
        """
        ...

    def record(self, event: Event) -> None:
        """Record something that is done now."""
        ...

    def decide(self, what: str, clock: Callable[[], Any]) -> Any:
        """Something that clock, budget or machine decide: a plain value, recorded."""
        ...

    def find(self, what: str, look: Callable[[], Any]) -> Any:
        """What there is to be found, a plain value; recorded only where there is something."""
        ...

    def steered(self, look: Callable[[], Steered | None]) -> Steered | None:
        """What a person asks for next, recorded; `None` where that is nothing. A replay does not look."""
        ...

    def expired(self, clock: Callable[[], bool]) -> bool:
        """Whether the clock ends what goes on; recorded only when it does."""
        ...

    def stop(self, why: str) -> str:
        """Whether the search stops now.

        Args:
            why: As `SearchStopped.why`, or `""` to go on.

        Returns:
            The same; in a replay what the recording says.
        """
        ...

    def interrupt(self) -> None:
        """End at once, as a second signal asks; a replay forgets the rest of its recording."""
        ...

    def recorded(self, job: ItemJob) -> ItemResult | None:
        """The result of an item that endpoint or machine ended (`CHANCE`), in place of a run.

        Known only in a replay.
        """
        ...

    def as_said(self, result: ItemResult) -> ItemResult:
        """A scored result with the words of scorer, exceptions and programs as they were recorded; for any
        thread.

        They go into prompts, and may be others each time (a duration, the order of a set, an address in
        memory): in a replay the prompts have to be the recorded ones.
        """
        ...

    def chances(self, brief: Brief) -> Chances:
        """What chance brings the author of a brief."""
        ...

    def agents(self, archive: Archive, ids: Iterable[str]) -> list[Record]:
        """Agents that were imported into the run.

        Args:
            archive: Of the run.
            ids: Full ids.
        """
        ...

    def flush(self, now: bool = True) -> None:
        """Write the rows that wait; with `now=False` only if they have waited for a while."""
        ...


class _Live:
    """What live journals share: things come as they come, and the clock decides."""

    resumable = True

    def __init__(self) -> None:
        self._inbox: queue.SimpleQueue[object] = queue.SimpleQueue()

    def open(self, write: Callable[[Rows], None]) -> None:
        self._inbox = queue.SimpleQueue()

    def expect(self, key: Key) -> None:
        pass

    def comes(self, key: Key) -> bool:
        return True

    def put(self, key: Key, happened: object) -> None:
        self._inbox.put(happened)

    def wake(self) -> None:
        self._inbox.put(None)

    def next(self, timeout_s: float) -> object | None:
        try:
            return self._inbox.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def arrived(self, begun: Begun, timeout_s: float) -> list[Future[Any]]:
        return list(wait(begun.values(), timeout_s, "FIRST_COMPLETED").done)

    def record(self, event: Event) -> None:
        raise NotImplementedError

    def decide(self, what: str, clock: Callable[[], Any]) -> Any:
        value = clock()
        self.record(Decided(what, value))
        return value

    def find(self, what: str, look: Callable[[], Any]) -> Any:
        value = look()
        return self.decide(what, lambda: value) if value else value

    def steered(self, look: Callable[[], Steered | None]) -> Steered | None:
        event = look()
        if event is not None:
            self.record(event)
        return event

    def expired(self, clock: Callable[[], bool]) -> bool:
        return bool(self.find("end", clock))

    def stop(self, why: str) -> str:
        if why:
            self.record(SearchStopped(why))
        return why

    def interrupt(self) -> None:
        pass

    def recorded(self, job: ItemJob) -> ItemResult | None:
        return None

    def as_said(self, result: ItemResult) -> ItemResult:
        return result

    def chances(self, brief: Brief) -> Chances:
        return MetChances()

    def agents(self, archive: Archive, ids: Iterable[str]) -> list[Record]:
        return archive.get(ids)

    def flush(self, now: bool = True) -> None:
        pass


class Unrecorded(_Live):
    """Keeps nothing."""

    def record(self, event: Event) -> None:
        pass


class Recorder(_Live):
    """Writes a row for every event.

    Rows are written in their order, and after whatever they tell of, so that an event is never without its
    candidate or result, even after `kill -9`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._write: Callable[[Rows], None] = lambda rows: None
        self._rows: list[tuple[str, Mapping[str, Any]]] = []
        self._flushed = 0.0

    def open(self, write: Callable[[Rows], None]) -> None:
        super().open(write)
        self._write = write

    def record(self, event: Event) -> None:
        self._rows.append((event.kind, event.data()))
        if event.kind != "delivery" or len(self._rows) >= FLUSH_EVENTS:
            self.flush()

    def flush(self, now: bool = True) -> None:
        if self._rows and (now or time.monotonic() - self._flushed > FLUSH_S):
            rows, self._rows = self._rows, []
            self._flushed = time.monotonic()
            self._write(rows)


def job_key(job: ItemJob) -> Key:
    """Key of the result that a job will have."""
    return ItemDelivered(job.agent.id, job.split, job.item, job.repeat, "ok").key


def call_name(request: CallRequest) -> str:
    """Names a call of an author within its brief."""
    text = json.dumps([request.occurrence, request.messages])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
