"""An item's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Clock"]


class Clock:
    """Counts an item's own time, in seconds: it stands still while an answer is awaited.

    Args:
        limit_s: How much time there is.
        ring: Called when it is up.
    """

    def __init__(self, limit_s: float, ring: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._left = limit_s
        self._ring = ring
        self._waits = 0
        self._since = self._loop.time()
        self._timer = self._loop.call_later(limit_s, ring)

    def stop(self) -> None:
        """Stand still. Every stop takes a start of its own."""
        self._waits += 1
        if self._waits == 1:
            self._left -= self._loop.time() - self._since
            self._timer.cancel()

    def start(self) -> None:
        """Go on, when every stop has had its start."""
        self._waits -= 1
        if self._waits == 0:
            self._since = self._loop.time()
            self._timer = self._loop.call_later(max(0.0, self._left), self._ring)

    def close(self) -> None:
        """Ring no more."""
        self._waits += 1  # whatever comes now starts it no more
        self._timer.cancel()
