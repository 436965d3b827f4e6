"""Reads the file of a table: rows of jsonl, json, csv or tsv, and their cells as texts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domains.choices import choices_in
from domains.rows import Row, read_text
from meta_search.errors import DomainError
from meta_search.types import Split

__all__ = ["Columns", "place_of", "read_rows", "text_of_parts"]

SPLIT_NAMES: Mapping[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("examples", "example"), "examples"),
}
NO_IMAGES = "questions with images are not possible yet: agents are given text only"


class Written(str):
    """A number of a JSON file as it is written there: 0.50 stays 0.50."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns, and how their cells are read; see `settings.Settings`.

    Attributes:
        question: Column of the questions.
        answer: Column of the answers.
        kind: Column of the families; may be missing in the file.
        split: Column of the splits; may be missing in the file. `None` reads none.
        separator: What stands between several accepted answers of a cell, or `None`.
        whole_lists: Whether a list is an answer, and not several accepted ones.
        matcher: Column of the rows' matchers; may be missing in the file. `None` reads none.
        working: Column of the answers' workings or formulas; `None` reads none.
    """

    question: str = "question"
    answer: str = "answer"
    kind: str = "kind"
    split: str | None = "split"
    separator: str | None = None
    whole_lists: bool = False
    matcher: str | None = None
    working: str | None = None


def read_rows(path: Path, columns: Columns) -> Iterator[Row]:
    """The rows of a table.

    Raises:
        DomainError: A file or a line that cannot be read, a column that is not there, or a cell that is empty
            or of a wrong kind; one line with the row.
    """
    readers = {".jsonl": _jsonl, ".ndjson": _jsonl, ".json": _json, ".csv": _csv, ".tsv": _csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DomainError(f"domain.path={path}: unknown kind of file; use .jsonl, .json, .csv or .tsv")
    text = read_text(path)
    for line, record in reader(path, text):
        place = f"{path}, {place_of(path, line)}"
        keys = {"question": columns.question, "answer": columns.answer, "working": columns.working}
        for key, column in keys.items():
            if column is not None and column not in record:
                have = ", ".join(map(str, record)) or "none"
                raise DomainError(f"{place}: no column {column!r}, there are: {have}; set domain.{key}")
        yield _row(place, line, record, columns)


def place_of(path: Path, line: int) -> str:
    """Where a row stands in its file, for errors: `line 7`, or `row 7` where lines do not count."""
    return f"{'row' if path.suffix.lower() == '.json' else 'line'} {line}"


def _row(place: str, line: int, record: Mapping[str, Any], columns: Columns) -> Row:
    kind = _cell(place, columns.kind, record[columns.kind]) if record.get(columns.kind) else ""
    answers = _answers(place, columns, record[columns.answer])
    question = text_of_parts(place, record[columns.question])
    return Row(
        line,
        _cell(place, columns.question, question),
        answers[0],
        kind,
        tuple(dict.fromkeys(answers[1:])),
        _split(place, columns.split, record),
        "weight" in record,
        _matcher(place, columns.matcher, record),
        choices_in(record, (columns.question, columns.answer)),
        str(record[columns.working] or "") if columns.working is not None else "",
    )


def text_of_parts(place: str, question: Any) -> Any:
    """A question in the parts of a chat message as their text; any other value as it is.

    Raises:
        DomainError: One of the parts is no text, such as an image.
    """
    if not isinstance(question, list | tuple) or not all(isinstance(part, dict) for part in question):
        return question
    kinds = [str(part.get("type", "")) for part in question]
    if any("image" in kind for kind in kinds):
        raise DomainError(f"{place}: {NO_IMAGES}; describe the image in words, or leave the question out")
    if not question or any(
        kind != "text" or not isinstance(p.get("text"), str) for kind, p in zip(kinds, question, strict=True)
    ):
        return question
    return "\n".join(part["text"] for part in question)


def _split(place: str, column: str | None, record: Mapping[str, Any]) -> str:
    """The split that a row names; empty where the table has no such column."""
    if column is None or column not in record:
        return ""
    name = str(record[column] or "").strip()
    if name.casefold() not in SPLIT_NAMES:
        raise DomainError(
            f"{place}: {column!r} is {name[:40]!r}; must be train, validation, test or examples "
            "(domain.split=null ignores the column)"
        )
    return SPLIT_NAMES[name.casefold()]


def _matcher(place: str, column: str | None, record: Mapping[str, Any]) -> str | Mapping[str, Any] | None:
    """The matcher that a row names: a name, or an object with `name` and options, also as JSON in a cell."""
    cell = record.get(column) if column is not None else None
    if isinstance(cell, str) and cell.strip().startswith("{"):
        try:
            cell = json.loads(cell)
        except ValueError as error:
            raise DomainError(f"{place}: {column!r} is no JSON: {str(error)[:60]}") from error
    if cell is None or cell == "":
        return None
    if isinstance(cell, Mapping):
        return {key: _plain(value) for key, value in cell.items()}
    if not isinstance(cell, str) or isinstance(cell, Written):
        raise DomainError(f"{place}: {column!r} must name a matcher, not {cell!r:.40}")
    return cell.strip()


def _plain(value: Any) -> Any:
    """A value with numbers for numbers as they are written."""
    if isinstance(value, Written):
        return json.loads(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _answers(place: str, columns: Columns, value: Any) -> list[str]:
    """The accepted answers of a cell, one at least. A list of texts or numbers is several; what is nested is
    one, as JSON."""
    name = columns.answer
    scalars = isinstance(value, list) and all(isinstance(part, str | bool) for part in value)
    if scalars and not columns.whole_lists:
        if not value:
            raise DomainError(
                f"{place}: {name!r} is an empty list (domain.matcher=json takes it as an answer)"
            )
        return [_cell(place, name, part) for part in value]
    if isinstance(value, list | dict):
        value = _as_json(value)
    if columns.separator is not None and isinstance(value, str) and not isinstance(value, Written):
        parts = [part for part in value.split(columns.separator) if part.strip()]
        if parts:
            return [_cell(place, name, part) for part in parts]
    return [_cell(place, name, value)]


def _as_json(value: Any) -> str:
    """A value as one line of JSON, its numbers as they are written in the file."""
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {_as_json(v)}" for k, v in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_as_json, value)) + "]"
    return str(value) if isinstance(value, Written) else json.dumps(value, ensure_ascii=False)


def _cell(place: str, column: str, value: Any) -> str:
    if isinstance(value, bool):
        value = str(value)
    if value is None:
        raise DomainError(f"{place}: {column!r} is null; fill it in, or leave the row out")
    if not isinstance(value, str):
        raise DomainError(f"{place}: {column!r} must be a text or a number, not {value!r:.60}")
    if not value.strip():
        raise DomainError(f"{place}: {column!r} is empty")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise DomainError(f"{place}: {column!r} holds half a character (a lone surrogate)")
    return str(value).strip()


def _load(path: Path, text: str, line: int | None) -> Any:
    try:  # numbers are kept as they are written
        return json.loads(text, parse_int=Written, parse_float=Written, parse_constant=Written)
    except json.JSONDecodeError as error:
        raise DomainError(f"{path}, line {line or error.lineno}: is not JSON: {error.msg}") from error
    except RecursionError as error:
        raise DomainError(f"{path}, line {line or 1}: is nested too deeply") from error


def _jsonl(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if text.lstrip().startswith("[") or _holds_a_list(text):  # a .json file under another name
        yield from _json(path, text)
        return
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip():
            record = _load(path, content, line)
            if not isinstance(record, dict):
                raise DomainError(f"{path}, line {line}: must be a JSON object, one a line")
            yield line, record


def _holds_a_list(text: str) -> bool:
    """Whether a text is one JSON object with the rows in it: {"examples": [{…}, …]}."""
    try:
        whole = json.loads(text)  # of several lines with an object each, it reads the first
    except (ValueError, RecursionError):
        return False
    lists = [v for v in whole.values() if isinstance(v, list)] if isinstance(whole, dict) else []
    return len(lists) == 1 and bool(lists[0]) and all(isinstance(row, dict) for row in lists[0])


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
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]  # "text, label"
        for record in reader:
            last = reader.line_num
            if None in record or None in record.values():
                raise DomainError(f"{path}, line {last}: has more or fewer cells than the first line")
            yield last, record
    except csv.Error as error:
        raise csv.Error(f"after line {last}: {error}") from error
