"""Says on a terminal how far a long table has been read."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TypeVar

from meta_search.text import one_line

__all__ = ["shown"]

T = TypeVar("T")
AFTER_S, EACH_S = 2.0, 0.5
LOOK = 1_000  # rows between two looks at the clock


def shown(name: str, rows: Iterator[T]) -> Iterator[T]:
    """The same rows; where they take long, a line on stderr counts them, and goes with the last.

    Args:
        name: What is read.
        rows: They.
    """
    if not sys.stderr.isatty():
        yield from rows
        return
    due, said = time.monotonic() + AFTER_S, False
    try:
        for count, row in enumerate(rows, 1):
            if count % LOOK == 0 and time.monotonic() > due:
                due, said = time.monotonic() + EACH_S, True
                print(f"\rreading {one_line(name, 50)}: {count:,} rows", end="", file=sys.stderr, flush=True)
            yield row
    finally:
        if said:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
