"""What a run needs while it runs: domain, embedded models, Ray, gateway, archive, evaluator; opened together.

Opening overlaps what can overlap (a slow domain's import, llama.cpp loading a model, Ray's start), and closes
everything that was opened when any of it fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from domains.domain import Domain
from meta_search.config import Config, to_mapping
from meta_search.errors import MetaSearchError
from meta_search.evaluators.evaluator import Evaluator
from meta_search.evaluators.inline import InlineEvaluator
from meta_search.llm.gateway import GatewayStatus
from meta_search.run.clock import Standstill
from meta_search.run.domain_scorer import Scorer
from meta_search.run.folder import ARCHIVE
from meta_search.run.hosts import Host, OrderedHost, ThreadHost
from meta_search.run.model_servers import start_servers
from meta_search.run.pen import Pen, make_pen
from meta_search.run.preflight import Ready
from meta_search.run.salt import salt_for
from meta_search.run.service import make_service
from meta_search.run.signals import kept_from_children
from meta_search.sandbox.trusted.layers import lost_layers
from meta_search.types import CallReply, CallRequest

__all__ = ["Session", "open_session"]

ROOM = 320  # tokens of a judge's reply at least


@dataclass(slots=True, eq=False)
class Session:
    """An opened run: from a start, or a resume, to its end.

    Attributes:
        config: The configuration; the only part that changes, where a person steers its limits.
        folder: The run folder.
        domain: Items and scorer.
        host: Where gateway and archive writer live.
        evaluator: Runs items in sandboxes.
        started: Monotonic time at which this session began.
        elapsed_s: Seconds of earlier sessions.
        scorer: Where the domain's scorer runs.
        salt: Secret of the run; see `run.salt`.
        prices: Model -> USD per million tokens, as the run accounts for them.
        stood: For how long the clock stood, while the run was paused.
    """

    config: Config
    folder: Path
    domain: Domain
    host: Host
    evaluator: Evaluator
    started: float
    elapsed_s: float
    scorer: Scorer
    salt: str = ""
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    stood: Standstill = field(default_factory=Standstill)

    @property
    def elapsed(self) -> float:
        """Seconds of the run so far, over all sessions, without those for which it was paused."""
        return self.elapsed_s + time.monotonic() - self.started - self.stood.seconds

    @property
    def pen(self) -> Pen:
        """Writes to the archive."""
        return make_pen(self.write)

    def write(self, method: str, *args: Any) -> Future[Any]:
        """Send one write; `pen` has the methods."""
        return self.host.call("write", method, *args)

    def set_phase(self, phase: Literal["search", "final"]) -> None:
        """Say which share of the budget is open: that of the search, or all of it."""
        self.host.call("set_phase", phase).result()

    def limit(self, config: Config) -> None:
        """Other limits hold from now on, for the gateway too.

        Args:
            config: The configuration with them.
        """
        self.config = config
        self.host.call("set_limits", config.budget).result()

    def stand(self, still: bool) -> None:
        """Whether the clock of the run stands still."""
        if still:
            self.stood.begin()
        else:
            self.stood.end()
        self.host.call("stand", still).result()

    def end_within(self, seconds: float) -> None:
        """No LLM call waits for its endpoint any longer than this."""
        self.host.call("end_within", seconds).result()

    def ask(self, request: CallRequest) -> CallReply:
        """One LLM call; blocks."""
        reply: CallReply = self.host.call("call", request).result()
        return reply

    def status(self) -> GatewayStatus:
        """What the gateway has spent and has in flight."""
        status: GatewayStatus = self.host.call("status").result()
        return status


@contextlib.contextmanager
def open_session(
    config: Config, folder: Path, elapsed_s: float, say: Callable[[str], None], ready: Ready
) -> Iterator[Session]:
    """Open everything a run needs, and close it in the end.

    Args:
        config: The configuration.
        folder: An existing run folder.
        elapsed_s: Seconds of earlier sessions.
        say: Gets a line on each slow step.
        ready: What `preflight.checked` has seen.

    Raises:
        MetaSearchError: Something that the run needs is not there; one line.
    """
    started = time.monotonic()
    salt = salt_for(config, folder)
    with contextlib.ExitStack() as stack:
        local = start_servers(config, folder, stack, say)

        def service() -> tuple[Any, ...]:
            """As plain values: the service may live in another process."""
            archive, elapsed = str((folder / ARCHIVE).resolve()), elapsed_s + time.monotonic() - started
            return archive, to_mapping(config), dict(local), elapsed

        open_host = _open_ray if config.evaluate.executor == "ray" else _open_inline
        host, make_evaluator = open_host(config, service, stack, say)
        stack.callback(_close_service, host)
        prices = host.call("start")
        made = ready.domain.result()
        for note in getattr(made, "notes", ()):
            say(note)
        # Closed after the evaluator, whose last results still come to it.
        scoring = stack.enter_context(contextlib.ExitStack())
        evaluator = make_evaluator()
        stack.callback(evaluator.close)
        if lost := lost_layers(getattr(evaluator, "missing", {})):
            say(lost)
        scorer = Scorer(made, config.sandbox, lambda request: host.call("call", _with_room(request, config)))
        scoring.callback(scorer.close)
        known = prices.result()
        session = Session(config, folder, made, host, evaluator, started, elapsed_s, scorer, salt, known)
        session.pen.set_meta("prices", known).result()
        session.pen.set_meta("salt", salt).result()
        yield session


Opened = tuple[Host, Callable[[], Evaluator]]
Parts = Callable[[], tuple[Any, ...]]  # arguments of `make_service`, taken when it is made


def _open_inline(
    config: Config, service: Parts, stack: contextlib.ExitStack, say: Callable[[str], None]
) -> Opened:
    host = ThreadHost(make_service, *service())
    stack.callback(host.close)

    async def call(request: CallRequest) -> CallReply:
        reply: CallReply = await asyncio.wrap_future(host.call("call", request))
        return reply

    return host, lambda: InlineEvaluator(config.sandbox, config.evaluate, call)


def _open_ray(
    config: Config, service: Parts, stack: contextlib.ExitStack, say: Callable[[str], None]
) -> Opened:
    from meta_search.evaluators.ray_pool import RayHost, RayPool, start_ray, stop_ray

    say("starting Ray" if config.ray.address is None else f"joining Ray at {config.ray.address}")
    with kept_from_children():
        notes = start_ray(config.ray)
        stack.callback(stop_ray)
        for note in notes:
            say(note)
        host = RayHost(make_service, *service())
        stack.callback(host.close)
    ordered = OrderedHost(host)
    stack.callback(ordered.close)
    return ordered, lambda: RayPool(config, host)


def _with_room(request: CallRequest, config: Config) -> CallRequest:
    """A verdict takes a few sentences, whatever agents are allowed."""
    if request.schema is None or request.max_tokens is not None:
        return request
    return replace(request, max_tokens=max(ROOM, config.llm.max_tokens))


def _close_service(host: Host) -> None:
    with contextlib.suppress(MetaSearchError, TimeoutError):
        host.call("close").result(60)
