"""Progress: the best so far over what was paid, and each candidate as a mark with what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from archive import summaries
from archive.records import Archive
from archive.summaries import AgentRow, Scored
from meta_search.dashboard.views.kept import kept, sensibly
from meta_search.dashboard.views.shared import (
    Json,
    evaluated_split,
    fate_of,
    interval,
    is_hand_made,
    meta,
    shown_name,
)
from meta_search.dashboard.views.stairs import Climb, Ledger, climb, step
from meta_search.dashboard.views.standing import goes_on
from meta_search.text import one_line
from meta_search.types import Split, pareto_front

__all__ = ["progress"]

MOST_MARKS = 2_000
MOST_BEST = 500  # of them for their score
FIRST = 60  # agents that came first, among which the seeds are
WAITING = 50  # agents that have no result yet


@sensibly
def progress(folder: Path, archive: Archive) -> Json:
    """`Progress` of the contract; further `ledger`: whether `calls` tell what was paid, or `evaluations` do.

    Args:
        folder: Of the run.
        archive: Its archive.
    """
    return _progress(folder, archive, running=goes_on(archive))


@kept
def _progress(folder: Path, archive: Archive, running: bool) -> Json:
    split = evaluated_split(archive)
    found, ledger = climb(archive, split), Ledger(archive, split)
    by_agent = {row.agent: row for row in found.rows}
    front = _front(found)
    chosen = _chosen(archive, found, front)
    waiting = [a for a in summaries.newest(archive, WAITING) if running and a not in by_agent]
    known = summaries.some_rows(
        archive, [*found.leaders, *chosen, *waiting, *summaries.oldest(archive, FIRST)]
    )
    steps = [
        step(by_agent[a], shown_name(known[a].name), ledger, found.corrected[a])
        for a in found.leaders
        if a in known
    ]
    marks = [
        _mark(known[a], by_agent.get(a), found, ledger, running, a in front)
        for a in [*chosen, *waiting]
        if a in known
    ]
    return {
        "split": split,
        "steps": steps,
        "marks": marks,
        "best_seed": _best_seed(archive, found, known.values(), split),
        "marks_left_out": found.total - len(chosen),
        "ledger": "calls" if ledger.exact else "evaluations",
    }


def _front(found: Climb) -> set[str]:
    """The Pareto front of score and used tokens per item."""
    whole = [row for row in found.rows if row.agent in found.corrected]
    return {whole[i].agent for i in pareto_front([(row.sure, row.tokens / row.items) for row in whole])}


def _chosen(archive: Archive, found: Climb, front: Iterable[str]) -> list[str]:
    """Who gets a mark: all, or of very many the leaders, the front, the first, the best, and some of the
    others, evenly over time."""
    rows = found.rows
    if len(rows) <= MOST_MARKS:
        return [row.agent for row in rows]
    final = meta(archive, "final")
    named = [*found.leaders, *front, *(final.get("finalists", ()) if isinstance(final, dict) else ())]
    best = sorted(found.corrected, key=lambda agent: -found.corrected[agent])[:MOST_BEST]
    kept_ones = dict.fromkeys([*named, *summaries.oldest(archive, FIRST), *best])
    every = max(1, len(rows) // max(1, MOST_MARKS - len(kept_ones)))
    kept_ones.update(dict.fromkeys(row.agent for row in rows[::every]))
    return [row.agent for row in rows if row.agent in kept_ones][:MOST_MARKS]


def _mark(
    agent: AgentRow, row: Scored | None, found: Climb, ledger: Ledger, running: bool, on_front: bool
) -> Json:
    items = row.items if row else 0
    same = found.same.get(agent.id, "")
    fate = fate_of(agent, row, leads=agent.id in found.leaders, running=running, same=same)
    return {
        **interval(row),
        **ledger.at(row.at if row else agent.created),
        "agent": agent.id,
        "name": shown_name(agent.name),
        "fate": fate,
        "tokens_per_item": row.tokens / items if row and items else 0.0,
        "cost_usd_per_item": row.cost_usd / items if row and items else 0.0,
        "on_front": on_front,
        "complete": bool(row and row.complete),
        "stopped": one_line(row.stopped, 200) if row else "",
    }


def _best_seed(archive: Archive, found: Climb, known: Iterable[AgentRow], split: Split) -> Json | None:
    seeds = {agent.id: agent for agent in known if is_hand_made(agent)}
    rows: Sequence[Scored] = [row for row in found.rows if row.agent in seeds and row.complete and row.items]
    if not rows:
        return None
    best = max(rows, key=lambda row: (row.sure, -row.tokens))
    name = shown_name(seeds[best.agent].name)
    selection = split != "test" and meta(archive, "kind") != "evaluate"
    return {**interval(best), "agent": best.agent, "name": name, "split": split, "selection": selection}
