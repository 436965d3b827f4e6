"""Runs items, scores them on the trusted side, and archives the results: paid once, never repeated."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from itertools import islice
from typing import Any

from domains.domain import Item
from meta_search.errors import LLMError
from meta_search.outcomes import UNSCORED
from meta_search.run.domain_scorer import ScorerFault
from meta_search.run.events import ItemDelivered, Key
from meta_search.run.folder import resume_command
from meta_search.run.folds import NO_FOLDS, pooled
from meta_search.run.journal import Journal, Rows, job_key
from meta_search.run.members import Member, first_items
from meta_search.run.pen import Pen, make_pen
from meta_search.run.scorer_health import ScorerHealth
from meta_search.run.session import Session
from meta_search.types import SPLITS, Agent, ItemJob, ItemResult, Split

__all__ = ["Runner"]

TICK_S = 5.0
UNASKED = "answered without a call to a model, which domain.model_free=refuse scores 0"

Keep = Callable[[ItemResult, Future[ItemResult]], None]


class Runner:
    """The way to evaluator, scorer and archive.

    Args:
        session: The opened run.
        journal: Where a search records what it acts upon.

    Attributes:
        pen: Writes to the archive without waiting; faults are raised by the next write or by `finish`.
        folds: Of train and validation items, which then are all of train (`evaluate.folds`).
        health: What became of the scorer so far.
        refusal: What the budget said when it last refused an item's call, `""` where it did not.
    """

    def __init__(self, session: Session, journal: Journal) -> None:
        self._session, self._journal = session, journal
        self.pen: Pen = make_pen(self._write)
        self._journal.open(self._write_events)
        evaluate, domain = session.config.evaluate, session.domain
        most = {"test": evaluate.test_items, "train": evaluate.items, "validation": evaluate.items}
        self._items: dict[Split, list[Item]] = {
            split: first_items(domain.items(split), most.get(split, 0)) for split in SPLITS
        }
        self._repeats: dict[Split, int] = {}
        self.folds = NO_FOLDS
        if evaluate.folds:
            parts = self._items["train"], self._items["validation"]
            pool, self.folds = pooled(domain, *parts, evaluate.folds)
            self._items |= {"train": list(pool), "validation": []}
        self._by_id = {(s, item.id): item for s, items in self._items.items() for item in items}
        self._examples = tuple((i.question, i.target) for i in domain.items("examples"))
        self._known: dict[tuple[str, str, str, int], ItemResult] = {}
        self._keys: dict[Future[ItemResult], Key] = {}
        self._pending: set[Future[ItemResult]] = set()
        self._lock = threading.Lock()
        self._writes: list[Future[Any]] = []
        self._ticked = 0.0
        self.health, self.refusal = ScorerHealth(), ""

    # -- what there is to run

    def items(self, split: Split) -> Sequence[Item]:
        """Items of a split that are evaluated."""
        return self._items.get(split, [])

    def extend(self, split: Split, items: Sequence[Item]) -> None:
        """Have further items in a split, which the domain does not deal: perturbed ones."""
        self._items[split] = [*self._items.get(split, ()), *items]
        self._by_id |= {(split, item.id): item for item in items}

    def replace(self, split: Split, items: Sequence[Item]) -> None:
        """Have a split consist of these of the domain's items."""
        self._items[split] = list(items)
        self._by_id |= {(split, item.id): item for item in items}

    def planned(self, split: Split) -> int:
        """Item × repeat pairs of a full evaluation."""
        return len(self.items(split)) * self._repeats_of(split)

    def repeat(self, split: Split, times: int) -> None:
        """Have each item of a split run so often, in place of `evaluate.repeats`."""
        self._repeats[split] = times

    def _repeats_of(self, split: Split) -> int:
        return self._repeats.get(split, self._session.config.evaluate.repeats)

    def job(self, agent: Agent, item: Item, split: Split, repeat: int = 0) -> ItemJob:
        """One agent on one item.

        The seed of its calls depends on run and repeat only: equal calls are equal.
        """
        domain = self._session.domain
        return ItemJob(
            agent=agent,
            split=split,
            item=item.id,
            repeat=repeat,
            question=item.question,
            examples=self._examples,
            wording=domain.wording,
            seed=self._session.config.seed * 1009 + repeat,
            salt=self._session.salt,
            max_tokens=self._session.config.llm.max_tokens,
            helpers=tuple(getattr(domain, "helpers", ())),
            data=item.public,
        )

    def next_jobs(
        self, member: Member, split: Split, most: int, pairs: Sequence[tuple[str, int]] = ()
    ) -> list[ItemJob]:
        """The next pairs of a split that the member has no result for, in fixed order.

        Args:
            member: Whom to run.
            split: The split.
            most: How many pairs at the most.
            pairs: Of these (item, repeat) alone, in their order; none for all.
        """
        member.wanted[split] = self.planned(split)
        have = member.results.get(split, {})
        missing = (pair for pair in pairs or self.pairs(split) if pair not in have)
        return [
            self.job(member.agent, self._by_id[split, item], split, repeat)
            for item, repeat in islice(missing, most)
        ]

    def pairs(self, split: Split, order: Sequence[str] = ()) -> list[tuple[str, int]]:
        """All (item, repeat) of a split, repeat by repeat; items in a given order, or in theirs."""
        items = order or [item.id for item in self.items(split)]
        return [(item, repeat) for repeat in range(self._repeats_of(split)) for item in items]

    # -- running

    def submit(self, job: ItemJob) -> Future[ItemResult]:
        """Run an item; the future has the scored result, which the archive has by then."""
        key = job_key(job)
        self._journal.expect(key)
        recorded = self._journal.recorded(job)
        if not self._journal.comes(key):
            scored: Future[ItemResult] = Future()
        elif recorded is not None:
            scored = Future()
            self._archive(recorded, scored)
        else:
            scored = self.run(job)
        self._keys[scored] = key
        return scored

    def run(self, job: ItemJob) -> Future[ItemResult]:
        """As `submit`, but not recorded: for an item that teaches an author."""
        known = self._known.get((job.agent.id, job.split, job.item, job.repeat))
        scored: Future[ItemResult] = Future()
        scored.set_running_or_notify_cancel()
        if known is not None:
            scored.set_result(replace(known, fresh=False))
            return scored
        return self._begin(job, scored, self._archive)

    def probe(self, job: ItemJob) -> Future[ItemResult]:
        """As `run`, but nothing is looked up or archived: for runs that say something of an agent's parts."""
        scored: Future[ItemResult] = Future()
        scored.set_running_or_notify_cancel()
        return self._begin(job, scored, lambda result, future: future.set_result(result))

    def _begin(self, job: ItemJob, scored: Future[ItemResult], keep: Keep) -> Future[ItemResult]:
        running = self._session.evaluator.submit(job)
        with self._lock:
            self._pending.add(running)
        pool = self._session.scorer.pool
        running.add_done_callback(lambda done: pool.submit(self._score, done, scored, keep))
        return scored

    def _score(self, done: Future[ItemResult], scored: Future[ItemResult], keep: Keep) -> None:
        with self._lock:
            self._pending.discard(done)
        try:
            result = self._asking(done.result())
            result = self._scored(result) if result.kind == "ok" else replace(result, score=0.0)
        except BaseException as error:  # noqa: BLE001 (handed to whoever waits for the result)
            scored.set_exception(error)
            return
        keep(result, scored)

    def _asking(self, result: ItemResult) -> ItemResult:
        """A result; where answers without a call are refused, one of those as such."""
        if self._session.config.domain.model_free != "refuse" or not result.model_free:
            return result
        return replace(result, kind="unasked", detail=UNASKED)

    def _scored(self, result: ItemResult) -> ItemResult:
        """An answer with its score; without one, where that is no fault of the answer."""
        try:
            score = self._session.scorer.score(
                self._by_id[(result.split, result.item)], result.answer, result
            )
        except ScorerFault as fault:
            return replace(result, kind=fault.kind, detail=fault.detail, score=0.0)
        return replace(result, score=score.value, feedback=score.feedback)

    def _archive(self, result: ItemResult, scored: Future[ItemResult]) -> None:
        result = self._journal.as_said(result)
        if result.kind in UNSCORED:
            scored.set_result(result)
            return

        def committed(write: Future[Any]) -> None:
            if write.cancelled() or write.exception() is not None:
                scored.set_exception(write.exception() or CancelledError())
            else:
                self.know(result)
                scored.set_result(result)

        self._session.pen.add_results([result]).add_done_callback(committed)

    def know(self, result: ItemResult) -> None:
        """The archive has this result: it is not run again."""
        kept = result if result.split == "examples" else _short(result)
        self._known[(result.agent, result.split, result.item, result.repeat)] = kept

    def arrived(self, futures: Collection[Future[ItemResult]], timeout_s: float) -> list[Future[ItemResult]]:
        """What has come of these, in the order in which it is to be delivered; see `Journal.arrived`."""
        return self._journal.arrived({self._keys[future]: future for future in futures}, timeout_s)

    def deliver(self, member: Member, future: Future[ItemResult]) -> str:
        """Give a member its result.

        Returns:
            Why the search must stop: `budget`, or `scorer` where that fails too often; `""` to go on.

        Raises:
            LLMError: No endpoint can be used any more.
        """
        self._keys.pop(future, None)
        try:
            result = future.result()
        except CancelledError:
            return ""
        self._journal.record(ItemDelivered.from_result(result))
        if result.kind == "budget":
            self.refusal = result.detail
            return "budget"
        broken = self.health.count(result)
        # In a replay nothing is sent, so that nothing can have become impossible.
        fatal = self._session.status().fatal if result.kind == "llm" else ""
        if fatal:
            raise LLMError(f"{fatal}; everything is saved: `{resume_command(self._session.folder)}`")
        member.add(_short(result))
        return "scorer" if broken else ""

    def cancel(self) -> None:
        """Drop what is running or queued; finished items are kept."""
        with self._lock:
            pending = list(self._pending)
        for future in pending:
            future.cancel()

    # -- writing

    def save(self, member: Member, split: Split) -> None:
        """Archive the evaluation so far."""
        if member.rows(split):
            self.pen.put_evaluation(member.evaluation(split))

    def tick(self) -> None:
        """Keep events and seconds of the run for a `resume` after a sudden end; mostly does nothing."""
        self._journal.flush(now=False)
        if time.monotonic() - self._ticked >= TICK_S:
            self._ticked = time.monotonic()
            self._write_elapsed()

    def finish(self, status: str) -> None:
        """Archive how the session ended and wait until everything is committed."""
        self._journal.flush()
        self.pen.set_meta("status", status)
        self._write_elapsed()
        for future in self._writes:
            future.result()
        self._writes = []

    def _write(self, method: str, *args: Any) -> Future[Any]:
        waiting = []
        for future in self._writes:
            if future.done():
                future.result()
            else:
                waiting.append(future)
        written = self._session.write(method, *args)
        self._writes = [*waiting, written]
        return written

    def _write_events(self, rows: Rows) -> None:
        """Record events; the seconds of the run so far go with them, for `resume`."""
        self.pen.add_events(rows)
        self._write_elapsed()

    def _write_elapsed(self) -> None:
        self.pen.set_meta("elapsed_s", round(self._session.elapsed, 1))


def _short(result: ItemResult) -> ItemResult:
    """A result without its trace: traces are most of the data, and the archive has them (`engine.traces`)."""
    return replace(result, trace=(), programs=(), networks=())
