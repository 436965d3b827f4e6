"""The only thing that talks to LLMs: keys, budget, ledger, rate limits, retries.

A call passes, in order: ledger (already paid?) -> single-flight -> budget -> rate limit -> endpoint ->
ledger, committed before the answer is handed on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from meta_search.config import BudgetConfig, LLMConfig
from meta_search.errors import EndpointError, LLMError
from meta_search.llm import structured, tools, wires
from meta_search.llm.books import Books
from meta_search.llm.budget import Left, Phase
from meta_search.llm.calls import PROBE, Call, Dropped, open_routes, resolve
from meta_search.llm.endpoint import Endpoint, Price
from meta_search.llm.ledger import Entry
from meta_search.llm.sender import Sender
from meta_search.llm.takes import Takes
from meta_search.llm.throttle import Throttle
from meta_search.llm.wires import Wire
from meta_search.text import override
from meta_search.types import CallReply, CallRequest, FaultKind, Usage

__all__ = ["Books", "Endpoint", "Gateway", "GatewayStatus"]


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """A picture of the gateway; picklable.

    Attributes:
        used: By purpose, what was asked of the gateway in this session, as if nothing were shared.
        paid: By purpose, what was sent, over all sessions of the run.
        in_flight: Requests at the endpoints.
        waiting: Calls that wait for budget or rate limit.
        limit: Requests that may be in flight now, over all endpoints (429s lower it).
        left: What the phase may still spend.
        phase: `search` or `final`.
        elapsed_s: Seconds of the run, earlier sessions included.
        shared: Calls answered by the ledger or by an equal call in flight.
        retries: Attempts after the first.
        faults: Calls that got a fault.
        fatal: Why the run must stop, or `None`.
        notes: Lines for people so far: what an endpoint was found to do otherwise, that it is down or back,
            or asks to wait.
    """

    used: Mapping[str, Usage]
    paid: Mapping[str, Usage]
    in_flight: int
    waiting: int
    limit: int
    left: Left
    phase: Phase
    elapsed_s: float
    shared: int
    retries: int
    faults: int
    fatal: str | None
    notes: tuple[str, ...] = ()


class Gateway:
    """Sends calls to LLMs and keeps the books. Everything but `status` belongs to one event loop.

    Args:
        config: `llm.*`.
        endpoints: Role (`task`, `meta`, …) -> endpoint. `task` must be there.
        books: What was paid and what may be spent.
        wire: The way to the models; `None` takes the one of `llm.provider`.
        backoff_s: First pause before a retry, in seconds.
        known: What earlier sessions learned of endpoints, as `takes` has it.

    Attributes:
        fatal: Set when no further call can succeed (wrong key, unknown model, endpoint down): every call
            then gets the fault `llm` at once, and the engine should stop the run.
    """

    def __init__(
        self,
        config: LLMConfig,
        endpoints: Mapping[str, Endpoint],
        books: Books,
        *,
        wire: Wire | None = None,
        backoff_s: float = 0.5,
        known: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._config, self._ledger, self._budget = config, books.ledger, books.budget
        self._wire = wire or wires.make(config)
        self._sender = Sender(config, self._wire, books, backoff_s)
        self._whole = Throttle(config.max_concurrency)
        self._routes = open_routes(config, endpoints, self._whole, known or {})
        gates = {gate for route in self._routes.values() for gate in route.gates}
        self._sender.circuit.gates = tuple(gates)
        self._flights: dict[str, tuple[Call, asyncio.Task[tuple[Entry, Usage]]]] = {}
        self._used: dict[str, Usage] = {}
        self._paid: dict[str, Usage] = {}
        self._shared = self._faults = 0
        self._closing = False

    @property
    def fatal(self) -> LLMError | None:
        return self._sender.circuit.fatal

    @property
    def prices(self) -> dict[str, dict[str, float]]:
        """The price table in use, USD per million tokens: to be stored with the run, and handed to a
        resumed one as `llm.prices`, so that it accounts the same way."""
        return {route.endpoint.model: route.price.per_million() for route in self._routes.values()}

    @property
    def learned(self) -> tuple[Takes, ...]:
        """What each route's endpoint was found to take; cheap to compare after every call."""
        return tuple(route.takes for route in self._routes.values())

    @property
    def takes(self) -> dict[str, dict[str, Any]]:
        """What endpoints were found to take, where it is not what most do: `Endpoint.title` -> differences.
        To be stored with the run, so that a resumed one and exports need not find it out again."""
        found = {route.endpoint.title: route.takes.differs() for route in self._routes.values()}
        return {title: differences for title, differences in found.items() if differences}

    async def start(self) -> None:
        """Load what the endpoints need, look prices up, and check that they are there.

        Raises:
            LLMError: An endpoint that does not answer, a missing key, an unknown model, or a budget in
                USD for a model without a price. One line.
        """
        self._paid = self._ledger.spent()
        if self._config.mode == "replay":
            return
        prices = await self._wire.open(route.endpoint for route in self._routes.values())
        for note in getattr(self._wire, "notes", ()):
            self._sender.circuit.say(note)
        for route in self._routes.values():
            price = prices[route.endpoint]
            if price is None and self._budget.config.usd is not None:
                model = route.endpoint.model
                example = override("llm.prices", {model: {"input": 0.15, "output": 0.6}})
                raise EndpointError(
                    f"no price is known for {model}, so budget.usd cannot hold: set llm.prices, "
                    f"for example {example} (USD per million tokens)"
                )
            route.price = price or Price()

    async def call(self, request: CallRequest) -> CallReply:
        """Answer one call. Faults of the endpoint are values in the reply; only faults of ours raise."""
        return await self._with_tools(request) if request.tools else await self._asked(request)

    async def _with_tools(self, request: CallRequest) -> CallReply:
        """A call that offers tools; in words where that was done before, or its endpoint takes none."""
        in_words = tools.in_words(request)
        call = resolve(in_words, self._routes, self._config)
        found, route = self._ledger.find(call.key), call.route
        if (found is not None and found.state == "done") or not route.takes.tools:
            return tools.read(await self._asked(in_words), request.tools)
        reply = await self._asked(request)
        if reply.fault != "declined":
            return tools.read(reply, request.tools)
        again = tools.read(await self._asked(in_words), request.tools)
        if again.fault is None and route.takes.tools and self._config.mode != "replay":
            self._sender.circuit.say(route.learns({"tools": False}))
        return replace(again, used=reply.used + again.used, paid=reply.paid + again.paid)

    async def _asked(self, request: CallRequest) -> CallReply:
        call = resolve(request, self._routes, self._config)
        call.phase = self._budget.phase
        while True:
            try:
                entry, paid = await self._answer(call)
            except Dropped:  # joined a call that was dropped in the same turn
                continue
            return self._reply(request, entry, paid)

    def status(self) -> GatewayStatus:
        """What is going on. May be called from any thread."""
        gates = {route.gates[0] for route in self._routes.values()}
        return GatewayStatus(
            used=dict(self._used),
            paid=self._all_paid(),
            in_flight=self._whole.in_flight,
            waiting=self._whole.waiting + sum(g.waiting for g in gates) + self._budget.waiting,
            limit=min(self._whole.limit, sum(g.limit for g in gates)),
            left=self._budget.left(),
            phase=self._budget.phase,
            elapsed_s=self._budget.elapsed_s,
            shared=self._shared,
            retries=self._sender.retries,
            faults=self._faults,
            fatal=None if self.fatal is None else str(self.fatal),
            notes=tuple(self._sender.circuit.notes),
        )

    def _all_paid(self) -> dict[str, Usage]:
        """By purpose, with what the gateway's own probes were charged in this session."""
        paid, probes = dict(self._paid), self._sender.probes.paid
        return paid | {PROBE: paid.get(PROBE, Usage()) + probes} if probes.calls else paid

    def set_phase(self, phase: Phase) -> None:
        """`final` releases the share of the budget that is kept for the final report."""
        self._budget.phase = phase
        self._sender.circuit.wake()

    def set_limits(self, budget: BudgetConfig) -> None:
        """Other limits of the budget hold from now on."""
        self._budget.limit(budget)
        self._sender.circuit.wake()

    def stand(self, still: bool) -> None:
        """Whether the clock of `budget.wall_s` stands still."""
        self._budget.stand(still)

    def end_within(self, seconds: float) -> None:
        """The run is to end within so many seconds: no call waits for longer."""
        self._sender.circuit.end_within(seconds)

    async def close(self) -> None:
        """Finish and keep what is in flight; what was not sent yet gets a fault. Where the run is to end by
        some time, what takes longer is given up, and stays charged in full."""
        self._closing = True
        self._sender.circuit.stop(LLMError("the gateway is closed"), fatal=False)
        flying = [task for _, task in self._flights.values()]
        if flying:
            _, late = await asyncio.wait(flying, timeout=self._sender.circuit.ends_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._wire.close()

    async def _answer(self, call: Call) -> tuple[Entry, Usage]:
        """From an equal call in flight, from the ledger, or from the endpoint."""
        flying = self._flights.get(call.key)
        if flying is not None:
            entry, _ = await _listen(*flying)
            self._shared += 1
            return entry, Usage()
        found = self._ledger.find(call.key)
        if found is not None and (found.state == "done" or self._config.mode == "replay"):
            self._shared += 1
            return found, Usage()
        if self._config.mode == "replay":
            return Entry("failed", fault="llm", message=_missing(call)), Usage()
        if self._closing:
            return Entry("failed", fault="llm", message="the gateway is closed"), Usage()
        task = asyncio.create_task(self._fly(call, Usage() if found is None else found.charged))
        self._flights[call.key] = (call, task)
        task.add_done_callback(_retrieve)
        return await _listen(call, task)

    async def _fly(self, call: Call, before: Usage) -> tuple[Entry, Usage]:
        try:
            entry, paid = await self._sender.send(call, before)
        finally:
            del self._flights[call.key]
        purpose = call.request.purpose
        self._paid[purpose] = self._paid.get(purpose, Usage()) + paid
        return entry, paid

    def _reply(self, request: CallRequest, entry: Entry, paid: Usage) -> CallReply:
        self._used[request.purpose] = self._used.get(request.purpose, Usage()) + entry.used
        self._faults += entry.fault is not None
        whole = request.schema and entry.fault is None
        text = structured.repaired(entry.text) if whole else entry.text
        fault: FaultKind | None = entry.fault
        if entry.state == "reserved":  # only in a replay: it was in flight when the recorded run was killed
            fault = "llm"
        return CallReply(text, entry.used, paid, entry.latency_s, fault, entry.message, entry.calls)


async def _listen(call: Call, task: asyncio.Task[tuple[Entry, Usage]]) -> tuple[Entry, Usage]:
    """Wait for a call without being able to break it off: what was sent is paid, so it is kept."""
    call.listeners += 1
    try:
        return await asyncio.shield(task)
    finally:
        call.listeners -= 1


def _retrieve(task: asyncio.Task[tuple[Entry, Usage]]) -> None:
    """Take note of how a call ended, or asyncio would complain of those that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


def _missing(call: Call) -> str:
    request = call.request
    what = f"agent {request.agent or '-'}, {request.split or 'no'} item {request.item or '-'}, "
    what += f"author {request.author or '-'}, occurrence {request.occurrence}"
    return (
        f"not in the record: a call for {request.purpose} ({what}, model {call.route.endpoint.model}, "
        f"key {call.key[:12]}); a replay must have the configuration of the recorded run, and the prompts "
        "of its version"
    )
