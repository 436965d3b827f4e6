"""One call's way to the endpoint and back: budget, rate limit, attempts, ledger."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections import Counter
from dataclasses import dataclass, field

from meta_search.config import LLMConfig
from meta_search.errors import BudgetError, LLMError
from meta_search.llm.books import Books
from meta_search.llm.calls import AGENTS, Call, Dropped, Route
from meta_search.llm.circuit import Circuit, TooLong, asks_long
from meta_search.llm.exchange import Account, Exchange, committed
from meta_search.llm.faults import Failure
from meta_search.llm.forms import Form
from meta_search.llm.ledger import Entry
from meta_search.llm.patience import HELD, Patience
from meta_search.llm.probes import Probes
from meta_search.llm.wires import Wire
from meta_search.types import Usage

__all__ = ["Sender"]

ORDINARY_PROMPT = 2**15  # bound in tokens; what is larger may be refused without ending the search
FIRST_S = 20.0  # that calls with a schema wait for the first one
PASSING = frozenset({"transient", "limited", "withheld"})  # kinds of failures that another try may pass


@dataclass(slots=True)
class Tries:
    """Attempts of a call: what its endpoint had answered before, how often they failed in each way, how often
    it was sent once more as a probe was answered, and whether that was after a refusal."""

    answered: int
    failed: Counter[str] = field(default_factory=Counter)
    proven: int = 0
    refused: bool = False


class Sender:
    """Sends calls and keeps the books. Belongs to one event loop.

    Args:
        config: Timeouts and retries.
        wire: The way to the models.
        books: What was paid and what may be spent.
        backoff_s: First pause before a retry, in seconds; doubled each time.

    Attributes:
        circuit: Decides on retries, and whether the run must end.
        probes: The gateway's own requests.
        retries: Attempts after a failure.
    """

    def __init__(self, config: LLMConfig, wire: Wire, books: Books, backoff_s: float = 0.5) -> None:
        self._config = config
        self._ledger, self._budget, self._other = books.ledger, books.budget, books.other
        self._free = books.free
        self.circuit = Circuit(config, backoff_s, lambda: self._budget.left().wall_s)
        self._patience = Patience(config, self.circuit, backoff_s, getattr(wire, "is_there", None))
        self._exchange = Exchange(config, wire, books, self.circuit, self._patience)
        self.probes = Probes(config, books, self._exchange, self.circuit, backoff_s)
        self._patience.prober = self.probes
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
        account, dropped, taken = Account(before), False, None
        try:
            taken = await self._taken(call, account)
            entry = taken or await self._attempts(call, account)
        except BudgetError as refusal:
            entry = self._refused(call, refusal)
        except LLMError as stop:
            entry = Entry("failed", fault="llm", message=str(stop))
        except Dropped as nobody:
            entry, dropped = Entry("failed", fault="llm", message=str(nobody)), True
        settled = dataclasses.replace(entry, charged=account.total)
        if taken or account.total.calls:  # a call that was never sent has no row
            await committed(self._ledger.settle(call.key, settled))
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
        """The answer of the other run, for what it cost there, or free; `None` where it has none."""
        found = self._other(call.key) if self._other else None
        if found is None or found.state != "done":
            return None
        self._exchange.check(call)
        cost = Usage() if self._free else found.used
        ticket = await self._budget.reserve(cost)
        self._exchange.settle(ticket, account, account.now, cost)
        model = call.route.endpoint.model
        reserve = self._ledger.reserve(call.key, call.request, model, call.max_tokens, account.total)
        await committed(reserve)
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
            self._exchange.check(call)
            if form.is_hopeless:
                where = f"{call.route.endpoint.title} takes no tool calls"
                return Entry("failed", fault="declined", message=where)
            outcome = await self._first(call, account, form)
            if outcome is None:
                form.mode = form.mode or call.route.schema
                outcome = await self._exchange.attempt(call, account, form, tries.failed.total() > 0)
            if outcome is HELD:
                form.mode = None if form.mode == "unknown" else form.mode
                continue
            if isinstance(outcome, Entry):
                call.route.fickle |= tries.refused
                entry = form.answered(outcome)
                await self._look_into(form)
                if entry is not None and not form.rewords(entry):
                    return entry
                continue
            if await self._is_adapted(form, outcome):
                continue
            final = await self._given_up(call, form, outcome, tries)
            if final is not None:
                return form.cut or final
            self.retries += 1

    async def _is_adapted(self, form: Form, failure: Failure) -> bool:
        """Whether the call is sent again at once in another form. What a refusal says of the endpoint is
        believed where a probe is refused for it as well."""
        await self._ask_too(form, failure)
        return form.follows(failure)

    async def _ask_too(self, form: Form, failure: Failure) -> None:
        if form.suspects(failure):
            await self.probes.learn(form, failure)

    async def _look_into(self, form: Form) -> None:
        """Have a probe see whether what an answer showed holds for all; the answer itself is good."""
        with contextlib.suppress(BudgetError, LLMError, Dropped):
            await self.probes.look_into(form)

    async def _given_up(self, call: Call, form: Form, failure: Failure, tries: Tries) -> Entry | None:
        """The row of a call that failed for good; `None`, after a pause, to attempt it again."""
        route, kind, now = call.route, failure.kind, time.monotonic()
        own = self.circuit.own(route, failure)
        if own is not None:
            return own
        if asks_long(failure) and not call.is_distrusted:
            await self.probes.fails(call, form.sent_at)
        tries.failed[kind] += 1
        lively, trusted = route.answered > tries.answered, not call.is_distrusted
        most = self.circuit.most_retries(failure, lively, trusted)
        exhausted = tries.proven > 0 or tries.failed[kind] > most
        if await self._patience.waits(call, failure, exhausted, lively):
            tries.failed, tries.answered, tries.proven = Counter(), route.answered, 0
            return None
        if not exhausted and kind in PASSING:
            self._exchange.check(call)  # it may be asked to wait longer than there is time
            await self.circuit.pause(route, failure, tries.failed.total())
            return None
        # A refusal is an answer: what was sent after it, and is answered, shows that it means this call.
        refused = form.sent_at if kind == "withheld" or not trusted else form.refused_at
        passing = trusted and kind in ("transient", "limited", "fatal")
        since = now if passing or refused is None else refused
        theirs = None
        if not self._patience.is_given_up(call):
            theirs = await self.probes.fails(call, since, form.shape)
            if theirs is None and tries.proven < self._once_more(route, kind):
                tries.proven += 1  # it may have failed by chance, or while it was down for all
                tries.refused = kind not in PASSING
                return None
        if route.takes != form.took:  # the probe found another form
            return None
        entry = self.circuit.final(route, failure, theirs)
        if entry.fault == "declined" and kind in ("transient", "limited") and call.whose:
            route.distrusted.add(call.whose)
        return entry

    def _once_more(self, route: Route, kind: str) -> int:
        """How often a call is sent again that came to nothing as a probe was answered."""
        if kind == "withheld":
            return 0
        return max(1, self._config.max_retries) if route.fickle and kind not in PASSING else 1

    async def _first(self, call: Call, account: Account, form: Form) -> Entry | Failure | None:
        """The first call with a schema tells how the endpoint takes it: the others wait for it, a while, and
        for nothing else. `None` where that is known, or does not matter."""
        route, until = call.route, time.monotonic() + FIRST_S
        if form.mode is not None or not call.request.schema:
            return None
        while not route.is_known and route.round is not None:
            left = until - time.monotonic()
            if left <= 0:
                return None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(route.round.wait(), left)
        if route.is_known:
            return None
        route.round, form.mode = asyncio.Event(), "unknown"
        try:
            outcome = await self._exchange.attempt(call, account, form)
            if isinstance(outcome, Entry):
                await self._look_into(form)
            elif outcome is not HELD:
                await self._ask_too(form, outcome)
            return outcome
        finally:
            route.round.set()
            route.round = None
