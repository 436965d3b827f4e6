"""The best agent so far over time, and what the run had paid by then."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from archive import summaries
from archive.records import Archive
from archive.summaries import Scored
from meta_search.dashboard.views.kept import kept
from meta_search.dashboard.views.shared import Json, interval
from meta_search.types import Split, drawn_in

__all__ = ["Climb", "Ledger", "climb", "leaders", "step"]


MANY = 5_000  # evaluations on a split, up to which all are read
BEST, FIRST, DRAWN = 500, 60, 1_400  # of more: those that are read beside the leaders


@dataclass(frozen=True, slots=True)
class Climb:
    """Who was evaluated on a split, in the order in which they were through.

    Attributes:
        rows: Their evaluations, those that are not complete among them; of very many those of the leaders, of
            the first, of the best, and of some drawn by lot.
        total: How many there are in all.
        same: Agent -> the one that it behaves as.
        corrected: Agent -> score corrected for selection, of the complete ones that are no other one.
        leaders: Agents that were the best so far when they were through, the last one best.
    """

    rows: Sequence[Scored]
    total: int
    same: dict[str, str]
    corrected: dict[str, float]
    leaders: tuple[str, ...]


def climb(archive: Archive, split: Split) -> Climb:
    """Who climbed when; see `report.spending.steps_of`, which says it in a line."""
    total = sum(summaries.how_many(archive, split).values())
    if total <= MANY:
        rows = summaries.evaluated(archive, split)
    else:
        agents = summaries.how_many_agents(archive)
        some = [*summaries.leading_ids(archive, split), *summaries.best_ids(archive, split, BEST)]
        some += [*summaries.oldest(archive, FIRST), *summaries.drawn_ids(archive, DRAWN, agents)]
        rows = summaries.evaluated_of(archive, split, some)
    same = summaries.same_as(archive)
    whole = [(row, row.sure, row.items + row.left_out) for row in rows if row.complete and row.items]
    whole = [found for found in whole if found[0].agent not in same]
    typical = sum(sure for _, sure, _ in whole) / max(1, len(whole))
    corrected = {row.agent: drawn_in(sure * n, n, typical) for row, sure, n in whole}
    best, leaders = -1.0, []
    for agent, score in corrected.items():
        if score > best:
            best = score
            leaders.append(agent)
    return Climb(rows, total, same, corrected, tuple(leaders))


@kept
def leaders(folder: Path, archive: Archive, split: Split) -> Json:
    """Ids of the agents that were the best so far when they were through: `agents`."""
    return {"agents": climb(archive, split).leaders}


class Ledger:
    """What a run had paid, and how long it had run, by any time.

    Args:
        archive: The run. Of a very long ledger the evaluations tell it, with the others' share in proportion.
        split: The one whose climb is shown.
    """

    def __init__(self, archive: Archive, split: Split) -> None:
        rows, self._width, self.exact = summaries.paid_over_time(archive, split)
        self._times = [at for at, *_ in rows]
        sums = list(zip(*(accumulate(column) for column in list(zip(*rows, strict=True))[1:]), strict=True))
        self._sums: list[tuple[float, ...]] = sums
        self._started = summaries.first_seen(archive) or 0.0
        self._gaps = summaries.gaps(archive)

    def at(self, when: float) -> Json:
        """`calls`, `tokens`, `cost_usd` and `elapsed_s` by a time in seconds since the epoch."""
        place = bisect_right(self._times, when + self._width)
        calls, tokens, usd = self._sums[place - 1] if place else (0, 0, 0.0)
        idle = sum(seconds for at, seconds in self._gaps if at <= when)
        elapsed = max(0.0, when - self._started - idle)
        return {"calls": int(calls), "tokens": int(tokens), "cost_usd": usd, "elapsed_s": round(elapsed, 1)}


def step(row: Scored, name: str, ledger: Ledger, corrected: float | None) -> Json:
    """`Step` of the contract; further `corrected`, the score corrected for selection."""
    more = {"corrected": corrected, "at": row.at, "agent": row.agent, "name": name}
    return {**interval(row), **ledger.at(row.at), **more}
