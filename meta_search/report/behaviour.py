"""Who solves what: the scores of the complete agents item by item, and how different they are.

An agent's behaviour is its scores on the items (as quality-diversity search has it, Mouret and Clune 2015,
arXiv 1504.04909); crossover and per-item champions live on agents that differ in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meta_search.report.source import Archive, item_scores
from meta_search.report.tables import Row
from meta_search.text import one_line
from meta_search.types import Split

__all__ = ["Behaviour", "behaviour", "line"]

MOST = 40  # agents that are named
RIGHT = 0.5  # an item counts as solved from this score on


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Scores item by item.

    Attributes:
        agents: (id, name), best first.
        items: Ids, those that most agents solve first.
        scores: `scores[a][i]` of agent a on item i, 0..1.
        complete: Number of complete agents in all; `agents` may be fewer.
        different: Number of different behaviours among them.
        solved: Number of items that at least one of them solves.
    """

    agents: tuple[tuple[str, str], ...]
    items: tuple[str, ...]
    scores: tuple[tuple[float, ...], ...]
    complete: int
    different: int
    solved: int


def behaviour(archive: Archive, rows: Sequence[Row], split: Split) -> Behaviour | None:
    """Of the agents that are complete on a split; `None` where fewer than two have an item in common.

    Args:
        archive: The run.
        rows: `tables.agent_row` objects, complete on `split`.
        split: Whose items are looked at.
    """
    ranked = sorted(rows, key=lambda row: -row["score"])
    found = [(row, item_scores(archive, row["agent"], split)) for row in ranked]
    common = set.intersection(*(set(scores) for _, scores in found)) if found else set()
    if len(found) < 2 or not common:
        return None
    solvers = {item: sum(scores[item] >= RIGHT for _, scores in found) for item in common}
    items = sorted(common, key=lambda item: (-solvers[item], item))
    table = [tuple(scores[item] for item in items) for _, scores in found]
    return Behaviour(
        agents=tuple((row["agent"], one_line(row["name"], 40)) for row, _ in found[:MOST]),
        items=tuple(items),
        scores=tuple(table[:MOST]),
        complete=len(found),
        different=len(set(table)),
        solved=sum(n > 0 for n in solvers.values()),
    )


def line(found: Behaviour, complete: int = 0) -> str:
    """How different they are, in a sentence.

    Args:
        found: The behaviours.
        complete: Number of complete agents where there are more than were looked at.
    """
    some = f"The best {found.complete:,} of {complete:,} fully evaluated agents"
    who = some if complete > found.complete else f"{found.complete:,} fully evaluated agents"
    best = sum(score >= RIGHT for score in found.scores[0])
    return (
        f"{who} show {found.different:,} different behaviours; together they solve {found.solved} of "
        f"{len(found.items)} items, the best alone {best}."
    )
