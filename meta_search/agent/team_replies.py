"""Parses the ratings and rankings that a team's agents write; malformed ones give `None`, never an error."""

from __future__ import annotations

import json
import re

__all__ = ["parse_ranking", "parse_ratings"]

NUMBER = r"[-+]?\d{1,6}(?:\.\d{1,6})?"
LIST = re.compile(rf"\[\s*({NUMBER}(?:\s*[,;]\s*{NUMBER})*)\s*,?\s*\]")
# "Agent 1: 4", "2 - 5/5", "#3 = 2"; the number of the agent, then its points.
LABELLED = re.compile(rf"(?<![\d./])(\d{{1,3}})\W{{0,3}}\s*[:=-]\s*\W{{0,3}}({NUMBER})")
OUT_OF = re.compile(r"\s*(?:/|\bout of\b)\s*(?:5|five)(?![\d.]*\d)", re.IGNORECASE)
MAX_TEXT = 4000


def parse_ratings(text: str, n: int) -> list[float] | None:
    """Ratings of n replies, in their order; `None` if a text does not hold exactly n.

    Understands lists, JSON objects (by number, or in order), lines such as `Agent 1: 4/5`, and bare numbers.
    Ratings outside 1..5 are returned as they are: `edge_weights` clips them.

    Args:
        text: What the model wrote.
        n: Number of replies that it rated.
    """
    text = OUT_OF.sub("", text[-MAX_TEXT:])
    if n <= 0:
        return None
    for found in (_from_json(text, n), _from_lists(text, n), _labelled(text, n)):
        if found is not None:
            return found
    numbers = [float(m) for m in re.findall(rf"(?<![\d.]){NUMBER}(?![\d]|\.\d)", text)]
    return numbers if len(numbers) == n else None


def parse_ranking(text: str, n: int, k: int) -> list[int] | None:
    """The k best of n replies, best first, as positions from 0; `None` if a text does not name k.

    The last list that names at least k different replies of 1..n counts, as models think before they answer.
    If there is no list, the numbers of the text count, if they are k or more different ones of 1..n and no
    others.

    Args:
        text: What the model wrote.
        n: Number of replies that it ranked.
        k: How many it was to choose.
    """
    text = text[-MAX_TEXT:]
    rows = [re.findall(NUMBER, m[1]) for m in LIST.finditer(text)]
    for row in [*reversed(rows), *([] if rows else [re.findall(NUMBER, text)])]:
        if all(re.fullmatch(r"\d+", number) and 1 <= int(number) <= n for number in row):
            places = list(dict.fromkeys(int(number) - 1 for number in row))
            if len(places) >= k:
                return places[:k]
    return None


def _from_json(text: str, n: int) -> list[float] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict):
        numbers = {re.sub(r"\D", "", str(key)): v for key, v in value.items()}
        by_number = [numbers.get(str(i + 1)) for i in range(n)]
        value = list(value.values()) if None in by_number else by_number
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = [value]
    if not isinstance(value, list) or len(value) != n:
        return None
    try:
        return [float(v) for v in value]
    except (TypeError, ValueError, OverflowError):
        return None


def _from_lists(text: str, n: int) -> list[float] | None:
    """The last list of n numbers."""
    rows = [[float(number) for number in re.findall(NUMBER, m[1])] for m in LIST.finditer(text)]
    return next((row for row in reversed(rows) if len(row) == n), None)


def _labelled(text: str, n: int) -> list[float] | None:
    found = {int(label): float(points) for label, points in LABELLED.findall(text)}
    return [found[i + 1] for i in range(n)] if set(found) == set(range(1, n + 1)) else None
