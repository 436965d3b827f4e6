"""Name and thought of an agent in a reply of the meta model."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from meta_search.authors.replies.blocks import Block
from meta_search.authors.replies.mending import CODE
from meta_search.authors.replies.objects import objects_in, unwrapped
from meta_search.types import parse

__all__ = ["labels_of"]

LONGEST_NAME, LONGEST_THOUGHT = 60, 400
SHORT = 12  # a docstring whose first line has more words says no name


def labels_of(text: str, blocks: Sequence[Block], source: str) -> tuple[str, str]:
    """Name and thought, `""` where there is none.

    Of lines `Name: …` and `Thought: …`, else of JSON, else of the docstring.

    Args:
        text: The reply.
        blocks: Its fenced blocks.
        source: The agent's source.
    """
    lines = text.split("\n")
    inside = {n for block in blocks for n in range(block.first, block.last)}
    prose = "\n".join(line for n, line in enumerate(lines) if n not in inside)
    first = "\n".join(_above_code(block.text) for block in blocks)
    said = [*map(unwrapped, objects_in(text, blocks))] if "{" in text else []
    title, rest = _docstring(source)
    found = []
    for label, most, other in (("name", LONGEST_NAME, title), ("thought", LONGEST_THOUGHT, rest)):
        told = _labelled(prose, label) or _labelled(first, label)
        told = told or next((v for d in said[::-1] if isinstance(v := d.get(label), str) and v.strip()), "")
        told = "" if told.strip() == "forward" else told  # a small model names the function
        found.append(" ".join((told or other).split())[:most].strip())
    return found[0], found[1]


def _labelled(text: str, label: str) -> str:
    """What follows `label:` in its line, or as a heading's text below it."""
    # Nothing that may be repeated goes beyond its line: else a long reply without a label takes hours.
    told = rf"^[^\w{{\n]*{label}[^\w:\n]*:[^\w\n]*(?:\n\s*(?!\w+:))?(\w.*)$"
    match = re.search(told, text, re.MULTILINE | re.IGNORECASE) or re.search(
        rf"^#[^\w\n]*{label}[^\w\n]*\n\s*(\w.*)$", text, re.MULTILINE | re.IGNORECASE
    )
    return match.group(1).strip(" *`\"',") if match else ""


def _above_code(text: str) -> str:
    begins = CODE.search(text)
    return text[: begins.start()] if begins else text


def _docstring(source: str) -> tuple[str, str]:
    try:
        told = ast.get_docstring(parse(source)) or ""
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "", ""
    title, _, rest = told.partition("\n")
    return (title, rest) if len(title.split()) <= SHORT else ("", told)
