"""Which agents a brief that tunes may start from: first those that leave choices nobody has tried."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
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
    with_choices = [m for m in members if _settings(m)]
    tried = Counter(_source_id(m.agent.source) for m in with_choices if m.rows("train"))
    open_ = [m for m in with_choices if _may_be_tuned(m) and tried[_source_id(m.agent.source)] < _settings(m)]
    return Population(tuple(m.selectable() for m in open_)) if open_ else members.population()


_source_id = lru_cache(maxsize=1_000)(agent_id)  # a source is parsed for it


def _may_be_tuned(member: Member) -> bool:
    return member.done and bool(member.rows("train")) and not (member.same_as or member.dropped)


def _settings(member: Member) -> int:
    """Combinations of the choices that an agent declares, `MOST_SETTINGS` at most; 0 without any."""
    choices = [len(p.choices) for p in member.candidate.space if p.kind == "choice" and len(p.choices) > 1]
    return min(MOST_SETTINGS, prod(choices)) if choices else 0
