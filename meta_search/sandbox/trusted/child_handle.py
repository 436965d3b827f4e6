"""The trusted side's view of one confined process, and of how it ended."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, SupportsIndex

__all__ = ["Child", "Exit", "Reader", "Spare", "wait_despite_cancel"]


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child ended.

    Attributes:
        status: Wait status.
        cpu_s: CPU seconds that it used.
        why: Limit for which the zygote killed it (`cpu`, `disk`, `memory`, `threads`), `gone` for a program
            whose item had ended, else `""`.
    """

    status: int
    cpu_s: float
    why: str

    @property
    def signal(self) -> int:
        """Number of the signal that killed it, 0 if it ended by itself."""
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else 0

    @property
    def exceeded_limit(self) -> bool:
        """Whether the zygote killed it for exceeding a limit."""
        return self.why in ("cpu", "disk", "memory", "threads")


class Reader(asyncio.StreamReader):
    """Reads a child's pipe, and tells how often the event loop was woken for it.

    Attributes:
        on_data: Called each time.
    """

    on_data: Callable[[], None] = staticmethod(lambda: None)

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """Take what has come."""
        super().feed_data(data)
        self.on_data()


@dataclass(frozen=True, slots=True)
class Child:
    """A confined process.

    Attributes:
        number: Its id in control messages.
        reader: Reads from its pipe.
        writer: Writes to its pipe.
        exited: Resolved when it has ended.
        kill: Kills the child with a number.
    """

    number: int
    reader: Reader
    writer: asyncio.StreamWriter
    exited: asyncio.Future[Exit]
    kill: Callable[[int], None]

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; it is lost if the child has ended."""
        if not self.writer.is_closing():
            self.writer.write(json.dumps(message).encode() + b"\n")

    async def end(self) -> Exit:
        """Kill it if it still runs, and wait until it has ended."""
        if not self.exited.done():
            self.kill(self.number)
        try:
            await wait_despite_cancel(self.exited)
        finally:
            self.writer.transport.abort()
        return self.exited.result()


@dataclass(frozen=True, slots=True)
class Spare:
    """A confined child that waits for its job; attributes as of `Child`."""

    number: int
    pipe: socket.socket
    exited: asyncio.Future[Exit]

    def alive(self) -> bool:
        """Whether the other end of its pipe is still open; closes this end if not."""
        try:
            self.pipe.recv(1, socket.MSG_PEEK)  # it sends nothing before it has a job
        except BlockingIOError:
            return True
        self.pipe.close()
        return False


async def wait_despite_cancel(ending: asyncio.Future[Any]) -> None:
    """Wait for something that was killed, even if the waiting task is cancelled, which is raised afterwards.

    Otherwise a process would be left behind.
    """
    cancelled = None
    while not ending.done():
        try:
            await asyncio.wait((ending,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
