"""What became of an agent, in a few words of the meta agent's prompts.

Numbers are of all its items; what a fault says is told only of items that the reader may be shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from meta_search.engine.repair import failing
from meta_search.outcomes import most_frequent
from meta_search.run.members import Member, Members
from meta_search.text import one_line
from meta_search.types import PAUSED, ItemResult, stopped_line

__all__ = ["KEPT", "MOST_WHY", "ended", "fate", "stands"]

MOST_WHY = 160  # characters
MOST_NAME = 60  # characters
KEPT = "kept"


def fate(member: Member, members: Members, shown: Sequence[ItemResult], fails: str) -> str:
    """Among all agents of the run: kept, or why not.

    Args:
        member: The agent.
        members: All agents.
        shown: Its results on train items that the reader may be shown.
        fails: `search.failing`.
    """
    rows = member.rows("train")
    if member.same_as:
        other = members.get(member.same_as)
        return f"counted as «{other.agent.name if other else member.same_as}», as it does the same"
    if not member.done:
        return "being evaluated" if rows else "not evaluated yet"
    failed = "" if member.seed else failing(rows, fails)
    if failed:
        fault = most_frequent(shown)
        why = f"{fault.kind}: {fault.detail}" if fault else member.stopped or failed
        return f"failed: {one_line(why, MOST_WHY)}"
    if member.stopped:
        return stopped_line(one_line(member.stopped, MOST_WHY))
    return KEPT if rows else "without a result"


def ended(member: Member, members: Members, shown: Sequence[ItemResult]) -> str:
    """For a lesson: how far its evaluation went, and what failed on the way; see `fate` for the arguments."""
    if member.same_as:
        other = members.get(member.same_as)
        whose = f"«{one_line(other.agent.name, MOST_NAME)}»" if other else "another"
        return f"does the same as {whose}"
    fault = most_frequent(row for row in shown if row.kind != "ok")
    failed = f"{fault.count} of {len(shown)} items ended in {fault.kind}: {fault.detail}" if fault else ""
    why, pauses = member.stopped, member.stopped.startswith(PAUSED)
    told = [why if pauses else f"stopped early: {why}" if why else "evaluated in full", failed]
    return one_line("; ".join(part for part in told if part), MOST_WHY)


def stands(member: Member) -> str:
    """For who looks agents up with their results: how far its evaluation is."""
    if member.stopped:
        return stopped_line(member.stopped)
    if member.done:
        return "evaluated whole"
    return "not evaluated whole yet"
