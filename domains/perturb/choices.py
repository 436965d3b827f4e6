"""Options of a question in another order, and one more where a rule can know that it is wrong."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from domains.domain import Item
from domains.matching.options import CHOICES, LETTERS, letter_of
from domains.matching.scoring import ANY_OF, MATCHER
from domains.perturb.outcome import LeftOut
from domains.perturb.working import decimals_of, number_of

__all__ = ["other_options", "permuted_options"]

KNOWN = frozenset({CHOICES, ANY_OF, MATCHER})  # what an item may know beside its target
MARK = re.compile(r"(?:^|(?<=[\s(\[,;]))[(\[]?([A-Z])\s?[).:\]][ \t]*(?=\S)", re.MULTILINE)
# Options that speak of others by their place or letter.
POINTS = re.compile(
    r"\b(?:above|below|both|neither|either|all of|none of|options?|choices?)\b|\b[A-Z] (?:and|or|&) [A-Z]\b"
)
DRAWS = 40


def permuted_options(item: Item, seed: int) -> Item:
    """An item with its options in another order.

    Raises:
        LeftOut: It has none, or they cannot be moved safely; says why.
    """
    return _permuted(item, _rng(item, seed, "order"), further=False)


def other_options(item: Item, seed: int) -> Item:
    """An item with its options in another order, and one more where all of them are numbers.

    Raises:
        LeftOut: As `permuted_options`.
    """
    return _permuted(item, _rng(item, seed, "choices"), further=True)


def _rng(item: Item, seed: int, what: str) -> random.Random:
    return random.Random(hashlib.sha256(f"{seed}/{what}/{item.id}".encode()).digest())


def _permuted(item: Item, rng: random.Random, further: bool) -> Item:
    spans = _spans(item.question)
    if not spans:
        raise LeftOut("it has no options that can be found in its question")
    if not item.data.keys() <= KNOWN:
        raise LeftOut("its scorer knows more of it than its answer")
    texts = [item.question[start:end] for start, end in spans]
    given = item.data.get(CHOICES)
    if given is not None and list(map(str, given)) != texts:
        raise LeftOut("its options do not stand in its question as they are in the data")
    if any(POINTS.search(text) for text in texts) or len(set(texts)) < len(texts):
        raise LeftOut("an option speaks of another one, or is the same")
    right = [_place(answer, texts) for answer in (item.target, *item.data.get(ANY_OF, ()))]
    wrong = _further(texts, rng) if further and len(texts) < len(LETTERS) else None
    every = [*texts, *([wrong] if wrong is not None else [])]
    order = _another_order(len(every), len(texts), rng)
    letters = {texts[old]: LETTERS[new] for new, old in enumerate(order) if old < len(texts)}
    answers = [a if place is None else letters[texts[place]] for a, place in right]
    data = dict(item.data)
    if given is not None:
        data[CHOICES] = [every[k] for k in order]
    if len(answers) > 1:
        data[ANY_OF] = tuple(answers[1:])
    return replace(
        item, question=_rewritten(item.question, spans, every, order), target=answers[0], data=data
    )


def _spans(question: str) -> list[tuple[int, int]]:
    """Where the texts of the last run of lettered options stand."""
    marks = list(MARK.finditer(question))
    for first in range(len(marks) - 1, -1, -1):
        if marks[first][1] != LETTERS[0]:
            continue
        run = [marks[first]]
        for mark in marks[first + 1 :]:
            if mark[1] == LETTERS[len(run)]:
                run.append(mark)
        if len(run) < 2:
            continue
        ends = [mark.start() for mark in run[1:]] + [len(question)]
        spans = []
        for mark, end in zip(run, ends, strict=True):
            text = question[mark.end() : end].split("\n")[0].rstrip(" \t,;")
            spans.append((mark.end(), mark.end() + len(text)))
        return spans if all(start < end for start, end in spans) else []
    return []


def _place(answer: str, texts: Sequence[str]) -> tuple[str, int | None]:
    """An answer, and which option it names by its letter; `None` where it is an option's text.

    Raises:
        LeftOut: It is neither.
    """
    letter = letter_of(answer)
    if letter and LETTERS.index(letter) < len(texts):
        return answer, LETTERS.index(letter)
    if answer.strip() in texts:
        return answer, None
    raise LeftOut("its answer is neither a letter nor the text of an option")


def _another_order(n: int, before: int, rng: random.Random) -> list[int]:
    """An order of the options that is not the one they have."""
    order = list(range(n))
    while order[:before] == list(range(before)):
        rng.shuffle(order)
    return order


def _further(texts: Sequence[str], rng: random.Random) -> str | None:
    """A number that is none of the options, where all are plain numbers; else `None`."""
    numbers = [number_of(text) for text in texts]
    if any(n is None or not re.fullmatch(r"-?\d+(?:\.\d+)?", t) for n, t in zip(numbers, texts, strict=True)):
        return None
    known = [n for n in numbers if n is not None]
    places = max(decimals_of(n) or 0 for n in known)
    low, high = min(known), max(known)
    room = max(high - low, Fraction(2, 10**places))
    for _ in range(DRAWS):
        n = round((low - room / 2 + room * 2 * Fraction(rng.random())) * 10**places)
        value = Fraction(n, 10**places)
        if value not in known and (value > 0 or low <= 0):
            return f"{float(value):.{places}f}" if places else str(int(value))
    return None


def _rewritten(
    question: str, spans: Sequence[tuple[int, int]], texts: Sequence[str], order: Sequence[int]
) -> str:
    """A question with its options in another order, a further one behind the last."""
    new = [texts[k] for k in order]
    text = question
    last = spans[-1]
    if len(new) > len(spans):
        before = question[spans[-2][1] : last[0]]  # what stands between two options, with its letter
        mark = re.sub(rf"{LETTERS[len(spans) - 1]}(?=\s?[).:\]][ \t]*$)", LETTERS[len(spans)], before)
        text = text[: last[1]] + mark + new[-1] + text[last[1] :]
    for (start, end), option in reversed(list(zip(spans, new, strict=False))):
        text = text[:start] + option + text[end:]
    return text
