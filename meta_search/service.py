"""The one process that holds the keys and the pen: gateway and archive writer behind async methods.

With Ray it lives in a named actor on the driver's node (`evaluate.ray_pool.RayHost`), without Ray in a
thread of the driver (`ThreadHost`). Both hosts have the same `call(method, *args) -> Future`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from archive.readers import Readers, database_path
from archive.store import Store
from meta_search.config import Config, from_mapping
from meta_search.errors import ConfigError
from meta_search.llm.budget import Budget
from meta_search.llm.gateway import Endpoint, Gateway, GatewayStatus
from meta_search.llm.ledger import Entry, Ledger, find_entry
from meta_search.types import CallReply, CallRequest, Usage

__all__ = ["Host", "OrderedHost", "Service", "ThreadHost", "endpoints_for", "make_service"]


CLOSE_S = 5.0
ORDERED = ("write", "close")  # methods of `Service` that must not overtake each other


class Host(Protocol):
    """Where a `Service` lives. Calls of `write` begin in the order in which they were made."""

    def call(self, method: str, *args: Any) -> Future[Any]: ...

    def close(self) -> None: ...


class Service:
    """Gateway and archive writer. All methods are called on one event loop."""

    def __init__(self, store: Store, gateway: Gateway) -> None:
        self._store = store
        self._gateway = gateway

    async def start(self) -> dict[str, dict[str, float]]:
        """Load litellm and check the endpoints; returns the price table in use."""
        await self._gateway.start()
        return self._gateway.prices

    async def call(self, request: CallRequest) -> CallReply:
        """One LLM call, through the ledger."""
        return await self._gateway.call(request)

    async def write(self, method: str, *args: Any) -> Any:
        """Call a method of the `Store` and wait for its commit."""
        return await asyncio.wrap_future(getattr(self._store, method)(*args))

    async def in_order(self, calls: Sequence[tuple[str, tuple[Any, ...]]]) -> list[Any]:
        """Several calls, (method, arguments), begun one after another; a result or an exception for each."""
        begun = [asyncio.ensure_future(getattr(self, method)(*args)) for method, args in calls]
        return await asyncio.gather(*begun, return_exceptions=True)

    async def status(self) -> GatewayStatus:
        """What is going on."""
        return self._gateway.status()

    async def set_phase(self, phase: str) -> None:
        """`search` or `final`; see `Gateway.set_phase`."""
        self._gateway.set_phase("final" if phase == "final" else "search")

    async def close(self) -> None:
        """Finish what is in flight, commit, and close the archive."""
        await self._gateway.close()
        await asyncio.to_thread(self._store.close)


def endpoints_for(config: Mapping[str, Any], local: Mapping[str, Endpoint]) -> dict[str, Endpoint]:
    """Endpoints of the two model roles: the embedded servers, or what the configuration names.

    Raises:
        ConfigError: A model is not named, or its key variable is empty; one line that names the variable.
    """
    if local:
        return dict(local)
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
        found[role] = Endpoint(model.model, model.base_url or llm.base_url, key)
    return found


def make_service(
    archive: str, config: Mapping[str, Any], local: Mapping[str, Endpoint], elapsed_s: float
) -> Service:
    """Open the archive and the gateway; runs in the process that will hold them.

    Args:
        archive: Path of `archive.db`.
        config: The configuration as plain mappings.
        local: Endpoints of the embedded servers, empty if there are none.
        elapsed_s: Seconds that earlier sittings of the run took.
    """
    built = from_mapping(config)
    endpoints = endpoints_for(config, local)
    store = Store.open(archive)
    try:
        built = _priced(built, store)
        ledger = Ledger(store)
        spent = sum(ledger.spent().values(), Usage())
        budget = Budget(built.budget, spent, elapsed_s)
        gateway = Gateway(built.llm, endpoints, ledger, budget, other=_other(built))
    except BaseException:
        store.close()
        raise
    return Service(store, gateway)


def _other(config: Config) -> Callable[[str], Entry | None] | None:
    """The ledger of `llm.recording` outside a replay. It may be gone by the time the run is resumed."""
    recording = config.llm.recording if config.llm.mode != "replay" else None
    if not recording or not Path(recording).exists():
        return None
    readers = Readers(database_path(recording))
    return lambda key: find_entry(readers.get(), key)


def _priced(config: Config, store: Store) -> Config:
    """A resumed run accounts by the price table it was started with, whatever litellm's table says today."""
    row = store.reader().execute("SELECT value FROM meta WHERE key = 'prices'").fetchone()
    stored = json.loads(row[0]) if row else {}
    known = {model: price for model, price in stored.items() if any(price.values())}
    return replace(config, llm=replace(config.llm, prices={**config.llm.prices, **known}))


class ThreadHost:
    """Hosts an object with async methods on an event loop in a thread of this process."""

    def __init__(self, factory: Callable[..., Any], *args: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="service", daemon=True)
        self._thread.start()
        self._object = self._on_loop(factory, *args)

    def _on_loop(self, factory: Callable[..., Any], *args: Any) -> Any:
        async def make() -> Any:
            return factory(*args)

        return asyncio.run_coroutine_threadsafe(make(), self._loop).result()

    def call(self, method: str, *args: Any) -> concurrent.futures.Future[Any]:
        """Call an async method of the object."""
        return asyncio.run_coroutine_threadsafe(getattr(self._object, method)(*args), self._loop)

    def close(self) -> None:
        """Stop the loop; have the object close itself before. What is left on the loop is cancelled."""
        if self._loop.is_closed():
            return
        with contextlib.suppress(concurrent.futures.TimeoutError):
            asyncio.run_coroutine_threadsafe(_cancel_all(), self._loop).result(CLOSE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_S)
        if not self._thread.is_alive():
            self._loop.close()


class OrderedHost:
    """A host on Ray whose writes keep their order.

    Ray lets calls of an actor that works on several at a time overtake each other (one in twenty did, where
    two were made within a millisecond): an event came before the one that led to it, and a run that was
    killed could not be resumed. What is written while a message is on its way waits, and goes with the next.

    Args:
        host: Of a `Service`.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._waiting: list[tuple[Future[Any], str, tuple[Any, ...]]] = []
        self._sending = False

    def call(self, method: str, *args: Any) -> Future[Any]:
        """Call an async method of the object; the futures of ordered ones cannot be cancelled."""
        if method not in ORDERED:
            return self._host.call(method, *args)
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            self._waiting.append((future, method, args))
            first, self._sending = not self._sending, True
        if first:
            self._send()
        return future

    def close(self) -> None:
        """Close the host; have the object close itself before."""
        self._host.close()

    def _send(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
            self._sending = bool(batch)
        if not batch:
            return
        futures = [future for future, _, _ in batch]
        try:
            sent = self._host.call("in_order", [(method, args) for _, method, args in batch])
        except Exception as error:  # noqa: BLE001 (handed to whoever waits)
            self._settle(futures, [error] * len(futures))
        else:
            sent.add_done_callback(lambda done: self._settle(futures, _results(done, len(futures))))

    def _settle(self, futures: Sequence[Future[Any]], results: Sequence[Any]) -> None:
        self._send()  # first: whoever waits for these may take a while
        for future, result in zip(futures, results, strict=True):
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)


def _results(done: Future[list[Any]], most: int) -> list[Any]:
    error = done.exception()
    return done.result() if error is None else [error] * most


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
