"""Signals of a run."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence

__all__ = ["signals"]


@contextlib.contextmanager
def signals(
    came: Callable[[], None], numbers: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM)
) -> Iterator[None]:
    """Have signals call a function while the block runs; does nothing outside the main thread.

    Args:
        came: Called on the main thread, between two of its instructions.
        numbers: Which signals: Ctrl-C and SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: came()) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
