"""Signals of a run: who takes them, and what a terminal that is lost means."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meta_search.config import RunConfig

__all__ = ["FINISH", "STOP", "Escalation", "hangups", "kept_from_children", "signals"]

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FINISH, STOP = 1, 2  # levels of an `Escalation`; above them it ends where it stands


class Escalation:
    """How far signals have asked a run to end: to finish what is in flight, to stop in good order, to end
    where it stands. From then on signals kill.

    Args:
        settings: `run.*`: whether a signal leaves time to finish.

    Attributes:
        level: 0, `FINISH`, `STOP`, or more.
    """

    def __init__(self, settings: RunConfig) -> None:
        self._settings = settings
        self.level = 0

    def came(self, number: signal.Signals, may_finish: bool = True) -> int:
        """A signal came.

        Args:
            number: Which.
            may_finish: Whether there is anything that time would be left for.

        Returns:
            The level by now.
        """
        asked = number == signal.SIGINT or self._settings.report_on_stop
        graceful = asked and self._settings.grace_s > 0 and may_finish
        self.level = self.level + 1 if graceful else max(self.level + 1, STOP)
        if self.level > STOP:
            _default_again()
        return self.level


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


def _default_again() -> None:
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
