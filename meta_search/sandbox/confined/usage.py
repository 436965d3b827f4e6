"""What the kernel knows of other processes: CPU time, memory, threads, children."""

from __future__ import annotations

import time

__all__ = ["children_of", "cpu_seconds_of", "private_mb_of", "threads_of"]

_PRIVATE = ("RssAnon:", "RssShmem:", "VmSwap:")


def cpu_seconds_of(pid: int) -> float:
    """CPU seconds of a process, 0 if it is gone; the clock id is that of clock_getcpuclockid(3)."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0


def private_mb_of(pid: int) -> float:
    """MB of memory that belong to no file, those included that it was forked with; 0 if it is gone.

    Memory that is shared counts, as it is shared with nobody: `mmap.mmap(-1, size)` makes such.
    """
    try:
        lines = [line.split() for line in _read(f"/proc/{pid}/status").splitlines()]
    except OSError:
        return 0.0
    return sum(int(line[1]) for line in lines if line and line[0] in _PRIVATE) / 1024


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
