"""The options of a table's rows, where it has columns for them: they are shown below each question."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from domains.domain import Item
from domains.matching.exact import plain
from domains.matching.options import LETTERS, letter_of, options_of
from domains.row_file import MappedRows, Rows
from domains.rows import Row
from meta_search.errors import DomainError

__all__ = ["choices_in", "with_choices"]

COLUMNS = ("choices", "options")
# Options that name others by their place: shuffled they would mean something else.
_PLACED = re.compile(r"\b(?:above|below|(?:both|neither) \(?[A-J]\b|\(?[A-J]\)? (?:and|or|nor) \(?[A-J]\b)")


def choices_in(record: Mapping[str, Any], others: Sequence[str]) -> tuple[str, ...]:
    """The options of a row: a list, also as JSON or with labels, in `choices` or `options`; or A, B, ….

    Args:
        record: The row.
        others: Columns that hold something else, as the question and the answer.
    """
    for column in COLUMNS:
        cell = record.get(column) if column not in others else None
        if isinstance(cell, str) and cell.strip()[:1] in ("[", "{"):
            try:
                cell = json.loads(cell)
            except (ValueError, RecursionError):
                continue
        if isinstance(cell, dict):  # {"text": […], "label": […]}, or by letter
            cell = cell.get("text") or [cell.get(x) for x in LETTERS[: len(cell)]]
        if isinstance(cell, list) and 2 <= len(cell) <= len(LETTERS):
            texts = [str(part).strip() for part in cell if isinstance(part, str | int | float)]
            return tuple(texts) if len(texts) == len(cell) and all(texts) else ()
    lettered = []
    for letter in LETTERS:
        cell = record.get(letter)
        if letter in others or cell is None or not str(cell).strip():
            break
        lettered.append(str(cell).strip())
    return tuple(lettered) if len(lettered) > 1 else ()


def with_choices(rows: Rows, where: Callable[[Row], str], shuffle: bool = False) -> tuple[Rows, str, bool]:
    """Rows with their options below the question and a letter as the answer; a line that says so; whether all
    rows have options.

    An answer may be an option's letter, its text or its number (from 0 where one is 0, from 1 where one is as
    many as there are options). Where no answer is any of these, the column is about something else.

    Args:
        rows: They; gone through several times.
        where: Where a row stands, for errors.
        shuffle: Whether options come in another order, which depends on question and options alone: it is the
            same in every run.

    Raises:
        DomainError: The answers of some rows are options and that of another is none; names the row.
    """
    having = sum(bool(row.choices) for row in rows)
    if not having:
        return rows, "", False
    first = _first_number(row for row in rows if row.choices)
    if not any(_letters(row, first) for row in rows if row.choices):
        return MappedRows(rows, lambda row: row._replace(choices=())), "", False
    all_have = having == len(rows)

    def made(row: Row) -> Row:
        if not row.choices:
            return row
        right = _letters(row, first)
        shown = _shown(*(_shuffled(row, right) if shuffle else (row, right)))
        return shown if all_have or row.matcher else shown._replace(matcher="choice")

    for row in rows:
        if row.choices and not _letters(row, first):
            raise DomainError(
                f"{where(row)}: the answer {row.answer[:60]!r} is none of its choices: "
                f"{', '.join(row.choices)[:80]}"
            )
    told = "the choices of a row stand below its question, with letters, and answers are letters"
    return MappedRows(rows, made), told, all_have


def _shuffled(row: Row, letters: Sequence[str]) -> tuple[Row, Sequence[str]]:
    """A row with its options in another order, and the letters that are right then."""
    if any(_PLACED.search(text) for text in row.choices):
        return row, letters

    def place(number: int) -> bytes:
        again = number if row.choices.count(row.choices[number]) > 1 else 0
        text = json.dumps([row.question, row.choices[number], again])
        return hashlib.sha256(text.encode()).digest()

    order = sorted(range(len(row.choices)), key=place)
    right = sorted(LETTERS[order.index(LETTERS.index(letter))] for letter in letters)
    return row._replace(choices=tuple(row.choices[number] for number in order)), right


def _shown(row: Row, letters: Sequence[str]) -> Row:
    question, (answer, *others) = row.question, letters
    if len(options_of(Item("", question, ""))) != len(row.choices):  # the question may have them already
        lines = (f"{letter}) {text}" for letter, text in zip(LETTERS, row.choices, strict=False))
        question = "\n".join((question, *lines))
    return row._replace(question=question, answer=answer, others=tuple(others))


def _letters(row: Row, first: int | None) -> list[str]:
    """The letters of all accepted answers; empty where one of them is no option."""
    texts = [plain(text) for text in row.choices]
    found = []
    for answer in (row.answer, *row.others):
        letter = letter_of(answer)
        if row.choices.count(answer) == 1:
            place = row.choices.index(answer)
        elif plain(answer) in texts:
            place = texts.index(plain(answer))
        elif letter:
            place = LETTERS.index(letter)
        elif first is not None and answer.isdecimal():
            place = int(answer) - first
        else:
            return []
        if not 0 <= place < len(texts):
            return []
        found.append(LETTERS[place])
    return list(dict.fromkeys(found))


def _first_number(rows: Iterable[Row]) -> int | None:
    """Whether options are counted from 0 or from 1; `None` where answers do not tell."""
    found = None
    for row in rows:
        if row.answer.isdecimal() and len(row.answer) < 9:
            if int(row.answer) == 0:
                return 0
            found = 1 if int(row.answer) == len(row.choices) else found
    return found
