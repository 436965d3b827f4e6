"""Answers of a table that may be slips, for a line that tells of them; they are compared as they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Entry", "odd_answers"]

MISSING = ("none", "null", "n/a", "na", "nil", "-", "?")  # what may stand for an answer that is not there
MOST_LABELS, LEAST_EACH = 12, 5  # labels of a column; rows of each but the odd one


class Entry(NamedTuple):
    """What is right for an item, before there are matchers.

    Attributes:
        place: Where it stands, for errors, as `q.csv, line 7`.
        targets: All answers that are right.
        matcher: The item's own, as it names it, or `None`.
    """

    place: str
    targets: Sequence[str]
    matcher: str | Mapping[str, Any] | None = None


def odd_answers(entries: Sequence[Entry]) -> Iterator[str]:
    """Lines on answers that may mean that there is none, and on a label that one row alone has.

    Args:
        entries: All rows.
    """
    first: dict[str, str] = {}
    counts: dict[str, int] = {}
    spelled: dict[str, str] = {}
    for entry in entries:
        for target in entry.targets:
            key = " ".join(target.split()).casefold()
            if key not in counts and len(counts) > MOST_LABELS and key not in MISSING:
                continue
            counts[key] = counts.get(key, 0) + 1
            first.setdefault(key, entry.place)
            spelled.setdefault(key, target.strip())
    rare = [key for key, count in counts.items() if key in MISSING and 10 * count <= len(entries)]
    for key in rare:
        more = f" (and {counts[key] - 1} more)" * (counts[key] > 1)
        told = "is compared as text; leave the row out if it means that there is none"
        yield f"{first[key]}{more}: the answer {spelled[key]!r} {told}"
    if not 3 <= len(counts) <= MOST_LABELS:
        return
    single = [key for key, count in counts.items() if count == 1 and key not in rare]
    others = [count for count in counts.values() if count > 1]
    if len(single) != 1 or len(others) < 2 or min(others) < LEAST_EACH:
        return
    key = single[0]
    if key.isdigit() and any(other.isdigit() for other in counts if other != key):
        return  # counts and ratings have rare values
    beside = f"{len(others)} labels have many: is it a slip?"
    yield f"{first[key]}: the answer {spelled[key][:40]!r} is in this row only, {beside}"
