"""Checks the fields of messages that come out of a child's pipe; nothing in them is trusted.

Every field is bounded and has exactly its type; anything else is a `ProtocolError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from meta_search.text import one_line
from meta_search.types import bounded_json

__all__ = [
    "MAX_ITEMS",
    "MAX_LINE",
    "MAX_NAME",
    "MAX_NUMBER",
    "ProtocolError",
    "checked_text",
    "clean_line",
    "fail",
    "identifier",
    "identifiers",
    "number",
    "parse_object",
    "raw_text",
    "text",
]

MAX_LINE = 2 * 2**20  # bytes
MAX_DETAIL = 500  # characters
MAX_NAME = 200  # characters
MAX_NUMBER = 10**6  # of ids and tokens
MAX_ITEMS = 1000  # of a list
MAX_PARTS = 50_000  # of a message's JSON: an empty list takes 30 times its bytes


class ProtocolError(Exception):
    """A message that the sandbox's protocol does not know: forged, broken, or too large."""


def fail(what: str) -> NoReturn:
    """Raise a `ProtocolError` that says what is wrong."""
    raise ProtocolError(f"broke the sandbox's protocol: {what}")


def parse_object(line: bytes) -> dict[str, Any]:
    """A line as a JSON object.

    Raises:
        ProtocolError: It is none.
    """
    try:
        message = bounded_json(line, MAX_PARTS)
    except ValueError as error:
        fail(str(error))
    if not isinstance(message, dict):
        fail("not an object")
    return message


def clean_line(text: str) -> str:
    """A text as one printable line of at most `MAX_DETAIL` characters."""
    return one_line(text[: 4 * MAX_DETAIL], instead="?")[:MAX_DETAIL]


def raw_text(value: Any, key: str, limit: int = MAX_LINE) -> str:
    """A string of at most `limit` characters; it may hold half a surrogate pair.

    Args:
        value: What may be one.
        key: Name of the field, for the error.
        limit: Most characters.

    Raises:
        ProtocolError: It is none, or too long.
    """
    if not isinstance(value, str) or len(value) > limit:
        fail(key)
    return value


def checked_text(value: Any, key: str, limit: int) -> str:
    """As `raw_text`, with half surrogate pairs replaced: they can be neither stored nor sent."""
    checked = raw_text(value, key, limit)
    return checked.encode("utf-8", "replace").decode() if not checked.isascii() else checked


def text(message: Mapping[str, Any], key: str, limit: int = MAX_LINE, cut: bool = False) -> str:
    """The text of a field.

    Args:
        message: The message.
        key: Name of the field.
        limit: Most characters.
        cut: Whether a longer text is cut rather than refused.

    Raises:
        ProtocolError: It is no text, or too long.
    """
    value = message.get(key)
    return checked_text(value[:limit] if cut and isinstance(value, str) else value, key, limit)


def number(message: Mapping[str, Any], key: str, default: float | None = None) -> float:
    """The number of a field; `default` if the field is missing.

    Raises:
        ProtocolError: It is no finite number, or missing without a default.
    """
    value = message.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        fail(key)
    return float(value)


def identifier(value: Any) -> int:
    """The id of a request, 0 to `MAX_NUMBER`.

    Raises:
        ProtocolError: It is none.
    """
    if type(value) is not int or not 0 <= value <= MAX_NUMBER:
        fail("id")
    return value


def identifiers(message: Mapping[str, Any], key: str) -> tuple[int, ...]:
    """The ids of a field, none if it is missing.

    Raises:
        ProtocolError: It is no list of at most `MAX_ITEMS` ids.
    """
    value = message.get(key, [])
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        fail(key)
    return tuple(identifier(i) for i in value)
