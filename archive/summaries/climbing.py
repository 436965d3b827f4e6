"""Who led when, of more agents than are read at each look: a run in whiles, with best and paid of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from archive import codec
from archive.guard import check_types, making_sense
from archive.records import Archive
from archive.summaries.evaluations import evaluated_of
from archive.summaries.memory import grown, remembered
from archive.summaries.reading import first_seen, heartbeat, last_row, read
from meta_search.types import Split

__all__ = ["Whiles", "leading_ids", "whiles", "width_of"]

MOST_TIMES = 5_000  # whiles that a run is divided into
MOST_LEADERS = 1_000
AGAIN = 2_000  # events before the last known one: what they tell of may have been written after them
MOST_NEW = 20_000  # events beyond which all is read again
NONE = type(None)


@dataclass(frozen=True, slots=True)
class Whiles:
    """A run in whiles of `width` seconds.

    Attributes:
        width: Seconds.
        rows: (number since the epoch, best score of a complete evaluation on the split, calls, tokens and US
            dollars that the evaluations paid which were written in it), in order.
    """

    width: float
    rows: list[tuple[int, float | None, int, int, float]]


def width_of(archive: Archive) -> float:
    """Seconds of a while."""
    return max(0.1, ((heartbeat(archive) or 0.0) - (first_seen(archive) or 0.0)) / MOST_TIMES)


def whiles(archive: Archive, split: Split, share: float = 1.0) -> Whiles:
    """All evaluations by the while in which they were written last.

    Args:
        archive: The run.
        split: Of the scores; what was paid is of all.
        share: As for `memory.remembered`.
    """

    def all_of_it() -> Whiles:
        width = width_of(archive)
        best = "MAX(CASE WHEN split = ? AND complete = 1 AND items > 0 THEN score END)"
        sql = (
            f"SELECT CAST(created / ? AS INTEGER), {best}, SUM(paid_calls), SUM(paid_tokens), SUM(paid_usd)"
            " FROM evaluations GROUP BY 1 ORDER BY 1"
        )
        rows = read(archive, sql, width, split)
        check_types(rows, ((int,), (float, NONE), (int,), (int,), (float,)), archive.path)
        return Whiles(width, rows)

    return remembered(archive, ("whiles", split), all_of_it, share)


_Leader = tuple[float, str, float]  # when, who, score


def leading_ids(archive: Archive, split: Split) -> list[str]:
    """Ids of the agents that scored more, when they were through, than all complete ones before them."""

    def more(after: int, last: int, known: list[_Leader] | None) -> list[_Leader]:
        if known is None or last - after > MOST_NEW:
            return _leaders(archive, split)
        ended = _ended(archive, max(0, after - AGAIN), last)
        now: dict[str, _Leader] = {}
        for row in evaluated_of(archive, split, ended):
            if row.complete and row.items:
                now[row.agent] = (row.at, row.agent, row.score)
        before = {who: leader for leader in known if (who := leader[1]) in ended}
        if any(now.get(who) != leader for who, leader in before.items()):
            return _leaders(archive, split)  # one of them was evaluated again
        fresh = _climbing(sorted([*known, *(one for who, one in now.items() if who not in before)]))
        return fresh if set(known) <= set(fresh) else _leaders(archive, split)

    if not last_row(archive, "events"):  # an evaluation, which has no journal
        found = _leaders(archive, split)
    else:
        found = grown(archive, ("leading", split), more)
    return [who for _, who, _ in found[:MOST_LEADERS]]


def _climbing(rows: Iterable[_Leader]) -> list[_Leader]:
    """Those of some evaluations, in their order, that score more than all before them."""
    best, found = -1.0, []
    for row in rows:
        if row[2] > best:
            best = row[2]
            found.append(row)
    return found


def _leaders(archive: Archive, split: Split) -> list[_Leader]:
    """From the whiles in which the best rose, whose evaluations are read one by one."""
    by, best, rose = whiles(archive, split), -1.0, []
    for number, score, *_ in by.rows:
        if score is not None and score > best:
            best = score
            rose.append(number)
    # Numbers of ours, written out: as parameters, SQLite would look at each of them for each row.
    within = ", ".join(format(number, "d") for number in rose[:MOST_LEADERS])
    sql = (
        "SELECT created, agent, score FROM evaluations WHERE CAST(created / ? AS INTEGER)"
        f" IN ({within}) AND +split = ? AND +complete = 1 AND items > 0"
    )
    rows = read(archive, sql, by.width, split)
    check_types(rows, ((float,), (str,), (float,)), archive.path)
    return _climbing(sorted(rows))


def _ended(archive: Archive, after: int, last: int) -> set[str]:
    """Agents of whose races the end stands among some events."""
    sql = "SELECT data FROM events WHERE seq > ? AND seq <= ? AND kind = 'race'"
    rows = read(archive, sql, after, last)
    check_types(rows, ((str,),), archive.path)
    with making_sense(archive.path):
        told: list[Any] = [codec.load(data) for (data,) in rows]
    return {str(data["agent"]) for data in told if "agent" in data and "to" not in data}
