"""Patience with an endpoint that is down, loads its model or refuses: a probe is sent now and then, and all
calls wait."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from meta_search.config import LLMConfig
from meta_search.errors import LLMError
from meta_search.llm.calls import Call, Route
from meta_search.llm.circuit import DOWN, Circuit, duration
from meta_search.llm.endpoint import Endpoint
from meta_search.llm.faults import Failure
from meta_search.llm.throttle import Check

__all__ = ["HELD", "Patience"]

LONGEST_PAUSE_S = 30.0  # between two probes: what a run loses at most after the endpoint is back
LOADING_S = 300.0  # that a model may load at the very start
# Calls that must have failed before an endpoint that does reply (with status 500, or too late) counts as
# down: one request alone may be what it cannot do.
SEVERAL = 3
# Times that one call may wait out: what brings its server down each time must not be asked for ever.
MOST_WAITS = 5
SENT_ALL_THE_SAME = 4  # each n-th look at whether it is there is a probe, whatever the list of models says
TOLD_S = 10.0  # of nothing but failures, after which that is said
IsThere = Callable[[Endpoint], Awaitable[bool]]
HELD = Failure("transient", False, "not sent: the endpoint is down")
"""What becomes of a call that has passed the gates as the endpoint went down: it waits."""


@dataclass(slots=True, eq=False)
class Outage:
    """A time in which an endpoint answers nothing.

    Attributes:
        since: When the first attempt failed; monotonic seconds.
        limit_s: How long to wait from then on.
        loading: Whether it loads its model.
        turn: Held by the call on whose behalf a probe is sent.
        failure: The last probe's.
        probes: Looks whether it is there again.
        joined: Keys of the calls that wait, or have waited.
    """

    since: float
    limit_s: float
    loading: bool
    failure: Failure
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    probes: int = 0
    joined: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Silence:
    """Attempts that failed in a row: since when, and of which calls."""

    since: float
    keys: set[str] = field(default_factory=set)
    told: bool = False


class Prober(Protocol):
    """Asks endpoints by requests of the gateway's own; see `probes.Probes`."""

    async def fails(self, call: Call, since: float) -> Failure | None:
        """How a call's endpoint fails everybody since then; `None` where it answers."""
        ...

    async def send(self, route: Route) -> Failure | None:
        """Ask it now."""
        ...


