"""What every summary needs: rows of a statement, ends of tables, parts of long lists."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar

from archive.guard import making_sense
from archive.records import Archive

__all__ = ["Table", "age", "chunks", "first_seen", "heartbeat", "last_row", "read"]

FEW = 300_000  # rows of a long table that are read as a whole
Table = Literal["agents", "results", "calls", "events", "attempts"]
T = TypeVar("T")


def read(archive: Archive, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Rows of a statement."""
    with making_sense(archive.path):
        return archive._rows(sql, *values)


def last_row(archive: Archive, table: Table) -> int:
    """The highest row number of a table, 0 of an empty one: about how many rows it has."""
    column = "seq" if table == "events" else "id" if table == "attempts" else "rowid"
    return int(read(archive, f"SELECT MAX({column}) FROM {table}")[0][0] or 0)


def chunks(values: list[T]) -> list[list[T]]:
    """Values in parts of as many as a statement takes."""
    return [values[i : i + 500] for i in range(0, len(values), 500)]


def age(at: float | None) -> float:
    """Seconds since a time; infinite where it is not known."""
    return float("inf") if at is None else max(0.0, time.time() - at)


def first_seen(archive: Archive) -> float | None:
    """When the first agent, call or event was written, seconds since the epoch."""
    return _an_end(archive, "ASC", min)


def heartbeat(archive: Archive) -> float | None:
    """When the last agent, call or event was written, seconds since the epoch."""
    return _an_end(archive, "DESC", max)


def _an_end(archive: Archive, order: str, pick: Callable[[Iterable[float]], float]) -> float | None:
    found = []
    for table, column in (("agents", "rowid"), ("calls", "rowid"), ("events", "seq")):
        found += read(archive, f"SELECT created FROM {table} ORDER BY {column} {order} LIMIT 1")
    times = [float(at) for (at,) in found if isinstance(at, int | float) and 0 < at < 1e11]
    return pick(times) if times else None
