"""Runs a coroutine where sockets are forbidden: asyncio's own loops wake up over a pair of them."""

from __future__ import annotations

import asyncio
import os
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["run"]

T = TypeVar("T")


class _PipeLoop(asyncio.SelectorEventLoop):
    """A loop that other threads wake up over a pipe."""

    def _make_self_pipe(self) -> None:
        self._reading, self._writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._add_reader(self._reading, self._drain)  # type: ignore[attr-defined]

    def _close_self_pipe(self) -> None:
        self._remove_reader(self._reading)  # type: ignore[attr-defined]
        os.close(self._reading)
        os.close(self._writing)

    def _write_to_self(self) -> None:
        try:
            os.write(self._writing, b"\0")
        except (BlockingIOError, OSError):  # full: it is awake already; closed: it has ended
            return

    def _drain(self) -> None:
        try:
            os.read(self._reading, 4096)
        except BlockingIOError:
            return


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, without a socket and without signal handlers."""
    with asyncio.Runner(loop_factory=lambda: _PipeLoop(selectors.PollSelector())) as runner:
        return runner.run(coroutine)
