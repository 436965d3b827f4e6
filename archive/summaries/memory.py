"""What was found out about an archive, kept as long as it is open: facts of large tables, and of tables that
only grow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from archive.readers import stamps
from archive.records import Archive
from archive.summaries.reading import Table, last_row

__all__ = ["grown", "remembered"]

T = TypeVar("T")
MOST = 32  # facts of an archive


@dataclass(frozen=True, slots=True)
class _Fact(Generic[T]):
    moment: Hashable
    value: T
    at: float = 0.0
    took: float = 0.0  # seconds
    seen: int = 0  # the last row that it knows of


_lock = threading.Lock()
_facts: WeakKeyDictionary[Archive, dict[Hashable, _Fact[Any]]] = WeakKeyDictionary()


def remembered(archive: Archive, name: Hashable, read: Callable[[], T], share: float = 1.0) -> T:
    """A fact, read again once anything was written since.

    Args:
        archive: The run.
        name: Of the fact.
        read: Reads it. Nobody may change what it returns.
        share: Most of the time that reading it may take: below 1, a fact that took 0.1 s is taken as it is
            for `0.1 / share` seconds, whatever is written.
    """
    before, began = _moment(archive), time.monotonic()
    kept: _Fact[T] | None = _kept(archive, name)
    if kept is not None and (kept.moment == before or (share < 1 and began < kept.at + kept.took / share)):
        return kept.value
    found = read()
    # What is written while it is read counts as news: the moment is that of before.
    _keep(archive, name, _Fact(before, found, began, time.monotonic() - began))
    return found


def grown(
    archive: Archive, name: Hashable, read: Callable[[int, int, T | None], T], table: Table = "events"
) -> T:
    """A fact of a table that only grows, grown by the rows that have come since.

    Args:
        archive: The run.
        name: Of the fact.
        read: Of the rows behind the first number up to the second, and what was known before, makes what is
            known now, without changing it; of nothing known, it may leave out what lies far back.
        table: Which.
    """
    last = last_row(archive, table)
    kept: _Fact[T] | None = _kept(archive, name)
    if kept is not None and kept.seen == last:
        return kept.value
    known = kept is not None and kept.seen < last  # else another archive may have come to stand in its place
    found = read(kept.seen, last, kept.value) if kept is not None and known else read(0, last, None)
    _keep(archive, name, _Fact(None, found, seen=last))
    return found


def _moment(archive: Archive) -> Hashable:
    """What each transaction changes, by looks at two files."""
    # Within a tick of the clock of files, rows tell.
    return (
        *stamps(archive.path),
        last_row(archive, "events"),
        last_row(archive, "results"),
        last_row(archive, "calls"),
    )


def _kept(archive: Archive, name: Hashable) -> _Fact[Any] | None:
    with _lock:
        return _facts.get(archive, {}).get(name)


def _keep(archive: Archive, name: Hashable, fact: _Fact[Any]) -> None:
    with _lock:
        facts = _facts.setdefault(archive, {})
        facts.pop(name, None)
        facts[name] = fact
        while len(facts) > MOST:
            del facts[next(iter(facts))]
