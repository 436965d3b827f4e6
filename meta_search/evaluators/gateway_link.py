"""Sends the workers' LLM calls to the gateway's process over a socket.

Through Ray, a call took 1.8 ms of the gateway's CPU and 0.9 ms of a worker's, nearly as much as litellm
itself; a socket takes a tenth of that. Values are pickled, so neither end reads any before the other one has
proved that it knows the secret, which Ray has given it: whoever takes over the port of a gateway that died is
a stranger as well. Sandboxes cannot open sockets.
Between the nodes of a cluster that uses TLS, it does so as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import os
import pickle
from collections.abc import Awaitable, Callable
from typing import Any, cast

from meta_search.evaluators.link_tls import tls_of_ray

__all__ = ["GatewayLink", "GatewayLinkServer"]

HEADER = 4  # bytes of a frame's length
PROOF = 32  # bytes of a challenge, and of the answer to it
BACKLOG = 128  # connections that are accepted together
PROOF_S = 10.0  # in which both ends prove themselves; that takes milliseconds
MOST_STRANGERS = 384  # connections that have not; of more, the oldest goes: a worker proves itself at once


class _FramedProtocol(asyncio.Protocol):
    """A stream of parts of `PROOF` bytes until both ends are known, then of frames: a length and a pickled
    tuple.

    The gateway sends a challenge, the worker answers with its own and its proof, the gateway with its proof.

    Args:
        secret: Known to both ends.

    Attributes:
        roles: Of this end and of the other: no proof can be sent back to where it came from.
    """

    roles: tuple[bytes, bytes]

    def __init__(self, secret: bytes) -> None:
        self.transport: asyncio.Transport
        self._secret = secret
        self._challenge = os.urandom(PROOF)
        self._theirs = b""  # the other end's challenge
        self._buffer = bytearray()
        self._proved = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Ray uses uvloop if it is installed, whose transports have another class.
        self.transport = cast(asyncio.Transport, transport)
        self._clock = asyncio.get_running_loop().call_later(PROOF_S, self.transport.abort)

    def connection_lost(self, error: Exception | None) -> None:
        self._clock.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while not self._proved and len(self._buffer) >= PROOF:
            part = bytes(self._buffer[:PROOF])
            del self._buffer[:PROOF]
            if not self._theirs:
                self._theirs = part
                self.challenged()
            elif hmac.compare_digest(part, self.proof(theirs=True)):
                self._proved = True
                self._clock.cancel()
                self.proved()
            else:
                self.transport.abort()
                return
        while self._proved and len(self._buffer) >= HEADER:
            end = HEADER + int.from_bytes(self._buffer[:HEADER], "big")
            if len(self._buffer) < end:
                return
            frame = bytes(self._buffer[HEADER:end])
            del self._buffer[:end]
            self.frame(*pickle.loads(frame))

    def proof(self, theirs: bool = False) -> bytes:
        """What shows that this end knows the secret, or that the other one does."""
        said = (
            (self.roles[1], self._theirs, self._challenge)
            if theirs
            else (self.roles[0], self._challenge, self._theirs)
        )
        return hmac.digest(self._secret, b"".join(said), hashlib.sha256)

    def send(self, *value: Any) -> None:
        """Send one frame, unless the connection is closing."""
        if not self.transport.is_closing():
            frame = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
            self.transport.write(len(frame).to_bytes(HEADER, "big") + frame)

    def challenged(self) -> None:
        """Answer the other end's challenge, where it is this end's turn."""
        raise NotImplementedError

    def proved(self) -> None:
        """The other end is known."""
        raise NotImplementedError

    def frame(self, *value: Any) -> None:
        """Handle a frame."""
        raise NotImplementedError


class GatewayLinkServer:
    """Answers requests from any number of workers.

    Args:
        answer: Request -> answer. Runs on the event loop on which `open` was called. A request is worked on
            to the end even if its worker is gone, as it is paid for.
        secret: Known to both ends.

    Attributes:
        answer: As given.
        secret: As given.
        tasks: Requests that are worked on.
        connections: Open connections.
        strangers: Those of them that have proved nothing yet, oldest first.
    """

    def __init__(self, answer: Callable[[Any], Awaitable[Any]], secret: bytes) -> None:
        self.answer = answer
        self.secret = secret
        self.tasks: set[asyncio.Task[None]] = set()
        self.connections: set[asyncio.Transport] = set()
        self.strangers: dict[asyncio.Transport, None] = {}

    async def open(self, interface: str, tls: bool = False) -> int:
        """Listen on the address of an interface.

        Args:
            interface: The address.
            tls: With Ray's certificates.

        Returns:
            The port.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _ServerConnection(self),
            interface,
            0,
            backlog=BACKLOG,
            ssl=tls_of_ray(server=True) if tls else None,
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        """Accept no more connections and close those that are open."""
        self._server.close()
        for connection in list(self.connections):
            connection.abort()


