"""Whether targets are numbers with a unit: `52 km`, `1,200 kg`, `5 stars`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from domains.matching.characters import unified
from domains.matching.dates import date_or_time
from domains.matching.reading import read, read_whole

__all__ = ["units_of"]

MOST = 24  # characters of a unit

_MEASURED = re.compile(rf"[-+$€£¥~]?\s?\d[\d.,' ]*?\s*([^\W\d_][^\d,;:()]{{0,{MOST}}}|°[CFK]?)\.?")
# What stands behind a number and makes it something else: a time, a year, a place.
_NO_UNIT = re.compile(r"(?:[ap]\.?m\.?|ad|bce?|ce|st|nd|rd|th|o'clock|uhr|h)\b", re.IGNORECASE)


def units_of(targets: Sequence[str]) -> tuple[str, ...]:
    """The units of targets that are all numbers, most of them with one; empty where one is anything else.

    Args:
        targets: All targets of a table.
    """
    units: dict[str, str] = {}
    measured = 0
    for target in targets:
        text = unified(target).strip()
        found = _MEASURED.fullmatch(text)
        if found is None:
            if read_whole(text).value is None:
                return ()
            continue
        if _NO_UNIT.match(found[1]) or date_or_time(f"{text} 2000") or read(text).value is None:
            return ()
        measured += 1
        units.setdefault(found[1].strip().casefold().rstrip("s."), found[1].strip())
    return tuple(units.values()) if 2 * measured > len(targets) else ()
