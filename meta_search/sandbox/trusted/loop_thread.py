"""An event loop in a thread of its own, for code that is called from other threads."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["LoopThread", "cancel_others"]

T = TypeVar("T")


class LoopThread:
    """An event loop that runs in a daemon thread until `close`.

    Args:
        name: Name of the thread.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop, from any other thread. Cancelling the future cancels it.

        Raises:
            RuntimeError: The loop is closed.
        """
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def wake(self, work: Callable[[], object]) -> None:
        """Have the loop call a function, from any other thread.

        Raises:
            RuntimeError: The loop is closed.
        """
        self._loop.call_soon_threadsafe(work)

    def close(self, timeout_s: float | None = None) -> None:
        """Cancel what still runs on the loop, stop it, and wait for its thread. May be called again.

        Args:
            timeout_s: Seconds to wait for the cancelled tasks, and again for the thread; `None` waits for
                as long as they take.
        """
        if self._loop.is_closed():
            return
        with contextlib.suppress(TimeoutError):
            self.submit(cancel_others()).result(timeout_s)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout_s)
        if not self._thread.is_alive():
            self._loop.close()


async def cancel_others() -> None:
    """Cancel all tasks of the running loop but the calling one, and wait for them."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
