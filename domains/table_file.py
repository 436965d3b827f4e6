"""Reads the rows of a table out of a source's records, their cells as texts."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domains.choices import choices_in
from domains.columns import Made, Recipe, recipe_of
from domains.expressions import is_empty, parse
from domains.rows import Row
from domains.source_splits import pools_of
from domains.sources.headers import listed
from domains.sources.source import Source
from domains.sources.values import Written, with_numbers
from meta_search.errors import DomainError
from meta_search.types import Split

__all__ = ["SPLIT_NAMES", "Columns", "Written", "read_rows", "text_of_parts"]

SPLIT_NAMES: Mapping[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("examples", "example"), "examples"),
}
NO_IMAGES = "questions with images are not possible yet: agents are given text only"
# What programs write where a value is missing. The last few may be an answer, and are told.
MISSING = ("nan", "#n/a", "#value!", "#ref!", "#div/0!", "#name?", "#null!", "#num!", "<na>", "nat")
_HALF = re.compile("[\ud800-\udfff]")
PERHAPS = ("none", "null", "n/a", "na")


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
        lone_lists: Whether that holds for a list of one part too.
        lenient: Whether rows without a question or an answer are left out, and not refused, and whether the
            column `formula` may be missing in the file.
        matcher: Column of the rows' matchers; may be missing in the file. `None` reads none.
        group: Column of what rows must not be parted by; must be in the file. `None` reads none.
        made: `domain.columns`: columns that are made of the file's.
        where: `domain.where`: which rows are taken.
        families: Kinds to take; empty takes all.
        source_splits: `domain.source_splits`.
        formula: Column of the answers' workings or formulas; must be in the file, unless it is read
            leniently. `None` reads none.
        answerless: Whether rows need no answer, and the file no column of answers.
    """

    question: str = "question"
    answer: str = "answer"
    kind: str = "kind"
    split: str | None = "split"
    separator: str | None = None
    whole_lists: bool = False
    lone_lists: bool = True
    lenient: bool = False
    matcher: str | None = None
    group: str | None = None
    made: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)
    families: tuple[str, ...] = ()
    source_splits: Mapping[str, str] = field(default_factory=dict)
    formula: str | None = None
    answerless: bool = False

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that are asked for: those that a row is made of."""
        every = (self.question, self.answer, self.kind, self.split, self.matcher, self.group, self.formula)
        names = [name for name in every if name]
        asked: dict[str, None] = {}
        for name in names:
            if name not in self.made:
                asked |= dict.fromkeys(_columns_of(name))
        for column in self.recipe().made.values():
            asked |= {name: None for name in column.columns() if name.casefold() not in names}
        return tuple(asked)

    def recipe(self) -> Recipe:
        """What makes the columns of a row.

        Raises:
            DomainError: As `columns.recipe_of`.
        """
        needed = {self.question: "domain.question", self.answer: "domain.answer"}
        if self.answerless:
            del needed[self.answer]
        return recipe_of(self.made, self.where, needed)


def _columns_of(name: str) -> tuple[str, ...]:
    try:
        return (name, *parse(name).columns())
    except ValueError:
        return (name,)


def read_rows(source: Source, columns: Columns) -> Iterator[Row]:
    """The rows of a table, in order; those of a part that is called as a split are in it.

    Raises:
        DomainError: A source or a row that cannot be read, a column that is not there, or a cell that is
            empty or of a wrong kind; one line with the row.
    """
    recipe, kinds, count = columns.recipe(), dict[str, None](), 0
    wanted = {family.casefold() for family in columns.families}
    for pool in pools_of(source.name, source.parts, columns.source_splits):
        shared = "+".join(pool.splits) or (SPLIT_NAMES.get(pool.part.casefold(), "") if columns.split else "")
        for line, record in source.records(pool.part):
            place = source.place(pool.part, line)
            made = recipe.of(place, record, pool.part)
            if made is None or (columns.lenient and _lacks(made, columns)):
                continue
            row = _row(place, line, made, columns)
            if wanted and wanted.isdisjoint((row.kind.casefold(), pool.part.casefold())):
                kinds[row.kind] = None
                continue
            count += 1
            yield row._replace(part=pool.part, split=row.split or shared) if pool.part else row
    if not count and recipe.where:
        raise DomainError(f"{source.name}: {recipe.left_out_all()}")
    if not count and kinds:
        raise DomainError(f"{source.name}: domain.families names none of its kinds: {', '.join(kinds)[:300]}")


def _lacks(made: Made, columns: Columns) -> bool:
    """Whether a row has no question or no answer."""
    needed = (columns.question,) if columns.answerless else (columns.question, columns.answer)
    return any(is_empty(made.record[column]) for column in needed)


def _row(place: str, line: int, made: Made, columns: Columns) -> Row:
    record = made.record
    kind = "" if is_empty(value := _kind(columns.kind, record)) else _cell(place, columns.kind, value)
    given = record.get(columns.answer)
    answers = [""] if columns.answerless and is_empty(given) else _answers(place, columns, given)
    answers += [text for each in made.accepted for text in _answers(place, columns, each)]
    question = _cell(place, columns.question, text_of_parts(place, record[columns.question]))
    for column, text in ((columns.question, question), (columns.answer, answers[0])):
        missing = (*MISSING, *PERHAPS) if column == columns.question else MISSING
        if len(text) < 9 and text.casefold() in missing:
            raise DomainError(
                f"{place}: {column!r} is {text!r}, as programs write a value that is missing; fill it in, or "
                "leave the row out"
            )
    return Row(
        line,
        question,
        answers[0],
        kind,
        tuple(dict.fromkeys(text for text in answers[1:] if text != answers[0])),
        _split(place, columns.split, record),
        "weight" in record,
        _matcher(place, columns.matcher, record),
        choices_in(record, (columns.question, columns.answer)),
        working=made.working,
        id=made.id,
        data=tuple(made.data.items()),
        group=_of_column(place, "group", columns.group, record),
        formula=_of_column(place, "working", columns.formula, record, columns.lenient),
    )


def _of_column(
    place: str, key: str, column: str | None, record: Mapping[str, Any], lenient: bool = False
) -> str:
    """What a row says in the column that a key of the configuration names; empty where it says nothing, or
    where a copy of a benchmark may lack the column."""
    if column is None or (lenient and column not in record):
        return ""
    if column not in record:
        have = listed(record)
        raise DomainError(f"{place}: no column {column!r}, there are: {have}; set domain.{key}")
    value = record[column]
    if isinstance(value, list | dict):
        return _as_json(value)
    return "" if value is None else str(value).strip()


def _kind(column: str, record: Mapping[str, Any]) -> Any:
    """The kind of a row: a column, or an expression."""
    if column in record:
        return record[column]
    with contextlib.suppress(ValueError):
        return parse(column).value(record)
    return None


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
        except (ValueError, RecursionError) as error:
            raise DomainError(f"{place}: {column!r} is no JSON: {str(error)[:60]}") from error
    if cell is None or cell == "":
        return None
    if isinstance(cell, Mapping):
        return {key: with_numbers(value) for key, value in cell.items()}
    if not isinstance(cell, str) or isinstance(cell, Written):
        raise DomainError(f"{place}: {column!r} must name a matcher, not {cell!r:.40}")
    return cell.strip()


def _answers(place: str, columns: Columns, value: Any) -> list[str]:
    """The accepted answers of a cell, one at least. A list of texts or numbers is several; what is nested is
    one, as JSON."""
    name = columns.answer
    scalars = isinstance(value, list) and all(isinstance(part, str | bool | int | float) for part in value)
    if scalars and not columns.whole_lists:
        if not value:
            raise DomainError(
                f"{place}: {name!r} is an empty list (domain.matcher=json takes it as an answer)"
            )
        return [_cell(place, name, part) for part in value]
    if isinstance(value, list) and len(value) == 1 and not columns.lone_lists:
        value = value[0]
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
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        value = str(value)
    if value is None:
        raise DomainError(f"{place}: {column!r} is null; fill it in, or leave the row out")
    if not isinstance(value, str):
        raise DomainError(f"{place}: {column!r} must be a text or a number, not {value!r:.60}")
    if not value.strip():
        raise DomainError(f"{place}: {column!r} is empty")
    if not value.isascii() and _HALF.search(value):
        raise DomainError(f"{place}: {column!r} holds half a character (a lone surrogate)")
    return str(value).strip()
