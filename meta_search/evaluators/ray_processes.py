"""What runs inside the processes that Ray starts for us, and what they inherit. Does not import Ray.

Ray puts the driver's working directory first on the import path of its workers, where a folder named `conf`,
`archive` or `domains` would hide ours. So the actor class is pickled by value (`make_actor_class`) and
imports nothing of ours until it has taken over the driver's import path.
"""

from __future__ import annotations

import os
import pickle
import select
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from meta_search.config import SandboxConfig
from meta_search.errors import MetaSearchError
from meta_search.evaluators.gateway_link import GatewayLink, GatewayLinkServer
from meta_search.types import CallReply, CallRequest, ItemJob, ItemResult

__all__ = ["HostedObject", "ProcessSetup", "SandboxWorker", "first_line", "make_actor_class", "without_keys"]

NICE = 5  # agents' own work must not starve the gateway or a local model's server

# What the processes with sandboxes inherit of the driver's environment. Everything else, above all keys, goes
# to the host only, in a message: Ray would write a runtime_env to its logs.
INHERITED = {
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP"),
    *("VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("NO_PROXY", "no_proxy"),
}
INHERITED_PREFIXES = ("LC_", "RAY_", "PYTHON", "XDG_")


@dataclass(frozen=True, slots=True)
class ProcessSetup:
    """How one of our processes sets itself up before it makes its object.

    Attributes:
        environment: Replaces its environment; `None` leaves it.
        driver: Process id of the driver, if it is on this node: this process ends when the driver does. Ray
            alone would take two seconds, in which agents would go on calling the model.
    """

    environment: dict[str, str] | None = None
    driver: int | None = None

    def apply(self) -> None:
        """Set up this process."""
        if self.environment is not None:
            os.environ.clear()
            os.environ.update(self.environment)
        if self.driver is not None:
            threading.Thread(target=_end_with, args=(self.driver,), name="driver-watch", daemon=True).start()


def _end_with(driver: int) -> None:
    with suppress(ProcessLookupError):
        select.select([os.pidfd_open(driver)], [], [])
    os._exit(1)


class _Sandbox(Protocol):
    """What a worker needs of `meta_search.sandbox.Sandbox`."""

    async def start(self) -> None: ...
    async def run(self, job: ItemJob, llm: Callable[[CallRequest], Awaitable[CallReply]]) -> ItemResult: ...
    async def close(self) -> None: ...


class SandboxWorker:
    """A worker's object: one sandbox, whose calls go to the host over a link.

    Args:
        config: Limits and level of the sandbox.
        sandbox: Makes the sandbox; `None` takes `meta_search.sandbox.Sandbox`.
        link: Connects to `HostedObject.serve`.
    """

    def __init__(
        self, config: SandboxConfig, sandbox: Callable[[SandboxConfig], _Sandbox] | None, link: GatewayLink
    ) -> None:
        if sandbox is None:
            from meta_search.sandbox import Sandbox

            sandbox = Sandbox
        self._sandbox = sandbox(config)
        self._link = link

    async def start(self) -> dict[str, str]:
        """Start the sandbox; which of its layers do not work there, and why."""
        os.nice(NICE)
        await self._sandbox.start()
        return dict(getattr(self._sandbox, "missing", {}))

    async def run(self, job: ItemJob) -> ItemResult:
        """Run one item."""
        return await self._sandbox.run(job, self._call)

    async def close(self) -> None:
        """Close the sandbox and the link."""
        await self._sandbox.close()
        self._link.close()

    async def _call(self, request: CallRequest) -> CallReply:
        try:
            reply: CallReply = await self._link.call(request)
        except (OSError, RuntimeError) as error:
            # The gateway returns its faults as values: this is its death, or a fault of ours.
            raise MetaSearchError(f"the gateway's process failed: {first_line(error)}") from error
        return reply


class HostedObject:
    """The object of the host's process: the driver calls it through Ray, workers over a `GatewayLink`.

    Args:
        factory: Makes the object that is called.
        arguments: Of the factory.
    """

    def __init__(self, factory: Callable[..., Any], *arguments: Any) -> None:
        self._object = factory(*arguments)

    async def serve(self, interface: str, secret: bytes, tls: bool) -> int:
        """Let workers call the object's `call`.

        Args:
            interface: Address to listen on.
            secret: What workers must know.
            tls: Use TLS with Ray's certificates.

        Returns:
            The port.
        """
        self._server = GatewayLinkServer(lambda request: self._object.call(request), secret)
        return await self._server.open(interface, tls)

    async def call(self, method: str, *arguments: Any) -> Any:
        """Call an async method of the object."""
        return await getattr(self._object, method)(*arguments)


def make_actor_class() -> type[Any]:
    """The actor class of all our processes, made in a function so that it is pickled by value."""

    class Shell:
        def __init__(self) -> None:
            self._object: Any = None

        async def open(self, path: list[str], folder: str, packed: bytes) -> int:
            """Take over the driver's import path, then make this process's object.

            Args:
                path: The driver's `sys.path`, absolute; entries that do not exist on this node are dropped.
                folder: The driver's working directory.
                packed: Pickled tuple of a `ProcessSetup`, the object's factory, and the factory's arguments.

            Returns:
                The process id.
            """
            there = [entry for entry in path if os.path.exists(entry)]
            sys.path[:] = there + [p for p in sys.path if p not in there and p != folder]
            setup, factory, arguments = pickle.loads(packed)
            setup.apply()
            self._object = factory(*arguments)
            return os.getpid()

        async def invoke(self, method: str, *arguments: Any) -> Any:
            """Call an async method of the object."""
            return await getattr(self._object, method)(*arguments)

    return Shell


@contextmanager
def without_keys(**more: str) -> Iterator[None]:
    """Restrict this thread's copies of `os.environ` to what workers may inherit.

    Ray copies it for each process that it starts, and has no setting for that. Other threads are not
    affected.

    Args:
        more: Further variables of the copies.
    """
    whole, thread = os.environ.copy, threading.get_ident()

    def copy() -> dict[str, str]:
        copied = whole()
        if threading.get_ident() != thread:
            return copied
        kept = {k: v for k, v in copied.items() if k in INHERITED or k.startswith(INHERITED_PREFIXES)}
        return kept | more

    vars(os.environ)["copy"] = copy
    try:
        yield
    finally:
        del vars(os.environ)["copy"]


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its type where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
