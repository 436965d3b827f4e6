"""The one number that a sentence says; a reading without a value where it says several, or leaves it open."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from domains.matching import cues
from domains.matching.numerals import Numeral

__all__ = ["NOTHING", "Find", "Reading", "alone_number", "of_sentence", "several_numbers"]

CALCULATION = "a calculation"
MOST_ALONE = 60  # characters of a line that is a number with a unit


class Reading(NamedTuple):
    """What number a text says.

    Attributes:
        value: `None` where it says none, or no single one.
        percent: Whether it is one of a hundred.
        note: Why there is none where there are numbers, one line.
    """

    value: Decimal | None
    percent: bool = False
    note: str = ""


NOTHING = Reading(None)
Find = Callable[[str], list[Numeral]]  # the numbers of a text, in digits or in words


def alone_number(text: str, find: Find) -> Reading:
    """The number of a text that holds nothing else but a unit or an aside."""
    text = _without_asides(text, find)
    found = find(text)
    if len(text) > MOST_ALONE or len(found) != 1:
        return NOTHING
    start, end = found[0].start, found[0].end
    if not (cues.LEAD.fullmatch(text[:start]) and cues.UNIT.fullmatch(text, end)):
        return NOTHING
    return of_sentence(text, find)


def of_sentence(text: str, find: Find, first: bool = False) -> Reading:
    """The number of a sentence.

    Args:
        text: The sentence.
        find: Finds numbers.
        first: Whether it follows a mark, so that the first number is meant, and not the last.
    """
    text = _without_asides(text, find)
    text = _right_side(text, find, first)
    found = find(text)
    if not found:
        return NOTHING
    if len(found) > 1 and not first:
        text, found, first = _after_cue(text, found, find)
    found = _main(text, found)
    why = _open(text, found)
    if why:
        return Reading(None, note=why)
    joined = _joined(text, found)
    numeral = found[0] if first or joined else found[-1]
    if numeral.value is None:
        return Reading(None, note=f"a {numeral.what}, no number" if numeral.what else "no number")
    before = text[: numeral.start]
    if cues.BEYOND.search(before) or cues.EITHER_SIGN.search(before):
        return Reading(None, note="no single number: " + before.strip()[-20:] + " …")
    if cues.OR_MORE.match(text, numeral.end):
        return Reading(None, note=f"no single number: {text[numeral.start :].strip()[:20]}")
    if cues.NEGATED.search(before) or cues.DENIED.match(text, numeral.end):
        return Reading(None, note="it says what the number is not")
    if cues.UNKNOWN.search(before):
        return Reading(None, note="it says that it is not known")
    value = joined or numeral.value
    if cues.MINUS.search(before):
        value = -value
    return Reading(value, numeral.percent)


def _without_asides(text: str, find: Find) -> str:
    """Without brackets, and without a reason at the end, where a number is left."""
    less = cues.BRACKETED.sub(lambda found: " " if _drops(found) else found[0], text)
    text = less if find(less) else text
    reason = cues.REASON.search(text)
    return text[: reason.start()] if reason and find(text[: reason.start()]) else text


def _drops(found: re.Match[str]) -> bool:
    """Whether brackets are an aside, and not a part of a calculation or an exponent."""
    text = found.string
    if found[0][1:].lstrip().startswith("="):
        return False
    before, after = text[: found.start()].rstrip()[-1:], text[found.end() :].lstrip()[:1]
    return (
        before not in tuple("^*+-/×÷·=\\_")
        and after not in tuple("^*+/×÷·=")
        and not (text[found.start()] == "{" and before.isalpha())
    )


def _right_side(text: str, find: Find, first: bool) -> str:
    """What follows the last sign of equality, where the first number stands before one."""
    signs = list(cues.EQUALS.finditer(text))
    while signs and not find(text[signs[-1].end() :]):
        signs.pop()
    if not signs:
        return text
    if first:  # a reason may follow the answer, with a calculation in it
        left = text[: signs[0].start()]
        if not (
            cues.LEFT_SIDE.fullmatch(left)
            and (cues.WORKED.search(left) or all(numeral.ordinal for numeral in find(left)))
        ):
            return text
    if _two_solutions(text, signs):
        return text
    left, right = text[: signs[-1].start()], text[signs[-1].end() :]
    if _open(right, find(right)).startswith(CALCULATION) and len(find(left)) == 1:
        return left  # 72 = 48 + 24
    return text[signs[-1].end() :]


def _two_solutions(text: str, signs: Sequence[re.Match[str]]) -> bool:
    """`x = 3 or x = 4`, `x = 3, y = 4`."""
    between = (text[one.end() : other.start()] for one, other in pairwise(signs))
    return any(cues.SOLUTION.fullmatch(part) for part in between)


def _after_cue(text: str, found: list[Numeral], find: Find) -> tuple[str, list[Numeral], bool]:
    """The text behind the last cue with a number behind it, the numbers there, whether there is one."""
    for cue in reversed(list(cues.CUE.finditer(text))):
        behind = [numeral for numeral in found if numeral.start >= cue.end()]
        if behind:
            rest = text[cue.end() :]
            return rest, find(rest), True
    return text, found, False


def _main(text: str, found: list[Numeral]) -> list[Numeral]:
    """Without numbers that only say of what, per what, for how long or when, if there are others."""
    kept = []
    for n, numeral in enumerate(found):
        before = text[found[n - 1].end if n else 0 : numeral.start]
        between = n > 0 and cues.OF.match(before)
        span = cues.FOR.search(before) and cues.WHILE.match(text[numeral.end :])
        value = numeral.value
        year = value is not None and cues.YEAR.search(before) and 1000 <= value <= 2100 and not numeral.money
        place = numeral.ordinal and len(found) > 1
        if not (between or place or cues.GOVERNED.search(before) or span or (year and len(found) > 1)):
            kept.append(numeral)
    return kept or found


def _open(text: str, found: Sequence[Numeral]) -> str:
    """Why a sentence leaves open which of its numbers is meant; `""` where it does not."""
    values = list(dict.fromkeys((numeral.value, numeral.percent) for numeral in found))
    if len(values) < 2 or _joined(text, found):
        return ""
    for one, other in pairwise(found):
        between = text[one.end : other.start]
        if (one.value, one.percent) == (other.value, other.percent):
            continue
        if cues.OR.match(between):
            return several_numbers([text[one.start : one.end], text[other.start : other.end]])
        if cues.RANGE.match(between) or cues.UNSURE.search(text[: one.start]):
            return f"a range: {text[one.start : other.end]:.40}"
        if cues.OPERATOR.match(between):
            return f"{CALCULATION} without its result: {text[one.start : other.end]:.40}"
        if cues.AND.match(between):
            return several_numbers([text[one.start : one.end], text[other.start : other.end]])
    return ""


def _joined(text: str, found: Sequence[Numeral]) -> Decimal | None:
    """`5 dollars and 20 cents` as one number."""
    if len(found) != 2 or found[0].value is None or found[1].value is None:
        return None
    between, after = text[found[0].end : found[1].start], text[found[1].end :]
    money = found[0].money or re.match(r"\s*(?:dollars?|bucks|euros?|pounds?)", between, re.IGNORECASE)
    if money and cues.CENTS.match(between) and cues.CENT.match(after) and 0 <= found[1].value < 100:
        return found[0].value + found[1].value / 100
    return None


def several_numbers(numbers: Sequence[str]) -> str:
    return f"several numbers: {', '.join(number.strip()[:20] for number in dict.fromkeys(numbers))}"[:120]
