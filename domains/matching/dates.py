"""Dates and times of day, where their form leaves no doubt: `2 January 2020`, `2020-01-02`, `3:30 pm`."""

from __future__ import annotations

import re

__all__ = ["date_or_time"]

MOST = 60  # characters

_OTHERS: dict[str, int] = {}
_MONTHS = {
    name: number
    for number, name in enumerate(
        "january february march april may june july august september october november december".split(), 1
    )
}
for _names in (  # German, French, Spanish, Portuguese, Italian
    "januar februar märz april mai juni juli august september oktober november dezember",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
):
    _OTHERS |= {name: number for number, name in enumerate(_names.split(), 1)}
_MONTHS |= {name[:3]: number for name, number in list(_MONTHS.items())} | {"sept": 9} | _OTHERS
_DAYS = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tue|wed|thu|fri|sat|sun)\.?,?\s*"
_ISO = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[t ]00:00(?::00)?z?)?")
_DAY_FIRST = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th|er|\.|º)?(?:\s(?:of|de))?[\s-]([^\W\d_]{3,10})\.?,?(?:\sde)?[\s-](\d{4})"
)
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")  # with dots, the day is always the first
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)")
_LEAD = re.compile(
    r"^(?:(?:it|this|that|the (?:exact )?(?:date|time|day))\s(?:is|was|will be)\s|"
    r"(?:date|time|day)\s?[:=]\s?|(?:on|at)\s|the\s(?=\d))+"
)
_MONTH_FIRST = re.compile(r"([a-z]{3,9})(?:\.\s?|\s)(\d{1,2})(?:st|nd|rd|th)?,?\s(\d{4})")
_TIME = re.compile(
    r"(\d{1,2})(?:[:.](\d{2}))?(?::(\d{2}))?\s?([ap])\.?m\.?|"
    r"(\d{1,2})[:h](\d{2})(?::(\d{2}))?(?:\s(?:h(?:ours)?|uhr|o'clock))?"
)
_HALF_DAY = re.compile(r"\s(?:in the (morning|afternoon|evening))$")
_WORDS = {
    "noon": (12, 0, 0),
    "midday": (12, 0, 0),
    "midnight": (0, 0, 0),
    "12 noon": (12, 0, 0),
    "12 midnight": (0, 0, 0),
}


def date_or_time(text: str) -> tuple[str, int, int, int] | None:
    """What date (year, month, day) or time of day (hour, minute, second) a text is; `None` for another text.

    `1/2/2020` is none: which of the two is the month, it does not say.
    """
    if len(text) > MOST:
        return None
    plain = " ".join(text.casefold().split()).strip(" .,!\"'")
    plain = re.sub(r"^(at\s)(?=noon|midday|midnight)", "", _LEAD.sub("", plain)) or plain
    plain = re.sub(rf"^{_DAYS}(?=\S)", "", plain) or plain
    plain = re.sub(r"\s*([:/.-])\s*(?=\d)", r"\1", plain).replace(",", ", ").replace("  ", " ")
    plain = _HALF_DAY.sub(lambda found: f" {'a' if found[1] == 'morning' else 'p'}m", plain)
    if plain in _WORDS:
        return ("time", *_WORDS[plain])
    return _date(plain) or _time(plain)


def _date(plain: str) -> tuple[str, int, int, int] | None:
    iso, day_first, month_first = (form.fullmatch(plain) for form in (_ISO, _DAY_FIRST, _MONTH_FIRST))
    if iso:
        year, month, day = (int(part) for part in iso.groups())
    elif dotted := _DOTTED.fullmatch(plain):
        day, month, year = (int(part) for part in dotted.groups())
    elif compact := _COMPACT.fullmatch(plain):
        year, month, day = (int(part) for part in compact.groups())
    elif day_first and day_first[2] in _MONTHS:
        day, month, year = int(day_first[1]), _MONTHS[day_first[2]], int(day_first[3])
    elif month_first and month_first[1] in _MONTHS:
        month, day, year = _MONTHS[month_first[1]], int(month_first[2]), int(month_first[3])
    else:
        return None
    return ("date", year, month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None


def _time(plain: str) -> tuple[str, int, int, int] | None:
    found = _TIME.fullmatch(plain)
    if not found:
        return None
    if found[4]:
        hour = int(found[1])
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (found[4] == "p")
        return ("time", hour, int(found[2] or 0), int(found[3] or 0))
    hour, minute, second = int(found[5]), int(found[6]), int(found[7] or 0)
    return ("time", hour, minute, second) if hour < 24 and minute < 60 and second < 60 else None
