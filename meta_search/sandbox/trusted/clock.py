"""The clock that limits an item's wall time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Clock"]


class Clock:
    """Counts an item's own seconds, without those in which it waits for an answer of a model.

    Args:
        limit_s: Seconds until `on_timeout` is called.
        on_timeout: Called on the event loop, once.
    """

    def __init__(self, limit_s: float, on_timeout: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._left = limit_s
        self._on_timeout = on_timeout
        self._waits = 0
        self._since = self._loop.time()
        self._timer = self._loop.call_later(limit_s, on_timeout)

    def pause(self) -> None:
        """Stop counting, until `resume` was called as often as `pause`."""
        self._waits += 1
        if self._waits == 1:
            self._left -= self._loop.time() - self._since
            self._timer.cancel()

    def resume(self) -> None:
        """Undo one `pause`."""
        self._waits -= 1
        if self._waits == 0:
            self._since = self._loop.time()
            self._timer = self._loop.call_later(max(0.0, self._left), self._on_timeout)

    def spend(self, seconds: float) -> None:
        """Count seconds in which the clock was paused, but others worked for the item."""
        self.pause()
        self._left -= seconds
        self.resume()

    def close(self) -> None:
        """Stop for good: `on_timeout` is not called any more."""
        self._waits += 1  # so that no later `resume` starts it again
        self._timer.cancel()
