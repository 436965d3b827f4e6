"""One call's way to the endpoint and back: budget, rate limit, attempts, ledger."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from meta_search.config import LLMConfig
from meta_search.errors import BudgetError, LLMError
from meta_search.llm import structured
from meta_search.llm.books import Books
from meta_search.llm.budget import Ticket
from meta_search.llm.calls import AGENTS, Answer, Call, Dropped, SchemaMode
from meta_search.llm.circuit import DOWN, Circuit, TooLong
from meta_search.llm.faults import TIMEOUT, Cap, Failure, classify
from meta_search.llm.ledger import Entry
from meta_search.llm.patience import HELD, Patience
from meta_search.llm.throttle import through
from meta_search.llm.wires import Wire
from meta_search.types import Usage

__all__ = ["Sender"]

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
        if call.request.purpose in AGENTS and large:
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
        call.max_tokens = min(call.max_tokens, call.route.most_tokens or call.max_tokens)
        tries = Tries(call.route.answered)
        mode: SchemaMode | None = None  # how this call's schema is sent
        guessed = False
        while True:
            self._check(call)
            outcome = await self._probe(call, account) if mode is None else None
            if outcome is not None:
                mode = "unknown"
            else:
                mode = mode or call.route.schema
                outcome = await self._attempt(call, account, mode, tries.failed.total() > 0)
            if outcome is HELD:
                mode = None if mode == "unknown" else mode
                continue
            if isinstance(outcome, Entry):
                if not self._ignored(call, outcome, mode):
                    return outcome
                mode = "both"
                continue
            if outcome.kind == "request" and call.request.schema and mode != "instruct":
                # Perhaps the endpoint takes no schemas (or, where it took others, not this one).
                call.route.schema = "instruct" if mode == "unknown" else call.route.schema
                guessed, mode = mode == "unknown", "instruct"
                continue
            if outcome.kind == "request" and guessed:
                call.route.schema = "unknown"  # it was not the schema
            if outcome.cap is not None and self._fits_cap(call, outcome.cap):
                self.retries += 1
                continue
            final = await self._given_up(call, outcome, tries)
            if final is not None:
                return final
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

    async def _attempt(self, call: Call, account: Account, mode: SchemaMode, again: bool) -> Entry | Failure:
        """One attempt, from the reservation to the settled budget.

        The budget comes after the gates: what only queues for its turn reserves nothing, and an author's call
        waits for a slot, not for the reservations of hundreds of queued tasks. `HELD` where the endpoint went
        down before it was sent.
        """
        self._check(call)
        self._budget.check(call.estimate)
        actual, charged_before = Usage(), account.now
        route, tokens = call.route, call.estimate.prompt_tokens // 4 + call.max_tokens
        check = partial(self._check, call)
        async with (
            self._patience.turn(route, check) as probing,
            through(route.gates, call.request.purpose, tokens, again, check),
        ):
            if self._patience.is_down(route) and not probing:
                return HELD
            ticket = await self._budget.reserve(call.estimate)
            try:
                self._check(call)
                actual = call.estimate  # until the fate is known
                account.now = charged_before + call.estimate
                await _committed(
                    self._ledger.reserve(
                        call.key, call.request, route.endpoint.model, call.max_tokens, account.total
                    )
                )
                outcome, actual = await self._exchange(call, mode, tokens)
            finally:
                self._settle(ticket, account, charged_before, actual)
        return outcome

    def _settle(self, ticket: Ticket, account: Account, before: Usage, actual: Usage) -> None:
        self._budget.settle(ticket, actual)
        account.now = before + actual

    async def _exchange(self, call: Call, mode: SchemaMode, tokens: int) -> tuple[Entry | Failure, Usage]:
        """Send and receive: what came of it and what it cost."""
        route, start = call.route, time.monotonic()
        timeout = self._timeout_s()
        try:
            async with asyncio.timeout(timeout):
                messages, settings = _wire_form(call, mode)
                answer = await self._wire.complete(route.endpoint, messages, settings)
        except Exception as error:  # noqa: BLE001 (litellm lets many kinds through; each is a failed attempt)
            limit = TIMEOUT if timeout == self._config.timeout_s else "the time left"
            failure = classify(error, timeout, route.endpoint.api_key, limit)
            route.missed += failure.kind == "transient"
            self.circuit.asks(route, failure)
            if failure.kind == "limited" or route.missed >= DOWN:
                route.gates[0].limited(start, failure.retry_after)
            if failure.kind not in ("transient", "limited"):
                self._patience.answered(route)
            return failure, call.estimate if failure.unknown_fate else Usage(calls=1)
        used = self._used(call, answer)
        route.gates[0].answered(used.tokens - tokens)
        route.failed, route.missed, route.answered = 0, 0, route.answered + 1
        self._patience.answered(route)
        if route.schema == "unknown" and call.request.schema:
            route.schema = "format" if mode == "unknown" else mode
        return Entry("done", answer.text, used, latency_s=time.monotonic() - start), used

    def _used(self, call: Call, answer: Answer) -> Usage:
        """Tokens as the endpoint counts them; what it does not say is charged in full."""
        prompt, completion = answer.prompt_tokens, answer.completion_tokens
        if not prompt:
            prompt, completion = call.estimate.prompt_tokens, call.max_tokens
        return call.route.price.usage(prompt, completion or 0)

    def _timeout_s(self) -> float:
        left = self._budget.remaining_s
        return self._config.timeout_s if left is None else max(0.1, min(self._config.timeout_s, left))

    async def _probe(self, call: Call, account: Account) -> Entry | Failure | None:
        """The first call with a schema tells how the endpoint takes it: the others wait for it, and for
        nothing else. `None` where that is known, or does not matter."""
        if not call.request.schema or call.route.is_known:
            return None
        async with call.route.probe:
            return None if call.route.is_known else await self._attempt(call, account, "unknown", False)

    def _ignored(self, call: Call, entry: Entry, mode: SchemaMode) -> bool:
        """Whether the endpoint took a schema and did not heed it; then later calls are told in words too."""
        if not call.request.schema or mode not in ("unknown", "format") or _is_object(entry.text):
            return False
        if entry.used.completion_tokens >= call.max_tokens:
            return False  # cut short: no fault of the endpoint
        call.route.schema = "both"
        return mode == "unknown"

    def _check(self, call: Call) -> None:
        self.circuit.check()
        if not call.listeners:
            raise Dropped("dropped before it was sent: nobody waits for it any more")
        if call.phase == "search" and self._budget.phase == "final":
            # What still queues for the search would eat the time of the report.
            raise BudgetError("the search ended before this call was sent")
        self._budget.check()
        self.circuit.check_wait(call.route)

    def _fits_cap(self, call: Call, cap: Cap) -> bool:
        """Ask for no more than the endpoint can write; false where it is not known, or asked for already."""
        if not 0 < cap.tokens < call.max_tokens:
            return False
        call.max_tokens, route = cap.tokens, call.route
        if cap.always and route.most_tokens != cap.tokens:
            route.most_tokens = cap.tokens
            what = f"{route.endpoint.title} writes at most {cap.tokens} tokens an answer"
            self.circuit.say(f"{what}: asking for no more")
        return True


async def _committed(future: Future[None]) -> None:
    if not future.done():
        await asyncio.wrap_future(future)
    future.result()


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _wire_form(call: Call, mode: SchemaMode) -> tuple[tuple[tuple[str, str], ...], dict[str, Any]]:
    """Messages and settings as they are sent."""
    request, schema = call.request, call.request.schema
    settings: dict[str, Any] = {"temperature": request.temperature, "max_tokens": call.max_tokens}
    if request.seed is not None:
        settings["seed"] = request.seed
    messages = request.messages
    if schema and mode != "instruct":
        settings["response_format"] = structured.response_format(schema)
    if schema and mode in ("instruct", "both"):
        messages = structured.with_instructions(messages, schema)
    return messages, settings
