"""Domain `table`: questions with answers from a file of the user's (jsonl, json, csv or tsv).

    meta-search run domain=table domain.path=questions.jsonl domain.question=q domain.answer=a

Every row has a column for the question and one for the answer; a column `kind`, if there is one, names the
family of the row. Other columns are ignored.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from domains.domain import Item, Score, items_of
from domains.matching import matched, matcher, numeric
from domains.rows import Row, apportion, deal, distinct, read_text, shuffled
from domains.settings import Settings, named_sizes
from domains.wording import WORDING
from meta_search.errors import DomainError
from meta_search.types import Split

__all__ = ["TableDomain"]


class TableDomain:
    """Items from a file.

    Equal questions (but for space) are one item; splits are disjoint. Rows go to splits by a hash of the
    seed and the question, so neither the order of the file nor a few added rows deal them anew. Splits
    whose size is not named share what is left in the proportion of the default sizes, and at most those.

    Raises:
        DomainError: No such file, a column that is not there, an empty cell, a line that cannot be read (with
            its number), one question with two answers, or too few rows.
    """

    def __init__(self, settings: Settings) -> None:
        if not settings.path:
            raise DomainError("domain=table needs a file: domain.path=questions.jsonl")
        path = Path(settings.path).expanduser()
        rows = distinct(path, _rows(path, settings.question, settings.answer))
        sizes = apportion(path, len(rows), named_sizes(settings))
        self._match = matcher(settings.match, (row.answer for row in rows.values()))
        dealt = deal(shuffled(rows, settings.seed), sizes)
        self._items = {split: tuple(_item(key, rows[key]) for key in keys) for split, keys in dealt.items()}
        self.name = path.stem
        how = "a number" if self._match is numeric else "a short text, compared exactly but for case"
        examples = self._items["examples"][:2]  # never scored, so they may be shown
        shown = "".join(f" Example: {item.question[:300]!r} -> {item.target[:100]!r}." for item in examples)
        self.brief = f"Questions of the file {path.name}; each has one right answer, {how}.{shown}"
        self.wording: Mapping[str, str] = WORDING

    def items(self, split: Split) -> Sequence[Item]:
        """Items of a split, in an order that depends on the seed only; ids are hashes of the question."""
        return items_of(self._items, split)

    def score(self, item: Item, answer: str) -> Score:
        """1 if the answer matches the target (`domain.match`), else 0. Never raises."""
        return matched(self._match, answer, item.target)


def _item(key: str, row: Row) -> Item:
    return Item(f"q-{hashlib.sha256(key.encode()).hexdigest()[:12]}", row.question, row.answer, row.kind)


def _rows(path: Path, question: str, answer: str) -> Iterator[Row]:
    readers = {".jsonl": _jsonl, ".ndjson": _jsonl, ".json": _json, ".csv": _csv, ".tsv": _csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DomainError(f"domain.path={path}: unknown kind of file; use .jsonl, .json, .csv or .tsv")
    text = read_text(path)
    word = "row" if path.suffix.lower() == ".json" else "line"
    for line, record in reader(path, text):
        for column in (question, answer):
            if column not in record:
                have = ", ".join(map(str, record)) or "none"
                key = "question" if column == question else "answer"
                raise DomainError(
                    f"{path}, {word} {line}: no column {column!r}, there are: {have}; set domain.{key}"
                )
        place = f"{path}, {word} {line}"
        kind = _cell(place, "kind", record["kind"]) if record.get("kind") else ""
        cells = [_cell(place, column, record[column]) for column in (question, answer)]
        yield Row(line, cells[0], cells[1], kind)


def _cell(place: str, column: str, value: Any) -> str:
    if isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise DomainError(f"{place}: {column!r} must be a text or a number, not {value!r:.60}")
    if not value.strip():
        raise DomainError(f"{place}: {column!r} is empty")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise DomainError(f"{place}: {column!r} holds half a character (a lone surrogate)")
    return value.strip()


def _load(path: Path, text: str, line: int | None) -> Any:
    try:  # numbers are kept as they are written
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        raise DomainError(f"{path}, line {line or error.lineno}: is not JSON: {error.msg}") from error
    except RecursionError as error:
        raise DomainError(f"{path}, line {line or 1}: is nested too deeply") from error


def _jsonl(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if text.lstrip().startswith("["):  # a JSON list under another name
        yield from _json(path, text)
        return
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip():
            record = _load(path, content, line)
            if not isinstance(record, dict):
                raise DomainError(f"{path}, line {line}: must be a JSON object, one a line")
            yield line, record


def _json(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    records = _load(path, text, None)
    if isinstance(records, dict):  # {"examples": [...]}
        lists = [value for value in records.values() if isinstance(value, list)]
        records = lists[0] if len(lists) == 1 else None
    if not isinstance(records, list) or not records:
        raise DomainError(f"{path}: must be a JSON list of objects, with at least one")
    for ordinal, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise DomainError(f"{path}, row {ordinal}: must be a JSON object")
        yield ordinal, record


def _csv(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Rows of a table; cells may be as long as they like.

    Tabs separate the cells of a .tsv; else commas, or semicolons where the first line has more of them.
    Quotes stand around cells; in a .tsv in which they do not pair, they are characters like any other.
    """
    tabs = path.suffix.lower() == ".tsv"
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = "\t" if tabs else ";" if first.count(";") > first.count(",") else ","
    before = csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    try:
        try:
            rows = list(_records(path, text, delimiter))
        except csv.Error:
            if not tabs:
                raise
            rows = list(_records(path, text, delimiter, quotes=False))
    except csv.Error as error:
        raise DomainError(f"{path}: {error}") from error
    finally:
        csv.field_size_limit(before)
    yield from rows


def _records(
    path: Path, text: str, delimiter: str, quotes: bool = True
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    lines = io.StringIO(text, newline="")
    reader = csv.DictReader(lines, delimiter=delimiter, strict=True)
    if not quotes:
        reader = csv.DictReader(lines, delimiter=delimiter, strict=True, quoting=csv.QUOTE_NONE)
    last = 1
    try:
        for record in reader:
            last = reader.line_num
            if None in record or None in record.values():
                raise DomainError(f"{path}, line {last}: has more or fewer cells than the first line")
            yield last, record
    except csv.Error as error:
        raise csv.Error(f"after line {last}: {error}") from error
