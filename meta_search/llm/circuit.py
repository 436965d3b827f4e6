"""When to try a call again, when to give it up, and when to stop the run."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from meta_search.config import LLMConfig
from meta_search.errors import BudgetError, LLMError
from meta_search.llm.calls import Route
from meta_search.llm.endpoint import Endpoint
from meta_search.llm.faults import WRONG_KEY, Failure
from meta_search.llm.ledger import Entry
from meta_search.llm.throttle import Throttle
from meta_search.types import Usage

__all__ = ["ASKS_ALL", "DOWN", "Circuit", "TooLong", "asks_long", "duration"]

LONGEST_BACKOFF_S = 30.0
# Statuses whose wait concerns every call, a long one only where a probe is asked for it as well. The words of
# others may be those of the call, so that only that one waits, and no longer than for so many first pauses.
ASKS_ALL = frozenset({429, 503, 529})
OWN_WAIT = 64
# Calls that an endpoint fails in a row, each after all its attempts and beside a probe, until the run stops.
CIRCUIT = 5
# Attempts that it fails in a row until a probe looks whether it is down: hundreds of calls that each try an
# endpoint that is down would use up the budget of attempts.
DOWN = 8
# A 429 is no failure of the endpoint: more patience. Nor is it down while it answers others: then a call that
# has bad luck is tried more often, as a run in which every third attempt fails should come to the same end.
PATIENCE = {"limited": 3, "transient": 2, "withheld": 1}
LEAST_RETRIES = 1
LOWER = "lower llm.max_tokens (or author.max_tokens, for the meta agent)"
WORTH_SAYING_S = 10.0  # a wait that people are told of, and a probe is sent for


class TooLong(BudgetError):
    """An endpoint asks for a longer wait than the run has."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A wait that an endpoint asked for: until when (monotonic), how long, in which words."""

    until: float
    seconds: float
    message: str


