"""Names of columns as people write them: with space around them, in other case, twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from meta_search.text import one_line

__all__ = ["Names", "cleaned", "listed"]

INVISIBLE = "\ufeff\u200b\u200e\u200f"
MOST_SHAPES = 1_000  # sets of keys that are remembered
MOST_NAMES, MOST_NAME, MOST_LISTED = 100, 60, 600  # names of an error, and characters of one and of all


class Names:
    """Gives columns the names that are asked for, where they differ in case and space only.

    Args:
        wanted: The names that are asked for.

    Attributes:
        notes: A line for each column that has another name in the file.
    """

    def __init__(self, wanted: Sequence[str]) -> None:
        self._wanted = tuple(dict.fromkeys(name for name in wanted if name))
        self._known: dict[tuple[str, ...], Mapping[str, str]] = {}
        self.notes: dict[str, None] = {}

    def aligned(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """A record with the names that are asked for."""
        keys = tuple(record)
        renamed = self._known.get(keys)
        if renamed is None:
            renamed = self.renamed(keys)
            if len(self._known) < MOST_SHAPES:
                self._known[keys] = renamed
        return {renamed.get(key, key): value for key, value in record.items()} if renamed else record

    def renamed(self, names: Sequence[str]) -> Mapping[str, str]:
        """Name in the file -> name that is asked for, where they differ."""
        found: dict[str, str] = {}
        for wanted in self._wanted:
            if wanted in names:
                continue
            like = [name for name in names if _folded(name) == _folded(wanted) and name not in self._wanted]
            if len(like) == 1 and like[0] not in found:
                found[like[0]] = wanted
                self.notes[f"the column {one_line(like[0], 40)!r} was read as {wanted!r}"] = None
        return found

    def first(self, most: int) -> tuple[str, ...]:
        """The first few of the names that are asked for."""
        return self._wanted[:most]

    def count(self, names: Sequence[str]) -> int:
        """How many of the names that are asked for there are."""
        folded = {_folded(name) for name in names}
        return sum(_folded(wanted) in folded for wanted in self._wanted)

    def heading(self, cells: Sequence[str]) -> list[str]:
        """The names of a table's columns; `""` for one without. One that comes again gets a number."""
        names: list[str] = []
        for cell in map(cleaned, cells):
            name, again = cell, 0
            while name and name in names:
                again += 1
                name = f"{cell}.{again}"
            if again:
                shown = one_line(cell, 40)
                self.notes[
                    f"several columns are called {shown!r}: the first is read, others are {shown}.1, …"
                ] = None
            names.append(name)
        renamed = self.renamed(names)
        return [renamed.get(name, name) for name in names]


def cleaned(name: str) -> str:
    """A name without space and invisible characters around it."""
    return name.strip().strip(INVISIBLE).strip()


def listed(record: Iterable[Any]) -> str:
    """The names of a record's columns, for an error: a stranger's file may have many, and long ones."""
    return (
        one_line(", ".join(one_line(name, MOST_NAME) for name in islice(record, MOST_NAMES)), MOST_LISTED)
        or "none"
    )


def _folded(name: str) -> str:
    return " ".join(cleaned(str(name)).split()).casefold()
