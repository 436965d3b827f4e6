"""CPU seconds of this process and of everything below it, those that have ended included."""

from __future__ import annotations

import os
import resource
import time

from tests.bench.row import cpu_s
from tests.hostile.processes_left import below

__all__ = ["cpu_seconds"]


def cpu_seconds() -> float:
    """All of them so far; a process that ended counts as soon as its parent has noticed."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + sum(map(cpu_s, below(os.getpid())))