class Circuit:
    """Breaks when no further call can succeed, and holds all pauses, so that they can be woken. Belongs to
    one event loop.

    Args:
        config: Retries, and the name of the key's variable for messages.
        backoff_s: First pause before a retry; doubled each time.
        left_s: Seconds that the present phase of the run has left; `None` is no limit.

    Attributes:
        fatal: Why the run must end, or `None`.
        notes: Lines for people: who asks to wait how long, which endpoint is down or back.
        gates: Where calls wait for their turn; they are woken with all others.
    """

    def __init__(
        self, config: LLMConfig, backoff_s: float, left_s: Callable[[], float | None] = lambda: None
    ) -> None:
        self._config, self._backoff_s, self._left_s = config, backoff_s, left_s
        self._random = random.Random()
        self._woken = asyncio.Event()
        self._halt: LLMError | None = None
        self._asked: dict[str, Asked] = {}  # by place
        self._until = float("inf")  # of the monotonic clock
        self.fatal: LLMError | None = None
        self.notes: list[str] = []
        self.gates: Sequence[Throttle] = ()

    def stop(self, error: LLMError, fatal: bool = True) -> None:
        """Send nothing more; what is in flight is finished, what waits gets a fault at once.

        Args:
            error: Why.
            fatal: Whether that is a reason to end the run.
        """
        if fatal and self.fatal is None:
            self.fatal = error
        self._halt = self._halt or error
        self.wake()

    def wake(self) -> None:
        """Have all who wait look whether there is still use in it: the run stopped, or its phase changed."""
        self._woken.set()
        self._woken = asyncio.Event()
        for gate in self.gates:
            gate.rouse()

    def say(self, line: str) -> None:
        """A line for people."""
        self.notes.append(line)

    def check(self) -> None:
        """Raise the `LLMError` that it was stopped with, if any."""
        if self._halt is not None:
            raise self._halt

    def asks(self, route: Route, failure: Failure) -> None:
        """An endpoint asks all calls to wait; told once, unless it lasts longer than was said."""
        wait = failure.retry_after
        if wait is None:
            return
        now, place = time.monotonic(), route.endpoint.place
        before = self._asked.get(place)
        if before is not None and before.until >= now + wait:
            return
        self._asked[place] = asked = Asked(now + wait, wait, failure.message)
        known = before is not None and before.until > now and wait < 2 * before.seconds
        if wait >= WORTH_SAYING_S and not known:
            self.say(self._too_long(route, asked) or f"{_asks(route, asked)}: {failure.message}")
        route.gates[0].hold(wait)

    def check_wait(self, route: Route) -> None:
        """Raise `TooLong` where the endpoint asks for a longer wait than there is time or patience."""
        asked = self._asked.get(route.endpoint.place)
        if asked is not None and asked.until > time.monotonic() and (why := self._too_long(route, asked)):
            raise TooLong(why)

    def _too_long(self, route: Route, asked: Asked) -> str:
        left, patience = self._left(), self._config.patience_s
        if left is not None and asked.until - time.monotonic() > left:
            return f"{_asks(route, asked)}, longer than the {duration(max(0.0, left))} left: {asked.message}"
        if asked.seconds > max(patience, WORTH_SAYING_S):
            return f"{_asks(route, asked)}, longer than llm.patience_s={patience:g}: {asked.message}"
        return ""

    def end_within(self, seconds: float) -> None:
        """The run is to end within so many seconds: nobody waits for longer."""
        self._until = time.monotonic() + seconds
        self.wake()

    @property
    def ends_s(self) -> float | None:
        """Seconds until the run is to end, where somebody said so."""
        left = self._until - time.monotonic()
        return None if left == float("inf") else max(0.0, left)

    def _left(self) -> float | None:
        """Seconds that a wait may last; `None` is no limit."""
        left, until = self._left_s(), self._until - time.monotonic()
        if left is None:
            return None if self._until == float("inf") else max(0.0, until)
        return max(0.0, min(left, until))

    async def sleep(self, seconds: float) -> None:
        """Wait so long, at most to the end of the phase's time; a stop or another phase wakes it."""
        left = self._left()
        try:
            async with asyncio.timeout(seconds if left is None else min(seconds, max(0.0, left))):
                await self._woken.wait()
        except TimeoutError:
            return

    def most_retries(self, failure: Failure, lively: bool, trusted: bool) -> int:
        """How often a call may fail in this way and be tried again.

        Args:
            failure: The way.
            lively: Whether the endpoint has answered others meanwhile.
            trusted: Whether no call of the same agent has failed for good as others were answered.
        """
        most = self._config.max_retries
        if not trusted:
            return 0 if failure.late else min(most, LEAST_RETRIES)
        if failure.late and lively:  # each holds one of the places in flight for minutes
            return -(-most // 2)
        patient = (lively or failure.kind == "limited") and not asks_long(failure)
        return most * (PATIENCE.get(failure.kind, 1) if patient else 1)

    def own(self, route: Route, failure: Failure) -> Entry | None:
        """The row of a call whose prompt is too long; `None` where it failed otherwise."""
        if failure.kind == "context" or (failure.cap is not None and not failure.cap.always):
            message = f"{route.endpoint.title}: {failure.message}"
            return Entry("done", used=Usage(calls=1), fault="context", message=message)
        return None

    def final(self, route: Route, failure: Failure, theirs: Failure | None) -> Entry:
        """The row of a call that failed for good.

        Args:
            route: Its endpoint.
            failure: How it failed.
            theirs: How a probe failed as well, which opens the circuit; `None` where others are answered: the
                failure is the call's own.
        """
        where = f"{route.endpoint.title}: {failure.message}"
        if theirs is None or (theirs.kind == "limited" and route.answered):
            return Entry("done", used=Usage(calls=1), fault="declined", message=where)
        route.failed += 1
        why = self._opens(route, theirs)
        if why:
            self.stop(LLMError(why))
        return Entry("failed", fault="llm", message=str(self.fatal) if theirs.kind == "fatal" else where)

    def _opens(self, route: Route, theirs: Failure) -> str:
        """Why no further call can succeed, by how a probe failed; empty where one may."""
        title = route.endpoint.title
        if theirs.kind == "fatal":
            return _advice(route.endpoint, theirs, self._config)
        if theirs.kind == "cap":
            return f"{title} writes less, {LOWER}: {theirs.message}"
        if theirs.kind in ("request", "context", "withheld"):
            refused = not route.answered or route.failed >= CIRCUIT
            return f"{title} refuses every request: {theirs.message}" if refused else ""
        if route.failed < CIRCUIT:
            return ""
        return (
            f"{title} failed {route.failed} calls in a row, last: {theirs.message}. "
            "Everything paid for is saved: go on with `meta-search resume` once it is up again"
        )

    async def pause(self, route: Route, failure: Failure, attempt: int) -> None:
        """Back off, exponentially and with jitter, at least as long as the endpoint asks; a stop wakes it."""
        delay = min(LONGEST_BACKOFF_S, self._backoff_s * 2.0 ** (attempt - 1)) * self._random.uniform(0.5, 1)
        await self.sleep(max(delay, min(failure.retry_after or 0.0, OWN_WAIT * self._backoff_s)))


def asks_long(failure: Failure) -> bool:
    """Whether an endpoint asks all calls for so long a wait that a probe is to bear it out: no agent may hold
    up a run, or end it, by what its calls are told."""
    return failure.status in ASKS_ALL and (failure.retry_after or 0.0) > WORTH_SAYING_S


def duration(seconds: float) -> str:
    """Seconds as people say them: `43 s`, `12 min`, `5 h`."""
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _asks(route: Route, asked: Asked) -> str:
    return f"{route.endpoint.title} asks to wait {duration(asked.seconds)}"


def _advice(endpoint: Endpoint, failure: Failure, config: LLMConfig) -> str:
    """What to do about an endpoint that refuses everything."""
    if failure.status in (401, 403) or WRONG_KEY.search(failure.said):
        key = f"the key in {config.api_key_env}" if config.api_key_env else "the provider's API key"
        todo = f"check {key}" + ("" if config.api_key_env else " (or name its variable in llm.api_key_env)")
    elif failure.status is not None and 300 <= failure.status < 400:
        todo = "check llm.base_url"
    elif failure.status == 404:
        todo = "check llm.task.model, llm.meta.model and llm.base_url"
    else:
        todo = "check the account's credit"
    return f"{endpoint.title} refuses the run, {todo}: {failure.message}"
