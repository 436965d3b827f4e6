"""What a column is made of: a small language for records as they are published.

    question                        a column
    answers.spans[0]                what is in it: keys of an object, places of a list, from 0
    answer.number | answer.spans    the first of several that is there and not empty
    {passage}\\n\\n{question}         a text with the values of columns in it; {{ and }} are braces

A key of a list means that key of each of its objects: `choices.text` of `[{"text": "a"}, {"text": "b"}]` is
`["a", "b"]`. A record that has a column of exactly that name is read there, whatever characters are in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

__all__ = ["MISSING", "Expression", "is_empty", "parse", "text_of", "value_at"]

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING", "__bool__": lambda self: False})()
"""What a column that a record does not have is worth."""

_STEP = re.compile(r"\[(-?\d+)\]|([^.\[\]]+(?:\[(?!-?\d+\])[^.\[\]]*\]?)*)|\.")
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_LITERAL = {"{{": "{", "}}": "}"}


@dataclass(frozen=True, slots=True)
class Expression:
    """Alternatives, each a path or a template.

    Attributes:
        text: As it was written.
        alternatives: Texts of paths and templates, in the order in which they are tried.
    """

    text: str
    alternatives: tuple[str, ...]

    def value(self, record: Mapping[str, Any]) -> Any:
        """The first alternative that is not empty, else an empty one, else `MISSING`.

        A template is missing where one of its columns is.
        """
        if self.text in record:
            return record[self.text]
        best: Any = MISSING
        for alternative in self.alternatives:
            found = _one(record, alternative)
            if not is_empty(found):
                return found
            best = found if best is MISSING else best
        return best

    def columns(self) -> tuple[str, ...]:
        """Names of the columns that it reads, without what is in them."""
        return tuple(dict.fromkeys(name for text in self.alternatives for name in _names(text)))


@lru_cache(1_000)
def parse(text: str) -> Expression:
    """An expression.

    Raises:
        ValueError: It is empty, or a brace of it is not closed.
    """
    alternatives = tuple(part.strip(" ") for part in _parted(text))
    if not all(part.strip() for part in alternatives):
        raise ValueError(f"{text!r} names no column")
    for part in alternatives:
        rest = _PIECE.sub("", part)
        if "{" in rest or "}" in rest:
            raise ValueError(f"{text!r} has a brace that is not closed; write {{{{ for a brace")
    return Expression(text, alternatives)


def value_at(record: Any, path: str) -> Any:
    """What is at a path of a record; `MISSING` where there is nothing."""
    if isinstance(record, Mapping) and path in record:
        return record[path]
    value = record
    for index, name in _steps(path):
        value = _step(value, index, name)
        if value is MISSING:
            return MISSING
    return value


def text_of(value: Any) -> str:
    """A value as a part of a text: texts and numbers as they are, parts of a list with a space between."""
    if value is None or value is MISSING:
        return ""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list | tuple):
        return " ".join(part for part in (text_of(inner).strip() for inner in value) if part)
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, Mapping) else str(value)


def is_empty(value: Any) -> bool:
    """Whether nothing is in it: `None`, no text, no parts. 0 and false are something."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value is MISSING or (isinstance(value, list | tuple | Mapping) and not value)


def _one(record: Mapping[str, Any], text: str) -> Any:
    if "{" not in text and "}" not in text:
        return value_at(record, text)
    made, at = [], 0
    for piece in _PIECE.finditer(text):
        made.append(text[at : piece.start()])
        at = piece.end()
        if piece[1] is None:
            made.append(_LITERAL[piece[0]])
            continue
        value = parse(piece[1]).value(record)
        if value is MISSING:
            return MISSING
        made.append(text_of(value))
    filled = "".join((*made, text[at:]))
    return filled if filled.strip(" \n\t:,;|-") else ""


def _names(text: str) -> Iterator[str]:
    if "{" in text or "}" in text:
        for piece in _PIECE.finditer(text):
            if piece[1] is not None:
                yield from parse(piece[1]).columns()
        return
    yield next((name for _, name in _steps(text) if name), text)


def _parted(text: str) -> list[str]:
    """Alternatives: parted at bars that are in no braces."""
    depth, parts, at = 0, [], 0
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if character == "|" and depth == 0:
            parts.append(text[at:place])
            at = place + 1
    return [*parts, text[at:]]


@lru_cache(1_000)
def _steps(path: str) -> tuple[tuple[int | None, str], ...]:
    found = _STEP.finditer(path)
    steps = ((int(step[1]) if step[1] else None, step[2] or "") for step in found if step[0] != ".")
    return tuple((index, name.strip()) for index, name in steps)


def _step(value: Any, index: int | None, name: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(name, MISSING) if index is None else MISSING
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return MISSING
    if index is None and name.isdecimal():
        index = int(name)
    if index is not None:
        return value[index] if -len(value) <= index < len(value) else MISSING
    inner = [_step(part, None, name) for part in value]
    return MISSING if value and all(part is MISSING for part in inner) else inner
