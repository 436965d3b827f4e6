"""Checks values that an agent's process reports, or a stranger's archive holds, before they become ours.

Both may say anything. What is no value of its kind raises a `ValueError` that names the part at fault:
whoever reads refuses it or leaves it out. Nothing here is repaired.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

__all__ = ["MAX_WHOLE", "bounded_json", "finite", "index", "rows", "scalar", "short", "wrong"]

MAX_WHOLE = 2**63 - 1  # what SQLite and NumPy hold
# A list costs 60 bytes of memory and two of JSON, so that bytes alone bound nothing.
# A string that does not end is taken to the end, lest every quote in it begins another search for one.
TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[,\[{]', re.DOTALL)


def wrong(what: str) -> NoReturn:
    """Raise a `ValueError` about a part."""
    raise ValueError(what)


def bounded_json(data: bytes, most: int, constant: Callable[[str], object] = wrong) -> Any:
    """A value from its JSON, if it consists of few enough parts.

    Args:
        data: The JSON.
        most: Most parts: strings, commas, and brackets that open.
        constant: What is done with `NaN` and infinities, which are no JSON.

    Raises:
        ValueError: It is no JSON, is nested too deeply, or has too many parts.
    """
    if _parts_over(data, most):
        wrong(f"more than {most} parts")
    try:
        return json.loads(data.decode(), parse_constant=constant)
    except (ValueError, RecursionError):
        return wrong("not JSON")


def _parts_over(data: bytes, most: int) -> bool:
    """Whether there are more parts, counted by bytes where that tells: ten times faster than finding them."""
    quotes = data.count(b'"')
    marks = quotes + sum(map(data.count, (b",", b"[", b"{")))
    if marks <= most or not quotes:
        return marks > most
    return next(itertools.islice(TOKENS.finditer(data), most, None), None) is not None


def rows(value: Any, least: int, most: int, what: str) -> list[Any]:
    """A list of `least` to `most` entries."""
    if not isinstance(value, list | tuple) or not least <= len(value) <= most:
        wrong(what)
    return list(value)


def short(value: Any, most: int, what: str) -> str:
    """A text of at most `most` characters; half surrogate pairs, which cannot be stored, are replaced."""
    if not isinstance(value, str) or len(value) > most:
        wrong(what)
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def index(value: Any, end: int, what: str) -> int:
    """A whole number from 0 to below `end`."""
    if type(value) is not int or not 0 <= value < end:
        wrong(what)
    return value


def finite(value: Any, least: float, most: float, what: str) -> float:
    """A number within bounds, which excludes what is none."""
    if type(value) not in (int, float) or not least <= value <= most:
        wrong(what)
    return float(value)


def scalar(value: Any, most: int, what: str) -> str | int | float | bool | None:
    """A text of at most `most` characters, a finite number of 64 bits, a truth value, or `None`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return short(value, most, what)
    if type(value) not in (int, float) or not abs(value) <= MAX_WHOLE or not math.isfinite(value):
        wrong(what)
    number: int | float = value
    return number