class _ServerConnection(_FramedProtocol):
    """The server's end of the connection to one worker."""

    roles = (b"gateway", b"worker")

    def __init__(self, server: GatewayLinkServer) -> None:
        super().__init__(server.secret)
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._server.connections.add(self.transport)
        self._server.strangers[self.transport] = None
        if len(self._server.strangers) > MOST_STRANGERS:
            oldest = next(iter(self._server.strangers))
            del self._server.strangers[oldest]
            oldest.abort()
        self.transport.write(self._challenge)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._server.strangers.pop(self.transport, None)
        self._server.connections.discard(self.transport)

    def challenged(self) -> None:
        pass  # the worker proves itself first

    def proved(self) -> None:
        self._server.strangers.pop(self.transport, None)
        self.transport.write(self.proof())

    def frame(self, number: int, request: Any) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(number, request))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    async def _answer(self, number: int, request: Any) -> None:
        try:
            self.send(number, await self._server.answer(request), None)
        except Exception as error:  # noqa: BLE001  # sent to the worker, which fails the item's future
            self.send(number, None, f"{type(error).__name__}: {error}")


class GatewayLink:
    """A worker's end. Connects on first use.

    Args:
        address: Interface and port of the server.
        secret: Known to both ends.
        tls: As the server's.
    """

    def __init__(self, address: tuple[str, int], secret: bytes, tls: bool = False) -> None:
        self._address = address
        self._tls = tls
        self._secret = secret
        self._opening = asyncio.Lock()
        self._connection: _ClientConnection | None = None

    async def call(self, request: Any) -> Any:
        """Send a request and wait for its answer.

        If the connection is lost, the request is sent again, up to twice: the gateway's ledger knows equal
        requests and pays for them once.

        Raises:
            OSError: The server is gone.
            RuntimeError: The server failed to answer; its message.
        """
        for _ in range(2):
            with contextlib.suppress(ConnectionError):
                return await (await self._connected()).ask(request)
        return await (await self._connected()).ask(request)

    async def _connected(self) -> _ClientConnection:
        async with self._opening:
            if self._connection is None or self._connection.transport.is_closing():
                loop = asyncio.get_running_loop()
                _, self._connection = await loop.create_connection(
                    lambda: _ClientConnection(self._secret),
                    *self._address,
                    ssl=tls_of_ray(server=False) if self._tls else None,
                )
            return self._connection

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.transport.abort()


class _ClientConnection(_FramedProtocol):
    """The worker's end of its connection to the server."""

    roles = (b"worker", b"gateway")

    def __init__(self, secret: bytes) -> None:
        super().__init__(secret)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._ready = asyncio.get_running_loop().create_future()

    async def ask(self, request: Any) -> Any:
        """Send a request and wait for its answer; raises as `GatewayLink.call`."""
        if not self._proved:
            await asyncio.shield(self._ready)
        if self.transport.is_closing():
            raise ConnectionError("the connection is closed")
        self._number += 1
        number = self._number
        self._waiting[number] = future = asyncio.get_running_loop().create_future()
        self.send(number, request)
        try:
            return await future
        finally:
            del self._waiting[number]

    def challenged(self) -> None:
        self.transport.write(self._challenge + self.proof())

    def proved(self) -> None:
        if not self._ready.done():
            self._ready.set_result(None)

    def frame(self, number: int, answer: Any, fault: str | None) -> None:
        future = self._waiting.get(number)
        if future is None or future.done():  # the item was ended meanwhile
            return
        if fault is None:
            future.set_result(answer)
        else:
            future.set_exception(RuntimeError(fault))

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        lost = ConnectionError(f"the connection is lost ({error or 'closed'})")
        for future in (self._ready, *self._waiting.values()):
            if not future.done():
                future.set_exception(lost)
