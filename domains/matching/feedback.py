"""What matchers say of wrong answers, in one style: a line in lower case, without a full stop.

`read as 7, expected 8` where an answer was understood, `several numbers: 7, 8; expected 8` where it was not,
`missing: a, b; not wanted: c` where it has parts. Answers and targets are shortened, and never the whole
line: an answer may be anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from meta_search.text import one_line

__all__ = ["differing", "expected", "fields", "listed", "not_right", "read_as", "short", "words"]

MOST = 60  # characters of an answer or a target
MOST_PARTS = 6  # that are listed
NOTHING = "nothing"


def short(text: object, most: int = MOST) -> str:
    """A text as a part of a line."""
    return one_line(str(text)[: 8 * most], most) or NOTHING


def expected(target: object) -> str:
    """What would have been right."""
    return f"expected {short(target)}"


def read_as(given: object, target: object) -> str:
    """What an answer was taken for, and what would have been right."""
    return f"read as {short(given)}, {expected(target)}"


def not_right(why: str, target: object) -> str:
    """Why an answer was taken for nothing, and what would have been right."""
    return f"{why}; {expected(target)}"


def listed(texts: Iterable[object]) -> str:
    """Some of several things."""
    found = [short(text, MOST // 2) for text in texts]
    more = f" and {len(found) - MOST_PARTS} more" if len(found) > MOST_PARTS else ""
    return ", ".join(found[:MOST_PARTS]) + more


def differing(missing: Iterable[object], more: Iterable[object], otherwise: str = "in another order") -> str:
    """Which parts an answer lacks, and which it has too many."""
    parts = [
        f"{what}: {told}"
        for what, texts in (("missing", missing), ("not wanted", more))
        if (told := listed(texts))
    ]
    return "; ".join(parts) or otherwise


def words(given: Sequence[object], wanted: Sequence[object]) -> str:
    """Which words an answer lacks, and which it has too many, in the order of the texts."""
    missing, more = Counter(wanted) - Counter(given), Counter(given) - Counter(wanted)
    return differing(missing, more)


def fields(given: Mapping[str, Any], wanted: Mapping[str, Any], wrong: Sequence[str]) -> str:
    """Which fields an answer lacks, has too many, or has with another value.

    Args:
        given: The answer's values by their places, as `to.name`.
        wanted: The target's.
        wrong: Places that differ.
    """
    missing = _outermost([place for place in wrong if place not in given], given)
    more = _outermost([place for place in wrong if place not in wanted], wanted)
    values = [
        f"{_shown(place)} is {_value(given[place])}, expected {_value(wanted[place])}"
        for place in wrong
        if place in given and place in wanted
    ]
    told = [differing(missing, more)] if missing or more else []
    told += values[:MOST_PARTS]
    if len(values) > MOST_PARTS:
        told.append(f"{len(values) - MOST_PARTS} more fields differ")
    return "; ".join(told)


def _outermost(places: Sequence[str], there: Iterable[str]) -> list[str]:
    """Places that are not there, by the outermost object or list that is not: `b` for `b.0` and `b.1`."""
    have = {""}
    for place in there:
        parts = place.split(".")
        have |= {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
    found = []
    for place in places:
        parts = place.split(".")
        prefixes = (".".join(parts[:n]) for n in range(1, len(parts) + 1))
        found.append(next((prefix for prefix in prefixes if prefix not in have), place))
    return [_shown(place) for place in dict.fromkeys(found)]


def _shown(place: str) -> str:
    return short(place, MOST // 2) if place else "the whole"


def _value(value: Any) -> str:
    """A value of JSON: texts in quotes, so that 1 and "1" differ."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f'"{short(value, MOST // 2) if value else ""}"'
    return short(value, MOST // 2)
