"""One answer for all who ask the same of the same state: pages that hear of a change ask at once."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any

__all__ = ["SharedAnswers"]

LASTS_S = 1.0  # views tell of the time as well: a heartbeat's age, seconds left
MOST_KEPT = 4_000_000  # bytes of all answers

Work = Callable[[], Coroutine[Any, Any, bytes]]


@dataclass(slots=True, eq=False)
class _Flight:
    task: asyncio.Task[bytes]
    begun: float
    waiting: int = 0


class SharedAnswers:
    """Belongs to one event loop.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._flights: OrderedDict[Hashable, _Flight] = OrderedDict()

    async def of(self, key: Hashable, work: Work) -> bytes:
        """What work gives: its own, or what it gave or gives somebody else for the same key just now.

        The work is given up once all who waited for it have left. A failure is not kept.

        Args:
            key: What is asked, and of which state.
            work: Begun where nobody else's is there.
        """
        self._tidy()
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.ensure_future(work()), self._clock())
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        except BaseException:
            if self._flights.get(key) is flight and (flight.task.done() or flight.waiting == 1):
                del self._flights[key]
            raise
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                flight.task.cancel()

    def forget(self) -> None:
        """Whoever asks from now on has an answer of their own."""
        self._flights.clear()

    def _tidy(self) -> None:
        """Drop what is old, and the oldest where all are too large; what is waited for goes on."""
        now = self._clock()
        for key in [key for key, flight in self._flights.items() if now - flight.begun > LASTS_S]:
            del self._flights[key]
        kept = {key: len(f.task.result()) for key, f in self._flights.items() if _is_kept(f.task)}
        total = sum(kept.values())
        for key, size in kept.items():
            if total <= MOST_KEPT:
                return
            total -= size
            del self._flights[key]


def _is_kept(task: asyncio.Task[bytes]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