class Patience:
    """Knows which endpoints are down, and lets calls wait for them. Belongs to one event loop.

    Args:
        config: `llm.*`; `patience_s` is how long a run waits.
        circuit: Is stopped where the wait was too long; its pauses are used.
        backoff_s: First pause between two probes; doubled each time.
        is_there: Whether an endpoint is there, asked at no cost; see `wires.Wire`.

    Attributes:
        prober: Sends the probes; to be set before the first call.
    """

    prober: Prober

    def __init__(
        self, config: LLMConfig, circuit: Circuit, backoff_s: float, is_there: IsThere | None = None
    ) -> None:
        self._config, self._circuit, self._backoff_s = config, circuit, backoff_s
        self._is_there = is_there
        self._random = random.Random()
        self._outages: dict[Route, Outage] = {}
        self._silences: dict[Route, Silence] = {}
        self._waited: Counter[str] = Counter()

    def is_down(self, route: Route) -> bool:
        """Whether calls wait for this endpoint."""
        return route in self._outages

    def answered(self, route: Route) -> None:
        """The endpoint has replied something definite: whoever waits goes on."""
        self._silences.pop(route, None)
        outage = self._outages.pop(route, None)
        if outage is None:
            return
        place, away = route.endpoint.place, time.monotonic() - outage.since
        if all(other.endpoint.place != place for other in self._outages):
            what = "has loaded its model" if outage.loading else "answers again"
            self._circuit.say(f"{route.endpoint.title} {what} after {duration(away)}")

    async def waits(self, call: Call, failure: Failure, exhausted: bool, lively: bool) -> bool:
        """Take note of a failed attempt.

        Args:
            call: Whose attempt.
            failure: How it failed.
            exhausted: Whether the call has had all its attempts.
            lively: Whether the endpoint has answered others meanwhile.

        Returns:
            Whether the call waits until the endpoint is there again; the attempt does not count then.
        """
        route = call.route
        if failure.kind not in ("transient", "limited"):
            return False
        silence = self._silences.setdefault(route, Silence(time.monotonic()))
        silence.keys.add(call.key)
        if route not in self._outages:
            self._tell(route, failure, silence)
            if not self._is_outage(route, failure, silence, exhausted, lively) or call.is_distrusted:
                return False
            theirs = await self.prober.fails(call, time.monotonic())
            if theirs is None or theirs.kind not in ("transient", "limited"):
                self._silences.pop(route, None)
                route.missed = 0
                limited = theirs is None and failure.kind == "limited"
                return limited and not self._waited[call.key] and self._once_more(call)
            if route not in self._outages:
                self._begin(route, theirs, silence.since)
        outage = self._outages[route]
        if call.key not in outage.joined:
            outage.joined.add(call.key)
            return self._once_more(call)
        return not self.is_given_up(call)

    def is_given_up(self, call: Call) -> bool:
        """Whether a call has failed again after each of many outages, which others got through."""
        return self._waited[call.key] > MOST_WAITS

    def _once_more(self, call: Call) -> bool:
        self._waited[call.key] += 1
        return not self.is_given_up(call)

    async def up(self, route: Route, check: Check) -> None:
        """Wait until the endpoint is not down; whose turn it is has a probe sent, after a pause.

        Args:
            route: The endpoint.
            check: Raises where there is no use in waiting any more.
        """
        while (outage := self._outages.get(route)) is not None:
            async with outage.turn:
                check()
                if self._outages.get(route) is not outage:
                    continue
                await self._pause(outage)
                check()
                if self._outages.get(route) is outage and await self._worth_a_probe(route, outage):
                    outage.failure = await self.prober.send(route) or outage.failure
                    if self._outages.get(route) is outage:
                        self._check_limit(route, outage)

    def _is_outage(
        self, route: Route, failure: Failure, silence: Silence, exhausted: bool, lively: bool
    ) -> bool:
        if failure.loading:
            return True
        if not route.answered:  # nobody wants to wait for a typo
            return False
        if failure.kind == "limited":
            return exhausted
        if failure.gone:
            return (exhausted and not lively) or route.missed >= DOWN
        return route.missed >= DOWN and len(silence.keys) >= SEVERAL

    def _tell(self, route: Route, failure: Failure, silence: Silence) -> None:
        """Say once that nothing but failures came for a while, though each call is still tried again."""
        waited_s = time.monotonic() - silence.since
        if waited_s >= TOLD_S and not silence.told:
            silence.told = True
            what = f"has answered no call for {duration(waited_s)}, going on"
            self._circuit.say(f"{route.endpoint.title} {what}: {failure.message}")

    def _begin(self, route: Route, failure: Failure, since: float) -> Outage:
        patience = self._config.patience_s
        limit = patience if route.answered else min(LOADING_S, patience)
        place, title = route.endpoint.place, route.endpoint.title
        if all(other.endpoint.place != place for other in self._outages):
            what = "refuses every call" if failure.kind == "limited" else "is down"
            what = "is loading its model" if failure.loading else what
            limited = f"waiting up to {duration(limit)}" + (" (llm.patience_s)" if limit == patience else "")
            self._circuit.say(f"{title} {what}, {limited}: {failure.message}")
        outage = self._outages[route] = Outage(since, limit, failure.loading, failure)
        return outage

    async def _worth_a_probe(self, route: Route, outage: Outage) -> bool:
        """Whether to send a probe: its fate may be unknown, and then it is charged in full. What stands
        before a server may know no list of models, so that some are sent all the same."""
        if self._is_there is None or outage.probes % SENT_ALL_THE_SAME == 0:
            return True
        if await self._is_there(route.endpoint):
            return True
        self._check_limit(route, outage)
        return False

    def _check_limit(self, route: Route, outage: Outage) -> None:
        """Stop the run where the wait was too long."""
        waited_s = time.monotonic() - outage.since
        if outage.probes == 0 or waited_s < outage.limit_s:
            return
        what = "has been loading its model" if outage.loading else "has been down"
        self._circuit.stop(
            LLMError(
                f"{route.endpoint.title} {what} for {duration(waited_s)}, last: {outage.failure.message}. "
                "Everything paid for is saved: go on with `meta-search resume` once it is up again"
            )
        )

    async def _pause(self, outage: Outage) -> None:
        pause = min(LONGEST_PAUSE_S, self._backoff_s * 2.0**outage.probes) * self._random.uniform(0.75, 1)
        outage.probes = min(outage.probes + 1, 30)
        left = outage.since + outage.limit_s - time.monotonic()
        await self._circuit.sleep(min(pause, max(0.0, left)))
