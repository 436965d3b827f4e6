"""The lettered options of a question, and the letters that stand for them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from domains.domain import Item
from domains.matching.characters import unified
from domains.matching.final import bare

__all__ = ["CHOICES", "LETTERS", "letter_of", "options_of"]

CHOICES = "choices"  # in `Item.data`: the options, a list in the order of the letters, or by letter
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_QUESTION = 8_000  # characters of a question that are looked at, from the end

_OPTION = re.compile(r"(?:^|(?<=[\s(\[,;]))[(\[]?([A-Z])\s?[).:\]]\s*(?=\S)")


def letter_of(text: str) -> str:
    """The letter that a target is, as in `B`, `(B)` or `B.`; `""` for another text."""
    found = re.fullmatch(r"[(\[]?\s*([A-Z])\s*[)\]]?[.:]?", bare(unified(text)))
    return found[1] if found else ""


def options_of(item: Item) -> Mapping[str, str]:
    """The options of an item: letter -> text. Empty where there are none."""
    given = item.data.get(CHOICES)
    if isinstance(given, Mapping):
        return {str(letter).upper(): str(text) for letter, text in given.items()}
    if isinstance(given, list | tuple):
        return dict(zip(LETTERS, map(str, given), strict=False))
    question = item.question[-MOST_QUESTION:]
    starts = list(_OPTION.finditer(question))
    for first in range(len(starts) - 1, -1, -1):
        if starts[first][1] == "A":
            run = [starts[first]]
            for start in starts[first + 1 :]:
                if start[1] == LETTERS[len(run)]:
                    run.append(start)
            if len(run) > 1:
                ends = [start.start() for start in run[1:]] + [len(question)]
                pairs = zip(run, ends, strict=True)
                return {
                    s[1]: question[s.end() : end].strip(" \n,;").split("\n")[0].strip() for s, end in pairs
                }
    return {}
