"""Parses a model's reply into the values of output fields; a malformed reply is never an error."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

__all__ = ["CODE_FIELDS", "code_in", "parse_fields", "schema_for", "text_of"]

CODE_FIELDS = ("code", "program")
FENCE = re.compile(r"```[ \t]*(?:[\w+-]*)[ \t\r]*\n(.*?)(?:\n?```|\Z)", re.DOTALL)

# The inside of a string, closed or not, or a bare value up to the next comma, bracket or line.
BROKEN_VALUE = r'(?:"((?:[^"\\]|\\.)*)|([^"\s,}\]][^,}\]\n]*))'
MAX_OBJECTS = 16  # opening braces at which parsing is tried


def code_in(text: str) -> str:
    """The program in a reply: the first fenced block, or the text itself where there is no fence."""
    match = FENCE.search(text)
    return (match.group(1) if match else text.strip().strip("`")).strip("\n")


def schema_for(fields: Sequence[str]) -> dict[str, Any] | None:
    """JSON schema of a reply with these output fields.

    `None` for one field, which is asked for as plain text: JSON costs a small model about four times the
    tokens, and ruins code.
    """
    if len(fields) <= 1:
        return None
    return {
        "type": "object",
        "properties": {name: {"type": "string"} for name in fields},
        "required": list(dict.fromkeys(fields)),  # endpoints refuse a name that stands there twice
        "additionalProperties": False,
    }


def text_of(value: Any) -> str:
    """A JSON value as text: a third of the agents that ADAS published fail on anything but strings."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def parse_fields(text: str, fields: Sequence[str]) -> dict[str, str]:
    """Values of the output fields in a reply.

    Reads a JSON object wherever the text holds one; neither the order of its keys nor upper and lower case
    matter. Where several fields are asked for, a broken or truncated object is read as far as possible. If
    there is no object, the whole reply is the value of the only field, or of the field `answer`, or of the
    last one.

    Args:
        text: The model's reply.
        fields: Names of the output fields.

    Returns:
        Field -> value, `""` for a missing one.
    """
    if not fields:
        return {}
    found = _object_in(text, fields)
    if found is None and len(fields) > 1:
        found = _broken_object_in(text, fields)
    if found is not None:
        values = {name: text_of(found.get(name.lower())) for name in fields}
        return {k: code_in(v) if k.lower() in CODE_FIELDS else v for k, v in values.items()}
    default = "answer" if "answer" in fields else fields[-1]
    values = dict.fromkeys(fields, "")
    values[default] = code_in(text) if default.lower() in CODE_FIELDS else text.strip()
    return values


def _object_in(text: str, fields: Sequence[str]) -> dict[str, Any] | None:
    """The first JSON object in a text that holds one of the fields, its keys in lower case."""
    decoder = json.JSONDecoder(strict=False)
    start = text.find("{")
    for _ in range(MAX_OBJECTS):
        if start < 0:
            break
        try:
            value, _end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            value = {}
        lowered = {key.strip().lower(): content for key, content in value.items()}
        if any(name.lower() in lowered for name in fields):
            return lowered
        start = text.find("{", start + 1)
    return None


def _broken_object_in(text: str, fields: Sequence[str]) -> dict[str, Any] | None:
    """What follows the names of the fields in a text that only looks like a JSON object."""
    found: dict[str, Any] = {}
    for name in fields:
        match = re.search(rf'"{re.escape(name)}"\s*:\s*' + BROKEN_VALUE, text, re.IGNORECASE)
        if match:
            found[name.lower()] = _unescaped(match[1]) if match[1] is not None else match[2]
    return found or ({} if text.strip() == "{}" else None)


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text
