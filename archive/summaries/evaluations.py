"""Evaluations as summed up: all of a split, those of some agents, the best by the index of scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archive import codec, queries
from archive.guard import check_types, making_sense
from archive.records import FREE_SINCE, MOST_LIKELY, Archive
from archive.schema import version
from archive.summaries.memory import remembered
from archive.summaries.reading import chunks, read
from meta_search.types import UNSCORED, Evaluation, Split

__all__ = [
    "Scored",
    "best_ids",
    "evaluated",
    "evaluated_of",
    "evaluations_of",
    "how_many",
    "likely_best",
    "results_by_agent",
    "results_of",
    "splits",
    "whole",
]

SCORED = (
    *("agent", "score", "low", "high", "items", "calls", "tokens", "cost_usd", "seconds"),
    *("paid_calls", "paid_tokens", "paid_usd", "outcomes", "complete", "stopped", "created"),
)


@dataclass(frozen=True, slots=True)
class Scored:
    """An agent's evaluation on one split, as summed up.

    Attributes:
        agent: Its id.
        score: Mean over `items`, 0..1.
        low: Lower end of its 95 % interval.
        high: Upper end of it.
        items: Item × repeat pairs that came to a score.
        calls: Used in all, as if nothing were shared.
        tokens: Likewise.
        cost_usd: Likewise, in US dollars.
        seconds: Sum of wall seconds of the items.
        paid_calls: Attempts sent.
        paid_tokens: Of these.
        paid_usd: Likewise, in US dollars.
        outcomes: Outcome kind -> count, as JSON.
        complete: Whether every planned item was run.
        stopped: Why it was stopped, or pauses; `""` where it was not.
        at: When it was written last, seconds since the epoch.
    """

    agent: str
    score: float
    low: float
    high: float
    items: int
    calls: int
    tokens: int
    cost_usd: float
    seconds: float
    paid_calls: int
    paid_tokens: int
    paid_usd: float
    outcomes: str
    complete: bool
    stopped: str
    at: float

    @property
    def left_out(self) -> int:
        """Pairs that came to no score."""
        if not any(f'"{kind}"' in self.outcomes for kind in UNSCORED):
            return 0  # mostly: parsing the counts of all agents takes longer than reading them
        counts = codec.load(self.outcomes)
        return sum(int(counts.get(kind, 0)) for kind in UNSCORED)

    @property
    def sure(self) -> float:
        """The score with all that was left out counted as wrong."""
        return self.score * self.items / max(1, self.items + self.left_out)


def splits(archive: Archive) -> dict[Split, int]:
    """Split -> number of agents that were evaluated on it."""
    sql = "SELECT split, COUNT(*) FROM evaluations GROUP BY split"
    found: dict[Split, int] = remembered(archive, "splits", lambda: dict(read(archive, sql)))
    return found


def how_many(archive: Archive, split: Split) -> dict[str, int]:
    """How many agents were evaluated on a split: `complete`, and `part` of its items."""
    sql = "SELECT complete, COUNT(*) FROM evaluations WHERE split = ? GROUP BY complete"
    rows = remembered(archive, ("how_many", split), lambda: read(archive, sql, split))
    found = {bool(complete): int(n) for complete, n in rows}
    return {"complete": found.get(True, 0), "part": found.get(False, 0)}


def evaluated(archive: Archive, split: Split) -> list[Scored]:
    """All evaluations on a split, in the order in which they were written last."""
    # Read in the order of the table: by its index, each row would be looked up by itself.
    sql = f"SELECT {codec.names(SCORED)} FROM evaluations WHERE +split = ? ORDER BY created, agent"
    rows = read(archive, sql, split)
    check_types(rows, codec.kinds("evaluations", SCORED), archive.path)
    return [Scored(*row) for row in rows]


def evaluated_of(archive: Archive, split: Split, ids: Iterable[str]) -> list[Scored]:
    """Evaluations of some agents on a split, in the order in which they were written last."""
    found: list[Scored] = []
    for part in chunks(list(dict.fromkeys(ids))):
        sql = (
            f"SELECT {codec.names(SCORED)} FROM evaluations WHERE agent IN ({codec.marks(part)})"
            " AND +split = ?"
        )
        rows = read(archive, sql, *part, split)
        check_types(rows, codec.kinds("evaluations", SCORED), archive.path)
        found += [Scored(*row) for row in rows]
    return sorted(found, key=lambda row: (row.at, row.agent))


def evaluations_of(archive: Archive, ids: Sequence[str]) -> dict[str, dict[Split, Evaluation]]:
    """Agent -> its evaluations by split, in the order given."""
    found: dict[str, dict[Split, Evaluation]] = {agent: {} for agent in ids}
    columns = codec.names(codec.EVALUATION_COLUMNS)
    if version(archive._readers.get(), archive.path) < FREE_SINCE:  # nobody asks for it here
        columns = columns.replace('"model_free"', "0")
    for part in chunks(list(found)):
        sql = f"SELECT {columns} FROM evaluations WHERE agent IN ({codec.marks(part)})"
        rows = read(archive, sql, *part)
        check_types(rows, codec.kinds("evaluations", codec.EVALUATION_COLUMNS), archive.path)
        with making_sense(archive.path):
            for row in rows:
                found[row[0]][row[1]] = codec.evaluation_of(row)
    return found


def best_ids(archive: Archive, split: Split, n: int) -> list[str]:
    """Ids of the best complete agents of a split, by the index of scores."""
    return [str(agent) for (agent,) in read(archive, queries.TOP, split, 1, n)]


def likely_best(archive: Archive) -> list[str]:
    """Ids of the agents among which the best so far is: the best of each split by score."""
    found: dict[str, None] = {}
    for split in splits(archive):
        for complete in (1, 0):
            found.update(
                (agent, None) for (agent,) in read(archive, queries.TOP, split, complete, MOST_LIKELY)
            )
    return list(found)


def results_by_agent(archive: Archive, ids: Sequence[str]) -> dict[str, int]:
    """Agent -> results that came to a score, over all splits."""
    found: dict[str, int] = {}
    for part in chunks(list(ids)):
        sql = f"SELECT agent, SUM(items) FROM evaluations WHERE agent IN ({codec.marks(part)}) GROUP BY agent"
        found.update(read(archive, sql, *part))
    return found


def results_of(archive: Archive, agent: str, split: Split) -> int:
    """How many results an agent has on a split."""
    sql = "SELECT COUNT(*) FROM results WHERE agent = ? AND split = ?"
    return int(read(archive, sql, agent, split)[0][0])


def whole(archive: Archive, split: Split) -> int:
    """Results of an agent that is through with a split; 0 where nobody is."""
    sql = "SELECT agent FROM evaluations WHERE split = ? AND complete = 1 LIMIT 1"
    rows = read(archive, sql, split)
    return results_of(archive, rows[0][0], split) if rows else 0
