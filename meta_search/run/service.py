"""The one process that holds the keys and the pen: gateway and archive writer behind async methods.

With Ray it lives in a named actor on the driver's node (`evaluators.ray_pool.RayHost`), without Ray in a
thread of the driver (`run.hosts.ThreadHost`). Both hosts have the same `call(method, *args) -> Future`; a
thread keeps the order of the calls, Ray does not (`run.hosts.OrderedHost`).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from archive.readers import Readers, database_path
from archive.store import Store
from meta_search.config import BudgetConfig, Config, LLMConfig, ModelConfig, from_mapping
from meta_search.errors import ConfigError, MetaSearchError
from meta_search.llm.addresses import PASSWORD, complaint, normal_url
from meta_search.llm.budget import Budget
from meta_search.llm.gateway import Books, Endpoint, Gateway, GatewayStatus
from meta_search.llm.ledger import Entry, Ledger, find_entry
from meta_search.llm.takes import Takes
from meta_search.run.fork import answers_of
from meta_search.run.pen import Pen
from meta_search.text import error_line
from meta_search.types import CallReply, CallRequest, MetaName, Usage, meta_role

__all__ = ["Service", "endpoints_for", "make_service"]

VARIABLE = re.compile(r"\$([A-Za-z_]\w*)")


class Service:
    """Gateway and archive writer. All methods are called on one event loop."""

    def __init__(self, store: Store, gateway: Gateway) -> None:
        self._store = store
        self._gateway = gateway
        self._learned: tuple[Takes, ...] = ()

    async def start(self) -> dict[str, dict[str, float]]:
        """Load litellm and check the endpoints; returns the price table in use."""
        await self._gateway.start()
        self._learned = self._gateway.learned
        if self._gateway.takes:
            self._store_takes()
        return self._gateway.prices

    async def call(self, request: CallRequest) -> CallReply:
        """One LLM call, through the ledger."""
        reply = await self._gateway.call(request)
        if self._gateway.learned != self._learned:
            self._store_takes()
        return reply

    def _store_takes(self) -> None:
        """Keep what was learned of the endpoints with the run."""
        self._learned = self._gateway.learned
        self._store.set_meta("takes", self._gateway.takes)

    async def write(self, method: str, *args: Any) -> Any:
        """Call a method of the `Store` and wait for its commit."""
        pen: Pen = self._store  # the type checker sees here that a Store takes all that is written
        return await asyncio.wrap_future(getattr(pen, method)(*args))

    async def in_order(self, calls: Sequence[tuple[str, tuple[Any, ...]]]) -> list[Any]:
        """Several calls, (method, arguments), begun in turn; for each a result or a fault of ours."""
        begun = [asyncio.ensure_future(getattr(self, method)(*args)) for method, args in calls]
        return [_portable(result) for result in await asyncio.gather(*begun, return_exceptions=True)]

    async def status(self) -> GatewayStatus:
        """What is going on."""
        return self._gateway.status()

    async def set_phase(self, phase: str) -> None:
        """`search` or `final`; see `Gateway.set_phase`."""
        self._gateway.set_phase("final" if phase == "final" else "search")

    async def set_limits(self, budget: BudgetConfig) -> None:
        """See `Gateway.set_limits`."""
        self._gateway.set_limits(budget)

    async def stand(self, still: bool) -> None:
        """See `Gateway.stand`."""
        self._gateway.stand(still)

    async def end_within(self, seconds: float) -> None:
        """See `Gateway.end_within`."""
        self._gateway.end_within(seconds)

    async def close(self) -> None:
        """Finish what is in flight, commit, and close the archive."""
        await self._gateway.close()
        await asyncio.to_thread(self._store.close)


def _portable(result: Any) -> Any:
    """A result, or an exception as one of ours, which can travel and is told in one line."""
    if not isinstance(result, BaseException) or isinstance(result, MetaSearchError):
        return result
    return MetaSearchError(f"fault in the process that holds the archive: {error_line(result)}")


def endpoints_for(config: Mapping[str, Any], local: Mapping[str, Endpoint]) -> dict[str, Endpoint]:
    """Endpoints of the model roles: the embedded servers, or what the configuration names.

    The judge is the meta model where none is named.

    Raises:
        ConfigError: A model is not named, or its key variable is empty; one line that names the variable.
    """
    if local:
        return {**local, "judge": local.get("judge", local["meta"])} if "meta" in local else dict(local)
    llm = from_mapping(config).llm
    key: str | None = None
    if llm.api_key_env and llm.mode != "replay":
        key = os.environ.get(llm.api_key_env, "").strip()
        if not key:
            raise ConfigError(f"the environment variable {llm.api_key_env} (llm.api_key_env) holds no key")
        if not (key.isascii() and key.isprintable()):  # the wire would quote it in its complaint
            raise ConfigError(
                f"the key in {llm.api_key_env} (llm.api_key_env) has a line break or is not ASCII"
            )
    found = {}
    for role, model in (("meta", llm.meta), ("task", llm.task)):
        if not model.model:
            raise ConfigError(f"name the model: llm.{role}.model=…")
        found[role] = _endpoint(model, llm, key)
    if llm.meta.models:
        for name, model in llm.meta_models.items():
            found[meta_role(name)] = _endpoint(model, llm, key)
    found["judge"] = _endpoint(llm.judge, llm, key) if llm.judge.model else found["meta"]
    return found


def _endpoint(model: ModelConfig, llm: LLMConfig, key: str | None) -> Endpoint:
    """Where a role's model answers; what stands in headers as `$NAME` is read from the environment."""
    base_url = model.base_url or llm.base_url
    if base_url and llm.mode != "replay" and (wrong := complaint(base_url)):
        if wrong == PASSWORD:
            raise ConfigError(
                "llm.base_url holds a password, which would be kept with the run: leave it out, and set "
                'llm.extra_headers={Authorization:$BASIC} with BASIC="Basic $(printf USER:PASSWORD | base64)"'
            )
        raise ConfigError(f"llm.base_url={base_url} {wrong}")
    headers = {**llm.extra_headers}
    for name, value in headers.items():
        for variable in VARIABLE.findall(value):
            held = os.environ.get(variable, "").strip()
            if not held and llm.mode != "replay":
                raise ConfigError(f"the environment variable {variable} (llm.extra_headers) is empty")
            headers[name] = re.sub(rf"\${variable}\b", held.replace("\\", r"\\"), headers[name])
    extra = {**llm.extra_body, **model.extra}
    return Endpoint(
        model.model,
        normal_url(base_url) if base_url else None,
        key,
        extra=json.dumps(extra, sort_keys=True) if extra else "",
        headers=tuple(sorted(headers.items())),
    )


