"""The only thing that talks to LLMs: keys, budget, ledger, rate limits, retries. Only it imports litellm.

A call passes, in order: ledger (already paid?) -> single-flight -> budget -> rate limit -> endpoint ->
ledger, committed before the answer is handed on (DESIGN.md section 7).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from meta_search.config import LLMConfig
from meta_search.errors import EndpointError, LLMError
from meta_search.llm import structured
from meta_search.llm.budget import Budget, Left, Phase
from meta_search.llm.calls import Answer, Call, Dropped, open_lines, resolve
from meta_search.llm.endpoint import Endpoint, Price, price_of
from meta_search.llm.faults import BadAnswer, one_line
from meta_search.llm.ledger import Entry, FaultKind, Ledger
from meta_search.llm.sender import Sender
from meta_search.llm.throttle import Throttle
from meta_search.types import CallReply, CallRequest, Usage

__all__ = ["Endpoint", "Gateway", "GatewayStatus"]


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """A picture of the gateway; picklable.

    Attributes:
        used: By purpose, what was asked of the gateway in this session, as if nothing were shared.
        paid: By purpose, what was sent, over all sessions of the run.
        in_flight: Requests at the endpoints. waiting: calls that wait for budget or rate limit.
        limit: Requests that may be in flight now, over all endpoints (429s lower it).
        left: What the phase may still spend.
        phase: `search` or `final`.
        elapsed_s: Seconds of the run, earlier sessions included.
        shared: Calls answered by the ledger or by an equal call in flight.
        retries: Attempts after the first. faults: Calls that got a fault.
        fatal: Why the run must stop, or `None`.
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


class Gateway:
    """Sends calls to LLMs and keeps the books. Everything but `status` belongs to one event loop.

    Args:
        config: `llm.*`.
        endpoints: Role (`task`, `meta`, …) -> endpoint. `task` must be there.
        ledger: The record of calls.
        budget: What may be spent.
        backoff_s: First pause before a retry, in seconds.

    Attributes:
        fatal: Set when no further call can succeed (wrong key, unknown model, endpoint down): every call
            then gets the fault `llm` at once, and the engine should stop the run.
    """

    def __init__(
        self,
        config: LLMConfig,
        endpoints: Mapping[str, Endpoint],
        ledger: Ledger,
        budget: Budget,
        *,
        backoff_s: float = 0.5,
    ) -> None:
        self._config, self._ledger, self._budget = config, ledger, budget
        self._wire = LiteLLMWire(config)
        self._sender = Sender(config, self._wire, ledger, budget, backoff_s)
        self._whole = Throttle(config.max_concurrency)
        self._lines = open_lines(config, endpoints, self._whole)
        self._flights: dict[str, tuple[Call, asyncio.Task[tuple[Entry, Usage]]]] = {}
        self._used: dict[str, Usage] = {}
        self._paid: dict[str, Usage] = {}
        self._shared = self._faults = 0
        self._closing = False

    @property
    def fatal(self) -> LLMError | None:
        return self._sender.fatal

    @property
    def prices(self) -> dict[str, dict[str, float]]:
        """The price table in use, USD per million tokens: to be stored with the run, and handed to a
        resumed one as `llm.prices`, so that it accounts the same way."""
        return {line.endpoint.model: line.price.per_million() for line in self._lines.values()}

    async def start(self) -> None:
        """Load litellm, look prices up, and check that the endpoints are there.

        Raises:
            LLMError: An endpoint that does not answer, a missing key, an unknown model, or a budget in
                USD for a model without a price. One line.
        """
        self._paid = self._ledger.spent()
        if self._config.mode == "replay":
            return
        await self._wire.load()
        await asyncio.gather(*(self._wire.check(e) for e in {v.endpoint for v in self._lines.values()}))
        for line in self._lines.values():
            price = self._wire.price(line.endpoint)
            if price is None and self._budget.config.usd is not None:
                model = line.endpoint.model
                raise EndpointError(
                    f"no price is known for {model}, so budget.usd cannot hold: set llm.prices, "
                    f"for example 'llm.prices={{{model}:{{input:0.15,output:0.6}}}}' (USD per million tokens)"
                )
            line.price = price or Price()
            self._wire.register(line.endpoint, line.price)

    async def call(self, request: CallRequest) -> CallReply:
        """Answer one call. Faults of the endpoint are values in the reply; only faults of ours raise."""
        call = resolve(request, self._lines, self._config)
        call.phase = self._budget.phase
        while True:
            try:
                entry, paid = await self._answer(call)
            except Dropped:  # joined a call that was dropped in the same turn
                continue
            return self._reply(request, entry, paid)

    def status(self) -> GatewayStatus:
        """What is going on. May be called from any thread."""
        gates = {line.gates[0] for line in self._lines.values()}
        return GatewayStatus(
            used=dict(self._used),
            paid=dict(self._paid),
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
        )

    def set_phase(self, phase: Phase) -> None:
        """`final` releases the share of the budget that is kept for the final report."""
        self._budget.phase = phase

    async def close(self) -> None:
        """Finish and keep what is in flight; what was not sent yet gets a fault."""
        self._closing = True
        self._sender.stop(LLMError("the gateway is closed"), fatal=False)
        await asyncio.gather(*(task for _, task in self._flights.values()), return_exceptions=True)
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
        text = structured.repaired(entry.text) if request.schema else entry.text
        fault: FaultKind | None = entry.fault
        if entry.state == "reserved":  # only in a replay: it was in flight when the recorded run was killed
            fault = "llm"
        return CallReply(text, entry.used, paid, entry.latency_s, fault, entry.message)


