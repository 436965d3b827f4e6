"""Grids of digits, as ARC has them (Chollet 2019, arXiv 1911.01547, section III): compared cell by cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from domains.domain import Item, Score
from domains.matching.final import final
from domains.matching.matcher import NO_ITEM, Matcher

__all__ = ["Grid", "GridMatcher", "grid_line", "grids_in"]

Grid = tuple[tuple[int, ...], ...]

MOST_SIDE = 100  # rows, and cells of a row
MOST_TEXT = 200_000  # characters of an answer, from its end

# [[1, 2], [3, 4]] with any space, commas or none (as NumPy prints), round brackets too.
_ROW = re.compile(r"[\[(][\s,]*\d(?:[\s,]*\d)*[\s,]*[\])]")
_BETWEEN = re.compile(r"[\s,;]*")
# 1 2 3, 1,2,3, |1|2|3| or 123: a line of one digit a cell.
_LINE = re.compile(r"^[ \t>]*(?:\|[ \t]*)?\d(?:[ \t]*[,|]?[ \t]*\d)*[ \t]*\|?[ \t]*$")
_RULE = re.compile(r"^[ \t]*\|?[ \t:|+-]*-[ \t:|+-]*$")
_OR = re.compile(r"\b(?:or|oder|ou|o)\b|或", re.IGNORECASE)


@dataclass(frozen=True)
class GridMatcher(Matcher):
    """Whether a grid is the right one in every cell.

    Of several grids in an answer the last counts, as working ends with it; two with an "or" between are
    wrong.
    """

    name: ClassVar[str] = "grid"
    how: ClassVar[str] = "a grid of digits, as [[1, 2], [3, 4]], right only if every cell is"
    whole_lists: ClassVar[bool] = True

    def fault(self, target: str) -> str:
        """Why a target is no grid."""
        found = list(grids_in(target))
        return "" if len(found) == 1 else "is no grid of digits, as [[1, 2], [3, 4]]"

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """1 for the right grid, else 0; the feedback says what differs."""
        text = answer[-MOST_TEXT:]
        found = list(grids_in(final(text).text)) or list(grids_in(text))
        if not found:
            return Score(0.0, "no grid of digits in the answer")
        (wanted, _, _) = next(grids_in(target))
        given, start, whole = found[-1]
        if len(found) > 1 and found[-2][0] != given and _OR.search(whole[found[-2][1] : start][-40:]):
            return Score(0.0, "several grids")
        if given == wanted:
            return Score(1.0)
        return Score(0.0, _difference(given, wanted))


def _difference(given: Grid, wanted: Grid) -> str:
    if len({len(row) for row in given}) > 1:
        return "rows of the grid have different lengths"
    shapes = [f"{len(grid)}×{len(grid[0])}" for grid in (given, wanted)]
    if shapes[0] != shapes[1]:
        return f"the grid is {shapes[0]}, expected {shapes[1]}"
    pairs = [pair for rows in zip(given, wanted, strict=True) for pair in zip(*rows, strict=True)]
    return f"{sum(a != b for a, b in pairs)} of {len(pairs)} cells are wrong"


def grid_line(grid: Grid | list[list[int]]) -> str:
    """A grid as JSON in one line."""
    return "[" + ", ".join("[" + ", ".join(map(str, row)) + "]" for row in grid) + "]"


def grids_in(text: str) -> Iterator[tuple[Grid, int, str]]:
    """The grids of a text in order, each with where it begins and the text that this counts in.

    In brackets, or else as lines of digits; a line of one number is cells without space between.
    """
    found = list(_bracketed(text))
    yield from found or _lines(text)


def _bracketed(text: str) -> Iterator[tuple[Grid, int, str]]:
    """Grids in brackets: rows in brackets one behind the other, with a bracket before the first."""
    rows: list[tuple[int, ...]] = []
    start = last = 0
    for match in _ROW.finditer(text):
        follows = bool(rows) and _BETWEEN.fullmatch(text, last, match.start()) is not None
        if not follows:
            if rows:
                yield tuple(rows), start, text
            opened = (
                text[:0] if not match.start() else text[max(0, match.start() - 20) : match.start()].rstrip()
            )
            rows = []
            if not opened.endswith(("[", "(")):
                continue
            start = match.start()
        rows.append(tuple(map(int, re.findall(r"\d+", match[0]))))
        last = match.end()
        if len(rows) > MOST_SIDE or len(rows[-1]) > MOST_SIDE:
            return
    if rows:
        yield tuple(rows), start, text


def _lines(text: str) -> Iterator[tuple[Grid, int, str]]:
    """Grids as lines of digits."""
    rows: list[tuple[int, ...]] = []
    start = place = 0
    for line in [*text.split("\n"), "."]:
        if len(line) <= 4 * MOST_SIDE and _LINE.match(line):
            if not rows:
                start = place
            numbers = re.findall(r"\d+", line)
            rows.append(tuple(map(int, numbers if len(numbers) > 1 else numbers[0])))
        elif not (rows and _RULE.match(line)):
            if rows and len(rows) <= MOST_SIDE:
                yield tuple(rows), start, text
            rows = []
        place += len(line) + 1
