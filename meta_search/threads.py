"""Threads and signals of a run."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TypeVar

__all__ = ["in_thread", "signals"]

T = TypeVar("T")


def in_thread(work: Callable[[], T]) -> Future[T]:
    """Run something in a daemon thread: an author that waits for a model must not hold up the end."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 (handed to whoever waits)
            future.set_exception(error)

    threading.Thread(target=run, name="author", daemon=True).start()
    return future


@contextlib.contextmanager
def signals(came: Callable[[], None]) -> Iterator[None]:
    """Call `came` on Ctrl-C and SIGTERM while the block runs; does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: came())
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
