"""Runs items, scores them on the trusted side, and archives the results: paid once, never repeated."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any, TypeVar

from domains.domain import Item
from meta_search.errors import LLMError
from meta_search.outcomes import UNSCORED
from meta_search.run.journal import Journal, Key, Rows, delivery, job_key
from meta_search.run.members import Member, take
from meta_search.run.session import Session
from meta_search.types import SPLITS, Agent, ItemJob, ItemResult, Split

__all__ = ["Pairs", "Runner", "make_job"]

TICK_S = 5.0

T = TypeVar("T")

Pairs = tuple[tuple[str, str], ...]  # of questions and answers
Keep = Callable[[ItemResult, Future[ItemResult]], None]


def make_job(
    session: Session, agent: Agent, item: Item, split: Split, repeat: int, examples: Pairs
) -> ItemJob:
    """One agent on one item. The seed of its calls depends on run and repeat only: equal calls are equal."""
    return ItemJob(
        agent=agent,
        split=split,
        item=item.id,
        repeat=repeat,
        question=item.question,
        examples=examples,
        wording=session.domain.wording,
        seed=session.config.seed * 1009 + repeat,
        helpers=tuple(getattr(session.domain, "helpers", ())),
        data=item.public,
    )


class Runner:
    """The engine's way to evaluator, scorer and archive.

    Args:
        session: The opened run.
        journal: Where a search notes what it acts upon; an evaluation without a search keeps none.
    """

    def __init__(self, session: Session, journal: Journal | None = None) -> None:
        self._session, self._journal = session, journal
        if journal is not None:
            journal.open(self._write_events)
        evaluate = session.config.evaluate
        most = {"test": evaluate.test_items, "train": evaluate.items, "validation": evaluate.items}
        self._items = {split: take(session.domain.items(split), most.get(split, 0)) for split in SPLITS}
        self._by_id = {(s, item.id): item for s, items in self._items.items() for item in items}
        self._known: dict[tuple[str, str, str, int], ItemResult] = {}
        self._keys: dict[Future[ItemResult], Key] = {}
        self._scorer = ThreadPoolExecutor(session.scorer.room, thread_name_prefix="scorer")
        self._pending: set[Future[ItemResult]] = set()
        self._lock = threading.Lock()
        self._writes: list[Future[Any]] = []
        self._ticked = 0.0

    def items(self, split: Split) -> Sequence[Item]:
        """Items of a split that are evaluated."""
        return self._items[split]

    def planned(self, split: Split) -> int:
        """Item × repeat pairs of a full evaluation."""
        return len(self._items[split]) * self._session.config.evaluate.repeats

    def next_jobs(self, member: Member, split: Split, pairs: Pairs, block: int) -> list[ItemJob]:
        """The next `block` pairs of a split that the member has no result for, in fixed order."""
        member.wanted[split] = self.planned(split)
        have = member.results.get(split, {})
        jobs = [
            make_job(self._session, member.agent, item, split, repeat, pairs)
            for repeat in range(self._session.config.evaluate.repeats)
            for item in self._items[split]
            if (item.id, repeat) not in have
        ]
        return jobs[:block]

    def submit(self, job: ItemJob) -> Future[ItemResult]:
        """Run an item; the future has the scored result, which the archive has by then."""
        if self._journal is None:
            return self.run(job)
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
        """As `submit`, without a note of it: for an item that teaches an author."""
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
        running.add_done_callback(lambda done: self._scorer.submit(self._score, done, scored, keep))
        return scored

    def _score(self, done: Future[ItemResult], scored: Future[ItemResult], keep: Keep) -> None:
        with self._lock:
            self._pending.discard(done)
        try:
            result = done.result()
            if result.kind == "ok":
                item = self._by_id[(result.split, result.item)]
                score = self._session.scorer.score(item, result.answer)
                result = replace(result, score=score.value, detail=result.detail or score.note)
            else:
                result = replace(result, score=0.0)
        except BaseException as error:  # noqa: BLE001 (handed to whoever waits for the result)
            scored.set_exception(error)
            return
        keep(result, scored)

    def _archive(self, result: ItemResult, scored: Future[ItemResult]) -> None:
        if result.kind in UNSCORED:
            scored.set_result(result)
            return

        def committed(write: Future[Any]) -> None:
            if write.cancelled() or write.exception() is not None:
                scored.set_exception(write.exception() or CancelledError())
            else:
                self.know(result)
                scored.set_result(result)

        self._session.write("add_results", [result]).add_done_callback(committed)

    def know(self, result: ItemResult) -> None:
        """The archive has this result: it is not run again."""
        # Traces are most of the data; only those of the teachers are read again.
        kept = result if result.split == "examples" else replace(result, trace=())
        self._known[(result.agent, result.split, result.item, result.repeat)] = kept

    def arrived(self, futures: Collection[Future[ItemResult]], timeout_s: float) -> list[Future[ItemResult]]:
        """What has come of these, in the order in which it is to be taken; empty if nothing has in time.

        With no time to wait, a replay waits all the same: for what the recording had by then.
        """
        keys = {self._keys.get(future): future for future in futures}
        expected = None if self._journal is None else self._journal.next_key(keys)
        if expected is None:
            return [] if self._replays else list(wait(futures, timeout_s, "FIRST_COMPLETED").done)
        return list(wait([keys[expected]], timeout_s or None).done)

    def take(self, member: Member, future: Future[ItemResult]) -> str:
        """Give a member its result. Returns why the search must stop, `""` to go on.

        Raises:
            LLMError: No endpoint can be used any more.
        """
        self._keys.pop(future, None)
        try:
            result = future.result()
        except CancelledError:
            return ""
        if self._journal is not None:
            self._journal.note("delivery", delivery(result))
        if result.kind == "budget":
            return "budget"
        if result.kind == "llm" and not self._replays:
            fatal = self._session.status().fatal
            if fatal:
                raise LLMError(f"{fatal}; everything is saved: `meta-search resume {self._session.folder}`")
        member.add(result)
        return ""

    def save(self, member: Member, split: Split) -> None:
        """Archive the evaluation so far."""
        if member.rows(split):
            self.write("put_evaluation", member.evaluation(split))

    def write(self, method: str, *args: Any) -> None:
        """Write to the archive without waiting; faults are raised by the next write or by `finish`."""
        waiting = []
        for future in self._writes:
            if future.done():
                future.result()
            else:
                waiting.append(future)
        self._writes = [*waiting, self._session.write(method, *args)]

    def decide(self, what: str, clock: Callable[[], T]) -> T:
        """Something that clock or budget decide; see `Journal.decide`."""
        return clock() if self._journal is None else self._journal.decide(what, clock)

    def expired(self, clock: Callable[[], bool]) -> bool:
        """Whether time is over; see `Journal.expired`."""
        return clock() if self._journal is None else self._journal.expired(clock)

    @property
    def _replays(self) -> bool:
        return self._journal is not None and self._journal.replays

    def _write_events(self, rows: Rows) -> None:
        """Number events; the seconds of the run so far go with them, for `resume`."""
        self.write("add_events", rows)
        self.write("set_meta", "elapsed_s", round(self._session.elapsed, 1))

    def tick(self) -> None:
        """Keep events and seconds of the run for a `resume` after a sudden end; mostly does nothing."""
        if self._journal is not None:
            self._journal.flush(now=False)
        if time.monotonic() - self._ticked >= TICK_S:
            self._ticked = time.monotonic()
            self.write("set_meta", "elapsed_s", round(self._session.elapsed, 1))

    def trial(
        self,
        study: str,
        number: int,
        params: Mapping[str, Any],
        value: Sequence[float] | None = None,
        member: Member | None = None,
        state: str = "",
    ) -> None:
        """Archive a trial; without a state, one that was told."""
        state = state or ("fail" if value is None else "complete")
        agent = member.agent.id if member else None
        self.write("add_trial", study, number, dict(params), value, state, agent)

    def cancel(self) -> None:
        """Drop what is running or queued; finished items are kept."""
        with self._lock:
            pending = list(self._pending)
        for future in pending:
            future.cancel()

    def finish(self, status: str) -> None:
        """Note how the sitting ended and wait until everything is committed."""
        if self._journal is not None:
            self._journal.flush()
        self.write("set_meta", "status", status)
        self.write("set_meta", "elapsed_s", round(self._session.elapsed, 1))
        for future in self._writes:
            future.result()
        self._writes = []
