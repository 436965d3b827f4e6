"""Calls from the workers to the gateway's process, over a socket.

Through Ray, a call took 1.8 ms of the gateway's CPU and 0.9 of a worker's, nearly as much as litellm itself;
this takes a tenth. Values are pickled, so nothing is read before the other end has proved that it knows the
secret, which reached it through Ray. Both ends are trusted; sandboxes cannot open sockets.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import pickle
from collections.abc import Awaitable, Callable
from typing import Any, cast

__all__ = ["Line", "LineServer"]

HEADER = 4  # bytes of a frame's length
PROOF = 32  # bytes of a challenge, and of the answer to it


class _Frames(asyncio.Protocol):
    """Length-prefixed frames on a stream, after a first part of `PROOF` bytes."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self._buffer = bytearray()
        self._proved = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Ray takes uvloop where it is installed, whose transports are none by class.
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._proved and len(self._buffer) >= PROOF:
            self._proved = self.prove(bytes(self._buffer[:PROOF]))
            del self._buffer[:PROOF]
            if not self._proved:
                self.transport.abort()
        while self._proved and len(self._buffer) >= HEADER:
            end = HEADER + int.from_bytes(self._buffer[:HEADER], "big")
            if len(self._buffer) < end:
                return
            frame = bytes(self._buffer[HEADER:end])
            del self._buffer[:end]
            self.frame(*pickle.loads(frame))

    def send(self, *value: Any) -> None:
        if not self.transport.is_closing():
            frame = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
            self.transport.write(len(frame).to_bytes(HEADER, "big") + frame)

    def prove(self, part: bytes) -> bool:
        """Take the first part; false ends the connection."""
        raise NotImplementedError

    def frame(self, *value: Any) -> None:
        raise NotImplementedError


class LineServer:
    """Answers requests from any number of workers.

    Args:
        answer: Request -> answer. Belongs to the event loop that `open` runs on. What a worker asked for is
            answered to the end even if the worker is gone: it is paid for.
        secret: Known to both ends.
    """

    def __init__(self, answer: Callable[[Any], Awaitable[Any]], secret: bytes) -> None:
        self.answer = answer
        self.secret = secret
        self.tasks: set[asyncio.Task[None]] = set()
        self.lines: set[asyncio.Transport] = set()

    async def open(self, interface: str) -> int:
        """Listen on an interface's address. Returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Served(self), interface, 0, backlog=1024)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        """Take no more requests, and hang up."""
        self._server.close()
        for line in list(self.lines):
            line.abort()


class _Served(_Frames):
    """One worker, from the server's end."""

    def __init__(self, server: LineServer) -> None:
        super().__init__()
        self._server = server
        self._challenge = os.urandom(PROOF)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._server.lines.add(self.transport)
        self.transport.write(self._challenge)

    def connection_lost(self, error: Exception | None) -> None:
        self._server.lines.discard(self.transport)

    def prove(self, part: bytes) -> bool:
        return hmac.compare_digest(part, _proof(self._server.secret, self._challenge))

    def frame(self, number: int, request: Any) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(number, request))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    async def _answer(self, number: int, request: Any) -> None:
        try:
            self.send(number, await self._server.answer(request), None)
        except Exception as error:  # noqa: BLE001  # told to the worker, which fails the item's future
            self.send(number, None, f"{type(error).__name__}: {error}")


class Line:
    """A worker's end. Connects when first used.

    Args:
        address: Interface and port of the server.
        secret: Known to both ends.
    """

    def __init__(self, address: tuple[str, int], secret: bytes) -> None:
        self._address = address
        self._secret = secret
        self._opening = asyncio.Lock()
        self._asking: _Asking | None = None

    async def call(self, request: Any) -> Any:
        """Ask and wait for the answer. A request whose connection is lost is asked once more: the gateway's
        ledger knows equal requests, and pays for them once.

        Raises:
            OSError: The server is gone. RuntimeError: It failed to answer; its message.
        """
        try:
            return await (await self._connected()).ask(request)
        except ConnectionError:
            return await (await self._connected()).ask(request)

    async def _connected(self) -> _Asking:
        async with self._opening:
            if self._asking is None or self._asking.transport.is_closing():
                loop = asyncio.get_running_loop()
                _, self._asking = await loop.create_connection(lambda: _Asking(self._secret), *self._address)
            return self._asking

    def close(self) -> None:
        if self._asking is not None:
            self._asking.transport.abort()


class _Asking(_Frames):
    def __init__(self, secret: bytes) -> None:
        super().__init__()
        self._secret = secret
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._ready = asyncio.get_running_loop().create_future()

    async def ask(self, request: Any) -> Any:
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

    def prove(self, part: bytes) -> bool:
        self.transport.write(_proof(self._secret, part))
        if not self._ready.done():
            self._ready.set_result(None)
        return True

    def frame(self, number: int, answer: Any, fault: str | None) -> None:
        future = self._waiting.get(number)
        if future is None or future.done():  # the item was ended meanwhile
            return
        if fault is None:
            future.set_result(answer)
        else:
            future.set_exception(RuntimeError(fault))

    def connection_lost(self, error: Exception | None) -> None:
        lost = ConnectionError(f"the connection is lost ({error or 'closed'})")
        for future in (self._ready, *self._waiting.values()):
            if not future.done():
                future.set_exception(lost)


def _proof(secret: bytes, challenge: bytes) -> bytes:
    return hmac.digest(secret, challenge, hashlib.sha256)
