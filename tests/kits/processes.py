"""Looks at processes through /proc: children, whether one has ended; waiting for a condition."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def children_of(pid: int) -> list[int]:
    """Process ids of the children of a process, oldest first."""
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pid: int) -> bool:
    """Whether a process has ended, be it not reaped by its new parent yet."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return True
    # What ends between the opening and the reading is read as nothing.
    return not fields or fields[0] in "ZX"


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Wait for a condition, looking often; whether it came true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
