"""The lettered options of a question, and the letters that stand for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from domains.domain import Item
from domains.matching.characters import unified
from domains.matching.final import bare

__all__ = ["CHOICES", "LETTERS", "letter_of", "lettered", "options_of"]

CHOICES = "choices"  # in `Item.data`: the options, a list in the order of the letters, or by letter
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_QUESTION = 8_000  # characters of a question that are looked at, from the end

_NUMBERED = re.compile(r"^\s*[(\[]?([1-9])\s?[).:\]]\s*(?=\S)", re.MULTILINE)
_OPTION = re.compile(r"(?:^|(?<=[\s(\[,;]))[(\[]?([A-Z])\s?[).:\]]\s*(?=\S)")


def letter_of(text: str) -> str:
    """The letter that a target is, as in `B`, `(B)` or `B.`; `""` for another text."""
    found = re.fullmatch(r"[(\[]?\s*([A-Z])\s*[)\]]?[.:]?", bare(unified(text)))
    return found[1] if found else ""


def lettered(answer: str, target: str, item: Item) -> tuple[str, str, Item]:
    """Answer, target and item with letters where options have numbers: `2) Whale` is `B) Whale`."""
    label = re.fullmatch(r"[(\[]?([1-9])[)\]]?[.:]?", bare(unified(target)))
    if label is None or options_of(item):
        return answer, target, item
    options = _run(item.question[-MOST_QUESTION:], _NUMBERED, "123456789")
    if int(label[1]) > len(options) or any(text[:1].isdigit() for text in options.values()):
        return answer, target, item
    stands = re.compile(rf"(?<![\w.,+-])([1-{len(options)}])(?![\w%°]|[.,]\d)")
    said = stands.sub(lambda found: LETTERS[int(found[1]) - 1], unified(answer))
    return said, LETTERS[int(label[1]) - 1], replace(item, data={**item.data, CHOICES: [*options.values()]})


def options_of(item: Item) -> Mapping[str, str]:
    """The options of an item: letter -> text. Empty where there are none."""
    given = item.data.get(CHOICES)
    if isinstance(given, Mapping):
        return {str(letter).upper(): str(text) for letter, text in given.items()}
    if isinstance(given, list | tuple):
        return dict(zip(LETTERS, map(str, given), strict=False))
    return _run(item.question[-MOST_QUESTION:], _OPTION, LETTERS)


def _run(question: str, mark: re.Pattern[str], marks: str) -> Mapping[str, str]:
    """The last run of options whose marks follow one another from the first on: mark -> text."""
    starts = list(mark.finditer(question))
    for first in range(len(starts) - 1, -1, -1):
        if starts[first][1] == marks[0]:
            run = [starts[first]]
            for start in starts[first + 1 :]:
                if len(run) < len(marks) and start[1] == marks[len(run)]:
                    run.append(start)
            if len(run) > 1:
                ends = [start.start() for start in run[1:]] + [len(question)]
                pairs = zip(run, ends, strict=True)
                return {
                    s[1]: question[s.end() : end].strip(" \n,;").split("\n")[0].strip() for s, end in pairs
                }
    return {}
