"""One call's way to the endpoint and back: budget, rate limit, attempts, ledger."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

from meta_search.config import LLMConfig
from meta_search.errors import BudgetError, LLMError
from meta_search.llm.books import Books
from meta_search.llm.budget import Ticket
from meta_search.llm.calls import AGENTS, Call, Dropped
from meta_search.llm.circuit import DOWN, Circuit, TooLong
from meta_search.llm.faults import TIMEOUT, Failure, classify
from meta_search.llm.forms import Form, cut_message, usage_of
from meta_search.llm.ledger import Entry
from meta_search.llm.patience import HELD, Patience
from meta_search.llm.throttle import through
from meta_search.llm.wires import Wire
from meta_search.types import Usage

__all__ = ["Sender"]

ORDINARY_ANSWER = 2**12  # tokens that `llm.timeout_s` is for
ORDINARY_PROMPT = 2**15  # bound in tokens; what is larger may be refused without ending the search


@dataclass(slots=True)
class Account:
    """What a call was charged. `before`: by earlier sessions; `now`: by this one."""

    before: Usage
    now: Usage = field(default_factory=Usage)

    @property
    def total(self) -> Usage:
        return self.before + self.now


@dataclass(slots=True)
class Tries:
    """Attempts of a call: what its endpoint had answered before, and how often they failed in each way."""

    answered: int
    failed: Counter[str] = field(default_factory=Counter)


class Sender:
    """Sends calls and keeps the books. Belongs to one event loop.

    Args:
        config: Timeouts and retries.
        wire: The way to the models.
        books: What was paid and what may be spent.
        backoff_s: First pause before a retry, in seconds; doubled each time.

    Attributes:
        circuit: Decides on retries, and whether the run must end.
        retries: Attempts after a failure.
    """

    def __init__(self, config: LLMConfig, wire: Wire, books: Books, backoff_s: float = 0.5) -> None:
        self._config, self._wire = config, wire
        self._ledger, self._budget, self._other = books.ledger, books.budget, books.other
        self.circuit = Circuit(config, backoff_s, lambda: self._budget.left().wall_s)
        self._patience = Patience(config, self.circuit, backoff_s, getattr(wire, "is_there", None))
        self.retries = 0

    async def send(self, call: Call, before: Usage) -> tuple[Entry, Usage]:
        """Carry a call out, whatever it takes.

        Args:
            call: The call.
            before: What earlier sessions were charged for it.

        Returns:
            The settled row, committed, and what was charged now.

        Raises:
            Dropped: Nobody waits for it any more.
        """
        account, dropped = Account(before), False
        try:
            entry = await self._taken(call, account) or await self._attempts(call, account)
        except BudgetError as refusal:
            entry = self._refused(call, refusal)
        except LLMError as stop:
            entry = Entry("failed", fault="llm", message=str(stop))
        except Dropped as nobody:
            entry, dropped = Entry("failed", fault="llm", message=str(nobody)), True
        settled = dataclasses.replace(entry, charged=account.total)
        if account.total.calls:  # a call that was never sent has no row
            await _committed(self._ledger.settle(call.key, settled))
        if dropped:
            raise Dropped(entry.message)
        return settled, account.now

    def _refused(self, call: Call, refusal: BudgetError) -> Entry:
        """What the budget refuses ends the search; a single huge prompt of an agent ends its item only."""
        bound = call.estimate.prompt_tokens
        large = bound > ORDINARY_PROMPT and not isinstance(refusal, TooLong)
        if call.request.purpose in (*AGENTS, "judge") and large:  # an answer is in a judge's prompt
            try:
                self._budget.check(call.route.price.usage(ORDINARY_PROMPT, call.max_tokens))
            except BudgetError:
                pass
            else:
                message = f"a prompt of up to {bound} tokens is more than is left of the budget"
                return Entry("failed", fault="context", message=message)
        return Entry("failed", fault="budget", message=str(refusal))

    async def _taken(self, call: Call, account: Account) -> Entry | None:
        """The answer of the other run, for what it cost there; `None` where it has none."""
        found = self._other(call.key) if self._other else None
        if found is None or found.state != "done":
            return None
        self._check(call)
        ticket = await self._budget.reserve(found.used)
        self._settle(ticket, account, account.now, found.used)
        model = call.route.endpoint.model
        reserve = self._ledger.reserve(call.key, call.request, model, call.max_tokens, account.total)
        await _committed(reserve)
        return dataclasses.replace(found, charged=Usage())  # with its fault: a prompt too long is so again

    async def _attempts(self, call: Call, account: Account) -> Entry:
        """Attempt until there is an answer or no use in going on."""
        form = Form(call, self._config, self.circuit.say)
        try:
            return await self._until_settled(call, account, form)
        except BudgetError:
            if form.cut is None:
                raise
            return form.cut  # there was no room for a whole one

    async def _until_settled(self, call: Call, account: Account, form: Form) -> Entry:
        tries = Tries(call.route.answered)
        while True:
            self._check(call)
            outcome = await self._probe(call, account, form)
            if outcome is None:
                form.mode = form.mode or call.route.schema
                outcome = await self._attempt(call, account, form, tries.failed.total() > 0)
            if outcome is HELD:
                form.mode = None if form.mode == "unknown" else form.mode
                continue
            if isinstance(outcome, Entry):
                entry = form.answered(outcome)
                if entry is not None:
                    return entry
                continue
            if form.learns(outcome):
                continue
            final = await self._given_up(call, outcome, tries)
            if final is not None:
                return form.cut or final
            self.retries += 1

    async def _given_up(self, call: Call, failure: Failure, tries: Tries) -> Entry | None:
        """The row of a call that failed for good; `None`, after a pause, to attempt it again."""
        route, kind = call.route, failure.kind
        tries.failed[kind] += 1
        lively = route.answered > tries.answered
        exhausted = tries.failed[kind] > self.circuit.most_retries(failure, lively)
        if self._patience.waits(call, failure, exhausted, lively):
            tries.failed, tries.answered = Counter(), route.answered
            return None
        final = self.circuit.final(route, failure, exhausted)
        if final is None:
            self._check(call)  # it may be asked to wait longer than there is time
            await self.circuit.pause(route, failure, tries.failed.total())
        return final

    async def _attempt(self, call: Call, account: Account, form: Form, again: bool) -> Entry | Failure:
        """One attempt, from the reservation to the settled budget.

        The budget comes after the gates: what only queues for its turn reserves nothing, and an author's call
        waits for a slot, not for the reservations of hundreds of queued tasks. `HELD` where the endpoint went
        down before it was sent.
        """
        self._check(call)
        self._afford(form)
        actual, charged_before = Usage(), account.now
        route, tokens = call.route, call.estimate.prompt_tokens // 4 + form.limit
        check = partial(self._check, call)
        async with (
            self._patience.turn(route, check) as probing,
            through(route.gates, call.request.purpose, tokens, again, check),
        ):
            if self._patience.is_down(route) and not probing:
                return HELD
            self._afford(form)  # what was learned while it queued may have given it more room
            estimate = form.estimate
            ticket = await self._budget.reserve(estimate)
            try:
                self._check(call)
                actual = estimate  # until the fate is known
                account.now = charged_before + estimate
                await _committed(
                    self._ledger.reserve(
                        call.key, call.request, route.endpoint.model, call.max_tokens, account.total
                    )
                )
                outcome, actual = await self._exchange(call, form, estimate, tokens)
            finally:
                self._settle(ticket, account, charged_before, actual)
        return outcome

    def _afford(self, form: Form) -> None:
        """See that the budget has room for an attempt, for thinking only where there is some."""
        try:
            self._budget.check(form.estimate)
        except BudgetError:
            if form.cut is not None or form.limit <= form.call.max_tokens:
                raise
            form.thrifty = True
            self._budget.check(form.estimate)

    def _settle(self, ticket: Ticket, account: Account, before: Usage, actual: Usage) -> None:
        self._budget.settle(ticket, actual)
        account.now = before + actual

    async def _exchange(
        self, call: Call, form: Form, estimate: Usage, tokens: int
    ) -> tuple[Entry | Failure, Usage]:
        """Send and receive: what came of it and what it cost."""
        route, start, limit = call.route, time.monotonic(), estimate.completion_tokens
        timeout = self._timeout_s(limit)
        messages, settings = form.written(limit)
        try:
            async with asyncio.timeout(timeout):
                answer = await self._wire.complete(route.endpoint, messages, settings)
        except Exception as error:  # noqa: BLE001 (litellm lets many kinds through; each is a failed attempt)
            named = TIMEOUT if timeout >= self._config.timeout_s else "the time left"
            failure = form.blamed(classify(error, timeout, route.endpoint.secrets, named))
            route.missed += failure.kind == "transient"
            self.circuit.asks(route, failure)
            if failure.kind == "limited" or route.missed >= DOWN:
                route.gates[0].limited(start, failure.retry_after)
            if failure.kind not in ("transient", "limited"):
                self._patience.answered(route)
            return failure, estimate if failure.unknown_fate else Usage(calls=1)
        used, charged = usage_of(answer, form, estimate)
        route.gates[0].answered(used.tokens - tokens)
        route.failed, route.missed, route.answered = 0, 0, route.answered + 1
        self._patience.answered(route)
        if route.schema == "unknown" and call.request.schema and form.mode:
            route.schema = "format" if form.mode == "unknown" else form.mode
        if answer.thinks and not route.endpoint.free:
            form.note({"thinks": True})
        entry = Entry("done", answer.text, used, latency_s=time.monotonic() - start)
        if form.is_cut(answer):
            entry = dataclasses.replace(entry, fault="cut", message=cut_message(answer, limit))
        return entry, charged

    def _timeout_s(self, limit: int) -> float:
        """Seconds for an attempt: a program with its thinking takes longer to write than an answer."""
        timeout, left = self._config.timeout_s * max(1.0, limit / ORDINARY_ANSWER), self._budget.remaining_s
        return timeout if left is None else max(0.1, min(timeout, left))

    async def _probe(self, call: Call, account: Account, form: Form) -> Entry | Failure | None:
        """The first call with a schema tells how the endpoint takes it: the others wait for it, and for
        nothing else. `None` where that is known, or does not matter."""
        if form.mode is not None or not call.request.schema or call.route.is_known:
            return None
        async with call.route.probe:
            return None if call.route.is_known else await self._first(call, account, form)

    async def _first(self, call: Call, account: Account, form: Form) -> Entry | Failure:
        form.mode = "unknown"
        return await self._attempt(call, account, form, False)

    def _check(self, call: Call) -> None:
        self.circuit.check()
        if not call.listeners:
            raise Dropped("dropped before it was sent: nobody waits for it any more")
        if call.phase == "search" and self._budget.phase == "final":
            # What still queues for the search would eat the time of the report.
            raise BudgetError("the search ended before this call was sent")
        self._budget.check()
        self.circuit.check_wait(call.route)


async def _committed(future: Future[None]) -> None:
    if not future.done():
        await asyncio.wrap_future(future)
    future.result()
