"""The order of things: what the engine's thread acts upon, numbered as it happens, to be replayed.

Results and written briefs come from other threads in whatever order. The engine takes them one by one, and
every one it takes, every brief it asks for and everything that only the clock decides gets a row in the table
`events`. `meta_search.run.replay` hands the same things out in the same order.
"""

from __future__ import annotations

import hashlib
import json
import queue
import time
from collections.abc import Callable, Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meta_search.outcomes import UNSCORED
from meta_search.types import CallRequest, ItemJob, ItemResult

if TYPE_CHECKING:
    from archive.records import Archive

__all__ = ["CHANCE", "Action", "Journal", "Key", "Rows", "call_name", "delivery", "job_key", "key_of"]

Key = tuple[str | int, ...]
Action = Callable[[], None]
Rows = Sequence[tuple[str, Mapping[str, Any]]]

CHANCE = UNSCORED | {"timeout", "cpu", "memory"}  # outcomes that the endpoint or the machine brought about
FLUSH_EVENTS = 32
FLUSH_S = 0.5


class Journal:
    """Hands the engine what has come, and numbers what it does. `put` is for any thread, the rest for one.

    Rows are written in their order, and after whatever they tell of, so that an event is never without its
    candidate or result, even after `kill -9`.
    """

    replays = False
    archive: Archive | None = None  # of the recording, in a replay

    def __init__(self) -> None:
        self._inbox: queue.SimpleQueue[tuple[Key, Action]] = queue.SimpleQueue()
        self._write: Callable[[Rows], None] = lambda rows: None
        self._rows: list[tuple[str, Mapping[str, Any]]] = []
        self._flushed = 0.0

    def open(self, write: Callable[[Rows], None]) -> None:
        """Begin a sitting. `write` takes rows for the table `events`."""
        self._write = write
        self._inbox = queue.SimpleQueue()

    def expect(self, key: Key) -> None:
        """Something was begun that will be `put` under this key."""

    def comes(self, key: Key) -> bool:
        """Whether what is about to begin will ever be taken; false only in a replay."""
        return True

    def put(self, key: Key, action: Action) -> None:
        """Something has come: `action` is for the engine's thread."""
        self._inbox.put((key, action))

    def wake(self) -> None:
        """Have `next` return."""
        self._inbox.put(((), lambda: None))

    def next(self, timeout_s: float) -> Action | None:
        """What to do next, or `None` if nothing has come in time."""
        try:
            return self._inbox.get(timeout=timeout_s)[1]
        except queue.Empty:
            return None

    def next_key(self, begun: Container[Key | None]) -> Key | None:
        """Key of what must be taken next, of all that was begun; known only in a replay."""
        return None

    def note(self, kind: str, data: Mapping[str, Any]) -> None:
        """Number something that is done now."""
        self._rows.append((kind, data))
        if kind != "delivery" or len(self._rows) >= FLUSH_EVENTS:
            self.flush()

    def decide(self, what: str, clock: Callable[[], Any]) -> Any:
        """Something that clock or budget decide: a plain value, numbered."""
        value = clock()
        self.note("decision", {"what": what, "value": value})
        return value

    def find(self, what: str, look: Callable[[], Any]) -> Any:
        """What there is to be found, a plain value; numbered only where there is something."""
        value = look()
        return self.decide(what, lambda: value) if value else value

    def expired(self, clock: Callable[[], bool]) -> bool:
        """Whether the clock ends what goes on; numbered only when it does."""
        return bool(self.find("end", clock))

    def resume(self) -> bool:
        """Whether there is another sitting; only in a replay."""
        return False

    def worded(self, agent: str, why: str) -> str:
        """Why an agent's race ends now, in the words to keep: in a replay those of the recording."""
        return why

    def stop(self, why: str) -> str:
        """Whether the search stops now.

        Args:
            why: `candidates`, `budget`, `time`, `signal`, or `""` to go on.

        Returns:
            The same; in a replay what the recording says.
        """
        if why:
            self.note("stop", {"why": why})
        return why

    def recorded(self, job: ItemJob) -> ItemResult | None:
        """What chance brought an item, which is not run again; known only in a replay."""
        return None

    def chances(self, brief: int) -> Sequence[Sequence[str]]:
        """What chance brought an author that carries out this brief; known only in a replay."""
        return ()

    def flush(self, now: bool = True) -> None:
        """Write the rows that wait; with `now=False` only if they have waited for a while."""
        if self._rows and (now or time.monotonic() - self._flushed > FLUSH_S):
            rows, self._rows = self._rows, []
            self._flushed = time.monotonic()
            self._write(rows)


def job_key(job: ItemJob) -> Key:
    """Key of the result that a job will have."""
    return ("item", job.agent.id, job.split, job.item, job.repeat)


def key_of(data: Mapping[str, Any]) -> Key:
    """Key of what an event `delivery` tells of."""
    if "brief" in data:
        return ("written", data["brief"])
    if "item" in data:
        return ("item", data["agent"], data["split"], data["item"], data["repeat"])
    return ("block", data["agent"], data["split"])


def delivery(result: ItemResult) -> dict[str, Any]:
    """An item's result as an event tells it: whatever a decision depends on."""
    found: dict[str, Any] = {
        "agent": result.agent,
        "split": result.split,
        "item": result.item,
        "repeat": result.repeat,
        "kind": result.kind,
    }
    if result.kind in UNSCORED:
        return {**found, "detail": result.detail}
    return {**found, "score": result.score, "calls": result.used.calls, "tokens": result.used.tokens}


def call_name(request: CallRequest) -> str:
    """Names a call of an author within its brief."""
    text = json.dumps([request.occurrence, request.messages])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
