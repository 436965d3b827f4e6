"""The values of a call on its way: what it asks, where it goes, what it may cost."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from meta_search.config import LLMConfig
from meta_search.errors import LLMError
from meta_search.llm import structured, tools
from meta_search.llm.endpoint import Endpoint, Price, bound_tokens
from meta_search.llm.ledger import call_key
from meta_search.llm.replies import Answer
from meta_search.llm.takes import SchemaMode, Takes, told
from meta_search.llm.throttle import Throttle
from meta_search.types import CallRequest, Purpose, Usage

__all__ = [
    "AGENTS",
    "PROBE",
    "Answer",
    "Call",
    "Dropped",
    "Route",
    "SchemaMode",
    "Shape",
    "estimated",
    "open_routes",
    "resolve",
]

# Bytes that instructions or a provider's template add around a schema.
SCHEMA_OVERHEAD = 256
AGENTS = ("task", "teacher")  # purposes of calls that candidate code makes
FEW = 4  # calls in flight of agents that are distrusted, so that others do not wait for theirs
PROBE: Purpose = "probe"  # of the gateway's own, which alone tell what an endpoint takes

TAKES = Takes()


class Dropped(Exception):
    """A call that nobody waits for any more, dropped before it was sent."""


@dataclass(slots=True, eq=False)
class Route:
    """An endpoint and what was learned about it in this session.

    Attributes:
        endpoint: Where calls go.
        price: What they cost.
        gates: Throttles to pass: the endpoint's, which adapts to it, and the one of all endpoints.
        takes: What it takes, as far as it has told.
        failed: Calls failed in a row, each after all its attempts, while probes failed as well.
        missed: Attempts failed in a row.
        answered: Attempts that were answered.
        last_sent: When the attempt was sent that was answered and sent last; monotonic seconds.
        last_answer: When the last answer came.
        doubted: What a probe has looked into in this session: fields of `Takes`.
        rooms: Agent -> limit of tokens that an answer of its own needed with the model's thinking.
        fickle: Whether it has refused a request and answered the same a moment later.
        distrusted: Agents with a call that came to nothing after all its attempts, as others were answered.
        few: Held by attempts of these agents.
        round: Set when the call comes back that finds out about schemas; `None` while none is out.
    """

    endpoint: Endpoint
    price: Price
    gates: tuple[Throttle, ...]
    takes: Takes = TAKES
    failed: int = 0
    missed: int = 0
    answered: int = 0
    last_sent: float = float("-inf")
    last_answer: float = float("-inf")
    doubted: set[str] = field(default_factory=set)
    rooms: dict[str, int] = field(default_factory=dict)
    fickle: bool = False
    distrusted: set[str] = field(default_factory=set)
    few: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, FEW))
    round: asyncio.Event | None = None

    @property
    def schema(self) -> SchemaMode:
        """How it takes JSON schemas. `unknown` until the first call with a schema has told; the others wait
        for that one."""
        return self.takes.schema

    @schema.setter
    def schema(self, mode: SchemaMode) -> None:
        self.takes = dataclasses.replace(self.takes, schema=mode)
        if self.round is not None and mode != "unknown":
            self.round.set()

    @property
    def is_known(self) -> bool:
        """Whether it is known how the endpoint takes schemas."""
        return self.schema != "unknown"

    def learns(self, changes: Mapping[str, Any]) -> str:
        """Keep something that was learned of the endpoint; one line on it, `""` where it is not new."""
        new = {name: value for name, value in changes.items() if getattr(self.takes, name) != value}
        if new:
            self.takes = dataclasses.replace(self.takes, **new)
        return told(self.endpoint.model, new)

    def answers(self, sent: float) -> None:
        """An attempt that was sent then is answered now."""
        self.failed, self.missed, self.answered = 0, 0, self.answered + 1
        self.last_sent, self.last_answer = max(self.last_sent, sent), time.monotonic()


@dataclass(slots=True, eq=False)
class Call:
    """A call, resolved.

    Attributes:
        key: Ledger key.
        request: What is asked, messages safe to encode.
        route: Where to.
        max_tokens: Most tokens of the answer.
        estimate: Upper bound of one attempt's usage.
        listeners: Callers that wait for it; nobody's call is dropped if it was not sent yet.
        phase: Phase of the budget in which it was asked for.
    """

    key: str
    request: CallRequest
    route: Route
    max_tokens: int
    estimate: Usage
    listeners: int = 0
    phase: str = "search"

    @property
    def whose(self) -> str:
        """The agent that may bring a failure about, by what it asks or by the answer that is judged; `""` for
        calls of ours."""
        return self.request.agent if self.request.purpose in (*AGENTS, "judge") else ""

    @property
    def is_distrusted(self) -> bool:
        """Whether its agent had a call that failed for good as others were answered: what calls of such an
        agent meet says nothing of the endpoint, and is not worth much patience."""
        return self.whose in self.route.distrusted


@dataclass(frozen=True, slots=True)
class Shape:
    """What a probe takes over of a call: nothing that an agent writes or chooses.

    Attributes:
        system: Whether there is a system message.
        seed: Whether there is a seed.
        mode: How a schema is sent; `None` without one.
        limit: Most tokens of the answer.
        tools: Whether tools are offered.
    """

    system: bool
    seed: bool
    mode: SchemaMode | None
    limit: int
    tools: bool = False


def open_routes(
    config: LLMConfig,
    endpoints: Mapping[str, Endpoint],
    whole: Throttle,
    known: Mapping[str, Mapping[str, Any]],
) -> dict[str, Route]:
    """Role -> route; endpoints of one place share a throttle.

    Args:
        config: `llm.*`.
        endpoints: Role -> endpoint.
        whole: The throttle of all endpoints.
        known: What earlier sessions learned: `Endpoint.title` -> `Takes.differs`.
    """
    if "task" not in endpoints:
        raise LLMError("no endpoint for the role task: set llm.task.model")
    gates: dict[str, Throttle] = {}
    routes: dict[Endpoint, Route] = {}
    for endpoint in endpoints.values():
        if endpoint.place not in gates:
            limit = min(config.max_concurrency, endpoint.slots or config.max_concurrency)
            gates[endpoint.place] = Throttle(limit, config.requests_per_minute, config.tokens_per_minute)
        if endpoint not in routes:
            takes = Takes() if endpoint.free else Takes.of(endpoint.model, known.get(endpoint.title))
            routes[endpoint] = Route(endpoint, Price(), (gates[endpoint.place], whole), takes)
    return {role: routes[endpoint] for role, endpoint in endpoints.items()}


def resolve(request: CallRequest, routes: Mapping[str, Route], config: LLMConfig) -> Call:
    """What a request comes to: model, limits, ledger key and upper bound of its cost."""
    route = routes[_role(request, routes)]
    max_tokens = request.max_tokens or config.max_tokens
    if request.purpose in AGENTS:  # what an agent asks for must not reserve the whole budget
        max_tokens = min(max_tokens, config.max_tokens)
    messages = tuple((role, _encodable(tools.encodable(role, text))) for role, text in request.messages)
    request = dataclasses.replace(request, messages=messages)
    key = call_key(request, route.endpoint.asked, max_tokens, config.cache)
    return Call(key, request, route, max_tokens, estimated(request, route, max_tokens))


def estimated(request: CallRequest, route: Route, max_tokens: int) -> Usage:
    """Upper bound of one attempt's usage."""
    extra = tools.bytes_of(request.tools)
    if request.schema:
        extra += len(structured.instructions(request.schema).encode()) + SCHEMA_OVERHEAD
    return route.price.usage(bound_tokens(request.messages, extra), max_tokens)


def _role(request: CallRequest, routes: Mapping[str, Route]) -> str:
    """Role or model name -> role. Candidate code gets the task model whatever it names: published agents
    name models of their day, and hostile ones would name the most expensive."""
    if request.purpose == "task" and request.model.partition(":")[0] == "meta":
        return "task"
    if request.model in routes:
        return request.model
    if request.purpose == "task":
        return "task"
    roles = (role for role, route in routes.items() if route.endpoint.model == request.model)
    return next(roles, "task")


def _encodable(text: str) -> str:
    """Text without lone surrogates, which JSON carries and UTF-8 does not."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
