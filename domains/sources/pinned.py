"""A source that was fetched: the files in the cache, under the name that a user gave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from domains.sources.source import Source

__all__ = ["PinnedSource"]


class PinnedSource:
    """See `source.Source`.

    Args:
        source: What lies in the cache.
        name: Short, for messages.
        pinned: The path that means it and no later state of it.
        told: Further lines for the user.
    """

    def __init__(self, source: Source, name: str, pinned: str, told: Sequence[str] = ()) -> None:
        self._source, self._told = source, tuple(told)
        self.name, self.pinned = name, pinned
        self.parts = source.parts

    def records(self, part: str = "") -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Line or ordinal, from 1, and row."""
        return self._source.records(part)

    def place(self, part: str, line: int) -> str:
        """Where a row stands, for errors."""
        return self._source.place(part, line)

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the user on how it was read."""
        return (*self._told, *self._source.notes)
