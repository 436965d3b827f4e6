"""Rows of which there may be more than fit into memory: in a temporary file as soon as they are many."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
import weakref
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, NamedTuple, overload

from domains.rows import ANCHORS, Row, anchor_place, key_of
from meta_search.errors import DomainError

__all__ = ["DistinctRows", "MappedRows", "RowFile", "Rows"]

HELD = 8 * 2**20  # bytes of rows in memory; more go to the file
READ = 2**18  # bytes of the file that are read at once
MOST_ROWS = 20_000_000
WORKING = "####"  # stands between the working and the answer, in GSM8K
BUCKETS = 256

Rows = Sequence[Row]


class RowFile(Sequence[Row]):
    """Rows in the order in which they were added, each to be had by its ordinal, from 0.

    Few are held in memory; more lie in a file without a name, which goes with this object.

    Attributes:
        worked: Rows whose answer has `####` in it.
        having: Rows that have options.
        own: Rows that name a matcher.
    """

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._file: IO[bytes] | None = None
        self._starts = array("Q", [0])
        self.worked = self.having = self.own = 0

    def add(self, row: Row) -> None:
        """Add a row.

        Raises:
            DomainError: Too many, or no room for the file.
        """
        if len(self) >= MOST_ROWS:
            raise DomainError(f"there are more than {MOST_ROWS:,} rows: name a part of them")
        self.worked += WORKING in row.answer
        self.having += bool(row.choices)
        self.own += row.matcher is not None
        packed = json.dumps(row, ensure_ascii=False).encode()
        self._size += len(packed)
        self._starts.append(self._size)
        try:
            if self._file is None and self._size > HELD:
                self._file = tempfile.TemporaryFile(prefix="meta-search-")  # noqa: SIM115 (goes with the rows)
                weakref.finalize(self, self._file.close)
                self._file.writelines(self._held)
                self._held = []
            if self._file is None:
                self._held.append(packed)
            else:
                self._file.write(packed)
        except OSError as error:
            raise DomainError(
                f"no room for the rows in {tempfile.gettempdir()}: {error.strerror or error}; set TMPDIR "
                "to a folder with more"
            ) from error

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self[n] for n in range(*place.indices(len(self)))]
        place = place if place >= 0 else len(self) + place
        if not 0 <= place < len(self):
            raise IndexError(place)
        if self._file is None:
            return _row(self._held[place])
        self._file.flush()
        start, end = self._starts[place], self._starts[place + 1]
        return _row(os.pread(self._file.fileno(), end - start, start))

    def __iter__(self) -> Iterator[Row]:
        if self._file is None:
            yield from map(_row, self._held)
            return
        self._file.flush()
        place, number = 0, self._file.fileno()
        while place < len(self):  # as many as are read at once
            start = self._starts[place]
            until = max(place + 1, bisect_right(self._starts, start + READ) - 1)
            block = os.pread(number, self._starts[until] - start, start)
            for n in range(place, until):
                yield _row(block[self._starts[n] - start : self._starts[n + 1] - start])
            place = until


def _row(packed: bytes) -> Row:
    row = Row(*json.loads(packed.decode()))
    pairs = tuple((key, value) for key, value in row.data)
    return row._replace(others=tuple(row.others), choices=tuple(row.choices), data=pairs)


class MappedRows(Sequence[Row]):
    """Rows as a function makes them, whenever one is asked for.

    Args:
        rows: They.
        made: The function.
    """

    def __init__(self, rows: Rows, made: Callable[[Row], Row]) -> None:
        self._rows, self._made = rows, made

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self._made(row) for row in self._rows[place]]
        return self._made(self._rows[place])

    def __iter__(self) -> Iterator[Row]:
        return map(self._made, self._rows)


def _clashing(label: str, first: Row, again: Row, where: Callable[[Row], str]) -> DomainError:
    if first.part == again.part:
        both = f"rows {first.line} and {again.line}{f' of {first.part}' if first.part else ''}"
    else:
        both = f"{where(first)} and {where(again)}"
    return DomainError(f"{label}: {both} ask the same question with different answers; keep one")


class _Seen(NamedTuple):
    key: int
    answers: int
    place: int
    split: int


class DistinctRows(Mapping[str, Row]):
    """The first row of each question, by `rows.key_of` the question, in the order of the rows.

    Questions and answers are looked at once and are not held: some 20 bytes a row are.

    Args:
        label: The source, for errors.
        rows: All rows.
        where: Where a row stands, for errors.
        lenient: Whether questions that have two answers are left out, and are no error.
        worth: Says of a split how precious it is, the most first: of a question in several splits, the row of
            that one is kept. Without it the first row is.

    Attributes:
        left_out: How many these were.
        splits: How many of these rows name each split; `""` for none.
        crossing: Rows left out as their question stands in another split before.
        again: Rows left out as their question and answers stand in the same split before.
        several: Whether any row has several answers.
        weighed: Whether any row has a weight.
        unplaced: The first row that names no split, or `None`.
        anchors: As `rows.anchors_of` all keys.

    Raises:
        DomainError: One question has two answers.
    """

    def __init__(
        self,
        label: str,
        rows: Rows,
        where: Callable[[Row], str],
        lenient: bool = False,
        worth: Callable[[str], int] | None = None,
    ) -> None:
        self.left_out, self._lenient, self._worth = 0, lenient, worth
        self._rows, self._secret = rows, secrets.token_bytes(16)
        self.splits: Counter[str] = Counter()
        self.again, self.crossing, self.several, self.weighed = 0, 0, False, False
        self.unplaced: Row | None = None
        self._least: list[tuple[bytes, str]] = []
        names: list[str] = []
        seen = [array("Q") for _ in range(BUCKETS)]
        for place, row in enumerate(rows):
            if row.split not in names:
                names.append(row.split)
            key = key_of(row.question)
            digest = self._digest(key)
            answers = self._digest(json.dumps((row.answer, row.others)))
            seen[digest % BUCKETS].extend((digest, answers, place, names.index(row.split)))
            self._note_anchor(key)
            self.several = self.several or bool(row.others)
            self.weighed = self.weighed or row.weighed
        self.anchors = tuple(key for _, key in self._least)
        self._kept = bytearray(len(rows))
        self._keys: list[array[int]] = []
        self._places: list[array[int]] = []
        clash: tuple[int, int] | None = None
        for bucket in range(BUCKETS):
            clash = self._sort(seen[bucket], names, clash)
            seen[bucket] = array("Q")
        if clash is not None:
            raise _clashing(label, rows[clash[1]], rows[clash[0]], where)
        if self.splits[""] and len(self.splits) > 1:
            self.unplaced = next((row for row in self._first() if not row.split), None)

    def _note_anchor(self, key: str) -> None:
        place = (anchor_place(key), key)
        if len(self._least) < ANCHORS or place < self._least[-1]:
            self._least = sorted({*self._least, place})[:ANCHORS]

    def _sort(
        self, seen: array[int], names: Sequence[str], clash: tuple[int, int] | None
    ) -> tuple[int, int] | None:
        """Keep the first of each key of a bucket, in the order of keys; the first clash of answers so far."""
        first: dict[int, _Seen] = {}
        clashing: set[int] = set()
        for start in range(0, len(seen), 4):
            one = _Seen(*seen[start : start + 4])
            before = first.setdefault(one.key, one)
            if before is one:
                self._kept[one.place] = 1
                self.splits[names[one.split]] += 1
                continue
            self.crossing += before.split != one.split
            self.again += before.split == one.split
            if before.answers == one.answers:
                self._prefer(one, before, first, names)
                continue
            if self._lenient:
                clashing.add(one.key)
            elif clash is None or one.place < clash[0]:
                clash = one.place, before.place
        for key in clashing:
            seldom = first.pop(key)
            self._kept[seldom.place] = 0
            self.splits[names[seldom.split]] -= 1
        self.left_out += len(clashing)
        ordered = sorted(first)
        self._keys.append(array("Q", ordered))
        self._places.append(array("Q", (first[key].place for key in ordered)))
        return clash

    def _prefer(self, one: _Seen, before: _Seen, first: dict[int, _Seen], names: Sequence[str]) -> None:
        """Keep a row in place of an equal one, if its split is more precious."""
        if self._worth is not None and self._worth(names[one.split]) < self._worth(names[before.split]):
            first[one.key] = one
            self._kept[before.place], self._kept[one.place] = 0, 1
            self.splits[names[before.split]] -= 1
            self.splits[names[one.split]] += 1

    def __len__(self) -> int:
        return self.splits.total()

    def __iter__(self) -> Iterator[str]:
        return (key_of(row.question) for row in self._first())

    def __getitem__(self, key: str) -> Row:
        digest = self._digest(key)
        keys = self._keys[digest % BUCKETS]
        found = bisect_left(keys, digest)
        if found == len(keys) or keys[found] != digest:
            raise KeyError(key)
        return self._rows[self._places[digest % BUCKETS][found]]

    def each(self) -> Iterator[Row]:
        """All rows, as `values` gives them, read from front to back."""
        return self._first()

    def keys_of(self, split: str) -> Iterator[str]:
        """The keys of the rows that name a split."""
        return (key_of(row.question) for row in self._first() if row.split == split)

    def _first(self) -> Iterator[Row]:
        return (row for kept, row in zip(self._kept, self._rows, strict=True) if kept)

    def _digest(self, text: str) -> int:
        found = hashlib.blake2b(text.encode(), digest_size=8, key=self._secret)
        return int.from_bytes(found.digest(), "big")
