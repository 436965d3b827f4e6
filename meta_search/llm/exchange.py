"""One attempt of a call: reservation, gates, wire, and what it tells of its endpoint."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

from meta_search.config import LLMConfig
from meta_search.errors import BudgetError
from meta_search.llm.books import Books
from meta_search.llm.budget import Ticket
from meta_search.llm.calls import PROBE, Call, Dropped
from meta_search.llm.charges import cut_message, usage_of
from meta_search.llm.circuit import ASKS_ALL, DOWN, Circuit, asks_long
from meta_search.llm.faults import TIMEOUT, Failure, classify
from meta_search.llm.forms import Form
from meta_search.llm.ledger import Entry
from meta_search.llm.patience import HELD, Patience
from meta_search.llm.throttle import through
from meta_search.llm.wires import Wire
from meta_search.types import ToolCall, Usage

__all__ = ["Account", "Exchange", "committed"]

ORDINARY_ANSWER = 2**12  # tokens that `llm.timeout_s` is for


@dataclass(slots=True)
class Account:
    """What a call was charged. `before`: by earlier sessions; `now`: by this one."""

    before: Usage = field(default_factory=Usage)
    now: Usage = field(default_factory=Usage)

    @property
    def total(self) -> Usage:
        return self.before + self.now


class Exchange:
    """Sends attempts and keeps the books. Belongs to one event loop.

    Args:
        config: Timeouts.
        wire: The way to the models.
        books: What was paid and what may be spent.
        circuit: Whether the run goes on.
        patience: Which endpoints are down.
    """

    def __init__(
        self, config: LLMConfig, wire: Wire, books: Books, circuit: Circuit, patience: Patience
    ) -> None:
        self._config, self._wire = config, wire
        self._ledger, self._budget = books.ledger, books.budget
        self._circuit, self._patience = circuit, patience

    async def attempt(self, call: Call, account: Account, form: Form, again: bool = False) -> Entry | Failure:
        """One attempt, from the reservation to the settled budget.

        The budget comes after the gates: what only queues for its turn reserves nothing, and an author's call
        waits for a slot, not for the reservations of hundreds of queued tasks. `HELD` where the endpoint went
        down before it was sent.
        """
        self.check(call)
        self._afford(form)
        route, tokens = call.route, call.estimate.prompt_tokens // 4 + form.limit
        check, probes = partial(self.check, call), call.request.purpose == PROBE
        if not probes:
            await self._patience.up(route, check)
        few = route.few if call.is_distrusted else contextlib.nullcontext()
        async with few, through(route.gates, call.request.purpose, tokens, again, check):
            if not probes and self._patience.is_down(route):
                return HELD
            self._afford(form)  # what was learned while it queued may have given it more room
            return await self._paid(call, account, form, tokens)

    async def _paid(self, call: Call, account: Account, form: Form, tokens: int) -> Entry | Failure:
        """The attempt itself, charged in full until its fate is known."""
        actual, before, route = Usage(), account.now, call.route
        estimate = form.estimate
        ticket = await self._budget.reserve(estimate)
        try:
            self.check(call)
            actual = estimate
            account.now = before + estimate
            row = (call.key, call.request, route.endpoint.model, call.max_tokens, account.total)
            await committed(self._ledger.reserve(*row))
            outcome, actual = await self._exchange(call, form, estimate, tokens)
        finally:
            self.settle(ticket, account, before, actual)
        return outcome

    def check(self, call: Call) -> None:
        """Raise where there is no use in sending a call any more."""
        self._circuit.check()
        if not call.listeners:
            raise Dropped("dropped before it was sent: nobody waits for it any more")
        if call.phase == "search" and self._budget.phase == "final":
            # What still queues for the search would eat the time of the report.
            raise BudgetError("the search ended before this call was sent")
        self._budget.check()
        self._circuit.check_wait(call.route)

    def settle(self, ticket: Ticket, account: Account, before: Usage, actual: Usage) -> None:
        """Replace a reservation by what was charged."""
        self._budget.settle(ticket, actual)
        account.now = before + actual

    def _afford(self, form: Form) -> None:
        """See that the budget has room for an attempt, for thinking only where there is some."""
        try:
            self._budget.check(form.estimate)
        except BudgetError:
            if form.cut is not None or form.limit <= form.call.max_tokens:
                raise
            form.thrifty = True
            self._budget.check(form.estimate)

    async def _exchange(
        self, call: Call, form: Form, estimate: Usage, tokens: int
    ) -> tuple[Entry | Failure, Usage]:
        """Send and receive: what came of it and what it cost."""
        route, start, limit = call.route, time.monotonic(), estimate.completion_tokens
        form.sent_at, timeout = start, self._timeout_s(limit)
        messages, settings = form.written(limit)
        try:
            async with asyncio.timeout(timeout):
                answer = await self._wire.complete(route.endpoint, messages, settings)
        except Exception as error:  # noqa: BLE001 (litellm lets many kinds through; each is a failed attempt)
            named = TIMEOUT if timeout >= self._config.timeout_s else "the time left"
            failure = form.blamed(_classified(error, timeout, route.endpoint.secrets, named))
            self._failed(call, form, failure, start)
            return failure, estimate if failure.unknown_fate else Usage(calls=1)
        used, charged = usage_of(answer, form, estimate)
        route.gates[0].answered(used.tokens - tokens)
        route.answers(start)
        self._patience.answered(route)
        form.met(answer)
        entry = Entry("done", answer.text, used, latency_s=time.monotonic() - start)
        if call.request.tools:
            called = tuple(ToolCall(*row) for row in answer.calls)
            entry = dataclasses.replace(entry, text=answer.words, calls=called)
        if form.is_cut(answer):
            entry = dataclasses.replace(entry, fault="cut", message=cut_message(answer, limit))
        return entry, charged

    def _failed(self, call: Call, form: Form, failure: Failure, start: float) -> None:
        """Take note of a failed attempt, sent at `start`."""
        route = call.route
        route.missed += failure.kind == "transient"
        probes = call.request.purpose == PROBE
        believed = probes or (failure.status in ASKS_ALL and not call.is_distrusted)
        # Where others are answered after the wait and this call is not, it is not all that are to wait again.
        again = route.last_sent > form.limited_at
        if believed and (probes or not (again or asks_long(failure))):
            self._circuit.asks(route, failure)
        if failure.status in ASKS_ALL:
            form.limited_at = start
        if (believed and failure.kind == "limited") or (probes and route.missed >= DOWN):
            route.gates[0].limited(start)
        if failure.kind not in ("transient", "limited"):
            self._patience.answered(route)

    def _timeout_s(self, limit: int) -> float:
        """Seconds for an attempt: a program with its thinking takes longer to write than an answer."""
        timeout, left = self._config.timeout_s * max(1.0, limit / ORDINARY_ANSWER), self._budget.remaining_s
        return timeout if left is None else max(0.1, min(timeout, left))


def _classified(error: Exception, timeout_s: float, secrets: Sequence[str], limit: str) -> Failure:
    try:
        return classify(error, timeout_s, secrets, limit)
    except Exception as unread:  # noqa: BLE001 (no words of an endpoint may end the run)
        return Failure("transient", True, f"a failure that cannot be read ({type(unread).__name__})")


async def committed(future: Future[None]) -> None:
    """Wait until the archive has written a row."""
    if not future.done():
        await asyncio.wrap_future(future)
    future.result()
