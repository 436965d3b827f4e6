"""A fair queue of items over workers that may die. Knows nothing of Ray: `ray_pool` makes the workers.

One thread takes events from a queue and decides everything. So there are no locks, and no races between a
worker's death, a caller's `cancel` and `close`.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from meta_search.errors import MetaSearchError
from meta_search.types import ItemJob, ItemResult

__all__ = ["Dispatcher", "Worker", "WorkerLost"]

DEATHS = 3  # an item is given up after this many workers died while running it
ALONE = 2  # after this many deaths it gets a worker to itself, so that no other items are lost with it
STARTS = 3  # a worker that fails to start this often in a row is given up
GRACE_S = 5.0  # seconds that `close` gives the workers to end their sandboxes


class WorkerLost(Exception):
    """The worker is gone; what it was doing is unknown. Never leaves `evaluators/`."""


class Worker(Protocol):
    """One process that runs items, several at a time. Its methods return at once, on any thread.

    The exception in a future is `WorkerLost` if the process died, and a `MetaSearchError` for a fault of the
    system.
    """

    def start(self) -> Future[Any]:
        """Resolved when the worker can take items."""
        ...

    def run(self, job: ItemJob) -> Future[ItemResult]:
        """Run one item. Cancelling the future ends the item."""
        ...

    def stop(self) -> Future[Any]:
        """End the sandbox; resolved when it is gone."""
        ...

    def kill(self) -> None:
        """End the process now. Does nothing if it is dead."""
        ...


@dataclass(eq=False)
class _Task:
    """A queued item.

    Attributes:
        job: The item and its agent.
        future: What the caller has.
        deaths: Workers that died while running it.
        inner: The worker's future, while one runs it.
        settled: Whether `future` is resolved.
    """

    job: ItemJob
    future: Future[ItemResult]
    deaths: int = 0
    inner: Future[ItemResult] | None = None
    settled: bool = False


@dataclass(eq=False)
class _WorkerSlot:
    """A worker, or its successors one after another.

    Attributes:
        worker: The present one.
        up: Whether it has started.
        failures: Failed starts in a row.
        running: Items that it runs.
    """

    worker: Worker
    up: bool = False
    failures: int = 0
    running: set[_Task] = field(default_factory=set)


class Dispatcher:
    """Runs items on `len(spawn)` workers, at most `per_worker` at a time on each.

    Args:
        spawn: One function per worker, which makes it; called again after the worker has died.
        per_worker: Most items in flight on one worker.
        hint: End of error messages: where to look and what to do.
    """

    def __init__(self, spawn: Sequence[Callable[[], Worker]], per_worker: int, hint: str) -> None:
        self._per_worker = per_worker
        self._hint = hint
        self._waiting: deque[_Task] = deque()
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._settled_start = threading.Event()
        self._broken: MetaSearchError | None = None
        self._closing = False
        self._done = False
        self._lock = threading.Lock()  # between submit and close only
        self._spawn: dict[_WorkerSlot, Callable[[], Worker]] = {}
        self._slots: list[_WorkerSlot] = []
        for make in spawn:
            slot = _WorkerSlot(make())
            self._spawn[slot] = make
            self._slots.append(slot)
            self._start(slot)
        self._thread = threading.Thread(target=self._loop, name="evaluate-dispatch", daemon=True)
        self._thread.start()

    def wait_ready(self, timeout_s: float) -> None:
        """Wait until one worker can take items.

        Args:
            timeout_s: Seconds to wait.

        Raises:
            MetaSearchError: None could be started, with the reason of the last one; or none in time.
        """
        if not self._settled_start.wait(timeout_s):
            raise MetaSearchError(f"no worker came up within {timeout_s:g} s; {self._hint}")
        if self._broken is not None:
            raise self._broken

    def submit(self, job: ItemJob) -> Future[ItemResult]:
        """Queue an item. The future can be cancelled until it has its result.

        Raises:
            MetaSearchError: The dispatcher is closed.
        """
        task = _Task(job, Future())
        with self._lock:
            if self._closing:
                raise MetaSearchError("the evaluator is closed; open a new one")
            self._post(lambda: self._on_submit(task))
        task.future.add_done_callback(partial(self._cancelled, task))
        return task.future

    def drop_waiting(self) -> None:
        """Cancel what no worker runs yet."""
        self._post(self._on_drop)

    def close(self) -> None:
        """Cancel everything waiting and in flight, end the workers. May be called again."""
        with self._lock:
            first = not self._closing
            self._closing = True
            if first:
                self._post(self._on_close)
        self._thread.join(GRACE_S + 10)

    def _cancelled(self, task: _Task, future: Future[ItemResult]) -> None:
        if future.cancelled():
            self._post(lambda: self._on_cancel(task))

    # Everything below runs in the dispatcher's thread, except that __init__ calls _start.

    def _post(self, event: Callable[[], None]) -> None:
        self._events.put(event)

    def _loop(self) -> None:
        while not self._done:
            self._events.get()()

    def _start(self, slot: _WorkerSlot) -> None:
        worker = slot.worker
        worker.start().add_done_callback(lambda f: self._post(lambda: self._on_started(slot, worker, f)))

    def _on_started(self, slot: _WorkerSlot, worker: Worker, started: Future[Any]) -> None:
        if slot.worker is not worker or self._closing:
            return
        error = None if started.cancelled() else started.exception()
        if error is None:
            slot.up, slot.failures = True, 0
            self._settled_start.set()
            self._assign_waiting()
            return
        slot.failures += 1
        worker.kill()
        # A fault with a message of ours (a kernel without Landlock, say) would occur again.
        if isinstance(error, MetaSearchError) or slot.failures >= STARTS:
            self._give_up(slot, error)
        else:
            self._replace(slot, worker)

    def _give_up(self, slot: _WorkerSlot, error: BaseException) -> None:
        self._slots.remove(slot)
        if self._slots:
            return
        self._broken = (
            error
            if isinstance(error, MetaSearchError)
            else MetaSearchError(f"no worker can be started: {error}; {self._hint}")
        )
        self._settled_start.set()
        while self._waiting:
            _fail(self._waiting.popleft(), self._broken)

    def _replace(self, slot: _WorkerSlot, lost: Worker) -> None:
        if slot.worker is not lost or self._closing:
            return
        lost.kill()  # it may be unreachable rather than dead
        slot.up = False
        slot.worker = self._spawn[slot]()
        self._start(slot)

    def _on_submit(self, task: _Task) -> None:
        if self._broken is not None:
            _fail(task, self._broken)
            return
        self._waiting.append(task)
        self._assign_waiting()

    def _assign_waiting(self) -> None:
        """Give waiting items, oldest first, to the workers with the fewest in flight."""
        while self._waiting and not self._closing:
            task = self._waiting[0]
            if task.settled or task.future.cancelled():
                self._waiting.popleft()
                continue
            slot = self._choose(task)
            if slot is None:
                return
            self._waiting.popleft()
            self._run(slot, task)

    def _choose(self, task: _Task) -> _WorkerSlot | None:
        """The worker with the fewest items in flight that may take this one."""
        most = 1 if task.deaths >= ALONE else self._per_worker
        free = [
            slot
            for slot in self._slots
            if slot.up and len(slot.running) < most and all(t.deaths < ALONE for t in slot.running)
        ]
        return min(free, key=lambda slot: len(slot.running), default=None)

    def _run(self, slot: _WorkerSlot, task: _Task) -> None:
        worker = slot.worker
        slot.running.add(task)
        task.inner = worker.run(task.job)
        task.inner.add_done_callback(lambda f: self._post(lambda: self._on_done(slot, worker, task, f)))

    def _on_done(self, slot: _WorkerSlot, worker: Worker, task: _Task, inner: Future[ItemResult]) -> None:
        slot.running.discard(task)
        error = None if inner.cancelled() else inner.exception()
        if isinstance(error, WorkerLost):
            self._replace(slot, worker)
            task.deaths += 1
            if task.deaths < DEATHS:
                self._waiting.appendleft(task)
            else:
                _fail(task, self._lost(task, error))
        elif error is not None:
            _fail(task, error)
        elif not inner.cancelled() and _settle(task):
            task.future.set_result(inner.result())
        self._assign_waiting()

    def _lost(self, task: _Task, error: WorkerLost) -> MetaSearchError:
        job = task.job
        return MetaSearchError(
            f"{task.deaths} workers died while running agent {job.agent.id} ({job.agent.name}) on "
            f"{job.split} item {job.item}, repeat {job.repeat}: {error}; {self._hint}"
        )

    def _on_cancel(self, task: _Task) -> None:
        _settle(task)
        if task.inner is not None:
            task.inner.cancel()

    def _on_drop(self) -> None:
        while self._waiting:
            self._waiting.popleft().future.cancel()

    def _on_close(self) -> None:
        tasks = [*self._waiting, *(task for slot in self._slots for task in slot.running)]
        self._waiting.clear()
        for task in tasks:
            task.future.cancel()
            self._on_cancel(task)
        wait([slot.worker.stop() for slot in self._slots if slot.up], timeout=GRACE_S)
        for slot in self._slots:
            slot.worker.kill()
        self._done = True


def _settle(task: _Task) -> bool:
    """Claim the right to resolve a task's future; false if it was cancelled or has its result."""
    if task.settled:
        return False
    task.settled = True
    return task.future.set_running_or_notify_cancel()


def _fail(task: _Task, error: BaseException) -> None:
    if _settle(task):
        task.future.set_exception(error)
