"""Finding a text that a model asks for: in a time linear in what is searched, whatever it asks for."""

from __future__ import annotations

import re
from itertools import pairwise

from meta_search.authors.tool_text import BadArguments

__all__ = ["Pattern"]

MOST_PATTERN, MOST_WORDS = 200, 20
LOOKS_REGULAR = re.compile(r"\\[dwsbDWSB]|\[[^\]]*\]|\(\?|[+?]$|\$$|^\^")


class Pattern:
    """A text to be found within lines, in a time linear in their length: no regular expression.

    Args:
        text: As a model wrote it: `*` (or `.*`) stands for anything, `|` for either side, a backslash before
            a sign for the sign.

    Raises:
        BadArguments: It is empty, or too long.
    """

    def __init__(self, text: str) -> None:
        if len(text) > MOST_PATTERN:
            raise BadArguments(f"the text has {len(text)} characters, more than {MOST_PATTERN}")
        plain = re.sub(r"\\([^\w\s*|])", r"\1", text.replace(".*", "*").lower())
        ways = [[part for part in way.split("*") if part] for way in plain.split("|")]
        self._ways = [way for way in ways if way][:MOST_WORDS]
        if not self._ways:
            raise BadArguments("the text to be found is empty")
        regular = LOOKS_REGULAR.search(text)
        self.remark = " It is looked for as it stands, not as a regular expression." if regular else ""

    def find(self, line: str) -> int:
        """Where it stands in a line first, or -1."""
        low, first = line.lower(), -1
        for way in self._ways:
            start = at = low.find(way[0])
            for before, part in pairwise(way):
                if at < 0:
                    break
                at = low.find(part, at + len(before))
            if at >= 0 and (first < 0 or start < first):
                first = start
        return first
