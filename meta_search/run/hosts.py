"""Where the service lives: in a thread of this process, or on Ray; writes keep the order of the calls."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

from meta_search.errors import MetaSearchError
from meta_search.sandbox.trusted.loop_thread import LoopThread

__all__ = ["Host", "OrderedHost", "ThreadHost"]

CLOSE_S = 5.0
ORDERED = ("write", "close")  # methods of `Service` that must not overtake each other


class Host(Protocol):
    """Where a `Service` lives."""

    def call(self, method: str, *args: Any) -> Future[Any]: ...

    def close(self) -> None: ...


class ThreadHost:
    """Hosts an object with async methods on an event loop in a thread of this process.

    Ordered methods come in bursts, and waking the loop for each would take longer than the calls: they are
    begun together, in the order of the calls, and before whatever was called after them.

    Args:
        factory: Makes the object, on the loop.
        args: For the factory.
    """

    def __init__(self, factory: Callable[..., Any], *args: Any) -> None:
        async def make() -> Any:
            return factory(*args)

        self._thread = LoopThread("service")
        self._object = self._thread.submit(make()).result()
        self._waiting: deque[tuple[Future[Any], str, tuple[Any, ...]]] = deque()
        self._woken = False
        self._begun: set[asyncio.Task[Any]] = set()  # the loop itself holds no task that waits

    def call(self, method: str, *args: Any) -> Future[Any]:
        """Call an async method of the object; the futures of ordered ones cannot be cancelled."""
        if method not in ORDERED:
            called: Future[Any] = self._thread.submit(getattr(self._object, method)(*args))
            return called
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        self._waiting.append((future, method, args))
        if not self._woken:
            self._woken = True  # before: the loop may be quicker
            try:
                self._thread.wake(self._begin)
            except BaseException:  # an interrupt too: the next write wakes it
                self._woken = False
                raise
        return future

    def close(self) -> None:
        """Stop the loop; have the object close itself before. What is left on the loop is cancelled."""
        self._thread.close(CLOSE_S)

    def _begin(self) -> None:
        """Begin all that waits; on the loop. What comes from now on wakes it again."""

        async def one(method: str, args: tuple[Any, ...]) -> Any:
            return await getattr(self._object, method)(*args)

        self._woken = False
        while self._waiting:
            future, method, args = self._waiting.popleft()
            task = asyncio.ensure_future(one(method, args))
            self._begun.add(task)
            task.add_done_callback(self._begun.discard)
            task.add_done_callback(partial(_hand_on, future))


class OrderedHost:
    """Around a host on Ray: writes are done in the order of the calls.

    Ray lets calls of an actor that works on several at a time overtake each other (one in twenty did, where
    two were made within a millisecond): an event came before the one that led to it, and a run that was
    killed could not be resumed. What is written until a message is answered waits, and goes with the next.

    Args:
        host: Of a `Service`.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._waiting: deque[tuple[Future[Any], str, tuple[Any, ...]]] = deque()
        # A thread of its own: Ctrl-C must not end a message half-way, or nothing would be sent after it.
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="writes")
        self._closed = False

    def call(self, method: str, *args: Any) -> Future[Any]:
        """Call an async method of the object; the futures of ordered ones cannot be cancelled."""
        if method not in ORDERED:
            return self._host.call(method, *args)
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        self._waiting.append((future, method, args))
        try:
            self._sender.submit(self._send)
        except RuntimeError:  # it was shut down
            self._send()
        return future

    def close(self) -> None:
        """Send nothing more; have the object close itself before. The host itself is closed by its owner."""
        self._closed = True  # Ray would start anew for a call after its end
        self._sender.shutdown(wait=False)

    def _send(self) -> None:
        """Send all that waits, and wait for what comes of it."""
        batch = []
        with contextlib.suppress(IndexError):
            while True:
                batch.append(self._waiting.popleft())
        if not batch:
            return
        try:
            if self._closed:
                raise MetaSearchError("the run is closed")
            results = self._host.call("in_order", [(method, args) for _, method, args in batch]).result()
        except Exception as error:  # noqa: BLE001 (handed to whoever waits)
            results = [error] * len(batch)
        for (future, _, _), result in zip(batch, results, strict=True):
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)


def _hand_on(future: Future[Any], task: asyncio.Task[Any]) -> None:
    """Give a future what came of a task; one that was cancelled is an exception there."""
    error = CancelledError() if task.cancelled() else task.exception()
    if error is None:
        future.set_result(task.result())
    else:
        future.set_exception(error)
