"""Other numbers in the question of a word problem, and the answer recomputed by its working.

After DyVal 2 (Zhu et al. 2024, arXiv 2402.14865), by rule: a number of the question is replaced wherever it
stands, and the answer follows by the working of the data. It has to be known where each number of the working
comes from: the question, an earlier step, or a word that stands for it ("half", "week"). Where it may come
from two places, nothing is changed that would make these differ. What cannot be traced is left out.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, pairwise

from domains.domain import Item
from domains.matching.options import CHOICES, options_of
from domains.matching.scoring import ANY_OF
from domains.perturb.mentions import Mention, constants, mentions, rewritten, sounds_like_vowel
from domains.perturb.outcome import LeftOut
from domains.perturb.working import Unreadable, Working, decimals_of, number_of, read_working

__all__ = ["Traced", "other_numbers", "trace"]

TRIES = 1500
SMALL = 12  # numbers of things and people that a text does not count
MOST_GROWTH = 20  # times the answer

Values = Mapping[Fraction, Fraction]
Computed = Sequence[tuple[str, Fraction]]  # the operations of a step and what they come to, the whole last
Sources = tuple[tuple[str, int | Fraction], ...]  # ("step", which), ("question", value), ("word", value)


@dataclass(frozen=True, slots=True)
class Traced:
    """A word problem whose working is understood.

    Attributes:
        question: Its text.
        found: The numbers that it mentions.
        working: Its working.
        sources: For each number of each step, all places that it may come from.
        free: Values of the question that may be replaced.
    """

    question: str
    found: tuple[Mention, ...]
    working: Working
    sources: tuple[tuple[Sources, ...], ...]
    free: tuple[Fraction, ...]

    def recomputed(self, values: Values) -> list[list[tuple[str, Fraction]]]:
        """What each step comes to with other numbers, operation by operation.

        Args:
            values: Value of the question -> the one that stands for it.

        Raises:
            LeftOut: A number may come from two places that no longer agree.
            ZeroDivisionError: A step divides by zero.
        """
        done: list[list[tuple[str, Fraction]]] = []
        for step, sources in zip(self.working.steps, self.sources, strict=True):
            numbers = []
            for places in sources:
                now = {_now(place, values, done) for place in places}
                if len(now) != 1:
                    raise LeftOut("a number of its working may come from two places")
                numbers.append(now.pop())
            done.append(list(step.values(numbers)))
        return done


def other_numbers(item: Item, working: str, seed: int) -> Item:
    """An item with other numbers, and its answer.

    Args:
        item: The item.
        working: Its working; see `working.read_working`.
        seed: Seed of the numbers.

    Raises:
        LeftOut: It cannot be done by this rule; says why.
    """
    if CHOICES in item.data or options_of(item):
        raise LeftOut("its answer is an option")
    answer = number_of(item.target)
    if answer is None:
        raise LeftOut("its answer is no number")
    if any(number_of(other) != answer for other in item.data.get(ANY_OF, ())):
        raise LeftOut("it has several answers")
    traced = trace(item.question, working, answer)
    digest = hashlib.sha256(f"{seed}/numbers/{item.id}".encode()).digest()
    values, new = _drawn(traced, random.Random(digest))
    data = {key: value for key, value in item.data.items() if key != ANY_OF}
    question = rewritten(item.question, list(traced.found), dict(values))
    return replace(item, question=question, target=_text(new), data=data)


def trace(question: str, working: str, answer: Fraction) -> Traced:
    """Find out where each number of a working comes from.

    Raises:
        LeftOut: It cannot be found out, or no number may be replaced; says why.
    """
    try:
        read = read_working(working, answer)
    except Unreadable as error:
        raise LeftOut(str(error)) from error
    found = mentions(question)
    words, amounts = constants(question), {m.value for m in found if not m.fixed}
    sources, used = [], Counter[Fraction]()
    results: list[Fraction] = []
    for step in read.steps:
        used.update(step.numbers)
        sources.append(tuple(_places(n, results, amounts, words) for n in step.numbers))
        results.append(step.result)
    _check_all_used(found, used, read)
    stands = Counter(m.value for m in found if not m.fixed)
    pinned = {v for v in amounts if v in words or (v <= SMALL and used[v] > stands[v])} | _related(amounts)
    sources = [tuple(_pinned(places, pinned) for places in step) for step in sources]
    free = tuple(sorted(v for v in amounts if v not in pinned and used[v]))
    if not free:
        raise LeftOut("none of its numbers can be replaced safely")
    traced = Traced(question, tuple(found), read, tuple(sources), free)
    if traced.recomputed({})[-1][-1][1] != answer:
        raise LeftOut("its working does not come to the answer again")
    return traced


def _places(
    n: Fraction, results: Sequence[Fraction], amounts: set[Fraction], words: frozenset[Fraction]
) -> Sources:
    """All places that a number of a step may come from."""
    places: list[tuple[str, int | Fraction]] = [("step", i) for i, r in enumerate(results) if r == n]
    if n in amounts:
        places.append(("question", n))
    if n in words:
        places.append(("word", n))
    if not places:
        raise LeftOut("a number of its working is not in the question")
    return tuple(places)


def _pinned(places: Sources, pinned: set[Fraction]) -> Sources:
    """Places, with what stays as it is as a word that stands for it."""
    return tuple(("word", v) if kind == "question" and v in pinned else (kind, v) for kind, v in places)


def _now(
    place: tuple[str, int | Fraction], values: Values, done: Sequence[Sequence[tuple[str, Fraction]]]
) -> Fraction:
    """What comes from a place with other numbers in the question."""
    kind, what = place
    if kind == "step":
        return done[int(what)][-1][1]
    value = Fraction(what)
    return values.get(value, value) if kind == "question" else value


def _check_all_used(found: Sequence[Mention], used: Counter[Fraction], read: Working) -> None:
    """Refuse a question with a number that its working does not use: something may hang on it."""
    if read.whole:
        return
    for mention in found:
        v = mention.value
        shares = (v, v / 100, 1 - v / 100, 1 + v / 100, 100 - v, 100 + v, 1 / v if v else v)
        if v > 2 and not mention.fixed and not used[v]:
            raise LeftOut("a number of its question is not in its working")
        if v and mention.fixed == "part" and not mention.word and not any(used[share] for share in shares):
            raise LeftOut("a share in its question is not in its working")


def _related(amounts: set[Fraction]) -> set[Fraction]:
    """Amounts of which one is the sum or the product of others: the text may say so."""
    found: set[Fraction] = set()
    for one, other in combinations(sorted(v for v in amounts if v > 1), 2):
        for whole in (one + other, one * other):
            if whole in amounts and whole not in (one, other):
                found |= {one, other, whole}
    return found


def _drawn(traced: Traced, rng: random.Random) -> tuple[Values, Fraction]:
    """Other numbers that make as much sense, and what the answer is with them."""
    before = traced.recomputed({})
    old = before[-1][-1][1]
    rules = {v: [m for m in traced.found if m.value == v and not m.fixed] for v in traced.free}
    kept = [m.value for m in traced.found if m.value not in rules and not m.fixed]
    ranges = {v: _candidates(v, rules[v], traced.question) for v in traced.free}
    order = sorted({*traced.free, *kept})
    if not all(ranges.values()):
        raise LeftOut("no other numbers make sense in it")
    for _ in range(TRIES):
        values = {v: rng.choice(ranges[v]) for v in traced.free}
        now = [values.get(v, v) for v in order]
        if any(a >= b for a, b in pairwise(now)):
            continue
        try:
            after = traced.recomputed(values)
        except (LeftOut, ZeroDivisionError):
            continue
        new = after[-1][-1][1]
        if new == old or abs(new) > MOST_GROWTH * abs(old) or not _as_plausible(before, after):
            continue
        if _ranks(order, before) == _ranks(now, after):
            return values, new
    raise LeftOut("no other numbers were found with which its working makes sense")


def _candidates(value: Fraction, places: Sequence[Mention], question: str) -> list[Fraction]:
    """Numbers that may stand for another one: as round, about as large, and with the same article."""
    decimals = max(m.decimals for m in places)
    n = int(value * 10**decimals)
    grain = 1
    while n % (10 * grain) == 0 and n // (10 * grain) >= 2:
        grain *= 10
    most = min((m.most for m in places if m.most), default=0) * 10**decimals or 2 * n + 3 * grain
    low = max(2 * (decimals == 0), (n + 1) // 2, grain)
    numbers = range(low - low % grain or grain, min(most, 2 * n + 3 * grain) + 1, grain)
    articles = {_article(question, m) for m in places}
    return [
        v
        for k in numbers
        if k != n and (v := Fraction(k, 10**decimals)) > 1 - (decimals > 0)
        if all(not a or sounds_like_vowel(v) == (a == "an") for a in articles)
    ]


def _article(question: str, mention: Mention) -> str:
    """The article before a number."""
    found = re.search(r"\b([Aa]n?)\s+\$?$", question[: mention.start])
    return found[1].lower() if found else ""


def _as_plausible(before: Sequence[Computed], after: Sequence[Computed]) -> bool:
    """Whether all that is computed stays as plausible: whole, positive, no rest, shares below one, as few
    decimals."""
    for old_step, new_step in zip(before, after, strict=True):
        for (_, old), (_, new) in zip(old_step, new_step, strict=True):
            places, now = decimals_of(old), decimals_of(new)
            if (old > 0) != (new > 0) or (old < 1) != (new < 1) or (old == 1) != (new == 1):
                return False
            if places is not None and (now is None or now > places):
                return False
    return True


def _ranks(amounts: Sequence[Fraction], steps: Sequence[Computed]) -> list[int]:
    """How the numbers of a question and the results of its steps compare, each with each: "only 3 of those"
    stays fewer than those."""
    numbers = [*amounts, *(step[-1][1] for step in steps)]
    return [(a > b) - (a < b) for a, b in combinations(numbers, 2)]


def _text(value: Fraction) -> str:
    """A number as an answer is written: no more decimals than it needs, a fraction where none are enough."""
    places = decimals_of(value)
    if places is None:
        return f"{value.numerator}/{value.denominator}"
    scaled = int(abs(value) * 10**places)
    whole, rest = divmod(scaled, 10**places)
    return ("-" if value < 0 else "") + (f"{whole}.{rest:0{places}d}" if places else str(whole))
