"""Threads and signals of a run."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

__all__ = ["signals"]


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
