"""Which of the options a text is, or holds: by their texts, and as numbers where all of them are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from domains.matching.exact import exact, plain
from domains.matching.numeric import numeric

__all__ = ["NEGATION", "Choices", "by_text", "longest", "several_choices", "within"]

NEGATION = re.compile(
    r"\b(?:not|isn't|never|neither|nor|except|no|nicht|não|не)\b|n't\b|n'est pas|"
    r"[不非错錯誤]|ではな|ではあり|じゃな|아니|아닙|틀"
)
_TOKEN = re.compile(r"(?<![\w.])[-+]?\d+(?:[.,]\d+)*|\w+")


class Choices(NamedTuple):
    """What an answer takes.

    Attributes:
        letters: In upper case; empty where it takes none.
        note: Why it takes none, one line.
    """

    letters: frozenset[str]
    note: str = ""


def several_choices(letters: Iterable[str]) -> str:
    return f"several choices: {', '.join(sorted(letters))}"


def by_text(text: str, options: Mapping[str, str]) -> Choices:
    """The option whose text it is."""
    if not options or not text or len(text) > 2_000:
        return Choices(frozenset())
    found = [letter for letter, option in options.items() if option and exact(text, option)]
    return Choices(frozenset(found)) if len(found) == 1 else Choices(frozenset())


def within(text: str, options: Mapping[str, str]) -> Choices:
    """The one option whose text stands in a sentence; of numbers the one that the sentence says."""
    if len(options) > 1 and all(map(numeric.whole, options.values())):
        said = [numeric.score(text, option) for option in options.values()]
        right = frozenset(x for x, score in zip(options, said, strict=True) if score.value >= 1)
        return Choices(right if len(right) == 1 else frozenset(), said[0].feedback if not right else "")
    sentence = _tokens(text)
    texts = {letter: _tokens(option) for letter, option in options.items()}
    found = {letter: words for letter, words in texts.items() if words.strip() and words in sentence}
    letters = longest(found)
    if len(letters) > 1:
        return Choices(frozenset(), several_choices(letters))
    if letters and NEGATION.search(text.casefold()) and not NEGATION.search(options[letters[0]].casefold()):
        return Choices(frozenset(), "it says only what the choice is not")
    return Choices(frozenset(letters))


def longest(found: Mapping[str, str]) -> list[str]:
    """The keys of those texts that stand in no other one."""
    return [key for key, words in found.items() if not any(words != w and words in w for w in found.values())]


def _tokens(text: str) -> str:
    return f" {' '.join(_TOKEN.findall(plain(text)))} "
