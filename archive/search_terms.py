"""The terms of a query for full text, and where they stand in a text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from meta_search.text import one_line

__all__ = ["Term", "excerpt", "parse", "place_of", "trigrams"]

MOST_TERMS = 16
AROUND, MOST_EXCERPT = 60, 160  # characters before a hit, and of an excerpt


@dataclass(frozen=True, slots=True)
class Term:
    """A word, a phrase, or the beginning of a word."""

    text: str
    prefix: bool = False

    @property
    def match(self) -> str:
        """The same for FTS5: in quotes, so that nothing of it is an operator."""
        quoted = self.text.replace('"', '""')
        return f'"{quoted}"' + ("*" if self.prefix else "")


def parse(query: str) -> list[Term]:
    """The terms of a query: words, "phrases", and beginnings*. All of them have to be there."""
    found = re.findall(r'"([^"]*)"|(\S+)', query.replace("\0", " "))
    terms = []
    for phrase, word in found[:MOST_TERMS]:
        text = phrase.strip() or word.strip('"')
        prefix = not phrase and text.endswith("*") and len(text) > 1
        text = text[:-1] if prefix else text
        if text:
            terms.append(Term(text[:200], prefix))
    return terms


def trigrams(text: str) -> list[str]:
    """All pieces of three characters, each quoted for FTS5; none of a shorter text."""
    pieces = (text[n : n + 3].replace('"', '""') for n in range(len(text) - 2))
    return list(dict.fromkeys(f'"{piece}"' for piece in pieces))


def _plain(text: str) -> str:
    """Text as it is compared: without case and accents, as long as it was."""
    if text.isascii():
        return text.lower()
    return "".join((unicodedata.normalize("NFD", c)[:1] or c).lower()[:1] for c in text)


def place_of(text: str, term: Term, literal: bool = False) -> int:
    """Where a term begins in a text, -1 for nowhere.

    Args:
        text: The text.
        term: The term.
        literal: Whether it has to stand there as it is; else anything but words may be between its words.
    """
    within, wanted = _plain(text), _plain(term.text)
    place = within.find(wanted)
    if place >= 0 or literal:
        return place
    words = re.findall(r"\w+", wanted)
    if not words:
        return -1
    found = re.search(r"\W+".join(map(re.escape, words)), within)
    return found.start() if found else -1


def excerpt(text: str, places: Sequence[int]) -> str:
    first = min((place for place in places if place >= 0), default=0)
    line = text.rfind("\n", 0, first) + 1
    start = max(line, first - AROUND)
    before = "…" if start > line else ""
    return before + one_line(text[start : start + 4 * MOST_EXCERPT].strip().partition("\n")[0], MOST_EXCERPT)