class LiteLLMWire:
    """litellm with everything off that hides attempts, and a few checks before the first one."""

    def __init__(self, config: LLMConfig) -> None:
        self._config = config
        self._litellm: Any = None
        self._taken: dict[str, frozenset[str]] = {}

    async def load(self) -> None:
        """Import litellm (about 4 s) off the event loop."""
        self._litellm = litellm = await asyncio.to_thread(_import_litellm)
        litellm.suppress_debug_info = True
        litellm.telemetry = False
        logging.getLogger("LiteLLM").setLevel(logging.ERROR)
        # With it, litellm repeats requests that were answered with status 422, which no budget would see.
        litellm.drop_params = False
        litellm.num_retries = 0
        if self._config.callbacks:
            litellm.callbacks = list(self._config.callbacks)

    def price(self, endpoint: Endpoint) -> Price | None:
        """Price of a model, from `llm.prices` or litellm's table."""
        return price_of(endpoint, self._config.prices, self._litellm.model_cost)

    def register(self, endpoint: Endpoint, price: Price) -> None:
        """Tell litellm the price of a model it does not know, for its callbacks (and it searches its table
        in vain at every call otherwise)."""
        route = _route(endpoint)
        if route not in self._litellm.model_cost:
            provider = self._litellm.get_llm_provider(route)[1]
            known = {"input_cost_per_token": price.input, "output_cost_per_token": price.output}
            self._litellm.register_model({route: {**known, "litellm_provider": provider, "mode": "chat"}})

    async def check(self, endpoint: Endpoint) -> None:
        """One look, free of charge, whether an endpoint can be used.

        Raises:
            LLMError: It cannot.
        """
        if endpoint.base_url is None:
            self._check_provider(endpoint)
        else:
            await self._check_url(endpoint, endpoint.base_url)

    async def complete(
        self, endpoint: Endpoint, messages: tuple[tuple[str, str], ...], settings: Mapping[str, Any]
    ) -> Answer:
        """One attempt, as `sender.Wire` has it."""
        try:
            response = await self._complete(endpoint, messages, settings)
        except self._litellm.UnsupportedParamsError as error:
            # Reasoning models take no temperature but their own. litellm says so before anything is sent.
            if "temperature" not in str(error) or "temperature" not in self._parameters(endpoint):
                raise
            self._taken[_route(endpoint)] -= {"temperature"}
            response = await self._complete(endpoint, messages, settings)
        return _read(response)

    async def _complete(
        self, endpoint: Endpoint, messages: tuple[tuple[str, str], ...], settings: Mapping[str, Any]
    ) -> Any:
        taken = self._parameters(endpoint)
        return await self._litellm.acompletion(
            model=_route(endpoint),
            messages=[{"role": role, "content": content} for role, content in messages],
            api_base=endpoint.base_url,
            api_key=endpoint.api_key or ("none" if endpoint.base_url else None),
            timeout=self._config.timeout_s + 5.0,  # the sender's own timeout comes first
            num_retries=0,
            max_retries=0,
            **{name: value for name, value in settings.items() if name in taken},
        )

    async def close(self) -> None:
        if self._litellm is not None:
            await self._litellm.close_litellm_async_clients()

    def _parameters(self, endpoint: Endpoint) -> frozenset[str]:
        """Which settings the model's provider takes; litellm raises on the others."""
        route = _route(endpoint)
        if route not in self._taken:
            self._taken[route] = frozenset(self._litellm.get_supported_openai_params(route) or ())
        return self._taken[route]

    def _check_provider(self, endpoint: Endpoint) -> None:
        try:
            self._litellm.get_llm_provider(endpoint.model)
        except Exception as error:
            raise EndpointError(
                f"{endpoint.model!r} is no model that litellm knows: name it as provider/model, "
                "or set llm.base_url for an endpoint of your own"
            ) from error
        if endpoint.api_key:
            return
        found = self._litellm.validate_environment(endpoint.model)
        missing = [k for k in found["missing_keys"] if k.endswith(("_KEY", "_TOKEN"))]
        if missing and not found["keys_in_environment"]:
            raise EndpointError(
                f"{endpoint.model} needs a key: set the environment variable {' or '.join(missing)}, "
                "or name another in llm.api_key_env"
            )

    async def _check_url(self, endpoint: Endpoint, base_url: str) -> None:
        """Ask for the list of models: it costs nothing, and every endpoint checks the key for it."""
        import httpx

        headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
        try:
            async with httpx.AsyncClient(timeout=15.0) as client:
                reply = await client.get(f"{base_url.rstrip('/')}/models", headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = one_line(str(error), endpoint.api_key) or type(error).__name__
            raise EndpointError(f"nothing answers at llm.base_url={base_url}: {what}") from error
        if reply.status_code in (401, 403):
            variable = self._config.api_key_env
            todo = f"check {variable}" if variable else "name the variable that holds it in llm.api_key_env"
            raise EndpointError(f"{base_url} refuses the key (HTTP {reply.status_code}): {todo}")


def _read(response: Any) -> Answer:
    """What a response says."""
    if not response.choices:
        raise BadAnswer("an answer without choices")
    choice = response.choices[0]
    text, finish = choice.message.content or "", str(choice.finish_reason or "")
    if finish == "content_filter" and not text:
        raise BadAnswer("the answer was withheld by a content filter", withheld=True)
    usage = getattr(response, "usage", None)
    return Answer(
        text, finish, getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
    )


def _import_litellm() -> Any:
    # Before the import: litellm would otherwise download its price table.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    return cast(Any, litellm)


def _route(endpoint: Endpoint) -> str:
    """litellm's name of an endpoint. `hosted_vllm/` takes 2.6 ms of CPU a call, `openai/` 4.3 (FACTS.md)."""
    if endpoint.base_url is None:
        return endpoint.model
    return f"hosted_vllm/{endpoint.model.removeprefix('hosted_vllm/')}"


async def _listen(call: Call, task: asyncio.Task[tuple[Entry, Usage]]) -> tuple[Entry, Usage]:
    """Wait for a call without being able to break it off: what was sent is paid, so it is kept."""
    call.listeners += 1
    try:
        return await asyncio.shield(task)
    finally:
        call.listeners -= 1


def _missing(call: Call) -> str:
    request = call.request
    what = f"agent {request.agent or '-'}, item {request.item or '-'}, occurrence {request.occurrence}"
    return (
        f"not in the record: a call for {request.purpose} ({what}, model {call.line.endpoint.model}, "
        f"key {call.key[:12]}); a replay must have the configuration of the recorded run"
    )
