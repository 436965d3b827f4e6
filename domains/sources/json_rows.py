"""Rows of a JSON file in whatever shape: one a line, a list, one after the other, an object of columns."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from domains.sources.headers import Names
from domains.sources.limits import LARGEST_WHOLE, megabytes
from domains.sources.opening import opened
from domains.sources.texts import Encoding, lines_of, text_of
from domains.sources.values import load, values_of
from meta_search.errors import DomainError
from meta_search.text import one_line

__all__ = ["PARTS", "JsonRows"]

Record = Mapping[str, Any]
PARTS = ("train", "training", "validation", "valid", "val", "dev", "test", "testing", "examples", "example")
FIRST = 2**20


class JsonRows:
    """The rows of one file, which may be read again and again.

    Args:
        path: The file.
        place: It, for errors.
        encoding: Of its text.
        names: Which columns are asked for.

    Attributes:
        parts: Splits, where the file is one object with a list for each; else empty.
        notes: Lines for the user on how it was read; all are there when it was read to its end.
        by_line: Whether rows are counted by line, and not by their ordinal.

    Raises:
        DomainError: It has no shape that is known.
    """

    def __init__(self, path: Path, place: str, encoding: Encoding, names: Names) -> None:
        self._path, self._place, self._encoding, self._names = path, place, encoding, names
        self.notes: dict[str, None] = {}
        self._commas = 0
        self._shape = self._found_shape()
        self._lists: Mapping[str, Sequence[Any]] = {}
        self.parts: tuple[str, ...] = ()
        if self._shape == "object":
            self._lists = self._of_object()
            self.parts = tuple(part for part in self._lists if part)
        self.by_line = self._shape in ("lines", "following")

    def records(self, part: str = "") -> Iterator[tuple[int, Record]]:
        """Line or ordinal, from 1, and row.

        Raises:
            DomainError: What cannot be read, with its line.
        """
        if self._shape == "object":
            lists = [self._lists[part]] if part else self._lists.values()
            rows: Iterator[tuple[int, Any]] = enumerate((row for found in lists for row in found), 1)
        elif self._shape == "lines":
            rows = self._of_lines()
        else:
            rows = self._of_values()
        count = 0
        for place, row in rows:
            count += 1
            if not isinstance(row, dict):
                what = f"line {place}: must be a JSON object, one a line" if self.by_line else ""
                raise DomainError(f"{self._place}, {what or f'row {place}: must be a JSON object'}")
            yield place, self._names.aligned(row)
        if not count and self._shape == "list":
            raise self._unknown()

    def _unknown(self) -> DomainError:
        return DomainError(f"{self._place}: must be a JSON list of objects, with at least one")

    def _found_shape(self) -> str:
        """`lines`, `list`, `following` (one object after the other) or `object`."""
        with opened(self._path) as file, text_of(file, self._encoding, "\n") as text:
            start = text.read(FIRST)
        held = start.lstrip("\ufeff \t\r\n")
        if held.startswith("["):
            first = held.split("\n", 1)[0].rstrip().rstrip(",")
            return (
                "list"
                if not _is_record(first, list) or not held.partition("\n")[2].lstrip().startswith("[")
                else "lines"
            )
        if not held.startswith("{"):
            lines = self._path.name.lower().partition(".")[2].startswith(("jsonl", "ndjson"))
            if lines or not held:
                return "lines"
            load(f"{self._place}, line 1", held)  # says where it is no JSON, and why
            raise self._unknown()
        first, _, rest = held.partition("\n")
        whole = len(start) < FIRST
        if whole and not rest.strip():
            return self._only(first)
        if rest and _is_record(first.rstrip().rstrip(","), dict):
            return "lines"
        return self._beyond_a_line(first)

    def _only(self, line: str) -> str:
        """The shape of a file of one line."""
        try:
            value = load(f"{self._place}, line 1", line.rstrip().rstrip(","))
        except DomainError:
            if self._beyond_a_line(line) == "following":
                return "following"
            raise
        return (
            "object"
            if isinstance(value, dict) and (_lists(value, self._names) or not self._one_a_line())
            else "lines"
        )

    def _one_a_line(self) -> bool:
        return any(suffix in (".jsonl", ".ndjson") for suffix in self._path.suffixes)

    def _beyond_a_line(self, first: str) -> str:
        """The shape where the first value goes on behind its line."""
        try:
            with opened(self._path) as file, text_of(file, self._encoding, "\n") as text:
                values = values_of(self._place, text, False, LARGEST_WHOLE)
                return "following" if len(list(islice(values, 2))) > 1 else "object"
        except DomainError:
            if self._one_a_line() and len(first) < FIRST // 2:  # the line is what is wrong
                load(f"{self._place}, line 1", first)
            raise

    def _of_lines(self) -> Iterator[tuple[int, Any]]:
        commas = 0
        for number, line in lines_of(self._path, self._place, self._encoding):
            content = line.strip("\ufeff \t\r\n")
            if not content:
                continue
            if content.endswith(","):
                content, commas = content[:-1], commas + 1
            yield number, load(f"{self._place}, line {number}", content)
        if commas:
            self.notes[f"{commas} lines end with a comma, which was left out"] = None

    def _of_values(self) -> Iterator[tuple[int, Any]]:
        with opened(self._path) as file, text_of(file, self._encoding, "\n") as text:
            values = values_of(self._place, text, self._shape == "list")
            for ordinal, (line, value) in enumerate(values, 1):
                yield (ordinal if self._shape == "list" else line), value

    def _of_object(self) -> Mapping[str, Sequence[Any]]:
        with opened(self._path) as file, text_of(file, self._encoding, "\n") as text:
            held = text.read(LARGEST_WHOLE + 1)
        if len(held) > LARGEST_WHOLE:
            raise DomainError(
                f"{self._place}: is one JSON object of more than {megabytes(LARGEST_WHOLE)}, which cannot "
                "be read row by row: save it with one object a line (.jsonl)"
            )
        found = _lists(load_whole(self._place, held), self._names)
        if not found:
            raise self._unknown()
        for told in found.pop("note", ()):
            self.notes[str(told)] = None
        return found


def load_whole(place: str, text: str) -> Any:
    """A whole file's value; an error names its line.

    Raises:
        DomainError: It is not JSON.
    """
    values = list(values_of(place, io.StringIO(text), False, LARGEST_WHOLE))
    return values[0][1] if len(values) == 1 else None


def _is_record(line: str, kind: type) -> bool:
    try:
        return isinstance(load("", line), kind)
    except DomainError:
        return False


def _lists(value: Any, names: Names) -> dict[str, Sequence[Any]]:
    """The rows of an object, by part; `""` where it has none. Empty where it holds no rows."""
    if not isinstance(value, dict) or not value:
        return {}
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):  # pandas: orient=split
        heading = [str(name) for name in value["columns"]]
        if all(isinstance(row, list) and len(row) == len(heading) for row in value["data"]):
            return {"": [dict(zip(heading, row, strict=True)) for row in value["data"]]}
    lists = {key: rows for key, rows in value.items() if isinstance(rows, list)}
    rows = {
        key: found for key, found in lists.items() if found and all(isinstance(row, dict) for row in found)
    }
    splits = {key: found for key, found in rows.items() if key.casefold() in PARTS}
    if len(splits) > 1:
        return dict(splits)
    viewed = rows.get("rows", [])
    if viewed and all(isinstance(row.get("row"), dict) for row in viewed):  # as the hub's viewer gives them
        return {"": [row["row"] for row in viewed]}
    if len(lists) == 1 and rows:
        return {"": next(iter(rows.values()))}
    if (
        len(lists) == len(value) > 1
        and len({len(column) for column in lists.values()}) == 1
        and any(lists.values())
    ):
        return {"": [dict(zip(lists, cells, strict=True)) for cells in zip(*lists.values(), strict=True)]}
    if len(rows) == 1:
        return {"": next(iter(rows.values()))}
    return _keyed(value, names)


def _keyed(value: Mapping[str, Any], names: Names) -> dict[str, Sequence[Any]]:
    """Rows of an object of objects: of columns with a value for each key, or of rows with a key for each."""
    inner = list(value.values())
    if not all(isinstance(found, dict) and found for found in inner):
        return {}
    columns = names.count(list(value)) if len(value) > 1 else 0
    if columns and all(found.keys() == inner[0].keys() for found in inner):  # pandas: orient=columns
        return {"": [{name: found[key] for name, found in value.items()} for key in inner[0]]}
    numbered = list(inner[0]) == [str(n) for n in range(len(inner[0]))]
    if numbered and all(found.keys() == inner[0].keys() for found in inner):
        return {"": [{name: found[key] for name, found in value.items()} for key in inner[0]]}
    shown = one_line(next(iter(value)), 30)
    told = f"the file is one object of {len(value)} rows by name, as {shown!r}: the names are not read"
    return {"": inner, "note": [told]}
