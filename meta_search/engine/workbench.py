"""What an author does through the engine for one brief: ask, try out, teach. On the author's own thread.

Nothing of it is seen by others before the brief is delivered: what it found and used then reaches the engine
together with what was written, as one event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from domains.domain import Item
from meta_search.authors.author import Example, Worked
from meta_search.errors import ReplayError
from meta_search.outcomes import UNSCORED
from meta_search.run.journal import CHANCE, call_name
from meta_search.run.members import take
from meta_search.run.runner import Pairs, make_job
from meta_search.run.session import Session
from meta_search.types import (
    Agent,
    CallReply,
    CallRequest,
    Demonstration,
    Importance,
    ItemJob,
    ItemResult,
)

__all__ = ["Errand"]

DRY_ITEMS = 2


class Errand:
    """Carries out one brief's requests.

    Args:
        session: The opened run.
        run: Sends a job to the evaluator, through the archive: what was run before is not run again.
        pairs: What agents see as `self.examples`.
        chances: In a replay, what chance brought the recorded author: (what, name, kind, message).
        probe: As `run`, but scored only: the archive is not asked and gets nothing.

    Attributes:
        tokens: Used by the meta agent so far.
        found: Worked examples for the run's pool.
        chances: Answers and results that endpoint, budget or machine brought about, not the agents.
        noted: What components were found to be worth.
    """

    def __init__(
        self,
        session: Session,
        run: Callable[[ItemJob], Future[ItemResult]],
        pairs: Pairs,
        chances: Sequence[Sequence[str]] = (),
        probe: Callable[[ItemJob], Future[ItemResult]] | None = None,
    ) -> None:
        self._probe = probe or run
        self._session, self._run, self._pairs = session, run, pairs
        self._recorded = [tuple(chance) for chance in chances]
        self._items: Mapping[str, Item] = {i.question: i for i in session.domain.items("examples")}
        self._replays = session.config.llm.mode == "replay"
        self._closed = False
        self.tokens = 0
        self.found: list[Demonstration] = []
        self.chances: list[tuple[str, str, str, str]] = []
        self.noted: list[Importance] = []

    @property
    def refused(self) -> str:
        """`budget` where the budget refused anything that was asked for, else `""`."""
        return "budget" if any(kind == "budget" for _, _, kind, _ in self.chances) else ""

    def close(self) -> None:
        """The search is over: an author still at work gets no further calls or runs."""
        self._closed = True

    def ask(self, request: CallRequest) -> CallReply:
        """One call of the meta agent."""
        kind, message = self._chance("ask", call_name(request))
        if self._closed:
            kind, message = "budget", "the search has ended"
        reply = CallReply("", fault=kind, message=message) if kind else self._session.ask(request)
        if reply.fault:
            if self._replays and not kind:
                raise ReplayError(reply.message)
            self._note("ask", call_name(request), reply.fault, reply.message)
        self.tokens += reply.used.tokens
        return reply

    def try_out(self, agent: Agent) -> list[ItemResult]:
        """Dry runs on a few train items; nothing is asked of a model."""
        items = list(self._session.domain.items("train"))[:DRY_ITEMS]
        jobs = [make_job(self._session, agent, item, "train", 0, self._pairs) for item in items]
        return self._results("try", [replace(job, dry=True) for job in jobs], self._session.evaluator.submit)

    def teach(self, agent: Agent, examples: Sequence[Example], model: str) -> list[Worked]:
        """Run an agent on examples with one of the models; `repeat` tells the teachers apart."""
        repeat = 0 if model == "task" else 1
        if self._closed:
            return []
        jobs = [
            make_job(self._session, agent, self._items[example.question], "examples", repeat, ())
            for example in examples
        ]
        if model == "meta":
            jobs = [replace(job, model="meta") for job in jobs]
        results = self._results("teach", jobs, self._run)
        return [
            Worked(example, result.right, result) for example, result in zip(examples, results, strict=True)
        ]

    def probe(self, agent: Agent, places: Sequence[int], without: Sequence[str]) -> list[ItemResult]:
        """Runs on train items, by their places, without the components named; see `Workbench.probe`."""
        if self._closed:
            return []
        items = take(self._session.domain.items("train"), self._session.config.evaluate.items)
        jobs = [
            make_job(self._session, agent, items[place], "train", 0, self._pairs)
            for place in places
            if place < len(items)
        ]
        return self._results("probe", [replace(job, mute=tuple(without)) for job in jobs], self._probe)

    def record_importance(self, rows: Sequence[Importance]) -> None:
        """What components are worth, for the archive, once the brief is delivered."""
        self.noted += rows

    def keep(self, demonstrations: Sequence[Demonstration]) -> None:
        """Worked examples for the pool, once the brief is delivered."""
        self.found += demonstrations

    def told(self) -> dict[str, Any]:
        """What an event `delivery` tells beside what was written."""
        return {
            "tokens": self.tokens,
            "found": [[d.question, d.reply] for d in self.found],
            "chances": [list(chance) for chance in self.chances],
        }

    def _results(
        self, what: str, jobs: Sequence[ItemJob], run: Callable[[ItemJob], Future[ItemResult]]
    ) -> list[ItemResult]:
        """Results in the order of the jobs; those that chance brought the recorded author are not run."""
        chances = [self._chance(what, _name(job)) for job in jobs]
        futures = [None if kind else run(job) for job, (kind, _) in zip(jobs, chances, strict=True)]
        results = []
        for job, (kind, message), future in zip(jobs, chances, futures, strict=True):
            result = ItemResult(
                job.agent.id, job.split, job.item, job.repeat, kind, detail=message, score=0.0
            )
            if future is not None:
                result = future.result()
                if self._replays and result.kind in UNSCORED:
                    raise ReplayError(result.detail)
            if result.kind in CHANCE:
                self._note(what, _name(job), result.kind, result.detail)
            results.append(result)
        return results

    def _note(self, what: str, name: str, kind: str, message: str) -> None:
        self.chances.append((what, name, kind, message))

    def _chance(self, what: str, name: str) -> tuple[Any, str]:
        """Kind and message of what the recorded author got here by chance; `""` for nothing."""
        for chance in self._recorded:
            if chance[:2] == (what, name):
                self._recorded.remove(chance)
                return chance[2], chance[3]
        return "", ""


def _name(job: ItemJob) -> str:
    return "/".join((job.agent.id, job.item, str(job.repeat), *job.mute))
