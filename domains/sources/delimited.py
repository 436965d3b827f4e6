"""Rows of a table whose cells are parted by commas, semicolons, tabs or bars, as spreadsheets write them."""

from __future__ import annotations

import csv
import io
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from domains.sources.headers import Names
from domains.sources.limits import LARGEST_RECORD, megabytes
from domains.sources.opening import opened
from domains.sources.texts import Encoding, text_of
from meta_search.errors import DomainError

__all__ = ["DelimitedRows"]

Record = Mapping[str, Any]
SAMPLE = 2**16
ROWS = 20  # of the sample
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
TABS = (".tsv", ".tab")
BATCH = 256  # rows that are read at a time
BATCH_TEXT = 2**20  # characters, likewise
_SEP = re.compile(r'"?sep=(.)"?[ \t,;|]*(?:\r\n|\r|\n)')
_NUMBER = re.compile(r"[-+]?\d[\d.,]*")
_LIMIT = threading.Lock()  # csv has one limit of fields for the whole process


@dataclass(frozen=True, slots=True)
class _Form:
    """How a file is written.

    Attributes:
        delimiter: What parts the cells.
        skipped: Characters before the table, as of Excel's line `sep=;`.
        heading: Names of the columns; `None` where the first line has none.
        quotes: Whether quotes stand around cells.
    """

    delimiter: str
    skipped: int
    heading: Sequence[str] | None
    quotes: bool


class DelimitedRows:
    """The rows of one file, which may be read again and again.

    Tabs part the cells of a .tsv; else what parts the first lines into columns that are asked for, or into
    most. Quotes stand around cells; in a .tsv in which they do not pair, they are characters like any other.
    Rows without any text are left out.

    Args:
        path: The file.
        place: It, for errors.
        encoding: Of its text.
        names: Which columns are asked for.

    Attributes:
        parts: None.
        notes: Lines for the user on how it was read; all are there when it was read to its end.
        by_line: True: rows are counted by line.
    """

    parts: tuple[str, ...] = ()
    by_line = True

    def __init__(self, path: Path, place: str, encoding: Encoding, names: Names) -> None:
        self._path, self._place, self._encoding, self._names = path, place, encoding, names
        self.notes: dict[str, None] = {}
        self._form = self._found_form()
        self._heading = self._named()

    def records(self, part: str = "") -> Iterator[tuple[int, Record]]:
        """Line at which a row ends, from 1, and row.

        Raises:
            DomainError: A row that has more or fewer cells than the first line, or quotes that do not pair.
        """
        heading, empty = self._heading, 0
        width = len(heading)
        used = [n for n, name in enumerate(heading) if name]
        for line, cells in self._rows(self._form):
            if not _says(cells):
                empty += bool(cells)
                continue
            if len(cells) != width and (len(cells) < width or any(map(str.strip, cells[width:]))):
                parted = DELIMITERS.get(self._form.delimiter, repr(self._form.delimiter))
                raise DomainError(
                    f"{self._place}, line {line}: has more or fewer cells than the first line "
                    f"({len(cells)} and {width}, parted by {parted})"
                )
            yield line, {heading[n]: cells[n] for n in used}
        if empty:
            self.notes[f"{empty} empty rows were left out"] = None

    def _rows(self, form: _Form) -> Iterator[tuple[int, list[str]]]:
        """Line and cells of each row below the heading."""
        rows = self._cells(form)
        if form.heading is not None:
            for _, cells in rows:
                if _says(cells):
                    break
        yield from rows

    def _cells(self, form: _Form) -> Iterator[tuple[int, list[str]]]:
        with opened(self._path) as file, text_of(file, self._encoding, "") as text:
            text.read(form.skipped)
            lines = 1 if form.skipped else 0
            quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if form.quotes else csv.QUOTE_NONE
            reader = csv.reader(
                _bounded(text, self._place), delimiter=form.delimiter, strict=True, quoting=quoting
            )
            last = 1 + lines
            while True:
                batch, error = _batch(reader)
                for number, cells in batch:
                    last = number + lines
                    yield last, cells
                if error is not None:
                    raise DomainError(f"{self._place}: {_why(error, last, form.delimiter)}") from error
                if not batch:
                    return

    def _named(self) -> list[str]:
        """Names of the columns: the heading's, or of a file without one numbers, or what is asked for."""
        form = self._form
        if form.heading is not None:
            return self._names.heading(form.heading)
        width = len(next(self._cells(form))[1])
        wanted = self._names.first(2)
        if width == 2 == len(wanted):
            self.notes[
                f"the first line is no heading: its columns were read as {wanted[0]!r} and {wanted[1]!r}"
            ] = None
            return list(wanted)
        self.notes[f"the first line is no heading: its columns are called 1 to {width}"] = None
        return [str(n) for n in range(1, width + 1)]

    def _found_form(self) -> _Form:
        with opened(self._path) as file, text_of(file, self._encoding, "") as text:
            sample = text.read(SAMPLE)
        sep = _SEP.match(sample)
        skipped = sep.end() if sep else 0
        if sep:
            delimiter, rows = sep[1], _sampled(sample[skipped:], sep[1])
        else:
            tabs = any(suffix.lower() in TABS for suffix in self._path.suffixes)
            order = ["\t", ",", ";", "|"] if tabs else list(DELIMITERS)
            ranked = []
            for place, mark in enumerate(order):
                rows = _sampled(sample, mark)
                first = rows[0] if rows else []
                even = (
                    sum(len(row) == len(first) for row in rows) / max(1, len(rows)) if len(first) > 1 else 0
                )
                ranked.append(
                    (
                        tabs and mark == "\t" and len(first) > 1,
                        self._names.count(first),
                        even,
                        len(first),
                        -place,
                    )
                )
            delimiter = order[-max(ranked)[-1]]
            rows = _sampled(sample, delimiter)
        heading = rows[0] if rows else []
        plain = (
            len(heading) > 1
            and not self._names.count(heading)
            and any(_NUMBER.fullmatch(c.strip()) for c in heading)
        )
        form = _Form(delimiter, skipped, None if plain else heading, True)
        if delimiter == "\t" and not self._pairs(form):
            loose = _sampled(sample[skipped:], delimiter, quotes=False)
            form = _Form(delimiter, skipped, None if plain else loose[0], False)
        return form

    def _pairs(self, form: _Form) -> bool:
        """Whether the quotes of a table pair. In one parted by tabs they may be characters like any other."""
        try:
            for _ in self._cells(form):
                pass
        except DomainError as error:
            if isinstance(error.__cause__, csv.Error):
                return False
            raise
        return True


