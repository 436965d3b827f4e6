"""The one number that an answer says, as a person reads it; none where it says several, or leaves it open.

Of an answer in several lines or sentences it is the number that stands alone, else that of the last one. In a
sentence it is what follows the last "=", else what follows "so", "is", "makes" and the like, else the last
number that is no aside: in brackets, after "per" or "out of". "7 or 8", "3, 4", "3-5" and "3 + 4" say no one
number, and the note says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from domains.matching import cues
from domains.matching.characters import from_latex, unified
from domains.matching.final import bare, final
from domains.matching.numerals import Decimals, Numeral, numerals
from domains.matching.words import spelled

__all__ = ["Reading", "read", "read_whole"]

CALCULATION = "a calculation"
MOST_LINES = 400
MOST_ALONE = 60  # characters of a line that is a number with a unit


class Reading(NamedTuple):
    """What number a text says.

    Attributes:
        value: `None` where it says none, or no single one.
        percent: Whether it is one of a hundred.
        note: Why there is none where there are numbers, one line.
        numeral: Where it stands in `text`.
        text: The part of the text that was read.
    """

    value: Decimal | None
    percent: bool = False
    note: str = ""
    numeral: Numeral | None = None
    text: str = ""


NOTHING = Reading(None)
Find = Callable[[str], list[Numeral]]  # the numbers of a text, in digits or in words


@lru_cache(64)  # an item may accept many answers
def read(text: str, decimals: Decimals = "") -> Reading:
    """The number that an answer says.

    Args:
        text: The answer as it was given.
        decimals: What stands before decimals where a number does not show it.
    """
    said = final(unified(text.replace(" — ", "; ")))
    plain = from_latex(said.text)
    lines = [line for line in map(_line, plain.split("\n")[-MOST_LINES:]) if line.strip()]
    if not lines:
        return NOTHING
    if len(lines) > 1 and cues.FIRST.match(lines[0]):  # a numbered list
        lines = [cues.NUMBERED.sub("", line) for line in lines]
    how = _of_marked if said.marked else _of_lines if len(lines) > 1 else _of_one
    in_digits = how(lines, lambda part: numerals(part, decimals))
    if in_digits.value is not None or in_digits.note:
        return in_digits
    return how(lines, _in_words)


def read_whole(text: str, decimals: Decimals = "") -> Reading:
    """The number that a text is, with a percent sign or currency at most; no value where it is more."""
    plain = _line(from_latex(unified(text)))
    for spaced in dict.fromkeys((plain.strip(), _spaced(plain).strip())):
        spaced = bare(spaced).rstrip(".").strip()
        found = numerals(spaced, decimals)
        if len(found) == 1 and found[0].value is not None:
            outside = spaced[: found[0].start] + spaced[found[0].end :]
            if not outside.strip(" $€£¥₹¢()°"):
                return Reading(found[0].value, found[0].percent, "", found[0], spaced)
    return NOTHING


def _in_words(text: str) -> list[Numeral]:
    found = []
    for start, end, value in spelled(text):
        percent = cues.PERCENT.match(text, end)
        found.append(Numeral(start, percent.end() if percent else end, value, bool(percent)))
    return found


def _line(line: str) -> str:
    bullet = cues.BULLET.match(line)
    if bullet and not re.fullmatch(r"\s*[-+]\s+[\d.,]+\s*", line):  # "- 5" alone is minus five
        line = line[bullet.end() :]
    line = re.sub(r"^\s*1[.)]\s+(?=\S+\s*$)", "", cues.EMPHASIS.sub("", line))
    line = cues.AND_A_HALF.sub(r"\1 1/2", line)
    line = re.sub(r"(?<=\d)\s*(?:±|\+/-)\s*\d[\d.,]*", "", line)
    return line.replace("|", " ") if line.count("|") > 1 or line.endswith("|") else line


def _spaced(line: str) -> str:
    """`1 234 567` as one number, where the line holds nothing else but a unit."""
    found = re.fullmatch(r"(\D{0,12})(\d{1,3}(?: \d{3})+)((?:[.,]\d+)?\D{0,20})", line.strip())
    return found[1] + found[2].replace(" ", "'") + found[3] if found else line


def _of_marked(lines: Sequence[str], find: Find) -> Reading:
    """What stands first after a mark: a line, and its first sentence with a number."""
    for line in lines[:4]:
        for sentence in cues.SENTENCE.split(_spaced(line)):
            reading = _of_sentence(sentence, find, first=True)
            if reading.value is not None or reading.note:
                return reading
    return NOTHING


def _of_lines(lines: Sequence[str], find: Find) -> Reading:
    """The number that stands alone in the last line, or in the first with an explanation below.

    Else it is the last line's. Numbers alone in all lines are several.
    """
    alone = [_alone(_spaced(line), find) for line in lines]
    values = list(dict.fromkeys(reading.value for reading in alone))
    if None not in values and len(values) > 1:
        return Reading(None, note=_several([str(value) for value in values]))
    for reading in (alone[-1], alone[0]):
        if reading.value is not None:
            return reading
    for line in reversed(lines):
        if cues.ASIDE.match(line):
            continue
        reading = _of_line(line, find)
        if reading.value is not None or reading.note:
            return reading
    return NOTHING


def _of_one(lines: Sequence[str], find: Find) -> Reading:
    return _of_line(_spaced(lines[0]), find)


def _of_line(line: str, find: Find) -> Reading:
    sentences = [part for part in cues.SENTENCE.split(line) if part and part.strip()]
    if len(sentences) > 1:
        alone = [reading for part in sentences if (reading := _alone(part, find)).value is not None]
        values = {reading.value for reading in alone}
        if len(values) == 1:
            return alone[0]
        if len(values) > 1 and len(alone) == len(sentences):
            return Reading(None, note=_several([str(reading.value) for reading in alone]))
    for sentence in reversed(sentences):
        if len(sentences) > 1 and cues.ASIDE.match(sentence):
            continue
        reading = _of_sentence(sentence, find)
        if reading.value is not None or reading.note:
            return reading
    return NOTHING


def _alone(text: str, find: Find) -> Reading:
    """The number of a text that holds nothing else but a unit or an aside."""
    text = _without_asides(text, find)
    found = find(text)
    if len(text) > MOST_ALONE or len(found) != 1:
        return NOTHING
    start, end = found[0].start, found[0].end
    if not (cues.LEAD.fullmatch(text[:start]) and cues.UNIT.fullmatch(text, end)):
        return NOTHING
    return _of_sentence(text, find)


def _of_sentence(text: str, find: Find, first: bool = False) -> Reading:
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
    numeral = found[0] if first or _joined(text, found) else found[-1]
    if numeral.value is None:
        return Reading(None, note=f"a {numeral.what}, no number" if numeral.what else "no number")
    before = text[: numeral.start]
    if cues.BEYOND.search(before) or cues.EITHER_SIGN.search(before):
        return Reading(None, note="no single number: " + before.strip()[-20:] + " …")
    if cues.OR_MORE.match(text, numeral.end):
        return Reading(None, note=f"no single number: {text[numeral.start :].strip()[:20]}")
    if cues.NEGATED.search(before):
        return Reading(None, note="it says what the number is not")
    value = _joined(text, found) or numeral.value
    if cues.MINUS.search(before):
        value = -value
    return Reading(value, numeral.percent, "", numeral, text)


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
            return _several([text[one.start : one.end], text[other.start : other.end]])
        if cues.RANGE.match(between) or cues.UNSURE.search(text[: one.start]):
            return f"a range: {text[one.start : other.end]:.40}"
        if cues.OPERATOR.match(between):
            return f"{CALCULATION} without its result: {text[one.start : other.end]:.40}"
        if cues.AND.match(between):
            return _several([text[one.start : one.end], text[other.start : other.end]])
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


def _several(numbers: Sequence[str]) -> str:
    return f"several numbers: {', '.join(number.strip()[:20] for number in dict.fromkeys(numbers))}"[:120]
