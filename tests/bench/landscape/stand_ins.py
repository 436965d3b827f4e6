"""What stands in for hours of work in a simulated search: domain, evaluator and archive over a table."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from domains.domain import Item, Score
from meta_search.authors.composer import way_for
from meta_search.authors.plan import SEED_PLANS, Plan, plan_from
from meta_search.run.events import Key
from meta_search.run.journal import Unrecorded
from meta_search.types import Agent, Candidate, ItemJob, ItemResult, Parameter, TraceCall, Usage
from tests.bench.landscape.table import SEARCH, VOTES, Design, Landscape

__all__ = ["Done", "InOrder", "Table", "TableDomain", "done"]

TEACHES, EXAMPLES_A_KIND = "```python\nprint(1)\n```", 4

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

    def __init__(self, landscape: Landscape) -> None:
        words = landscape.keywords
        about = zip(landscape.items, landscape.kind_of, strict=True)
        train = [Item(item, f"{words[kind]} {item}", "1", kind) for item, kind in about][:SEARCH]
        # Letters in front, or the name of a kind could tell another kind's items.
        examples = [
            Item(f"examples-{n}-{k}", f"{words[kind]} {n}", "1", kind)
            for n in range(EXAMPLES_A_KIND)
            for k, kind in enumerate(landscape.kinds)
        ]
        self._items = {"train": train, "examples": examples}

    def items(self, split: str) -> Sequence[Item]:
        return self._items.get(split, [])

    def score(self, item: Item, answer: str) -> Score:
        return Score(float(answer))


class Table:
    """Evaluator and archive in one: knows the plans of all candidates, and looks their items up."""

    def __init__(self, landscape: Landscape) -> None:
        self._landscape = landscape
        self._places = {item: place for place, item in enumerate(landscape.items)}
        self.designs: dict[str, Design] = {}
        self.calls = 0
        self._taught = False

    def call(self, method: str, *args: Any) -> Done:
        """What is written to the archive. Of it, only candidates matter here."""
        if args and args[0] == "add_candidate":
            candidate: Candidate = args[1]
            self.designs[candidate.agent.id] = self.design_of(candidate)
        return done(None)

    def close(self) -> None: ...

    def submit(self, job: ItemJob) -> Future[ItemResult]:
        """A dry run, a lesson, or an item of the table."""
        about = (job.agent.id, job.split, job.item, job.repeat, "ok")
        if job.dry:
            return done(ItemResult(*about, "1", space=space_of(job.agent)))
        if job.split == "examples":
            if not self._taught:  # the first lessons are all that were recorded: the pool keeps them
                self._taught = True
                self.calls += self._landscape.teaching_calls
            call = TraceCall(0, "Coder", "", ("code",), job.question, TEACHES, (), 0, 0.0)
            return done(ItemResult(*about, "1", trace=(call,)))
        cell = self._landscape.rows(self.designs[job.agent.id])[self._places[job.item]]
        self.calls += cell.calls
        used = Usage(cell.calls, cell.tokens)
        return done(ItemResult(*about[:-1], cell.kind, str(cell.right), used=used))

    def design_of(self, candidate: Candidate) -> Design:
        """Where a candidate stands in the space: its plan, and the values that tuning gave it.

        A child without a plan (thinking aloud with worked examples, which was not recorded) counts as its
        parent.
        """
        agent, plan = candidate.agent, candidate.plan
        if plan is None and agent.name not in SEED_PLANS:
            return self.designs[candidate.brief.parents[0]]
        found: Plan = plan_from(plan) if plan is not None else SEED_PLANS[agent.name]
        ways = tuple(way_for(found, words) for words in self._landscape.keywords.values())
        votes = int(agent.values.get("samples", found.samples) or 1)
        shown = int(agent.values.get("shown", found.shown) or 0)
        taught = not shown or "program" not in ways or any("```" in d.reply for d in agent.demonstrations)
        return Design(ways, VOTES[votes > 1], shown, taught)


def done(value: Any) -> Done:
    future: Done = Future()
    future.set_result(value)
    return future


def space_of(agent: Agent) -> tuple[Parameter, ...]:
    """What a compiled agent declares to tune, as far as the landscape goes."""
    declared = dict(re.findall(r'self\.tune\.int\("(\w+)", \d+, \d+, (\d+)\)', agent.source))
    if not {"samples", "shown"} <= set(declared):
        return ()
    votes = VOTES[int(declared["samples"]) > 1]
    return (
        Parameter("samples", "choice", votes, choices=VOTES),
        Parameter("shown", "int", int(declared["shown"]), 0, 3),
    )
