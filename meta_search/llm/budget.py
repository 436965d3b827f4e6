"""The run's budget: reserve before sending, settle after, never over."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from meta_search.config import BudgetConfig
from meta_search.errors import BudgetError
from meta_search.types import Usage

__all__ = ["Budget", "Left", "Phase", "Ticket"]

Phase = Literal["search", "final"]
# A cost is a sum of many floats: a run must not be refused its last call over the sum's rounding.
LARGE = 0.1  # share of a limit: where one call may take more, the limit need not be used up
EPSILON_USD = 1e-9
NOTHING = Usage()


@dataclass(frozen=True, slots=True)
class Left:
    """What is left in the present phase, reservations counted as spent; `None` is no limit.

    Attributes:
        usd: US dollars.
        tokens: Prompt and completion tokens.
        calls: Attempts.
        wall_s: Seconds.
    """

    usd: float | None
    tokens: int | None
    calls: int | None
    wall_s: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Ticket:
    """Leave to send one attempt that costs at most `estimate`."""

    estimate: Usage


class Budget:
    """What a run may spend, in money, tokens, attempts and seconds, over all its sessions.

    `reserve` takes an upper bound of an attempt's cost out of the budget, `settle` gives back what it did
    not use. So the sum of what was spent and what may still be spent never passes the limit, however many
    attempts are in flight. The phase `search` may use `1 - final_share` of each limit, `final` all of it.

    Belongs to one event loop; `left`, `spent` and `elapsed_s` may be read from any thread.

    Args:
        config: The limits.
        spent: What earlier sessions of the run have paid, calls of unknown fate in full.
        elapsed_s: Seconds that earlier sessions took.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        config: BudgetConfig,
        spent: Usage = NOTHING,
        elapsed_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config = config
        self.spent = spent
        self.reserved = NOTHING
        self._phase: Phase = "search"
        self._limits = _share(config, 1.0 - config.final_share)  # of the phase
        self._clock = clock
        self._start = clock() - elapsed_s
        self._stands: float | None = None  # at which time, while the run is paused
        self._queue: deque[tuple[Usage, asyncio.Future[Ticket]]] = deque()

    @property
    def phase(self) -> Phase:
        return self._phase

    @phase.setter
    def phase(self, phase: Phase) -> None:
        self._phase = phase
        self.limit(self.config)

    def limit(self, config: BudgetConfig) -> None:
        """Other limits hold from now on. What is reserved stays so; those that wait are served or refused."""
        self.config = config
        self._limits = _share(config, 1.0 if self._phase == "final" else 1.0 - config.final_share)
        self._serve()

    def stand(self, still: bool) -> None:
        """Whether the clock stands still: while a person has paused the run."""
        now, since = self._clock(), self._stands
        if still and since is None:
            self._stands = now
        elif not still and since is not None:
            self._stands = None
            self._start += now - since

    @property
    def elapsed_s(self) -> float:
        since = self._stands
        return (self._clock() if since is None else since) - self._start

    @property
    def waiting(self) -> int:
        """Attempts that wait for others to settle."""
        return len(self._queue)

    @property
    def remaining_s(self) -> float | None:
        """Seconds to the end of the whole run, whatever the phase; `None` is no limit."""
        return None if self.config.wall_s is None else self.config.wall_s - self.elapsed_s

    def left(self) -> Left:
        """What the present phase may still spend."""
        limits, taken = self._limits, self.spent + self.reserved
        return Left(
            None if limits.usd is None else max(0.0, limits.usd - taken.cost_usd),
            None if limits.tokens is None else max(0, limits.tokens - taken.tokens),
            None if limits.calls is None else max(0, limits.calls - taken.calls),
            None if limits.wall_s is None else max(0.0, limits.wall_s - self.elapsed_s),
        )

    async def reserve(self, estimate: Usage) -> Ticket:
        """Take an upper bound of one attempt's cost out of the budget; waits where others may give back.

        Every ticket must be settled, else those who wait never go on.

        Raises:
            BudgetError: It cannot fit any more, whatever the attempts in flight give back.
        """
        self.check(estimate)
        if not self._queue and self._fits(estimate):
            return self._ticket(estimate)
        future: asyncio.Future[Ticket] = asyncio.get_running_loop().create_future()
        entry = (estimate, future)
        self._queue.append(entry)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self.settle(future.result(), NOTHING)  # granted and cancelled in the same turn
            raise
        finally:
            if entry in self._queue:
                self._queue.remove(entry)
                self._serve()

    def settle(self, ticket: Ticket, actual: Usage) -> None:
        """Replace a reservation by what the attempt really cost (all of the estimate if that is unknown)."""
        self.reserved = self.reserved + _negative(ticket.estimate)
        self.spent = self.spent + actual
        self._serve()

    def _serve(self) -> None:
        """Hand out tickets in order of arrival: a large request is not overtaken for ever by small ones."""
        while self._queue:
            estimate, future = self._queue[0]
            if not future.done():
                try:
                    self.check(estimate)
                except BudgetError as refusal:
                    future.set_exception(refusal)
                else:
                    if not self._fits(estimate):
                        return
                    future.set_result(self._ticket(estimate))
            self._queue.popleft()

    def _ticket(self, estimate: Usage) -> Ticket:
        self.reserved = self.reserved + estimate
        return Ticket(estimate)

    def _over(self, total: Usage) -> str:
        """Which limit a total would pass, as a message; empty if none."""
        limits, spent = self._limits, self.spent
        more, phase = total.tokens - spent.tokens, " in phase search" if self._phase == "search" else ""
        if limits.calls is not None and total.calls > limits.calls:
            return f"budget.calls={self.config.calls} is used up{phase} ({spent.calls} attempts)"
        if limits.tokens is not None and total.tokens > limits.tokens:
            told = f"{spent.tokens} of {limits.tokens:.0f} tokens spent, and the next call may take {more}"
            return f"budget.tokens={self.config.tokens} {_gone(more, limits.tokens)}{phase} ({told})"
        if limits.usd is not None and total.cost_usd > limits.usd + EPSILON_USD:
            used, usd = f"{spent.cost_usd:.4f} of {limits.usd:.4f}", total.cost_usd - spent.cost_usd
            told = f"{used} USD spent, and the next call may take {usd:.4f}"
            return f"budget.usd={self.config.usd:g} {_gone(usd, limits.usd)}{phase} ({told})"
        return ""

    def check(self, estimate: Usage = NOTHING) -> None:
        """See whether an attempt could still fit.

        Raises:
            BudgetError: It cannot, or the time is over.
        """
        limits = self._limits
        if limits.wall_s is not None and self.elapsed_s >= limits.wall_s:
            raise BudgetError(f"budget.wall_s={self.config.wall_s:g} is over ({self.elapsed_s:.0f} s)")
        over = self._over(self.spent + estimate)
        if over:
            raise BudgetError(over)

    def _fits(self, estimate: Usage) -> bool:
        return not self._over(self.spent + self.reserved + estimate)


def _gone(call: float, limit: float) -> str:
    """What became of a limit that a call does not fit into, which may be large."""
    return "is used up" if call <= LARGE * limit else "has no room for the next call"


def _share(config: BudgetConfig, share: float) -> BudgetConfig:
    """The limits of a phase."""
    return BudgetConfig(
        usd=None if config.usd is None else config.usd * share,
        tokens=None if config.tokens is None else math.floor(config.tokens * share),
        calls=None if config.calls is None else math.floor(config.calls * share),
        wall_s=None if config.wall_s is None else config.wall_s * share,
    )


def _negative(usage: Usage) -> Usage:
    return Usage(-usage.calls, -usage.prompt_tokens, -usage.completion_tokens, -usage.cost_usd)
