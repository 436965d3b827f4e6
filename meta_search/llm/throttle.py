"""How many requests go out: a limit that adapts, rates per minute, and fairness between lanes."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Check", "Throttle", "through"]

Check = Callable[[], None]  # raises where there is no use in waiting any more

CUT = 0.7  # what 429s leave of the limit (additive increase, multiplicative decrease)
MEMORY = 8  # replies over which the share of 429s is averaged
MANY = 0.25  # share of 429s that means there is too much in flight; a stray one only waits


class Bucket:
    """A token bucket that holds one second's worth and may go into debt for one large request."""

    def __init__(self, per_minute: float, clock: Callable[[], float]) -> None:
        self._rate, self._clock = per_minute / 60.0, clock
        self._most = max(1.0, self._rate)
        self._level, self._then = self._most, clock()

    def wait_s(self) -> float:
        """Seconds until something may be taken."""
        if self._rate <= 0:
            return 0.0
        now = self._clock()
        self._level = min(self._most, self._level + (now - self._then) * self._rate)
        self._then = now
        return max(0.0, (1.0 - self._level) / self._rate)

    def take(self, amount: float) -> None:
        self._level -= amount


class Throttle:
    """Gate in front of one endpoint. Lanes (`meta`, `task`, …) that wait are served in turn.

    So an author waits for one freed slot, not behind hundreds of queued task calls. Many 429s lower the
    limit, at most once for the requests that were out together; every answer raises it again by 1/limit.
    A single 429 holds everything back for as long as the endpoint asks.

    Belongs to one event loop.

    Args:
        limit: Most requests in flight.
        requests_per_minute: Rate; 0 is none.
        tokens_per_minute: Rate; 0 is none.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        limit: int,
        requests_per_minute: int = 0,
        tokens_per_minute: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._limit = limit, float(limit)
        self._clock = clock
        self._buckets = [Bucket(requests_per_minute, clock), Bucket(tokens_per_minute, clock)]
        self._lanes: dict[str, deque[tuple[int, asyncio.Future[None], Check]]] = {}
        self._turn = itertools.count()
        self._last: dict[str, int] = {}
        self._hold_until = self._last_cut = float("-inf")
        self._limited = 0.0  # moving average of the share of 429s
        self._timer: asyncio.TimerHandle | None = None
        self._only = ""
        self.in_flight = 0

    @property
    def limit(self) -> int:
        """Requests that may be in flight now."""
        return max(1, int(self._limit))

    @property
    def waiting(self) -> int:
        return sum(len(lane) for lane in self._lanes.values())

    async def acquire(
        self, lane: str = "", tokens: int = 0, again: bool = False, check: Check = lambda: None
    ) -> None:
        """Wait for leave to send one request of about `tokens` tokens; `release` must follow.

        Args:
            lane: Whom it serves.
            tokens: About how many it will take.
            again: A retry, which has waited before: it goes to the head of its lane.
            check: Asked by `rouse`; what it raises ends the wait.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (tokens, future, check)
        queue = self._lanes.setdefault(lane, deque())
        (queue.appendleft if again else queue.append)(entry)
        self._grant()
        try:
            await future
        except asyncio.CancelledError:
            if entry in self._lanes[lane]:
                self._lanes[lane].remove(entry)
            elif future.done() and not future.cancelled() and future.exception() is None:
                self.release()  # granted and cancelled in the same turn
            raise

    def release(self) -> None:
        """The request is over, however it ended."""
        self.in_flight -= 1
        self._grant()

    def answered(self, correction: int = 0) -> None:
        """An answer came; `correction` is what it took in tokens beyond those announced."""
        self._limit = min(float(self._most), self._limit + 1.0 / self._limit)
        self._limited -= self._limited / MEMORY
        self._buckets[1].take(correction)

    def limited(self, sent: float) -> None:
        """The endpoint said 429 to a request sent at `sent` (of the clock)."""
        now = self._clock()
        self._limited += (1.0 - self._limited) / MEMORY
        if sent > self._last_cut and self._limited >= MANY:
            self._last_cut = now
            self._limit = max(1.0, self._limit * CUT)

    def hold(self, seconds: float) -> None:
        """Let nothing out for so long; those who cannot wait for it go at once."""
        until = self._clock() + seconds
        if until > self._hold_until:
            self._hold_until = until
            self.rouse()

    @contextmanager
    def only(self, lane: str) -> Iterator[None]:
        """Let nothing out but what waits in one lane, once all the rest is back, and one at a time."""
        self._only = lane
        try:
            yield
        finally:
            self._only = ""
            self._grant()

    def rouse(self) -> None:
        """Ask everybody who waits whether there is still use in it, and send the others away."""
        for name, lane in self._lanes.items():
            self._lanes[name] = deque()
            for entry in lane:
                _, future, check = entry
                try:
                    check()
                except Exception as reason:  # noqa: BLE001 (handed to who waits)
                    if not future.done():
                        future.set_exception(reason)
                else:
                    self._lanes[name].append(entry)
        self._grant()

    def _grant(self) -> None:
        while self.in_flight < (1 if self._only else self.limit):
            waiting = [n for n, lane in self._lanes.items() if lane and self._only in ("", n)]
            if not waiting:
                return
            delay = max(self._hold_until - self._clock(), *(b.wait_s() for b in self._buckets))
            if delay > 0:
                self._wake_in(delay)
                return
            lane = min(waiting, key=lambda name: self._last.get(name, -1))
            tokens, future, _ = self._lanes[lane].popleft()
            if future.done():
                continue
            self._last[lane] = next(self._turn)
            self._buckets[0].take(1)
            self._buckets[1].take(tokens)
            self.in_flight += 1
            future.set_result(None)

    def _wake_in(self, delay: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay, self._grant)


class through:
    """Pass every gate, and give all of them back."""

    def __init__(
        self, gates: tuple[Throttle, ...], lane: str, tokens: int, again: bool, check: Check
    ) -> None:
        self._gates, self._asked = gates, (lane, tokens, again, check)
        self._passed: list[Throttle] = []

    async def __aenter__(self) -> None:
        try:
            for gate in self._gates:
                await gate.acquire(*self._asked)
                self._passed.append(gate)
        except BaseException:
            await self.__aexit__()
            raise

    async def __aexit__(self, *exception: object) -> None:
        while self._passed:
            self._passed.pop().release()