def make_service(
    archive: str, config: Mapping[str, Any], local: Mapping[str, Endpoint], elapsed_s: float
) -> Service:
    """Open the archive and the gateway; runs in the process that will hold them.

    Args:
        archive: Path of `archive.db`.
        config: The configuration as plain mappings.
        local: Endpoints of the embedded servers, empty if there are none.
        elapsed_s: Seconds that earlier sessions of the run took.
    """
    built = from_mapping(config)
    endpoints = endpoints_for(config, local)
    store = Store.open(archive)
    try:
        built = _priced(built, store)
        ledger = Ledger(store)
        spent = sum(ledger.spent().values(), Usage())
        budget = Budget(built.budget, spent, elapsed_s)
        books = Books(ledger, budget, *_other(built))
        gateway = Gateway(built.llm, endpoints, books, known=_stored(store, "takes"))
    except BaseException:
        store.close()
        raise
    return Service(store, gateway)


def _other(config: Config) -> tuple[Callable[[str], Entry | None] | None, bool]:
    """The ledger of `llm.recording` outside a replay, or of the run that is forked, and whether its answers
    are free, as those of a fork are. Either may be gone by the time the run is resumed."""
    recording = config.llm.recording if config.llm.mode != "replay" else None
    if not recording or not Path(recording).exists():
        return answers_of(config), True
    readers = Readers(database_path(recording))
    return lambda key: find_entry(readers.get(), key), False


def _priced(config: Config, store: Store) -> Config:
    """A resumed run accounts by the price table it was started with, whatever litellm's table says today."""
    stored = _stored(store, "prices")
    known = {model: price for model, price in stored.items() if any(price.values())}
    return replace(config, llm=replace(config.llm, prices={**config.llm.prices, **known}))


def _stored(store: Store, name: MetaName) -> dict[str, Any]:
    """A mapping of the archive's table `meta`; empty where there is none."""
    row = store.reader().execute("SELECT value FROM meta WHERE key = ?", (name,)).fetchone()
    return dict(json.loads(row[0])) if row else {}
