"""The JSON objects in a reply, also where it only looks like JSON."""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from meta_search.authors.replies.blocks import Block, blocks_in
from meta_search.authors.replies.mending import CURLY
from meta_search.types import parse

__all__ = ["LISTS", "fault_of", "objects_in", "texts_in", "unwrapped"]

MOST_OBJECTS = 32  # opening braces at which JSON is looked for
LONGEST = 200_000
MOST_TEXTS = 64  # of an object that are looked at
DEEPEST = 8
STRING = r'"(?:[^"\\]|\\.)*"'
COMMENT = re.compile(rf"{STRING}|(?P<odd>//[^\n]*|#[^\n]*|/\*[^*]{{0,2000}}\*/)")
COMMA_AT_THE_END = re.compile(rf"{STRING}|(?P<odd>,)(?=\s*[}}\]])")
NO_COMMA = re.compile(r'(["}\]\d]|true|false|null)([ \t]*\n\s*)(?=["{\[])')
LISTS = ("plans", "agents", "drafts", "candidates", "programs")
WRAPPERS = ("plan", "agent", "answer", "json")
CALLS = ("function", "arguments", "parameters", "input", "action_input", "args")  # of a tool
NAMES = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}


def objects_in(text: str, blocks: Sequence[Block] | None = None) -> list[Mapping[str, Any]]:
    """The JSON objects in a text, none within another, in order; of fenced blocks, if they hold any.

    What stands between the first and the last brace is read as Python writes a dict, too, and with comments,
    commas at the end, curly quotes, or lines that lack a comma.

    Args:
        text: A reply.
        blocks: Its fenced blocks, where they are known.
    """
    blocks = blocks_in(text) if blocks is None else blocks
    return [value for block in blocks for value in _objects(block.text)] or [*_objects(text)]


def fault_of(text: str) -> str:
    """Why no object was read in a text, in one line."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0:
        return "there is no JSON object"
    inside = text[start:].strip()
    try:
        json.loads(text[start : end + 1] if end > start else inside, strict=False)
    except RecursionError:
        return "the JSON cannot be read: it is nested too deeply"
    except json.JSONDecodeError as error:
        if _opens(inside):
            return "the JSON cannot be read: it ends before it is whole"
        return f"the JSON cannot be read: {error}"
    return "there is no JSON object"


def unwrapped(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object itself, its keys in lower case, without one around it as {"plan": {…}} or of a tool call."""
    lowered = {str(key).strip().lower(): value for key, value in data.items()}
    if {"way", "routes"} & set(lowered):
        return lowered
    for name in LISTS:  # of one plan, where several were allowed
        rows = lowered.get(name)
        if isinstance(rows, list) and rows and isinstance(rows[-1], Mapping):
            return unwrapped(rows[-1])
    for name in (*WRAPPERS, *CALLS):
        inner = lowered.get(name)
        if isinstance(inner, str) and name in CALLS and inner.lstrip().startswith("{"):
            inner = _whole(inner[:LONGEST])
        if isinstance(inner, Mapping):
            return unwrapped(inner)
    return lowered


def texts_in(value: Any, depth: int = 0) -> Iterator[str]:
    """The texts of an object at any depth, in order; lines in a list, as of a notebook's cell, are one."""
    if isinstance(value, str):
        inner = _whole(value) if value.lstrip().startswith(("{", "[")) and len(value) <= LONGEST else None
        yield from texts_in(inner, depth + 1) if isinstance(inner, Mapping | list) else (value,)
    elif depth < DEEPEST and isinstance(value, list) and all(isinstance(row, str) for row in value):
        yield ("" if any(row.endswith("\n") for row in value) else "\n").join(value)
    elif depth < DEEPEST and isinstance(value, Mapping | list):
        rows = value.values() if isinstance(value, Mapping) else value
        yield from islice((text for row in rows for text in texts_in(row, depth + 1)), MOST_TEXTS)


@functools.lru_cache(maxsize=8)  # of a reply they are asked for several times
def _objects(text: str) -> tuple[Mapping[str, Any], ...]:
    start, end = text.find("{"), text.rfind("}")
    inside = text[start : end + 1]
    if start < 0 or not inside:
        return ()
    value = _whole(inside) if len(inside) <= LONGEST and not _begins_whole(inside) else None
    return (value,) if isinstance(value, Mapping) else tuple(_several(text))


def _begins_whole(text: str) -> bool:
    """Whether a text begins with an object in plain JSON, and something stands behind it."""
    try:
        return json.JSONDecoder(strict=False).raw_decode(text)[1] < len(text)
    except (ValueError, RecursionError):
        return False


def _several(text: str) -> Iterator[Mapping[str, Any]]:
    decoder, at = json.JSONDecoder(strict=False), 0
    for _ in range(MOST_OBJECTS):
        at = text.find("{", at)
        if at < 0:
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        if isinstance(value, Mapping):
            yield value


def _whole(text: str) -> Any:
    """A text that is one object or list, in JSON or nearly so."""
    plain = COMMA_AT_THE_END.sub(_told, COMMENT.sub(_told, text))
    straight = text if '"' in text else text.translate(CURLY)
    for attempt in dict.fromkeys((text, plain, straight, NO_COMMA.sub(r"\1,\2", plain))):
        try:
            return json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            pass
    return _literal(text)


def _told(found: re.Match[str]) -> str:
    """Strings as they are, anything else left out."""
    return "" if found["odd"] else found[0]


def _opens(text: str) -> bool:
    """Whether braces or brackets are opened that nothing closes."""
    plain = re.sub(STRING, "", text)
    return plain.count('"') % 2 == 1 or sum(map(plain.count, "{[")) > sum(map(plain.count, "}]"))


def _literal(text: str) -> Any:
    """A dict as Python writes it; JSON's names are taken too."""

    class Named(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return ast.Constant(NAMES[node.id]) if node.id in NAMES else node

    try:
        body = parse(text.strip()).body
        if len(body) != 1 or not isinstance(body[0], ast.Expr):
            return None
        return ast.literal_eval(Named().visit(body[0].value))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None
