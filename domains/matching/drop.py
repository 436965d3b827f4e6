"""Matcher `drop`: F1 of bags of words with aligned spans and matched numbers (Dua et al. 2019)."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from domains.domain import Item, Score
from domains.json_match import parsed
from domains.matching.characters import MAX_TEXT
from domains.matching.feedback import expected, listed, words
from domains.matching.lists import items_in, texts_of
from domains.matching.matcher import NO_ITEM, Matcher
from domains.matching.overlap import said

__all__ = ["Drop", "alignment"]

MOST_SPANS = 48

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = frozenset(string.punctuation)


@dataclass(frozen=True)
class Drop(Matcher):
    """DROP's F1: spans of answer and target are paired so that the sum of their F1s is the greatest.

    A pair counts only where a number of the target's span, if it has any, is in the answer's. The mean is
    over the longer of both lists, rounded to two decimals. A target with several spans is a JSON list; an
    answer is then parted as a list is, at commas, "and" and line ends.

    Attributes:
        extract: Whether only the final answer is compared, where something marks it.
    """

    extract: bool = True

    name: ClassVar[str] = "drop"
    how: ClassVar[str] = (
        "a number, a date or one or more spans of text, scored by shared words (F1, as DROP's)"
    )
    whole_lists: ClassVar[bool] = True
    lone_lists: ClassVar[bool] = False

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """F1, 0..1, in hundredths."""
        wanted = _spans(target)
        text = said(answer, self.extract)
        is_json = text.lstrip().startswith("[")
        given = _spans(text)
        if len(wanted) > 1 and not is_json:
            given = items_in(text, few=False) or given
        ours, theirs = ([_words(span) for span in spans[:MOST_SPANS]] for spans in (given, wanted))
        values = [[_pair(one, other) for other in ours] for one in theirs]
        total = sum(values[row][column] for row, column in alignment(values))
        value = round(total / max(len(ours), len(theirs)), 2)
        if value >= 1:
            return Score(value)
        flat = ([word.removesuffix(".0") for bag in bags for word in sorted(bag)] for bags in (ours, theirs))
        return Score(value, f"{words(*flat)}; {expected(listed(wanted))}")


def alignment(values: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Pairs of rows and columns, each in one pair at most, whose values have the greatest sum.

    The Hungarian method with potentials (Kuhn 1955), cubic in the shorter side.
    """
    if not values or not values[0]:
        return []
    if len(values) > len(values[0]):
        flipped = alignment(list(zip(*values, strict=True)))
        return [(row, column) for column, row in flipped]
    rows, columns = len(values), len(values[0])
    infinite = float("inf")
    of_row, of_column = [0.0] * (rows + 1), [0.0] * (columns + 1)
    owner = [0] * (columns + 1)
    for row in range(1, rows + 1):
        owner[0], at = row, 0
        least, seen, way = [infinite] * (columns + 1), [False] * (columns + 1), [0] * (columns + 1)
        while owner[at]:
            seen[at] = True
            current, step, best = owner[at], infinite, 0
            for column in range(1, columns + 1):
                if seen[column]:
                    continue
                cost = -values[current - 1][column - 1] - of_row[current] - of_column[column]
                if cost < least[column]:
                    least[column], way[column] = cost, at
                if least[column] < step:
                    step, best = least[column], column
            for column in range(columns + 1):
                if seen[column]:
                    of_row[owner[column]] += step
                    of_column[column] -= step
                else:
                    least[column] -= step
            at = best
        while at:
            owner[at] = owner[way[at]]
            at = way[at]
    return [(owner[column] - 1, column - 1) for column in range(1, columns + 1) if owner[column]]


def _spans(text: str) -> list[str]:
    value = parsed(text) if text.lstrip().startswith("[") else None
    if isinstance(value, list) and value:
        return texts_of(value)
    return [text]


def _words(span: str) -> frozenset[str]:
    """The bag of a span: words without articles and punctuation, numbers as numbers."""
    found: list[str] = []
    for token in re.split(r"[ -]", span[-MAX_TEXT:].lower()):
        if _number(token) is None:
            token = "".join(character for character in token if character not in _PUNCTUATION)
        value = _number(token)
        found += _ARTICLES.sub(" ", token if value is None else str(value)).split()
    return frozenset(found)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _pair(wanted: frozenset[str], given: frozenset[str]) -> float:
    numbers = {word for word in wanted if _number(word) is not None}
    if numbers and not numbers & given:
        return 0.0
    same = len(wanted & given)
    precision = same / len(given) if given else 1.0
    recall = same / len(wanted) if wanted else 1.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
