"""CPU seconds of this process and of everything below it, those that have ended included."""

from __future__ import annotations

import os
import resource
import time

from tests.hostile.processes_left import below

__all__ = ["cpu_seconds"]

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds() -> float:
    """All of them so far; a process that ended counts as soon as its parent has noticed."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + sum(map(_of, below(os.getpid())))


def _of(pid: int) -> float:
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS  # its own, and those of its children that have ended
