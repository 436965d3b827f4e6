"""The gateway's own questions to an endpoint: whether it answers, and what it takes.

What an agent asks may be refused, filtered or never answered, and an agent can bring that about. So nothing
is believed of an endpoint because of an agent's call: a tiny request of ours is sent in the same form, with
words and numbers of our own. Where that is answered, the failure is the call's own.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from meta_search.config import LLMConfig
from meta_search.llm.books import Books
from meta_search.llm.calls import PROBE, Call, Route, Shape, estimated
from meta_search.llm.circuit import Circuit
from meta_search.llm.exchange import Account, Exchange, committed
from meta_search.llm.faults import Failure
from meta_search.llm.forms import Form
from meta_search.llm.ledger import Entry
from meta_search.llm.tools import PROBE_TOOL
from meta_search.types import CallRequest, Usage

__all__ = ["Probes"]

SYSTEM = "You solve sums."
QUESTION = "What is 1 + 1?"
TEMPERATURE, SEED = 0.5, 1
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "reason": {"type": "string"}},
    "required": ["answer", "reason"],
    "additionalProperties": False,
}
Moot = Callable[[], bool]
CHANCES = 2  # how often a probe is sent again that was refused by what has answered before: that ends a run
APART = 4.0  # first pauses before a retry that lie between two probes of an endpoint


@dataclass(frozen=True, slots=True)
class Look:
    """What a probe found: when it was sent, and how it failed; `None` where it was answered."""

    sent: float
    failure: Failure | None


class Probes:
    """Sends the gateway's own requests, one at a time to an endpoint, and shares what they find. Belongs to
    one event loop.

    Args:
        config: `llm.*`.
        books: Probes have rows of their own, and are paid as calls are.
        exchange: Sends attempts.
        circuit: Is told what was learned; holds the pauses.
        backoff_s: First pause before a retry, in seconds.

    Attributes:
        paid: What probes were charged in this session.
    """

    def __init__(
        self, config: LLMConfig, books: Books, exchange: Exchange, circuit: Circuit, backoff_s: float
    ) -> None:
        self._config, self._books, self._exchange, self._circuit = config, books, exchange, circuit
        self._apart_s = APART * backoff_s
        self._locks: dict[Route, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._latest: dict[tuple[Route, Shape], Look] = {}
        self._next: dict[Route, float] = {}
        self.paid = Usage()

    async def fails(self, call: Call, since: float, shape: Shape | None = None) -> Failure | None:
        """How a call's endpoint fails others; `None` where it answers them.

        Args:
            call: On whose behalf; where there is no use in sending it any more, none is in asking for it.
            since: Only what was sent later counts, calls of others included; monotonic seconds.
            shape: The form of the request; `None` takes the plainest.

        Raises:
            BudgetError: The budget or the call's phase of the run is over.
            LLMError: The run is to end.
            Dropped: Nobody waits for the call any more.
        """
        alive: Moot = lambda: call.route.last_sent >= since  # noqa: E731
        return await self._shared(call, shape or self._plain(), since, alive)

    async def learn(self, form: Form, failure: Failure) -> None:
        """Find out whether the endpoint takes requests of a form of which one was refused; what it does not
        take is noted."""
        known: Moot = lambda: not form.suspects(failure)  # noqa: E731
        await self._shared(form.call, form.shape, form.sent_at, known)

    async def send(self, route: Route) -> Failure | None:
        """Ask now, whatever is known: of an endpoint that is down, by whose turn it is."""
        return await self._session(route, self._plain())

    async def look_into(self, form: Form) -> None:
        """Find out whether what an answer showed holds for every call: once a session."""
        route, doubts = form.call.route, form.doubts - form.call.route.doubted
        form.doubts.clear()
        if doubts:
            route.doubted |= doubts
            shown = False
            try:
                shown = await self._shared(form.call, form.shape, time.monotonic()) is None
            finally:
                if not shown:
                    route.doubted -= doubts

    def _plain(self) -> Shape:
        return Shape(True, False, None, self._config.max_tokens)

    async def _shared(
        self, call: Call, shape: Shape, since: float, moot: Moot = lambda: False
    ) -> Failure | None:
        """Of a probe that was sent later than that, unless the question is moot meanwhile."""
        route = call.route
        async with self._locks[route]:
            self._exchange.check(call)  # the phase may have ended while others had theirs sent
            latest = self._latest.get((route, shape))
            if latest is not None and latest.sent >= since:
                return latest.failure
            while not moot():
                pause = self._next.get(route, 0.0) - time.monotonic()
                if pause <= 0:
                    return await self._look(route, shape)
                await self._circuit.sleep(min(pause, 0.1 + self._apart_s / 10))
                self._exchange.check(call)
            return None

    async def _look(self, route: Route, shape: Shape) -> Failure | None:
        """Probe; a second time with nothing else under way, where a flood of calls may be what is slow."""
        sent, before = time.monotonic(), route.takes
        failure = await self._session(route, shape)
        slow = failure is not None and failure.kind == "transient" and not failure.gone
        if slow and route.last_answer < sent:
            with route.gates[0].only(PROBE):
                failure = await self._session(route, shape)
        for _ in range(CHANCES if route.answered else 0):
            if failure is None or failure.kind in ("transient", "limited"):
                break
            failure = await self._session(route, shape)
            route.fickle |= failure is None
        if failure is not None and failure.kind == "transient" and route.last_answer >= sent:
            failure = None  # it answers others meanwhile
        self._latest[route, shape] = Look(sent, failure)
        if route.takes == before:
            self._next[route] = time.monotonic() + self._apart_s
        return failure

    async def _session(self, route: Route, shape: Shape) -> Failure | None:
        """One probe, in as many forms as it takes; its row is settled."""
        call = self._call(route, shape)
        form = Form(call, self._config, self._circuit.say, mode=shape.mode)
        account, failure = Account(), None
        try:
            outcome = await self._until_told(call, account, form)
        finally:
            self.paid += account.now
        if isinstance(outcome, Failure):
            failure = outcome
            outcome = Entry("failed", fault="llm", message=f"{route.endpoint.title}: {outcome.message}")
        if account.total.calls:
            settled = dataclasses.replace(outcome, charged=account.total)
            await committed(self._books.ledger.settle(call.key, settled))
        return failure

    async def _until_told(self, call: Call, account: Account, form: Form) -> Entry | Failure:
        while True:
            outcome = await self._exchange.attempt(call, account, form)
            if isinstance(outcome, Entry):
                entry = form.answered(outcome)
                if entry is not None:
                    return entry
            elif not form.learns(outcome):
                return outcome

    def _call(self, route: Route, shape: Shape) -> Call:
        messages = (("system", SYSTEM), ("user", QUESTION))
        request = CallRequest(
            "task",
            messages if shape.system else messages[1:],
            TEMPERATURE,
            shape.limit,
            schema=SCHEMA if shape.mode is not None else None,
            seed=SEED if shape.seed else None,
            purpose=PROBE,
            author="probe",
            tools=(PROBE_TOOL,) if shape.tools else (),
        )
        estimate = estimated(request, route, shape.limit)
        phase = self._books.budget.phase
        return Call(f"probe-{uuid.uuid4().hex}", request, route, shape.limit, estimate, 1, phase)
