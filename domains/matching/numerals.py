r"""Numbers where they stand in a text: `-1,234.50`, `1.234,5`, `12,34,567`, `3×10^8`, `1 1/2`, `$5`, `45 %`.

What looks like a number and is none (a date, a time, a version, a list) is found as well and has no value.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation, localcontext
from typing import Literal, NamedTuple

from domains.matching.words import EASTERN, SCALES

__all__ = ["Decimals", "Numeral", "numerals"]

Decimals = Literal["", ",", "."]
"""What stands before decimals where a numeral alone does not say: `1,234` is 1234, with `,` it is 1.234."""

MOST_DIGITS = 400  # of a power's value
DIGITS = 60  # of precision

_LETTER = r"A-Za-z\u00c0-\u024f\u0370-\u052f"
_RUN = r"\d+(?:[.,'_]\d+)*"
_FREE = rf"(?<![{_LETTER}\d_^])(?<![{_LETTER}]-)(?<!\^-)"  # no part of a word: CO2, x1, m^2, COVID-19
_MONEY = r"(?:(?:US|A|C|HK|NZ|S)?[$€£¥₹₽₩₺₿₪₫₴₱¢]|\b(?:USD|EUR|GBP|INR|CHF|CAD|AUD|JPY|CNY|Rs)\b\.?)"
_OTHER = re.compile(
    rf"""
    (?P<date>{_FREE}(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}([/.-])\d{{1,2}}\2\d{{2,4}})(?![\d/]))
  | (?P<time>{_FREE}\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?![\d:]))
  | (?P<ratio>{_FREE}\d+(?:\s?:\s?\d+)+)
    """,
    re.VERBOSE,
)
_NUMERAL = re.compile(
    rf"""
    (?P<sign>(?<![{_LETTER}\d)\]}}%°])[-+]|(?:(?<=^)|(?<=[=(:\[{{]))\s{{0,2}}[-+]\s)?
    (?:(?P<money>{_MONEY})\s?(?P<sign2>[-+])?)?
    (?:
        {_FREE}(?P<whole>\d{{1,15}})\s{{1,2}}(?:(?:and|&)\s)?
            (?P<over>\d{{1,9}})\s?/\s?(?P<under>\d{{1,9}})(?![\d/.]\d?)
      | (?P<run>(?>{_FREE}{_RUN}|(?<![\w.])\.\d+))
        (?:[eE](?P<e>[-+]?\d{{1,3}})(?!\d)|(?![eE][-+]?\d))
        (?:\s?/\s?(?P<below>{_RUN})(?![\d/])
          |\s?[x×*·✕]\s?10\s?(?:\^|\*\*)\s?[{{(]?\s?(?P<ten>[-+]?\d{{1,4}})(?!\d)\s?[)}}]?
          |\s?(?:\^|\*\*)\s?[{{(]?\s?(?P<power>[-+]?\d{{1,4}})(?!\d)\s?[)}}]?)?
        (?!\s?(?:\^|\*\*)\s?[-{{(\d])
    )
    """,
    re.VERBOSE,
)
_PER_HUNDRED = re.compile(r"(?:百分之|퍼센트\s?)$")
_PERCENT = re.compile(r"\s?\\?%|\s?(?:percent|per\s?cent|pct)\b", re.IGNORECASE)
_SCALE = re.compile(
    r"\s?-?(hundred|thousand|lakh|million|crore|billion|trillion|mln|mn|bn|dozen)s?\b", re.IGNORECASE
)
# 7万, 1億2000万; not the thousand of a unit, as in 5千克 (kg)
_EASTERN = re.compile(
    rf"\s?([{''.join(EASTERN)}]+)(?![克米瓦卡焦帕赫伏安分])"
    rf"(?:(\d{{1,4}})(?:([{''.join(EASTERN)}]+)(?![克米瓦卡焦帕赫伏安分])|(?<=\d{{3}})(?![\d.,])))?"
)
_SHORT = re.compile(rf"([kKM])(?![{_LETTER}\d/^])|(?<=\d)(mm|MM|m|B|bn)(?![{_LETTER}\d/^])")
_ORDINAL = re.compile(r"(?:st|nd|rd|th)\b")
_SHORT_SCALES = {"k": 1_000, "m": 1_000_000, "mm": 1_000_000, "b": 1_000_000_000, "bn": 1_000_000_000}
_SCALES = {**SCALES, "mln": 1_000_000, "mn": 1_000_000, "bn": 1_000_000_000, "dozen": 12}
# A number beside one of these is a part of a formula.
_FORMULA_BEFORE = re.compile(
    r"(?:\b(?:log|ln|sqrt|sin|cos|tan|exp)|\\[A-Za-z]+|π|[\^_({\[]\s?\\[A-Za-z]+)\s?[{\[(]?\s?[-+]?$"
)
_FORMULA_AFTER = re.compile(
    r"\s?[*·]?\s?(?:\\(?:sqrt|frac|pi|sin|cos|tan|log|ln|theta|alpha|beta)|π)|[ixyz](?!\w)|"
    r"\s?[-+*/]\s?[xyzn](?!\w)"
)
_HARMLESS = re.compile(
    r"\\(?:text|mathrm|approx|sim|boxed|fbox|leq?|geq?|item|quad|space|implies|therefore|to)\s?[{]?\s?[-+]?$"
)


class Numeral(NamedTuple):
    """A number in a text, or what looks like one.

    Attributes:
        start: Where it begins.
        end: Where it ends, with the percent sign and words such as "million".
        value: Without the percent sign; `None` where it is no number.
        percent: Whether it is one of a hundred.
        what: What it is where it is no number: a date, a time, a ratio, a list, a formula.
        money: Its currency's sign, if any.
        ordinal: Whether it is a place, as 3rd.
    """

    start: int
    end: int
    value: Decimal | None
    percent: bool = False
    what: str = ""
    money: str = ""
    ordinal: bool = False


def numerals(text: str, decimals: Decimals = "") -> list[Numeral]:
    """All numbers of a text in which characters are unified and LaTeX is plain, in order."""
    found: list[Numeral] = []
    at = 0
    while at < len(text):
        match = _NUMERAL.search(text, at)
        if match is None:
            break
        other = _OTHER.match(text, match.start("run")) if match["run"] else None
        if other is not None and _unlike_fraction(other):
            found.append(Numeral(match.start(), other.end(), None, what=other.lastgroup or "date"))
        else:
            found.append(_numeral(text, match, decimals))
        at = max(found[-1].end, match.end(), at + 1)
    return found


def _unlike_fraction(found: re.Match[str]) -> bool:
    return bool(found["date"] or found["time"] or found["ratio"])


def _numeral(text: str, match: re.Match[str], decimals: Decimals) -> Numeral:
    start, end = match.span()
    money = (match["money"] or "").strip()
    before = text[max(0, start - 24) : start]
    formula = bool(_FORMULA_BEFORE.search(before)) and not _HARMLESS.search(before)
    if formula or _FORMULA_AFTER.match(text, end):
        return Numeral(start, end, None, what="formula", money=money)
    value, what = _value(match, decimals)
    if value is None:
        return Numeral(start, end, None, what=what, money=money)
    if "-" in ((match["sign"] or "").strip(), match["sign2"]):
        value = -value
    percent = _PERCENT.match(text, end)
    if percent or _PER_HUNDRED.search(before):
        return Numeral(start, percent.end() if percent else end, value, True, money=money)
    eastern = _EASTERN.match(text, end)
    if eastern:
        return Numeral(start, eastern.end(), _in_myriads(value, eastern), money=money)
    scale = _SCALE.match(text, end) or _SHORT.match(text, end)
    if scale and not (scale.re is _SHORT and scale[2] and not money):
        name = next(group for group in scale.groups() if group)
        times = _SCALES.get(name.lower()) or _SHORT_SCALES[name.lower()]
        with localcontext() as context:
            context.prec = DIGITS
            value, end = value * times, scale.end()
        return Numeral(start, end, value, money=money)
    ordinal = _ORDINAL.match(text, end)
    return Numeral(start, ordinal.end() if ordinal else end, value, money=money, ordinal=bool(ordinal))


def _in_myriads(value: Decimal, scale: re.Match[str]) -> Decimal:
    """`1` with `億2000万` behind it: 120000000."""
    times = math.prod(EASTERN[name] for name in scale[1])
    more = int(scale[2] or 0) * math.prod(EASTERN[name] for name in scale[3] or "")
    with localcontext() as context:
        context.prec = DIGITS
        return value * times + (more if value >= 0 else -more)


def _value(match: re.Match[str], decimals: Decimals) -> tuple[Decimal | None, str]:
    """The value of a match without its sign; or `None`, and what it is instead."""
    with localcontext() as context:
        context.prec = max(DIGITS, match.end() - match.start())
        try:
            if match["whole"]:
                return Decimal(match["whole"]) + Decimal(match["over"]) / Decimal(match["under"]), ""
            value, what = _of_run(match["run"], decimals)
            if value is None:
                return None, what
            if match["e"]:
                value = value.scaleb(int(match["e"]))
            if match["below"]:
                below, what = _of_run(match["below"], decimals)
                return (None, what) if below is None else (value / below, "")
            if match["ten"]:
                value = value.scaleb(int(match["ten"]))
            if match["power"]:
                power = int(match["power"])
                if len(match["run"]) * abs(power) > MOST_DIGITS:
                    return None, "a power that is too large"
                value = value**power
            return value, ""
        except (InvalidOperation, ArithmeticError, ValueError):
            return None, "no number"


def _of_run(run: str, decimals: Decimals) -> tuple[Decimal | None, str]:
    """The value of digits with separators between them."""
    parts, marks = re.split(r"[.,'_]", run), re.findall(r"[.,'_]", run)
    kinds = list(dict.fromkeys(marks))
    if not marks or run.startswith("."):
        return Decimal(run), ""
    last = marks[-1]
    if len(kinds) == 1 and (last in "'_" or len(marks) > 1):
        grouped = _grouped(parts, last)
        if grouped is None:
            return None, "list" if last == "," else "version"
        return grouped, ""
    if len(kinds) == 1:
        return _one_mark(parts, last, decimals)
    if len(kinds) == 2 and last in ".," and marks.count(last) == 1 and set(marks[:-1]) == {kinds[0]}:
        whole = _grouped(parts[:-1], kinds[0])
        if whole is not None:
            return Decimal(f"{whole}.{parts[-1]}"), ""
    return None, "list"


def _one_mark(parts: list[str], mark: str, decimals: Decimals) -> tuple[Decimal, str]:
    """`1,234` and `1.234` and `1,5`: what the one mark is."""
    groups = len(parts[1]) == 3 and 1 <= len(parts[0]) <= 3 and not parts[0].startswith("0")
    thousands = groups and (decimals != "," if mark == "," else decimals == ",")
    return (Decimal("".join(parts)) if thousands else Decimal(".".join(parts))), ""


def _grouped(parts: list[str], mark: str) -> Decimal | None:
    """Groups of three digits, or, with commas, as in India: two but for the last."""
    first, *others = parts
    western = 1 <= len(first) <= 3 and all(len(part) == 3 for part in others)
    indian = (
        mark == ","
        and 1 <= len(first) <= 2
        and len(others[-1]) == 3
        and all(len(part) == 2 for part in others[:-1])
    )
    return Decimal("".join(parts)) if western or indian else None
