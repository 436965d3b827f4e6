"""What the trusted side does for one item, charged to the item's CPU time.

An agent makes us work: we parse what it sends, have its programs forked, compare answers for it. All that
would be free, and a loop would keep the machine busy for longer than any limit says. So it is added up here
and told to the zygote, which counts it as the agent's own CPU time and ends the item where that is used up.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

__all__ = ["PROGRAM_S", "WAKE_S", "Charges"]

PROGRAM_S = 0.001  # CPU seconds that a program takes of this process: two sockets, a task, a few messages
WAKE_S = 0.00003  # what it takes to be woken for a piece of a message, however small
LEAST_S = 0.01  # what is owed before it is told


class Charges:
    """The CPU seconds of one item that were spent outside its own processes.

    Args:
        tell: Tells the zygote of some.

    Attributes:
        total_s: All of them so far.
    """

    def __init__(self, tell: Callable[[float], None]) -> None:
        self._tell = tell
        self._owed_s = 0.0
        self.total_s = 0.0

    def add(self, cpu_s: float) -> None:
        """Charge some CPU seconds."""
        self.total_s += cpu_s
        self._owed_s += cpu_s
        if self._owed_s >= LEAST_S:
            self._tell(self._owed_s)
            self._owed_s = 0.0

    @contextlib.contextmanager
    def work(self) -> Iterator[None]:
        """Charge what this thread does within the block, which must not await anything."""
        before = time.thread_time()
        try:
            yield
        finally:
            self.add(time.thread_time() - before)
