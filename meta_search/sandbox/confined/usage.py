"""What the kernel knows of other processes: CPU time, threads, children."""

from __future__ import annotations

import time

__all__ = ["children_of", "cpu_seconds_of", "threads_of"]


def cpu_seconds_of(pid: int) -> float:
    """CPU seconds of a process, 0 if it is gone; the clock id is that of clock_getcpuclockid(3)."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0


def threads_of(pid: int) -> int:
    """Number of a process's threads, 0 if it is gone."""
    try:
        return int(_read(f"/proc/{pid}/stat").rpartition(")")[2].split()[17])
    except (OSError, ValueError, IndexError):
        return 0


def children_of(thread: int) -> set[int]:
    """Process ids of the children of one of this process's threads.

    Raises:
        OSError: The kernel does not list them.
    """
    return {int(pid) for pid in _read(f"/proc/self/task/{thread}/children").split()}


def _read(path: str) -> str:
    with open(path) as file:
        return file.read()
