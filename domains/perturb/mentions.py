"""The numbers that a question mentions: where, in which form, and which of them may stand for others.

What is no amount stays as it is: years, dates, times, ordinals, fractions, percentages, ranges, numbers in
names. So does what a word stands for: "twice", "half", "a dozen", "a week" with its 7 days. These are
`constants`: values that a working may have from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from domains.matching.words import PARTS, spelled

__all__ = ["Mention", "constants", "mentions", "rewritten"]

DIGITS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,]*\d)|\d+(?:\.\d+)?|(?<![\w.])\.\d+")
MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?|"
    r"Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
# Behind a number, what makes it no amount.
FIXED_AFTER = re.compile(
    r"(?:st|nd|rd|th)\b"  # 3rd
    r"|\s*:\s*\d|\s*(?:am|pm|a\.m|p\.m|AM|PM|A\.M|P\.M|o['’]?clock)\b"  # 5:30, 7 pm
    r"|\s*[-–—]\s*\$?\d|\s*[\^²³]"  # 5-10, 3²
    rf"|\s+(?:of\s+)?{MONTH}(?![a-z])"  # 5 May
    r"|\s*(?:hundred|thousand|million|billion|trillion|[kKMB]\b)"
    r"|\s*(?:degrees?|°)"
)
FIXED_BEFORE = re.compile(
    rf"(?:{MONTH}\s+|[\w#_^]|\d\s*[:–—-]\s*\$?|(?:^|[\s(])[-–−]\s?\$?"
    r"|\b(?:No\.|[Nn]umber|[Rr]oom|[Cc]hapter|[Pp]age|[Gg]rade|[Ll]evel|[Rr]oute|[Ff]light)\s+)$"
)
UNITS = re.compile(
    r"(?:ft|in|cm|mm|km|m|kg|g|mg|lbs?|oz|l|L|ml|mL|mph|kph|GB|MB|TB|hrs?|h|mins?|min|s|sec)\b"
)
PERCENT = re.compile(r"\s*(?:%|[-\s]?per\s?cent\b|percentage)")
PARTED = re.compile(r"\s*/\s*\d")
PARTS_AFTER = re.compile(
    r"[-\s]+(?:and\s+)?(?:a\s+)?(?:half|halves|thirds?|quarters?|fourths?|fifths?|sixths?|sevenths?|eighths?|"
    r"ninths?|tenths?|hundredths?|\d+\s*/\s*\d+)\b"
)
OF_WHICH = re.compile(r"\s+(?:in|out\s+of)\s+(?:every\s+)?\d")  # 1 in 4
FRACTION = re.compile(r"(\d+)\s*/\s*(\d+)")

CARDINAL = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)?")
ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
MOST_WORDS = 99  # up to which a number is written in words

# Words that bring numbers with them.
BRINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"percent|per cent|%|discount|interest|tax", ("100",)),
    (r"triple|thrice|trio|three times|triangle|tricycle", ("3",)),
    (r"quadruple|square|rectang|quarter|leg|wheel|car\b|cars\b|side", ("4",)),
    (r"dozen", ("12",)),
    (r"week", ("7", "5", "52", "4")),
    (r"weekday|school day|work ?day", ("5",)),
    (r"weekend", ("2",)),
    (r"day|daily|night|morning", ("7", "24", "365", "30", "5")),
    (r"hour|minute|second", ("60", "24", "3600", "1440", "30", "1/60", "1/2")),
    (r"month", ("12", "30", "31", "4", "52", "3")),
    (r"year|annual", ("12", "365", "52", "10", "100", "4")),
    (r"decade|decimal", ("10",)),
    (r"centur", ("100",)),
    (r"foot|feet|inch", ("12", "1/12", "3")),
    (r"yard", ("3", "36")),
    (r"mile", ("5280",)),
    (r"pound|ounce|oz\b|lb", ("16",)),
    (r"gallon|quart|pint|cup", ("4", "2", "8", "16", "128")),
    (r"cent|penn|dollar|coin|change|\$", ("100", "1/100")),
    (r"nickel", ("5", "1/20")),
    (r"dime", ("10", "1/10")),
    (r"quarter", ("25", "1/4")),
    (r"kilo|milli|meter|metre|litre|liter|gram|\bkm\b|\bkg\b|\bml\b|\bton", ("1000", "2000", "10", "1/1000")),
    (r"spider|octop|octag", ("8",)),
    (r"insect|\bant\b|\bants\b|hexag|dice|\bdie\b", ("6",)),
    (r"pentag|finger|toe", ("5", "10", "20")),
    (r"alphabet|letter", ("26",)),
    (r"cards|deck", ("52", "4", "13")),
    (r"average|mean\b", tuple(map(str, range(3, 13)))),  # of how many, it need not say
)
ALWAYS = (Fraction(0), Fraction(1), Fraction(2))  # pairs, ones and nothings hide in many words


@dataclass(frozen=True, slots=True)
class Mention:
    """A number of a question.

    Attributes:
        start: Where it begins.
        end: Where it ends.
        value: What it is.
        fixed: Why it stays as it is, or `""`: `part` (a fraction or percentage, which the working has to use)
            or `name` (what is no amount, which it need not).
        decimals: Its decimals; of a word 0.
        word: Whether it is written in words.
        most: The greatest number that makes sense in its place, or 0.
    """

    start: int
    end: int
    value: Fraction
    fixed: str = ""
    decimals: int = 0
    word: bool = False
    most: int = 0


def mentions(question: str) -> list[Mention]:
    """The numbers of a question, in their order."""
    found = [*_in_digits(question), *_in_words(question)]
    return sorted(found, key=lambda mention: mention.start)


def constants(question: str) -> frozenset[Fraction]:
    """What a working may have from the words of a question, whatever its other numbers are."""
    found = set(ALWAYS)
    low = question.lower()
    for words, values in BRINGS:
        if re.search(words, low):
            found |= set(map(Fraction, values))
    for word, n in PARTS.items():
        if re.search(rf"\b{word}s?\b", low):
            found |= {Fraction(n), *(Fraction(k, n) for k in range(1, n + n // 2 + 1) if n < 20)}
    for top, bottom in FRACTION.findall(question):
        if int(bottom):
            share = Fraction(int(top), int(bottom))
            found |= {
                Fraction(top),
                Fraction(bottom),
                share,
                1 - share,
                1 + share,
                Fraction(bottom) - int(top),
            }
    for mention in mentions(question):
        if mention.fixed:
            v = mention.value
            found |= {v, v / 100, 1 - v / 100, 1 + v / 100, 100 - v, 100 + v}
    return frozenset(found)


def rewritten(question: str, found: list[Mention], values: dict[Fraction, Fraction]) -> str:
    """A question with other numbers in the same places and forms.

    Args:
        question: It.
        found: Its mentions.
        values: Value -> the one that stands for it.
    """
    text = question
    for mention in reversed(found):
        new = values.get(mention.value)
        if not mention.fixed and new is not None and new != mention.value:
            written = _written(question[mention.start : mention.end], mention, new)
            text = text[: mention.start] + written + text[mention.end :]
    return text


def sounds_like_vowel(value: Fraction) -> bool:
    """Whether one says "an" before a number: an 8, an 11, an 80."""
    digits = str(int(value))
    return digits[0] == "8" or digits in ("11", "18") or digits[:-3] in ("11", "18")


def _in_digits(question: str) -> Iterator[Mention]:
    for found in DIGITS.finditer(question):
        before, after = question[max(0, found.start() - 24) : found.start()], question[found.end() :][:40]
        text = found[0].replace(",", "")
        value, decimals = Fraction(text), len(text.partition(".")[2])
        fixed = _why_fixed(found[0], before, after)
        yield Mention(found.start(), found.end(), value, fixed, decimals, most=_most(value, after))


def _why_fixed(text: str, before: str, after: str) -> str:
    """Why a number in digits is to stay; `""` where it may change."""
    plain = before.rstrip("$€£ ")
    if PERCENT.match(after) or PARTED.match(after) or re.search(r"\d\s*/\s*$", before):
        return "part"
    if (
        PARTS_AFTER.match(after)
        or OF_WHICH.match(after)
        or re.search(r"\b(?:in|out of) (?:every )?$", before)
    ):
        return "part" if not _year(text, before) else "name"
    unit = UNITS.match(after)
    if (after[:1].isalpha() and not unit) or FIXED_AFTER.match(after) or FIXED_BEFORE.search(before):
        return "name"
    if re.search(r"[A-Za-z0-9]\s*[-–]$", plain) and plain[-1:] in "-–":
        return "name"  # 5-10, Apollo-11
    if re.match(r"\.\d|,\d", after) or (text.startswith("0") and len(text) > 1 and "." not in text):
        return "name"  # 1.2.3, 007
    return "name" if _year(text, before) else ""


def _year(text: str, before: str) -> bool:
    money = before.rstrip().endswith(("$", "€", "£"))
    return bool(re.fullmatch(r"1[89]\d\d|20\d\d|2100", text)) and not money


def _in_words(question: str) -> Iterator[Mention]:
    for start, end, value in spelled(question):
        words = question[start:end].lower()
        number = Fraction(value)
        after, before = question[end:][:40], question[max(0, start - 24) : start]
        parts = re.search(
            r"hal(?:f|ves)|third|quarter|fourth|fifth|sixth|seventh|eighth|ninth|tenth|dozen", words
        )
        if parts or PERCENT.match(after) or PARTS_AFTER.match(after):
            yield Mention(start, end, number, "part", word=True)
            continue
        plain = CARDINAL.fullmatch(words) and number.denominator == 1 and 2 <= number <= MOST_WORDS
        fixed = "" if plain else "name"
        if plain and (
            FIXED_AFTER.match(after) or re.search(r"[\w-]-$", before) or re.match(r"-[a-z]*th", after)
        ):
            fixed = "name"
        if re.match(r"\s+(?:or|to)\s+(?:more|less)\b", after):
            fixed = "name"
        yield Mention(start, end, number, fixed, word=True, most=_most(number, after) or MOST_WORDS)


def _most(value: Fraction, after: str) -> int:
    """The greatest number that makes sense before certain words."""
    limits = (
        (r"[-\s]*(?:hours?|hrs?)\b", 24),
        (r"[-\s]*days?\s+(?:a|per|each|every|of the)\s+week", 7),
        (r"[-\s]*(?:minutes?|mins?|seconds?)\b", 60),
        (r"[-\s]*months?\b", 12),
        (r"[-\s]*(?:days?)\b", 30),
        (r"[-\s]*(?:weeks?)\b", 52),
        (r"[-\s]*(?:years?[-\s]old|years of age)\b", 100),
    )
    return next((most for words, most in limits if re.match(words, after) and value <= most), 0)


def _written(old: str, mention: Mention, value: Fraction) -> str:
    """A number in the form of another one."""
    if mention.word:
        n = int(value)
        small = n < len(ONES)
        text = ONES[n] if small else TENS[n // 10 - 2] + (f"-{ONES[n % 10]}" if n % 10 else "")
        return text.upper() if old.isupper() else text.capitalize() if old[:1].isupper() else text
    if mention.decimals:
        scaled = int(value * 10**mention.decimals)
        whole, rest = divmod(scaled, 10**mention.decimals)
        shown = "" if old.startswith(".") and not whole else f"{whole:{',' if ',' in old else ''}}"
        return f"{shown}.{rest:0{mention.decimals}d}"
    return f"{int(value):,}" if "," in old else str(int(value))
