"""What stands in for hours of work in a simulated search: domain, evaluator and archive over a ground."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from domains.domain import Item, Score
from meta_search.run.events import Key
from meta_search.run.journal import Unrecorded
from meta_search.types import Candidate, ItemJob, ItemResult, Usage
from tests.bench.landscape.ground import Ground, Work

__all__ = ["Done", "InOrder", "Table", "TableDomain", "done"]

EXAMPLES_A_KIND = 4

Done = Future[Any]


class InOrder(Unrecorded):
    """Hands out what was begun first, first: waiting for an author's thread where that is needed."""

    def __init__(self) -> None:
        super().__init__()
        self._expected: deque[Key] = deque()
        self._come: dict[Key, object] = {}
        self._changed = threading.Condition()

    def expect(self, key: Key) -> None:
        self._expected.append(key)

    def put(self, key: Key, happened: object) -> None:
        with self._changed:
            self._come[key] = happened
            self._changed.notify()

    def next(self, timeout_s: float) -> object | None:
        if not self._expected:
            return None
        key = self._expected.popleft()
        with self._changed:
            self._changed.wait_for(lambda: key in self._come)
            return self._come.pop(key)


class TableDomain:
    """Items whose questions hold the words that routes look for; an answer says whether it is right."""

    name, brief = "landscape", "Recorded items."
    wording: Mapping[str, str] = {}

    def __init__(self, ground: Ground) -> None:
        words = {kind: ground.keywords.get(kind, "") for kind in ground.kinds}
        about = [(ground.items[place], ground.kind_of[place]) for place in ground.searched]
        train = [Item(item, f"{words[kind]} {item}", "1", kind) for item, kind in about]
        # Letters in front, or the name of a kind could tell another kind's items.
        examples = [
            Item(f"examples-{n}-{k}", f"{words[kind]} {n}", "1", kind)
            for n in range(EXAMPLES_A_KIND)
            for k, kind in enumerate(ground.kinds)
        ]
        self._items = {"train": train, "examples": examples}

    def items(self, split: str) -> Sequence[Item]:
        return self._items.get(split, [])

    def score(self, item: Item, answer: str) -> Score:
        return Score(float(answer))


class Table:
    """Evaluator and archive in one: knows what all candidates are, and looks their items up."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._places = {item: place for place, item in enumerate(ground.items)}
        self.designs: dict[str, Work] = {}
        self.calls = 0
        self._taught = False

    def call(self, method: str, *args: Any) -> Done:
        """What is written to the archive. Of it, only candidates matter here."""
        if args and args[0] == "add_candidate":
            candidate: Candidate = args[1]
            self.designs[candidate.agent.id] = self.design_of(candidate)
        return done(SimpleNamespace(paid={"": Usage(self.calls)}) if method == "status" else None)

    def close(self) -> None: ...

    def submit(self, job: ItemJob) -> Future[ItemResult]:
        """A dry run, an example that is taught, or an item of the table."""
        about = (job.agent.id, job.split, job.item, job.repeat, "ok")
        if job.dry:
            return done(ItemResult(*about, "1", space=self._ground.declared(job.agent)))
        if job.split == "examples":
            if not self._taught:  # the first examples are all that were recorded: the pool keeps them
                self._taught = True
                self.calls += self._ground.teaching_calls
            return done(ItemResult(*about, "1", trace=(self._ground.lesson(job),)))
        cell = self._ground.rows(self.designs[job.agent.id])[self._places[job.item]]
        self.calls += cell.calls
        used = Usage(cell.calls, cell.tokens)
        return done(ItemResult(*about[:-1], cell.kind, str(cell.right), used=used))

    def design_of(self, candidate: Candidate) -> Work:
        """What a candidate is on this ground."""
        return self._ground.placed(candidate, self.designs)


def done(value: Any) -> Done:
    future: Done = Future()
    future.set_result(value)
    return future
