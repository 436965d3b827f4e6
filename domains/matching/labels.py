"""Matcher `labels`: which of a few labels an answer gives; macro-F1, a measure of all answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from domains.domain import Item, Score
from domains.matching.characters import unified
from domains.matching.exact import exact, plain
from domains.matching.feedback import not_right, read_as
from domains.matching.final import final
from domains.matching.matcher import NO_ITEM, Matcher
from domains.matching.option_text import longest

__all__ = ["LabelsMatcher", "macro_f1"]

_LABEL = re.compile(
    r"\b(?:label|category|class|sentiment|intent|topic|prediction)\s*(?:is|:|=)\s*", re.IGNORECASE
)
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?|\ue000")
_CLAUSES = re.compile(r"(?<=\w)\s*[,;:]\s+")
_DENIED = (
    r"\b(?:(?:not|never|no(?! doubt)|non|rather than|instead of|as opposed to|unlike|hardly|anything but|"
    r"far from)\b|\w+n't\b)(?: (?!but\b)\w+){0,2}? "
)
CLAUSE = "\ue000"  # stands between the clauses of a sentence, where a denial ends
_NEITHER_OF = re.compile(rf"\bneither\b[^{CLAUSE}]*{CLAUSE}")
_NEITHER = re.compile(r"\b(?:neither|nor|cannot|unable)\b")
# What stands behind these is about another label, or why it is this one.
_ASIDE = re.compile(
    r"\b(?:because|since|though|although|even though|despite|whereas|while|reason|explanation)\b"
)


@dataclass(frozen=True)
class LabelsMatcher(Matcher):
    """Compares labels. In a sentence that holds exactly one that is not denied, it is that one.

    Attributes:
        names: All labels; empty takes those of the targets.
    """

    names: tuple[str, ...] = ()

    name: ClassVar[str] = "labels"
    how: ClassVar[str] = "one label"

    def fitted(self, targets: Sequence[str]) -> LabelsMatcher:
        """With the labels that targets have."""
        return self if self.names else replace(self, names=tuple(dict.fromkeys(targets)))

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """1 for the same label, else 0."""
        if exact(answer, target):
            return Score(1.0)
        given = self.label(answer)
        if given == plain(target):
            return Score(1.0)
        return Score(0.0, read_as(given, target) if given else not_right("no label, or several", target))

    def label(self, answer: str) -> str:
        """The label that an answer gives, as `plain` has it; `""` for none or several."""
        for name in self.names:
            if exact(answer, name):
                return plain(name)
        said = final(unified(answer)).text
        marks = list(_LABEL.finditer(said))
        said = said[marks[-1].end() :].strip().split("\n")[0] if marks else said
        if said.endswith("?"):
            return ""
        known = {plain(name): words for name in self.names if (words := _words(name)).strip()}
        apart = not any(_CLAUSES.search(name) for name in self.names)
        sentence = _words(_CLAUSES.sub(f" {CLAUSE} ", said) if apart else said)
        sentence = _NEITHER_OF.sub(" ", sentence)
        parts = _ASIDE.split(sentence)
        sentence = next((f" {part.strip()} " for part in parts if _holds(part, known.values())), sentence)
        if _NEITHER.search(sentence):
            return ""
        sentence = _undenied(sentence, list(known.values()))
        held = longest({name: words for name, words in known.items() if words in sentence})
        return held[0] if len(held) == 1 else ""


def macro_f1(pairs: Iterable[tuple[str, str]]) -> float:
    """The mean over labels of each one's F1, so that rare labels count as much as common ones.

    Args:
        pairs: The label that was given, or `""`, and the right one, for each item.

    Returns:
        0..1 over the labels that are right somewhere; 0 without any.
    """
    right: Counter[str] = Counter()
    given: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    for label, target in pairs:
        given[label] += 1
        wanted[target] += 1
        right[target] += label == target
    scores = [2 * right[label] / (given[label] + count) for label, count in wanted.items()]
    return sum(scores) / len(scores) if scores else 0.0


def _undenied(sentence: str, labels: Sequence[str]) -> str:
    """A sentence without the labels that it denies; "not a bug" may be a label itself."""
    for words in sorted(labels, key=len, reverse=True):
        longer = [other for other in labels if words in other and words != other]
        parts, at = [], 0
        for denied in re.finditer(_DENIED + re.escape(words.strip()) + r"\b", sentence):
            if not _holds(denied[0], longer):
                parts.append(sentence[at : denied.start()])
                at = denied.end()
        sentence = " ".join([*parts, sentence[at:]])
    return sentence


def _holds(sentence: str, known: Iterable[str]) -> bool:
    return any(words in f" {sentence.strip()} " for words in known)


def _words(text: str) -> str:
    return f" {' '.join(_WORD.findall(unified(text).casefold()))} "
