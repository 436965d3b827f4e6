"""The matrix of agents × items, the worst items first."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from archive import inspecting, summaries
from archive.inspecting import Cell
from archive.records import Archive
from meta_search.dashboard.views.inspecting import distinct, kinds_of, known_items, question_line, split_of
from meta_search.dashboard.views.shared import Json, interval, is_hand_made, shown_name
from meta_search.text import one_line
from meta_search.types import UNSCORED, Split

__all__ = ["MOST_BEST", "chosen", "items"]

MOST_BEST, MOST_SEEDS, MOST_AGENTS = 40, 20, 200
MOST_ITEMS = 2_000
FIRST = 64  # agents among which the seeds are
ENDED = frozenset({"ok", "unasked"})  # with an answer, so that the score says it all


def items(folder: Path, archive: Archive, *, split: str = "", agents: str = "") -> Json:
    """`Matrix` of the contract. Items are sorted by the share of runs that were right, the worst first; those
    that nobody ran stand last.

    Args:
        folder: Of the run.
        archive: Its archive.
        split: Of which items; by default of those that the search evaluates on.
        agents: Ids or names, with commas; by default the best 40 and the seeds.

    Raises:
        ArchiveError: No agent is called so, several are, or there is no such split.
    """
    on = split_of(archive, split)
    wanted = [name.strip() for name in agents.split(",") if name.strip()][:MOST_AGENTS]
    ids = distinct(archive.record(name).agent.id for name in wanted) if wanted else chosen(archive, on)
    found: dict[str, dict[str, list[Cell]]] = defaultdict(lambda: defaultdict(list))
    for cell in inspecting.cells(archive, ids, on):
        found[cell.item][cell.agent].append(cell)
    known = known_items(archive, on)
    kinds, names = kinds_of(archive, on, known.values()), summaries.names(archive, ids)
    rows = []
    for item in distinct([*known, *found]):
        runs = [cell for of_agent in found[item].values() for cell in of_agent if cell.kind not in UNSCORED]
        rows.append((item, sum((cell.score or 0.0) >= 1 for cell in runs), len(runs)))
    rows.sort(key=lambda row: (not row[2], row[1] / max(1, row[2]), row[0]))
    rows = rows[:MOST_ITEMS]
    records = {record.agent.id: record for record in archive.get(ids)}
    return {
        "split": on,
        "splits": inspecting.evaluated_splits(archive),
        "over": _over(len(ids), bool(wanted), len(distinct([*known, *found])) - len(rows)),
        "agents": [
            {
                "agent": agent,
                "name": shown_name(names.get(agent, agent)),
                **{k: v for k, v in interval(records[agent].evaluations.get(on)).items() if k != "items"},
            }
            for agent in ids
            if agent in records
        ],
        "items": [
            {
                "item": item,
                "kind": kinds.get(item, ""),
                "question": question_line(known.get(item)),
                "right": right,
                "ran": ran,
            }
            for item, right, ran in rows
        ],
        "cells": [[_cell(found[item].get(a, [])) for a in ids if a in records] for item, _, _ in rows],
    }


def chosen(archive: Archive, split: Split) -> list[str]:
    """The best agents of a split, then the seeds that are not among them."""
    best = inspecting.best(archive, split, MOST_BEST)
    first = summaries.oldest(archive, FIRST)
    known = summaries.some_rows(archive, first)
    seeds = [agent for agent in first if is_hand_made(known[agent])]
    return distinct([*best, *seeds[:MOST_SEEDS]])


def _over(agents: int, wanted: bool, left_out: int) -> str:
    """What `right` and `ran` are counted over."""
    who = f"the {agents} agents asked for" if wanted else f"the {MOST_BEST} best agents and the seeds"
    who = who if wanted or agents > MOST_BEST else f"the {agents} best agents, seeds among them"
    more = f"; {left_out:,} items that are more often right are left out" if left_out else ""
    return f"runs of {who}{more}"


def _cell(runs: list[Cell]) -> float | str | None:
    """Mean score, the outcome where every run ended without an answer, or null where there is no run."""
    if not runs:
        return None
    outcomes = Counter(cell.kind for cell in runs)
    if not ENDED & outcomes.keys():
        return one_line(outcomes.most_common(1)[0][0], 40)
    scores = [cell.score for cell in runs if cell.score is not None]
    return sum(scores) / len(scores) if scores else None
