"""What the run knows at a moment, as an author may look it up (`authors.knowledge`).

A brief that was under way when a run was killed is handed what was known when it was asked for, not what has
come since: its author then says the same, and no call of it is sent again. On resume that moment is met again
among the events (`engine.restore`).
"""

from __future__ import annotations

from collections.abc import Sequence

from meta_search.authors.knowledge import Knowledge, Known, TrainItem
from meta_search.engine.fates import stands
from meta_search.run.members import Member
from meta_search.run.runner import Runner
from meta_search.types import Brief, Demonstration

__all__ = ["knowledge"]


def knowledge(
    members: Sequence[Member], pool: Sequence[Demonstration], brief: Brief, runner: Runner
) -> Knowledge:
    """What is known now, as far as a brief's author may be shown it.

    Args:
        members: All agents.
        pool: The worked examples found so far.
        brief: Whose author; with folds, it is shown neither the fold held out nor agents that were written
            in view of it.
        runner: Knows items and folds.
    """
    folds = runner.folds
    shown = [item for item in runner.items("train") if folds.shows(brief, item.id)]
    places = {item.id: place for place, item in enumerate(shown)}
    agents = []
    for member in members:
        if folds.may_follow(brief, member.candidate.brief):
            rows = [r for r in member.rows("train") if r.item in places]
            # In the order of the items: the order in which they came is chance.
            rows.sort(key=lambda r: (r.repeat, places[r.item]))
            agents.append(Known(member.candidate, stands(member), tuple(rows)))
    items = tuple(TrainItem(i.id, i.question, i.target, i.kind) for i in shown)
    return Knowledge(tuple(agents), items, tuple(pool))
