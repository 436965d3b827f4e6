"""Tokens of a text, estimated on the safe side, and texts shortened to so many of them."""

from __future__ import annotations

import math
import re

from meta_search.text import passage

__all__ = ["SHORTEST", "measure", "shortened", "tokens"]

# What a character comes to, at the most that the byte-pair vocabularies of today make of usual prose, code
# and logs: some of them give every digit a token of its own, and write what is not Latin byte by byte.
LETTER, SPACE, DIGIT, MARK, BYTE = 0.34, 0.2, 1.0, 0.8, 0.67
SHORTEST = 90  # characters; in less than that there is no room for a beginning, an end, and the mark between

LETTERS, SPACES, DIGITS = re.compile(r"[A-Za-z]"), re.compile(r"[ \n\t]"), re.compile(r"[0-9]")


def tokens(text: str) -> int:
    """Tokens of a text, rounded up. Of two texts together it is at most the sum for each."""
    return math.ceil(measure(text))


def measure(text: str) -> float:
    """Tokens of a text, not rounded."""
    size = len(text.encode("utf-8", "surrogatepass"))
    plain = len(text.encode("ascii", "ignore")) if size > len(text) else len(text)
    letters, spaces, digits = (len(kind.findall(text)) for kind in (LETTERS, SPACES, DIGITS))
    marks = plain - letters - spaces - digits
    worth = LETTER * letters + SPACE * spaces + DIGIT * digits + MARK * marks + BYTE * (size - plain)
    return round(worth, 6)


def shortened(text: str, room: int, most: int | None = None) -> str:
    """A text of several lines that takes so many tokens at most, shortened in the middle, which it says.

    Args:
        text: Anything; it is made printable.
        room: Tokens.
        most: Characters that it is bounded to, however much room there is.

    Returns:
        `""` where there is no room for a beginning and an end.
    """
    limit = len(text) if most is None else min(most, len(text))
    while room > 0:
        shown = passage(text, limit) if limit >= min(SHORTEST, len(text)) else ""
        cost = measure(shown)
        if cost <= room:
            return shown
        limit = min(limit - 1, int(limit * 0.97 * room / cost))
    return ""
