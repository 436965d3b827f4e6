"""What a tuning study begins with: how the agent and its ancestors scored with the values that they had.

Only parameters of the same name and range count. What is taken is numbered with the run's events, as it
depends on what was evaluated by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from meta_search.members import Member, Members
from meta_search.types import Parameter, agent_id

__all__ = ["WARM", "known_settings"]

WARM = "warm "  # and the source: what such a decision is called
MOST = 50  # settings, the newest


def known_settings(member: Member, members: Members) -> list[list[Any]]:
    """Settings of one agent's parameters that were evaluated in full, under its source or an ancestor's.

    Returns:
        `[name -> value, score 0..1, used cost per item]`, in the order in which they came.
    """
    space = {p.name: p for p in member.candidate.space}
    sources = {agent_id(m.agent.source) for m in (member, *_ancestors(member, members))}
    found = []
    for other in members.finished():
        if agent_id(other.agent.source) in sources:
            shared = [p for p in other.candidate.space if _same(p, space.get(p.name))]
            values = {p.name: other.agent.values.get(p.name, p.default) for p in shared}
            if values:
                found.append([values, other.score("train"), other.cost("train")])
    return found[-MOST:]


def _ancestors(member: Member, members: Members) -> Iterator[Member]:
    """All that an agent was made from, by way of all parents."""
    left: Sequence[str] = member.candidate.brief.parents
    seen: set[str] = set()
    while left:
        new = [members[a] for a in dict.fromkeys(left) if a not in seen and a in members]
        seen.update(left)
        yield from new
        left = [a for m in new for a in m.candidate.brief.parents]


def _same(theirs: Parameter, ours: Parameter | None) -> bool:
    if ours is None:
        return False
    return (theirs.kind, theirs.low, theirs.high, theirs.choices) == (
        ours.kind,
        ours.low,
        ours.high,
        ours.choices,
    )
