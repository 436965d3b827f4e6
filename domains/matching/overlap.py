"""Matchers that give a part for a part: `f1` of words, `rouge`, `similarity` of characters."""

from __future__ import annotations

import re
import string
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from domains.domain import Item, Score
from domains.matching.characters import MAX_TEXT
from domains.matching.feedback import read_as, words
from domains.matching.final import final
from domains.matching.matcher import NO_ITEM, Matcher

__all__ = ["F1", "Rouge", "Similarity", "said", "words_of"]

T = TypeVar("T")

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation + "“”„‘’«»")
_WORD = re.compile(r"\w+")
_WHOLE = ("yes", "no", "noanswer")


@dataclass(frozen=True)
class F1(Matcher):
    """F1 of the words of answer and target, without case, punctuation and articles (Rajpurkar et al. 2016).

    Attributes:
        extract: Whether only the final answer is compared, where something marks it, as "Answer:" does.
        yes_no: Whether "yes" and "no" have to be the whole answer (as HotpotQA has it, Yang et al. 2018).
    """

    extract: bool = True
    yes_no: bool = True

    name: ClassVar[str] = "f1"
    how: ClassVar[str] = "a short text, scored by the words that it shares with the right one (F1)"

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """F1, 0..1."""
        given, wanted = words_of(said(answer, self.extract)), words_of(target[-MAX_TEXT:])
        if given == wanted:
            return Score(1.0)
        if self.yes_no and (" ".join(given) in _WHOLE or " ".join(wanted) in _WHOLE):
            return Score(0.0, read_as(" ".join(given), target))
        return Score(_f1(Counter(given), Counter(wanted)), words(given, wanted))


@dataclass(frozen=True)
class Rouge(Matcher):
    """ROUGE F-measure in lower case, without stemming (Lin 2004).

    Attributes:
        kind: `l` for the longest common subsequence, `1` or `2` for single words or pairs.
        extract: As of `f1`.
    """

    kind: str = "l"
    extract: bool = True

    name: ClassVar[str] = "rouge"
    how: ClassVar[str] = "a text, scored by the words that it shares with the right one (ROUGE)"

    def __post_init__(self) -> None:
        if self.kind.lower() not in ("l", "1", "2"):
            raise ValueError("kind must be l, 1 or 2")

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """F-measure, 0..1; the feedback says which words are missing, and which are too many."""
        given, wanted = (_WORD.findall(t.lower()) for t in (said(answer, self.extract), target[-MAX_TEXT:]))
        if self.kind.lower() == "l":
            value = _harmonic(_common(given, wanted), len(given), len(wanted))
        else:
            size = int(self.kind)
            value = _f1(Counter(_runs(given, size)), Counter(_runs(wanted, size)))
        return Score(value, words(given, wanted) if value < 1 else "")


@dataclass(frozen=True)
class Similarity(Matcher):
    """Likeness of spelling: the runs of characters that both texts have (Dice's coefficient).

    Attributes:
        size: Characters of a run.
        threshold: From which likeness on an answer is right; 0 gives the likeness itself.
        extract: As of `f1`.
    """

    size: int = 3
    threshold: float = 0.0
    extract: bool = True

    name: ClassVar[str] = "similarity"
    how: ClassVar[str] = "a text, scored by how alike it is spelled to the right one"

    def __post_init__(self) -> None:
        if not 1 <= self.size <= 10:
            raise ValueError("size must be 1 to 10")
        if not 0 <= self.threshold <= 1:
            raise ValueError("threshold must be 0 to 1")

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """Likeness, 0..1, or whether it reaches the threshold."""
        given, wanted = (
            " ".join(text.casefold().split()) for text in (said(answer, self.extract), target[-MAX_TEXT:])
        )
        padded = ((" " * (self.size - 1)).join(("", text, "")) for text in (given, wanted))
        one, other = (Counter(_runs(text, self.size)) for text in padded)
        value = 1.0 if given == wanted else _f1(one, other)
        value = float(value >= self.threshold) if self.threshold else value
        return Score(value, read_as(given, target) if value < 1 else "")


def said(answer: str, extract: bool = True) -> str:
    """The part of an answer that is compared: the final answer where it is marked, else all of it."""
    text = final(answer) if extract else None
    return text.text if text is not None and text.marked else answer[-MAX_TEXT:]


def words_of(text: str) -> list[str]:
    """Words in lower case, without punctuation and articles."""
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def _runs(parts: list[str] | str, size: int) -> list[tuple[str, ...]]:
    return [tuple(parts[n : n + size]) for n in range(len(parts) - size + 1)]


def _f1(given: Counter[T], wanted: Counter[T]) -> float:
    return _harmonic((given & wanted).total(), given.total(), wanted.total())


def _harmonic(same: int, given: int, wanted: int) -> float:
    return 2 * same / (given + wanted) if same else 0.0


def _common(one: list[str], other: list[str]) -> int:
    """Length of the longest common subsequence, a row of bits at a time (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for n, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << n
    mask = (1 << len(one)) - 1
    row = mask
    for word in other:
        hits = row & places.get(word, 0)
        row = ((row + hits) | (row - hits)) & mask
    return len(one) - row.bit_count()
