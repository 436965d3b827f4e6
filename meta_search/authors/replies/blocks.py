"""The fenced blocks of a reply."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from meta_search.authors.replies.mending import parses

__all__ = ["FENCE", "Block", "blocks_in"]

FENCE = re.compile(r"^[ \t>]*(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^\n`]*?)[ \t\r]*$")
AT_THE_END = re.compile(r"(?<=[^\s`])`{3,}[ \t\r]*$")  # `return x```` closes a block in the line of its code
MOST_LINES = 20_000
MOST_FENCES = 24  # that are looked at
DEEPEST = 3  # of blocks in blocks
MOST_TRIED = 12  # ends of a block that are tried


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
    return list(_blocks_of(text))


@functools.lru_cache(maxsize=8)  # of a reply they are asked for several times
def _blocks_of(text: str) -> tuple[Block, ...]:
    lines = text.split("\n")[:MOST_LINES]
    return tuple(_blocks(lines, 0, len(lines), DEEPEST))


def _blocks(lines: Sequence[str], start: int, end: int, deeper: int) -> Iterator[Block]:
    there = ((n, found) for n in range(start, end) if (found := FENCE.match(lines[n])))
    fences = list(islice(there, MOST_FENCES))
    at = start
    for n, opening in fences:
        if n < at:
            continue
        block = _block(lines, n, opening, fences, end)
        inner = [m for m, _ in fences if n < m < block.last - block.closed]
        if inner and deeper and not parses(block.text):
            yield from _blocks(lines, n + 1, block.last - block.closed, deeper - 1)
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