def _says(cells: Sequence[str]) -> bool:
    """Whether a row has any text."""
    return any(cell and not cell.isspace() for cell in cells)


def _batch(reader: Any) -> tuple[list[tuple[int, list[str]]], csv.Error | None]:
    """Some further rows with their lines, and what stopped them."""
    found: list[tuple[int, list[str]]] = []
    held = 0
    with _LIMIT:
        before = csv.field_size_limit(LARGEST_RECORD)
        try:
            for cells in reader:
                found.append((reader.line_num, cells))
                held += sum(map(len, cells))
                if len(found) == BATCH or held > BATCH_TEXT:
                    break
        except csv.Error as error:
            return found, error
        finally:
            csv.field_size_limit(before)
    return found, None


def _bounded(text: Any, place: str) -> Iterator[str]:
    """Lines of a text, none of which may be too long."""
    while line := text.readline(LARGEST_RECORD + 1):
        if len(line) > LARGEST_RECORD:
            raise DomainError(f"{place}: a line is longer than {megabytes(LARGEST_RECORD)}")
        yield line


def _why(error: csv.Error, last: int, delimiter: str) -> str:
    told = str(error)
    if "field larger" in told:
        told = f"a cell is longer than {megabytes(LARGEST_RECORD)}, or its quote does not end"
    elif "unexpected end" in told:
        told = f"{told}: a quote does not end"
    elif "expected after" in told:
        told = f"a quote ends within a cell ({told}): double the quotes inside of quoted cells"
    return f"after line {last}: {told}"


def _sampled(sample: str, delimiter: str, quotes: bool = True) -> list[list[str]]:
    """The first rows of a text that have cells, as far as they can be read."""
    rows: list[list[str]] = []
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    whole = len(sample) < SAMPLE
    with _LIMIT:
        before = csv.field_size_limit(LARGEST_RECORD)
        try:
            for cells in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, quoting=quoting):
                if _says(cells):
                    rows.append(cells)
                if len(rows) == ROWS:
                    return rows
        except csv.Error:
            return rows
        finally:
            csv.field_size_limit(before)
    return rows if whole or len(rows) < 2 else rows[:-1]  # the last one may be cut
