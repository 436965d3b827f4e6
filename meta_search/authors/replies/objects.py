"""The JSON objects in a reply, also where it only looks like JSON."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meta_search.authors.replies.blocks import Block, blocks_in
from meta_search.types import parse

__all__ = ["fault_of", "objects_in"]

MOST_OBJECTS = 32  # opening braces at which JSON is looked for
LONGEST = 200_000
COMMA_AT_THE_END = re.compile(r",(\s*[}\]])")
COMMENT = re.compile(r"(?m)^\s*(//|#).*$|(?<=[,{\[\d\"])\s+//[^\n\"]*$")
NAMES = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}


def objects_in(text: str, blocks: Sequence[Block] | None = None) -> list[Mapping[str, Any]]:
    """The JSON objects in a text, none within another, in order; of fenced blocks, if they hold any.

    What stands between the first and the last brace is read as Python writes a dict, too, and with comments
    and with commas at the end.

    Args:
        text: A reply.
        blocks: Its fenced blocks, where they are known.
    """
    blocks = blocks_in(text) if blocks is None else blocks
    return [value for block in blocks for value in _objects(block.text)] or _objects(text)


def fault_of(text: str) -> str:
    """Why no object was read in a text, in one line."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0:
        return "there is no JSON object"
    try:
        json.loads(text[start : end + 1] if end > start else text[start:], strict=False)
    except RecursionError:
        return "the JSON cannot be read: it is nested too deeply"
    except ValueError as error:
        return f"the JSON cannot be read: {error}"
    return "there is no JSON object"


def _objects(text: str) -> list[Mapping[str, Any]]:
    start, end = text.find("{"), text.rfind("}")
    inside = text[start : end + 1]
    if start < 0 or not inside:
        return []
    value = _whole(inside) if len(inside) <= LONGEST else None
    return [value] if isinstance(value, Mapping) else list(_several(text))


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
    """A text that is one object, in JSON or nearly so."""
    for attempt in (text, COMMA_AT_THE_END.sub(r"\1", COMMENT.sub("", text))):
        try:
            return json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            pass
    return _literal(text)


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
