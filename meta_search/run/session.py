"""What a run needs while it runs: domain, embedded models, Ray, gateway, archive, evaluator; opened together.

Opening overlaps what can overlap (the domain's import, llama.cpp loading a model, Ray's start), and closes
everything that was opened when any of it fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domains.domain import Domain
from meta_search.agent.helpers import HELPERS
from meta_search.config import Config, to_mapping
from meta_search.errors import ConfigError, MetaSearchError, ModelFileError
from meta_search.evaluators.evaluator import Evaluator
from meta_search.evaluators.inline import InlineEvaluator
from meta_search.llm.gateway import Endpoint, GatewayStatus
from meta_search.run.domain_scorer import Scorer
from meta_search.run.folder import ARCHIVE
from meta_search.run.hosts import Host, OrderedHost, ThreadHost
from meta_search.run.service import endpoints_for, make_service
from meta_search.types import CallReply, CallRequest

__all__ = ["Session", "open_session"]


@dataclass(frozen=True, slots=True)
class Session:
    """An opened run.

    Attributes:
        config: The configuration. folder: The run folder.
        domain: Items and scorer. host: Where gateway and archive writer live.
        evaluator: Runs items in sandboxes.
        started: Monotonic time at which this sitting began. elapsed_s: Seconds of earlier sittings.
        scorer: Where the domain's scorer runs.
    """

    config: Config
    folder: Path
    domain: Domain
    host: Host
    evaluator: Evaluator
    started: float
    elapsed_s: float
    scorer: Scorer

    @property
    def elapsed(self) -> float:
        """Seconds of the run so far, over all sittings."""
        return self.elapsed_s + time.monotonic() - self.started

    def write(self, method: str, *args: Any) -> Future[Any]:
        """Write to the archive; see `archive.store.Store`."""
        return self.host.call("write", method, *args)

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
    config: Config, folder: Path, elapsed_s: float, say: Callable[[str], None]
) -> Iterator[Session]:
    """Open everything a run needs, and close it in the end.

    Args:
        config: The configuration. folder: An existing run folder.
        elapsed_s: Seconds of earlier sittings.
        say: Gets a line on each slow step.

    Raises:
        MetaSearchError: Something that the run needs is not there; one line.
    """
    started = time.monotonic()
    if config.llm.provider != "local":
        endpoints_for(to_mapping(config), {})  # bad keys and names are found before anything slow starts
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        domain = pool.submit(_make_domain, config)
        local = _start_servers(config, folder, stack, say)

        def elapsed() -> float:
            return elapsed_s + time.monotonic() - started

        host, evaluator = _open_inline(config, folder, local, elapsed, stack)
        if config.evaluate.executor == "ray":
            host, evaluator = _open_ray(config, folder, local, elapsed, stack, say)
        assert host is not None
        stack.callback(_close_service, host)
        prices = host.call("start")
        made = domain.result()
        opened = evaluator() if evaluator else None
        assert opened is not None
        stack.callback(opened.close)
        scorer = Scorer(made, config.sandbox)
        stack.callback(scorer.close)
        host.call("write", "set_meta", "prices", prices.result()).result()
        yield Session(config, folder, made, host, opened, started, elapsed_s, scorer)


Opened = tuple[Host | None, Callable[[], Evaluator] | None]


def _open_inline(
    config: Config,
    folder: Path,
    local: Mapping[str, Endpoint],
    elapsed: Callable[[], float],
    stack: contextlib.ExitStack,
) -> Opened:
    if config.evaluate.executor != "inline":
        return None, None
    host = ThreadHost(make_service, str(folder / ARCHIVE), to_mapping(config), local, elapsed())
    stack.callback(host.close)

    async def call(request: CallRequest) -> CallReply:
        reply: CallReply = await asyncio.wrap_future(host.call("call", request))
        return reply

    return host, lambda: InlineEvaluator(config.sandbox, config.evaluate, call)


def _open_ray(
    config: Config,
    folder: Path,
    local: Mapping[str, Endpoint],
    elapsed: Callable[[], float],
    stack: contextlib.ExitStack,
    say: Callable[[str], None],
) -> Opened:
    from meta_search.evaluators.ray_pool import RayHost, RayPool, start_ray, stop_ray

    say("starting Ray" if config.ray.address is None else f"joining Ray at {config.ray.address}")
    start_ray(config.ray)
    stack.callback(stop_ray)
    archive = str((folder / ARCHIVE).resolve())
    host = RayHost(make_service, archive, to_mapping(config), dict(local), elapsed())
    stack.callback(host.close)
    ordered = OrderedHost(host)
    stack.callback(ordered.close)
    return ordered, lambda: RayPool(config, host)


def _close_service(host: Host) -> None:
    with contextlib.suppress(MetaSearchError, TimeoutError):
        host.call("close").result(60)


def _make_domain(config: Config) -> Domain:
    from domains import registry

    made = registry.make(config.domain)
    for name in getattr(made, "helpers", ()):
        if name not in HELPERS:
            raise ConfigError(
                f"{config.domain.path}: no helper is named {name}; there are {', '.join(HELPERS)}"
            )
    return made


def _start_servers(
    config: Config, folder: Path, stack: contextlib.ExitStack, say: Callable[[str], None]
) -> dict[str, Endpoint]:
    """Start the embedded models; one server where both roles have the same model."""
    if config.llm.provider != "local" or config.llm.mode == "replay":
        return {}
    if importlib.util.find_spec("xllamacpp") is None:
        raise ConfigError(
            "llm=local needs the extra `local`: pip install 'meta-search[local]'; or name an endpoint with "
            "llm=endpoint or llm=openai"
        )
    from meta_search.llm.local import LocalServer, Serving
    from meta_search.llm.models import find, pull

    local = config.llm.local
    endpoints: dict[str, Endpoint] = {}
    for role, name, threads, slots, context in (
        ("task", config.llm.task.model, local.threads, local.slots, local.context),
        (
            "meta",
            config.llm.meta.model,
            local.meta_threads,
            min(2, local.slots),
            config.llm.meta_context_tokens,
        ),
    ):
        if role == "meta" and name == config.llm.task.model:
            endpoints[role] = endpoints["task"]
            continue
        try:
            if find(name) is None:
                pull(name)
        except ModelFileError as error:
            if "no embedded model" in str(error):  # the user's word, not the download
                raise ConfigError(f"{error}; or set llm=endpoint for a model elsewhere") from error
            raise
        say(f"starting llama.cpp with {name}")
        log = folder / f"llama-{role}.log"
        server = LocalServer.start(Serving(name, threads, slots, context), log)
        stack.callback(server.close)
        endpoints[role] = server.endpoint
    return endpoints
