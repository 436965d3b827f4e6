"""The journal: its last events, a search through it, and what it says of briefs and lessons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from archive import codec
from archive.guard import check_types, making_sense
from archive.records import Archive, Event
from archive.summaries.memory import grown
from archive.summaries.reading import FEW, last_row, read
from meta_search.types import Lesson

__all__ = ["event_kinds", "find_events", "gaps", "last_brief", "last_events", "lessons"]

LOOKED_AT = 60_000  # rows at the end of a long table
MOST_LESSONS = 20_000  # that are kept
SEARCHED = 50_000  # of which a text is looked for


def last_events(archive: Archive, kinds: Sequence[str], within: int = LOOKED_AT) -> list[Event]:
    """The events of some kinds among the last ones, in their order.

    Of deliveries those of briefs, and those on which the scorer failed.

    Args:
        archive: The run.
        kinds: Which.
        within: How many events of all kinds are looked at, from the last one back.
    """
    first = last_row(archive, "events") - within
    sql = (
        f"SELECT seq, kind, data, created FROM events WHERE seq > ? AND kind IN ({codec.marks(kinds)})"
        " AND (kind <> 'delivery' OR data LIKE '{\"brief\":%' OR data LIKE '%\"kind\":\"scorer\"%')"
        " ORDER BY seq"
    )
    return _events(archive, read(archive, sql, first, *kinds))


def _events(archive: Archive, rows: list[tuple[Any, ...]]) -> list[Event]:
    check_types(rows, codec.kinds("events", codec.EVENT_COLUMNS), archive.path)
    with making_sense(archive.path):
        return [Event(seq, kind, codec.load(data), created) for seq, kind, data, created in rows]


def event_kinds(archive: Archive) -> dict[str, int]:
    """Kind -> number of events; of a long journal among its last ones."""

    def count(after: int, last: int, known: dict[str, int] | None) -> dict[str, int]:
        sql = "SELECT kind, COUNT(*) FROM events WHERE seq > ? AND seq <= ? GROUP BY kind"
        more: dict[str, int] = dict(read(archive, sql, max(after, last - FEW), last))
        return {kind: (known or {}).get(kind, 0) + more.get(kind, 0) for kind in {**(known or {}), **more}}

    return grown(archive, "event_kinds", count)


def find_events(
    archive: Archive, after: int, before: int, kinds: Sequence[str], text: str, limit: int, newest: bool
) -> tuple[list[Event], int]:
    """Some events, and the number of the first one that was looked at.

    Args:
        archive: The run.
        after: Only those with a greater number.
        before: Only those with a smaller one; 0 for all.
        kinds: Of these kinds; all where it is empty.
        text: Whose data hold this, or that are about an agent whose name does.
        limit: Most of them.
        newest: Whether from the last one back, in which order they come then.
    """
    last = last_row(archive, "events")
    top = min(before - 1, last) if before > 0 else last
    # A text or a rare kind may be met nowhere: a long journal is looked through for a piece at a time.
    piece = SEARCHED if text else FEW if kinds else last
    low = max(after, top - piece) if newest else after
    high = top if newest else min(top, after + piece)
    where, values = ["seq > ?", "seq <= ?"], [low, high]
    if kinds:
        where.append(f"kind IN ({codec.marks(kinds)})")
        values += [*kinds]  # type: ignore[list-item]
    if text:
        about = _called(archive, text)
        likes = [f"%{codec.like(json.dumps(text)[1:-1])}%", *(f'%"{agent}"%' for agent in about)]
        where.append("(" + " OR ".join("data LIKE ? ESCAPE '\\'" for _ in likes) + ")")
        values += likes  # type: ignore[arg-type]
    sql = (
        f"SELECT {codec.names(codec.EVENT_COLUMNS)} FROM events WHERE {' AND '.join(where)}"
        f" ORDER BY seq {'DESC' if newest else 'ASC'} LIMIT ?"
    )
    return _events(archive, read(archive, sql, *values, limit)), low + 1


def _called(archive: Archive, text: str) -> list[str]:
    """Ids of the newest agents whose name holds a text; found by the index of names."""
    sql = (
        "SELECT id FROM agents WHERE rowid IN (SELECT rowid FROM agents WHERE name LIKE ? ESCAPE '\\'"
        " ORDER BY rowid DESC LIMIT 10)"
    )
    return [str(agent) for (agent,) in read(archive, sql, f"%{codec.like(text)}%")]


def last_brief(archive: Archive) -> int:
    """How many briefs were asked for, repairs not counted."""

    def most(after: int, last: int, known: int | None) -> int:
        sql = "SELECT data FROM events WHERE kind = 'ask' AND seq > ? AND seq <= ? ORDER BY seq DESC LIMIT 64"
        rows = read(archive, sql, max(after, last - FEW), last)
        with making_sense(archive.path):
            numbers = [codec.load(data).get("brief") for (data,) in rows]
        asked = [n + 1 for n in numbers if isinstance(n, int) and 0 <= n < 1_000_000_000]
        return max([known or 0, *asked])

    return grown(archive, "last_brief", most)


def lessons(archive: Archive) -> list[Lesson]:
    """What the meta agent wrote down, as `Archive.lessons`; of a long run during its last events."""

    def more(after: int, last: int, known: list[Lesson] | None) -> list[Lesson]:
        sql = (
            "SELECT data FROM events WHERE seq > ? AND seq <= ? AND kind = 'delivery'"
            " AND data LIKE '{\"brief\":%' AND data LIKE '%\"lessons\":[[%' ORDER BY seq"
        )
        rows = read(archive, sql, max(after, last - FEW), last)
        check_types(rows, ((str,),), archive.path)
        with making_sense(archive.path):
            found = [lesson for (data,) in rows for lesson in codec.lessons_of(data)]
        return [*(known or ()), *(lesson for lesson in found if lesson.text)][-MOST_LESSONS:]

    return grown(archive, "lessons", more)


def gaps(archive: Archive) -> list[tuple[float, float]]:
    """(when a later session began, seconds that nobody worked before it), in order."""
    if last_row(archive, "events") > FEW:
        return []
    sql = (
        "SELECT e.created, e.created - (SELECT b.created FROM events b WHERE b.seq < e.seq"
        " ORDER BY b.seq DESC LIMIT 1) FROM events e WHERE e.kind = 'resume' ORDER BY e.seq"
    )
    rows = read(archive, sql)
    return [(float(at), max(0.0, float(idle))) for at, idle in rows if idle is not None and at > 0]
