"""Carries news of a run out on a thread of its own: their receiver can neither slow a search nor stop it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from meta_search.text import error_line, without_passwords

__all__ = ["Courier"]

MOST_WAITING = 200  # news that are kept for a receiver that is slow; what comes on top is dropped

T = TypeVar("T")


class Courier(Generic[T]):
    """Hands each of the things that come to a function, in order, on a thread of its own.

    Args:
        what: What is carried, for the line that tells of a failure.
        deliver: Gets each thing; what it raises is told once and changes nothing else.
        say: Gets that line, from any thread.
    """

    def __init__(self, what: str, deliver: Callable[[T], None], say: Callable[[str], object]) -> None:
        self._what, self._deliver, self._say = what, deliver, say
        self._queue: queue.Queue[T | None] = queue.Queue(MOST_WAITING)
        self._told = False
        self._thread = threading.Thread(target=self._work, name=what, daemon=True)
        self._thread.start()

    def send(self, thing: T) -> None:
        """Have a thing carried out; returns at once."""
        try:
            self._queue.put_nowait(thing)
        except queue.Full:
            self._failed("too much waits for it")

    def close(self, seconds: float) -> None:
        """Wait until everything is delivered, at most some seconds. Nothing is sent after that."""
        until = time.monotonic() + seconds
        try:
            self._queue.put(None, timeout=max(0.0, seconds))
        except queue.Full:
            self._failed("it took too long")
            return
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._thread.is_alive():
            self._failed("it took too long")

    def _work(self) -> None:
        while (thing := self._queue.get()) is not None:
            try:
                self._deliver(thing)
            except Exception as error:  # noqa: BLE001 (whatever a receiver's fault is, the search goes on)
                self._failed(error_line(error, 300))

    def _failed(self, why: str) -> None:
        if not self._told:
            self._told = True
            self._say(f"{self._what} failed; the run goes on: {without_passwords(why)}")
