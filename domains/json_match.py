"""Comparing answers as JSON: order of keys, space, fences, text around it and 1.50 for 1.5 do not matter."""

from __future__ import annotations

import json
import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any

__all__ = ["is_json", "is_structure", "json_in", "json_match", "parsed", "relaxed", "same_value"]

MAX_TEXT = 200_000  # characters that are looked at, from the end
MOST_TRIED = 64  # opening brackets at which parsing is tried
_FENCE = re.compile(r"```[ \t]*[\w+-]*[ \t\r]*\n?(.*?)```", re.DOTALL)
_NOTHING = object()
MOST_RELAXED = 10_000  # characters of what may be read as loose JSON
_PIECE = re.compile(
    r"""\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|//[^\n]*|/\*.*?\*/|-?\d[\d.eE+-]*|[^\W\d]\w*|[^\w'\"/-]+|.""",
    re.DOTALL,
)
_TRAILING = re.compile(r",(\s*[}\]])")
_CONSTANTS = {"True": "true", "False": "false", "None": "null"}


def json_match(answer: str, target: str) -> bool:
    """Whether the JSON in an answer is the target's. Never raises."""
    wanted = parsed(target)
    if wanted is _NOTHING:
        return answer.strip() == target.strip()
    try:
        given = json_in(answer, type(wanted))
        if same_value(given, wanted):
            return True
        outer = given if isinstance(wanted, dict) else json_in(answer, dict)
        return same_value(_unwrapped(outer), wanted)
    except RecursionError:
        return False


def _unwrapped(value: Any) -> Any:
    """What an object gives that holds nothing else: `{"answer": …}`."""
    return next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else _NOTHING


def is_structure(text: str) -> bool:
    """Whether a text is a JSON object or list and nothing else."""
    return isinstance(parsed(text), dict | list)


def is_json(text: str) -> bool:
    """Whether a text is JSON and nothing else."""
    return parsed(text) is not _NOTHING


def json_in(text: str, kind: type) -> Any:
    """The JSON of an answer: all of it, else the last fenced block, else the last object or list in it.

    Args:
        text: The answer.
        kind: What is wanted, `dict` or `list`; other values must be the whole text or block.
    """
    text = text[-MAX_TEXT:]
    for candidate in (text, *reversed(_FENCE.findall(text))):
        value = relaxed(candidate)
        if value is not _NOTHING and isinstance(value, kind):
            return value
    if kind not in (dict, list):
        return _NOTHING
    found, start, bracket = _NOTHING, 0, "{" if kind is dict else "["
    for _ in range(MOST_TRIED):
        start = text.find(bracket, start)
        if start < 0:
            break
        try:
            found, start = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            start += 1
    return found


def parsed(text: str) -> Any:
    """The value of a text that is JSON and nothing else; `_NOTHING` for another text."""
    try:
        return _DECODER.decode(text.strip())
    except (ValueError, RecursionError):
        return _NOTHING


def relaxed(text: str) -> Any:
    """As `parsed`, also of what models write for JSON: single quotes, trailing commas, comments, `True`, bare
    keys."""
    value = parsed(text)
    if value is not _NOTHING or len(text) > MOST_RELAXED:
        return value
    if '"' not in text:
        text = text.replace("\u201c", '"').replace("\u201d", '"')
    if "//" in text or "/*" in text:  # comments, which may stand between a comma and a bracket
        text = "".join(piece for piece in _PIECE.findall(text) if piece[:2] not in ("//", "/*"))
    return parsed("".join(map(_strict, _PIECE.findall(text))))


def _strict(piece: str) -> str:
    """One piece of loose JSON, as JSON has it."""
    if piece[0] == "'" and len(piece) > 1:
        return json.dumps(piece[1:-1].replace("\\'", "'"), ensure_ascii=False)
    if not (piece[0].isalpha() or piece[0] == "_"):
        return piece if piece[0] == '"' else _TRAILING.sub(r"\1", piece)
    if piece in _CONSTANTS:
        return _CONSTANTS[piece]
    return piece if piece in _CONSTANTS.values() else json.dumps(piece, ensure_ascii=False)


def _number(text: str) -> Any:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond all bounds
        return text


_DECODER = json.JSONDecoder(parse_int=_number, parse_float=_number, parse_constant=str, strict=False)


def same_value(one: Any, other: Any) -> bool:
    """Whether two values of JSON are the same: texts but for space, numbers by value, `true` no 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    if isinstance(one, str) and isinstance(other, str):
        return _plain(one) == _plain(other)
    return type(one) is type(other) and bool(one == other)  # True is no 1


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
