"""Which agents a brief that tunes may start from: first those that leave choices nobody has tried."""

from __future__ import annotations

from collections import Counter
from math import prod

from archive.select import Population
from meta_search.run.members import Member, Members
from meta_search.types import agent_id

__all__ = ["MOST_SETTINGS", "to_tune"]

MOST_SETTINGS = 12  # of one source, after which its choices count as tried


def to_tune(members: Members) -> Population:
    """The agents whose source declares choices (`self.tune.choice`) that were not all evaluated; where there
    is none, all that may become parents.

    An agent that was stopped counts among the first: it is one of its source's settings, and another one may
    be better.
    """
    tried = Counter(agent_id(m.agent.source) for m in members if m.rows("train"))
    open_ = [m for m in members if _may_be_tuned(m) and tried[agent_id(m.agent.source)] < _settings(m)]
    return Population(tuple(m.selectable() for m in open_)) if open_ else members.population()


def _may_be_tuned(member: Member) -> bool:
    return member.done and bool(member.rows("train")) and not (member.same_as or member.dropped)


def _settings(member: Member) -> int:
    """Combinations of the choices that an agent declares, `MOST_SETTINGS` at most; 0 without any."""
    choices = [len(p.choices) for p in member.candidate.space if p.kind == "choice" and len(p.choices) > 1]
    return min(MOST_SETTINGS, prod(choices)) if choices else 0
