"""The fenced blocks of a reply, and Python source that came through a chat made to parse again."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from meta_search.types import parse

__all__ = ["Block", "blocks_in", "mended", "parses", "without_labels"]

FENCE = re.compile(r"^[ \t>]*(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^\n`]*?)[ \t\r]*$")
AT_THE_END = re.compile(r"(?<=[^\s`])`{3,}[ \t\r]*$")  # `return x```` closes a block in the line of its code
LABEL = re.compile(r"\W*(name|thought)\W*:[^=\n]*$", re.IGNORECASE | re.MULTILINE)
CODE = re.compile(
    r'^(import |from |def |class |async def |@|"""|\'\'\'|[A-Za-z_]\w* *(=|:.*=))', re.MULTILINE
)
MOST_LINES = 20_000
MOST_FENCES = 24  # that are looked at
MOST_TRIED = 12  # ends of a block that are tried
CURLY = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'"})
BLANKS = {0xA0: " ", 0x2007: " ", 0x202F: " ", 0x200B: None, 0x200C: None, 0x200D: None, 0xFEFF: None}


_Fence = tuple[int, re.Match[str]]  # its line


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced part of a reply.

    Attributes:
        info: What stands behind the opening fence, in lower case, as `python title="agent.py"`.
        text: What is in it.
        first: Its opening fence's line, from 0.
        last: The line after its closing fence.
        closed: Whether it has one.
    """

    info: str
    text: str
    first: int
    last: int
    closed: bool


def blocks_in(text: str) -> list[Block]:
    """The fenced blocks of a text, in order.

    A fence may stand within a string of a program. So a block ends at the first closing fence up to which it
    is Python, else at the first at all. A block that is none and has fences inside is a wrapper: what it
    holds counts.
    """
    lines = text.split("\n")[:MOST_LINES]
    return list(_blocks(lines, 0, len(lines), MOST_FENCES))


def _blocks(lines: Sequence[str], start: int, end: int, most: int) -> Iterator[Block]:
    fences = [(n, found) for n in range(start, end) if (found := FENCE.match(lines[n]))][:most]
    at = start
    for n, opening in fences:
        if n < at:
            continue
        block = _block(lines, n, opening, fences, end)
        inner = [m for m, _ in fences if n < m < block.last - block.closed]
        if inner and not parses(block.text):
            yield from _blocks(lines, n + 1, block.last - block.closed, most)
        else:
            yield block
        at = block.last


def _block(
    lines: Sequence[str],
    n: int,
    opening: re.Match[str],
    fences: Sequence[_Fence],
    end: int,
) -> Block:
    marks, info = opening["marks"], opening["info"].strip().lower()
    closings = [
        m
        for m, found in fences
        if m > n and not found["info"] and found["marks"].startswith(marks[0] * len(marks))
    ][:MOST_TRIED]
    whole = [(m, "\n".join(lines[n + 1 : m])) for m in closings]
    for m, inside in whole:
        if parses(inside):
            return Block(info, inside, n, m + 1, closed=True)
    if whole:
        return Block(info, whole[0][1], n, whole[0][0] + 1, closed=True)
    return Block(info, AT_THE_END.sub("", "\n".join(lines[n + 1 : end])), n, end, closed=False)


def parses(source: str) -> bool:
    """Whether a text is Python once what a chat did to it is undone."""
    return bool(source.strip()) and mended(source) is not None


def mended(source: str) -> str | None:
    """Source that can be parsed, with as few changes as need be, or `None`.

    Undone in this order, until it parses: name and thought above the code, a common indentation, blanks
    that are no spaces, entities of HTML, tabs, curly quotes.
    """
    source = without_labels(source.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
    if _is_python(source):
        return source
    for change in CHANGES:
        changed = change(source)
        if changed != source:
            source = changed
            if _is_python(source):
                return source
    return None


def without_labels(code: str) -> str:
    """Small models put name and thought into the block as well: what stands above the code is left out."""
    begins = CODE.search(code)
    return code[begins.start() :] if LABEL.match(code) and begins else code


def _is_python(source: str) -> bool:
    try:
        parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


CHANGES: tuple[Callable[[str], str], ...] = (
    lambda s: textwrap.dedent(s).strip("\n"),
    lambda s: textwrap.dedent(s.translate(BLANKS)),
    html.unescape,
    lambda s: textwrap.dedent(s.expandtabs(4)),
    lambda s: s.translate(CURLY),
)
