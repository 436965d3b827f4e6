"""Signals of a run: who takes them, and what a terminal that is lost means."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

__all__ = ["default_again", "hangups", "kept_from_children", "signals"]

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def signals(
    came: Callable[[signal.Signals], None], numbers: Sequence[signal.Signals] = ENDS
) -> Iterator[None]:
    """Have signals call a function while the block runs; does nothing outside the main thread.

    A hangup that is ignored (`nohup`, or `hangups`) stays ignored.

    Args:
        came: Called with the signal on the main thread, between two of its instructions.
        numbers: Which signals: Ctrl-C, SIGTERM and a lost terminal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [n for n in numbers if n != signal.SIGHUP or signal.getsignal(n) != signal.SIG_IGN]
    before = {n: signal.signal(n, lambda number, _: came(signal.Signals(number))) for n in taken}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def default_again() -> None:
    """Let the next of these signals kill the process: who asks that often does not want to wait."""
    if threading.current_thread() is threading.main_thread():
        for number in ENDS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)


@contextlib.contextmanager
def hangups(policy: str) -> Iterator[None]:
    """What a lost terminal does while the block runs, opening and closing of a run included.

    Args:
        policy: `run.on_hangup`: `continue`, `stop`, or `auto` for what suits where standard input comes from.

    Raises:
        KeyboardInterrupt: In the block, where the run is to stop and takes no signals itself yet.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGHUP)
    if policy == "auto":
        policy = "stop" if before != signal.SIG_IGN and _at_terminal() else "continue"
    # Ignored, not handled: that is inherited by all processes of the run, which are hung up as well.
    signal.signal(signal.SIGHUP, signal.SIG_IGN if policy == "continue" else _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextlib.contextmanager
def kept_from_children() -> Iterator[None]:
    """Start processes that a lost terminal does not end: the run ends them, once everything is saved.

    A hangup goes to all processes of a terminal. It reaches this one when the block is over.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _at_terminal() -> bool:
    try:
        return sys.stdin.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False
