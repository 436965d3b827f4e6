"""What looking at single agents and items asks of an archive: bounded reads, however large it is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from archive import codec
from archive.guard import check_types, making_sense
from archive.opened import is_open
from archive.records import Archive
from meta_search.types import PERTURBED, REPAIR, Split

__all__ = [
    "Cell",
    "Draft",
    "Look",
    "best",
    "cells",
    "drafts",
    "evaluated_at",
    "evaluated_splits",
    "is_open",
    "races",
    "runs_of",
]

MOST_EVENTS = 40_000  # that are looked through for the races of one agent
MOST_CELLS = 200_000
PAGE = 10_000
NONE = type(None)


class Cell(NamedTuple):
    """What came of one run of an item."""

    agent: str
    item: str
    repeat: int
    kind: str
    score: float | None


@dataclass(frozen=True, slots=True)
class Draft:
    """An attempt with the time at which it was given up; see `types.Attempt`."""

    stage: str
    message: str
    source: str
    at: float


@dataclass(frozen=True, slots=True)
class Look:
    """What an agent's races planned or came to, in the order of the journal.

    Attributes:
        at: Seconds since 1970.
        split: `train` or `validation`.
        to: Pairs after which it was to be looked at; `None` for the end of a race.
        scores: Of the pairs that had been delivered by then, in their order; without those left out.
        items: The item of each of them.
        stopped: Why the race stopped or pauses; `""` for nothing.
        validate: Whether it went on to validation.
    """

    at: float
    split: str
    to: int | None
    scores: tuple[float, ...]
    stopped: str = ""
    validate: bool = False
    items: tuple[str, ...] = ()


def evaluated_splits(archive: Archive) -> list[Split]:
    """Splits on which somebody was evaluated, those of the search first."""
    order: tuple[Split, ...] = ("train", "validation", "test", PERTURBED, "examples")
    return [s for s in order if archive.select("SELECT 1 FROM evaluations WHERE split = ? LIMIT 1", s)]


def best(archive: Archive, split: Split, most: int) -> list[str]:
    """Ids of the best agents of a split: complete evaluations first, each by its score."""
    whole = archive._best_ids(split, True, most)
    return [*whole, *archive._best_ids(split, False, most - len(whole))]


def cells(archive: Archive, agents: Sequence[str], split: Split) -> list[Cell]:
    """Scores and outcomes of agents on a split, without answers and traces; at most `MOST_CELLS` in all."""
    sql = "SELECT agent, item, repeat, kind, score FROM results WHERE agent = ? AND split = ? LIMIT ?"
    found: list[Cell] = []
    with making_sense(archive.path):
        for agent in agents:
            rows = archive.select(sql, agent, split, MOST_CELLS - len(found))
            check_types(rows, ((str,), (str,), (int,), (str,), (float, NONE)), archive.path)
            found += [Cell(*row) for row in rows]
    return found


def runs_of(archive: Archive, agents: Sequence[str], split: Split, item: str) -> list[Cell]:
    """What came of one item by agent and repeat."""
    sql = (
        "SELECT agent, item, repeat, kind, score FROM results WHERE agent = ? AND split = ? AND item = ? "
        "ORDER BY repeat LIMIT 100"
    )
    found: list[Cell] = []
    with making_sense(archive.path):
        for agent in agents:
            rows = archive.select(sql, agent, split, item)
            check_types(rows, ((str,), (str,), (int,), (str,), (float, NONE)), archive.path)
            found += [Cell(*row) for row in rows]
    return found


def evaluated_at(archive: Archive, agent: str) -> list[float]:
    """When an agent's evaluations were last written, in seconds since 1970."""
    with making_sense(archive.path):
        rows = archive.select("SELECT created FROM evaluations WHERE agent = ?", agent)
        check_types(rows, ((float,),), archive.path)
    return [float(at) for (at,) in rows]


def drafts(archive: Archive, brief: int) -> list[Draft]:
    """What was given up on the way to the candidate of a brief (`Brief.number`), repairs included."""
    sql = (
        f"SELECT stage, message, source, created FROM attempts WHERE brief >= 0 AND brief % {REPAIR} = ? "
        "ORDER BY id LIMIT 100"
    )
    with making_sense(archive.path):
        rows = archive.select(sql, brief)
        check_types(rows, ((str,), (str,), (str,), (float,)), archive.path)
        return [Draft(*row) for row in rows]


def races(archive: Archive, agent: str, since: float, until: float) -> list[Look]:
    """The races of an agent, block by block.

    Events have no index by agent: those from when it came in until its last evaluation are looked through,
    of a very long search the first `MOST_EVENTS` of them.

    Args:
        archive: The run.
        agent: Full id.
        since: Seconds since 1970 when it came in.
        until: Likewise, when its last evaluation was written.
    """
    found: list[Look] = []
    scores: dict[str, list[tuple[str, float]]] = {}
    with making_sense(archive.path):
        after, last = _seq_at(archive, since - 1), _seq_at(archive, until + 1)
        last = min(last, after + MOST_EVENTS)
        while after < last:
            sql = (
                "SELECT seq, kind, data, created FROM events WHERE seq > ? AND seq <= ? "
                "AND kind IN ('race', 'delivery') AND instr(data, ?) ORDER BY seq"
            )
            rows = archive.select(sql, after, min(last, after + PAGE), f'"agent":"{agent}"')
            check_types(rows, ((int,), (str,), (str,), (float,)), archive.path)
            after += PAGE
            for _, kind, data, created in rows:
                _look(codec.load(data), kind, created, agent, scores, found)
    return found


def _look(
    data: Any, kind: str, at: float, agent: str, scores: dict[str, list[tuple[str, float]]], found: list[Look]
) -> None:
    """Take in an event: of a result its score, of a race what was planned or came of it."""
    if not isinstance(data, Mapping) or data.get("agent") != agent or "split" not in data:
        return
    split = str(data["split"])
    so_far = scores.setdefault(split, [])
    if kind == "delivery":
        score = data.get("score")
        if isinstance(score, int | float):
            so_far.append((str(data.get("item")), float(score)))
        return
    to = data.get("to")
    planned = to if isinstance(to, int) else None
    stopped, validate = str(data.get("stopped") or ""), bool(data.get("validate"))
    numbers, items = tuple(score for _, score in so_far), tuple(item for item, _ in so_far)
    found.append(Look(at, split, planned, numbers, stopped, validate, items))


def _seq_at(archive: Archive, at: float) -> int:
    """The last event before a time: they come in order, so that few are looked at."""
    rows = archive.select("SELECT MAX(seq) FROM events")
    most = int(rows[0][0] or 0)

    def created(seq: int) -> float:
        sql = "SELECT created FROM events WHERE seq >= ? ORDER BY seq LIMIT 1"
        return next((float(time) for (time,) in archive.select(sql, seq)), float("inf"))

    return bisect_left(range(1, most + 1), at, key=created)
