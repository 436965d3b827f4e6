"""Numbers in English words, "twenty-one", "two hundred and five", "three quarters", and in Chinese ones."""

from __future__ import annotations

import re
from decimal import Decimal, localcontext
from fractions import Fraction

__all__ = ["EASTERN", "PARTS", "SCALES", "chinese", "spelled"]

_SMALL = {
    name: value
    for value, name in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen".split()
    )
}
_TENS = {n: 10 * v for v, n in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_TENS["fourty"] = 40
SCALES = {
    "hundred": 100,
    "thousand": 1_000,
    "lakh": 100_000,
    "million": 1_000_000,
    "crore": 10_000_000,
    "billion": 1_000_000_000,
    "trillion": 1_000_000_000_000,
}
PARTS = {
    "half": 2,
    "halves": 2,
    "third": 3,
    "quarter": 4,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
    "hundredth": 100,
    "thousandth": 1000,
}
_PARTS = {**PARTS, **{f"{name}s": value for name, value in PARTS.items() if name not in ("half", "halves")}}
_DOZEN = {"dozen": 12}
EASTERN = {
    **dict.fromkeys("十", 10),
    **dict.fromkeys("百백", 100),
    **dict.fromkeys("千천", 1_000),
    **dict.fromkeys("万萬만", 10_000),
    **dict.fromkeys("亿億억", 100_000_000),
    **dict.fromkeys("兆조", 1_000_000_000_000),
}
"""Scales behind digits in Chinese, Japanese and Korean, each for itself or one behind the other."""
_DIGITS = {**{digit: n for n, digit in enumerate("零一二三四五六七八九")}, "两": 2, "兩": 2, "〇": 0}
_CHINESE = re.compile(f"(百分之)?(?<![每第])([{''.join(_DIGITS)}十百千万萬亿億]{{1,{24}}})")
_SIGNS = ("minus", "negative")
_WORDS = frozenset({*_SMALL, *_TENS, *SCALES, *_PARTS, *_DOZEN, *_SIGNS, "a", "an", "and", "point"})
MOST = 24  # words of one number
_WORD = re.compile(r"[A-Za-z]+")
_BETWEEN = re.compile(r"\s*-?\s*")


def spelled(text: str) -> list[tuple[int, int, Decimal]]:
    """Where numbers stand in words in a text: start, end, value. "a", "one" and "and" alone are none."""
    found: list[tuple[int, int, Decimal]] = []
    words = [(m.start(), m.end(), m[0].lower()) for m in _WORD.finditer(text)]
    at = 0
    while at < len(words):
        end = at
        while (
            end < len(words)
            and end - at < MOST
            and words[end][2] in _WORDS
            and (end == at or _joined(text, words[end - 1], words[end]))
        ):
            end += 1
        run = _longest(words, at, end)
        if run is None:
            at += 1
            continue
        end, value = run
        found.append((words[at][0], words[end - 1][1], value))
        at = end
    return found


def _joined(text: str, one: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    """Whether two words may be of one number; after "thousand" there may be a comma."""
    between = text[one[1] : other[0]]
    return bool(_BETWEEN.fullmatch(between)) or (between == ", " and one[2] in SCALES and other[2] in _SMALL)


def chinese(text: str) -> list[tuple[int, int, Decimal, bool]]:
    """Where numbers stand in Chinese: start, end, value, whether of a hundred. 一 alone is none."""
    found = []
    for run in _CHINESE.finditer(text):
        if run[2] not in "一" or text.strip(" 。.") == run[2]:
            found.append((run.start(), run.end(), Decimal(_of_chinese(run[2])), bool(run[1])))
    return found


def _of_chinese(run: str) -> int:
    """一千五百 is 1500, 十二 12, 二〇二〇 2020."""
    if not set(run) & set(EASTERN):
        return int("".join(str(_DIGITS[c]) for c in run))
    total = section = digit = 0
    for c in run:
        if c in _DIGITS:
            digit = _DIGITS[c]
        elif EASTERN[c] < 10_000:
            section, digit = section + (digit or 1) * EASTERN[c], 0
        else:
            part, section, digit = section + digit, 0, 0
            total = (total + part) * EASTERN[c] if total < EASTERN[c] else total + part * EASTERN[c]
    return total + section + digit


def _longest(words: list[tuple[int, int, str]], at: int, end: int) -> tuple[int, Decimal] | None:
    for stop in range(end, at, -1):
        names = [word for _, _, word in words[at:stop]]
        if names in (["one"], ["a"], ["an"], ["and"]) or names[-1] in ("and", "a", "an"):
            continue
        value = _value(names)
        if value is not None:
            return stop, value
    return None


def _value(words: list[str]) -> Decimal | None:
    """The value of the words of one number; `None` if they are none."""
    if words[0] in _SIGNS:
        value = _value(words[1:]) if len(words) > 1 else None
        return None if value is None else -value
    if "point" in words:
        return _decimal(words)
    if words[-1] in _DOZEN:
        return _times(words[:-1], 12)
    if words[-1] in _PARTS:
        return _parted(words)
    whole = _whole(words)
    return None if whole is None else Decimal(whole)


def _decimal(words: list[str]) -> Decimal | None:
    at = words.index("point")
    whole, digits = _whole(words[:at]) if at else 0, words[at + 1 :]
    if whole is None or not digits or any(_SMALL.get(word, 10) > 9 for word in digits):
        return None
    return Decimal(f"{whole}.{''.join(str(_SMALL[word]) for word in digits)}")


def _times(words: list[str], each: int) -> Decimal | None:
    if words in ([], ["a"]):
        return Decimal(each)
    if words in (["half", "a"], ["a", "half"], ["half"]):
        return Decimal(each) / 2
    count = _whole(words)
    return None if count is None else Decimal(count * each)


def _parted(words: list[str]) -> Decimal | None:
    """ "three quarters", "a half", "two and a half"."""
    part, rest = _PARTS[words[-1]], words[:-1]
    whole = 0
    if "and" in rest:
        at = len(rest) - 1 - rest[::-1].index("and")
        before, rest = _whole(rest[:at]), rest[at + 1 :]
        if before is None:
            return None
        whole = before
    count = 1 if rest in (["a"], ["an"], []) else _whole(rest)
    if count is None or count >= 1000 or (not rest and words[-1] not in ("half",)):
        return None
    value = whole + Fraction(count, part)
    with localcontext() as context:
        context.prec = 60
        return Decimal(value.numerator) / Decimal(value.denominator)


def _whole(words: list[str]) -> int | None:
    """A whole number; "and" may stand after hundreds, "a" for one."""
    total = current = 0
    last = ""
    least = 10**18
    for word in words:
        if word in ("a", "an"):
            if last:
                return None
            current = 1
        elif word == "and":
            if last not in SCALES:
                return None
        elif word in _SMALL:
            free = current % 100 == 0 or (last in _TENS and _SMALL[word] < 10)
            if not free or last in ("a", "an", "zero") or (last in _SMALL):
                return None
            current += _SMALL[word]
        elif word in _TENS:
            if current % 100 or last in ("a", "an"):
                return None
            current += _TENS[word]
        elif word == "hundred":
            if not 0 < current < 100:
                return None
            current *= 100
        elif word in SCALES:
            if not current or SCALES[word] >= least:
                return None
            least = SCALES[word]
            total, current = total + current * least, 0
        else:
            return None
        last = word
    return total + current if last and last not in ("and",) else None
