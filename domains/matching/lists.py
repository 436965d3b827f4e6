"""Matchers `list` and `set`: several things, in order or in any."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from domains.domain import Item, Score
from domains.json_match import relaxed
from domains.matching.characters import from_latex, unified
from domains.matching.exact import exact, plain
from domains.matching.feedback import differing, expected, listed
from domains.matching.final import bare, final
from domains.matching.matcher import NO_ITEM, Matcher

__all__ = ["ListMatcher", "SetMatcher", "items_in", "texts_of"]

MOST_ITEMS = 500
MOST_LOOSE = 2_000  # characters of a sentence that names several things

_BULLET = re.compile(r"^\s*(?:[-*•–+]|\(?\d{1,3}[.)]|\(?[a-z]\))\s+", re.IGNORECASE)
_MARK = re.compile(r"\s*(?:,\s*(?:and|or|&)\s+|,(?!\d{3}(?!\d))|;|\n|\s+\||\s(?:and|&)\s)\s*", re.IGNORECASE)
_OTHER_MARKS = (r"\s/\s", r"\s*(?:→|->|=>)\s*", r"\s+(?=[-+]?\d)")  # where nothing else parts a text
_NUMBERS = re.compile(r"[-+]?\d[\d.,]*(?:\s+[-+]?\d[\d.,]*)+")
_INSIDE = re.compile(r"[^\[\]]*(\[[^\[\]]+\])[.!]?")
_CALL = re.compile(r"(?:set|frozenset|list|tuple)\((.*)\)", re.DOTALL)
# How a sentence names several things. Read so only where all of them are then the wanted ones.
_LEAD = re.compile(
    r"^[^:\n]{1,80}:\s+(?=\S)|^[^,;:\n]{0,80}?\b(?:is|are|was|were|has|have|contains?|includes?)\s+"
)
_INLINE = re.compile(r"(?:(?<=^)|(?<=[\s,;]))\(?(?:\d{1,2}|[a-h])[.):]\s+", re.IGNORECASE)
_ORDER = re.compile(
    r"^(?:(?:and|both|first(?:ly)?|second(?:ly)?|third(?:ly)?|fourth|then|next|finally|lastly)\b[\s,:]*)+(?=\S)",
    re.IGNORECASE,
)
_LOOSE = re.compile(
    r"\s*(?:[,;\n]|→|->|=>)\s*|\s[>+–—-]\s|\s(?:followed by|as well as|plus|then|and)\s", re.IGNORECASE
)
_OPEN = re.compile(r"\b(?:or|not|no|neither|nor|except|without|maybe)\b|n't\b|\?", re.IGNORECASE)
_LABEL = re.compile(r"^[\w ]{1,40}:\s*(?=\S)")


@dataclass(frozen=True)
class ListMatcher(Matcher):
    """Compares lists in order: JSON, bullets, lines, or parted by commas and "and". Things as `exact` does.

    Attributes:
        partial: Whether a list that is right in part earns that part (F1 of its things); else it is wrong.
    """

    partial: bool = False

    name: ClassVar[str] = "list"
    how: ClassVar[str] = "a list, compared thing by thing and in order"
    whole_lists: ClassVar[bool] = True
    ordered: ClassVar[bool] = True

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """1 for the same things, else 0 or a part; the feedback says what is missing and what is too much."""
        wanted, given = items_in(target), items_in(answer)
        taken = _paired(given, wanted)
        if None in taken or len(given) != len(wanted):
            for loose in _loosely(answer):
                found = _paired(loose, wanted)
                if len(loose) == len(wanted) and None not in found:
                    given, taken = loose, found
                    break
        same = sum(place is not None for place in taken)
        order = [place for place in taken if place is not None]
        if same == len(given) == len(wanted) and (not self.ordered or order == sorted(order)):
            return Score(1.0)
        if self.ordered and self.partial:
            same = sum(a is not None and a == n for n, a in enumerate(taken))
        value = 2 * same / (len(given) + len(wanted)) if self.partial and same else 0.0
        return Score(min(value, 0.99), _difference(given, wanted, taken))


@dataclass(frozen=True)
class SetMatcher(ListMatcher):
    """As `list`, in any order; what is there twice counts twice.

    Attributes:
        partial: Whether a set that is right in part earns that part (F1 of its things); else it is wrong.
    """

    name: ClassVar[str] = "set"
    how: ClassVar[str] = "a list, compared thing by thing in any order"
    ordered: ClassVar[bool] = False


def items_in(text: str, few: bool = True) -> list[str]:
    """The things that a text lists, at most `MOST_ITEMS`.

    Args:
        text: JSON, bullets, lines, or things with commas and "and" between them.
        few: Whether a text that cannot be parted is one thing.
    """
    said = from_latex(final(unified(text)).text)
    inner = bare(said)
    stands = _INSIDE.fullmatch(inner)  # "The list is [1, 2, 3]."
    inner = stands[1] if stands else inner
    value = relaxed(inner) if inner[:1] in "[(" and inner[-1:] in "])" else None
    if isinstance(value, list):
        return texts_of(value[:MOST_ITEMS])
    lines = [line for line in said.split("\n") if line.strip()]
    bullets = [line[found.end() :] for line in lines if (found := _BULLET.match(line))]
    if len(bullets) > 1:
        return [bare(part) for part in bullets[:MOST_ITEMS]]
    if len(lines) == 1 and inner[:1] in "[({" and inner[-1:] in "])}":
        inner = inner[1:-1]
    inner = _LABEL.sub("", inner) if len(lines) == 1 else inner
    parts = [bare(part) for part in _MARK.split(inner)[:MOST_ITEMS]]
    found_parts = [part for part in parts if part]
    if len(found_parts) == 1 and "\n" not in found_parts[0]:
        found_parts = _parted(found_parts[0])
    return found_parts if found_parts or not few else [inner]


def _loosely(answer: str) -> Iterator[list[str]]:
    """The things of a sentence: "First red, then blue", "1) red 2) blue", "both red and blue"."""
    said = bare(from_latex(final(unified(answer)).text))
    if len(said) > MOST_LOOSE or _OPEN.search(said):
        return
    call = _CALL.fullmatch(said)
    if call:
        yield items_in(call[1])
        return
    for text in dict.fromkeys((said, _LEAD.sub("", said, count=1))):
        for marked in dict.fromkeys((_INLINE.sub("\n", text), text)):
            parts = (bare(_ORDER.sub("", part.strip())) for part in _LOOSE.split(marked)[:MOST_ITEMS])
            yield [part for part in parts if part]


def texts_of(values: Sequence[Any]) -> list[str]:
    """Values of a JSON list as texts: a text as it is, another value as JSON."""
    return [value if isinstance(value, str) else json.dumps(value, default=str) for value in values]


def _parted(text: str) -> list[str]:
    """A text by the first of the rarer marks that part it: `a / b`, `a → b`, `1 2 3`."""
    for mark in _OTHER_MARKS[: None if _NUMBERS.fullmatch(text) else -1]:
        parts = [bare(part) for part in re.split(mark, text)[:MOST_ITEMS] if part.strip()]
        if len(parts) > 1:
            return parts
    return [text]


def _paired(given: Sequence[str], wanted: Sequence[str]) -> list[int | None]:
    """For each thing that is given, the place of the wanted one that it is; each is taken once."""
    free: dict[int, str] = dict(enumerate(wanted))
    by_text: dict[str, list[int]] = {}
    for place, text in free.items():
        by_text.setdefault(plain(text), []).append(place)
    found: list[int | None] = []
    for text in given:
        places = [place for place in by_text.get(plain(text), ()) if place in free]
        if not places and len(given) * len(wanted) <= 10_000:
            places = [place for place, right in free.items() if exact(text, right)]
        found.append(places[0] if places else None)
        if places:
            del free[places[0]]
    return found


def _difference(given: Sequence[str], wanted: Sequence[str], taken: Sequence[int | None]) -> str:
    missing = [text for place, text in enumerate(wanted) if place not in taken]
    more = [text for text, place in zip(given, taken, strict=True) if place is None]
    return differing(missing, more, f"in another order; {expected(listed(wanted))}")
