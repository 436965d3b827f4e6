"""Near-duplicates: drafts that hardly differ from an agent of the run. The meta agent is asked again."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from meta_search.types import Agent, Candidate
from meta_search.types.operators import OPERATORS

__all__ = ["Known", "is_known", "twin"]

ALIKE = 0.95  # share of words that two sources have in common, in order
WORDING = ("name", "thought", "temperature")  # of a plan: what it does is the rest

Known = tuple[Agent, Mapping[str, Any] | None]  # an agent and its plan, if it has one


def twin(candidate: Candidate, known: Sequence[Known]) -> str:
    """Name of an agent that a candidate hardly differs from, `""` if there is none.

    The same agent always counts, and so does a plan that makes the same choices. A source that differs in
    one word of twenty or less counts where another agent was asked for.

    Args:
        candidate: What the author `llm` wrote.
        known: The run's agents.
    """
    ours, words = _choices(candidate.plan), _words(candidate.agent.source)
    asked = OPERATORS.get(candidate.brief.operator)
    for agent, plan in known:
        if agent.id == candidate.agent.id:
            return agent.name
        if ours is not None and plan is not None:
            if ours == _choices(plan):
                return agent.name
        elif asked is not None and asked.wants_another and _alike(words, _words(agent.source)):
            return agent.name
    return ""


def is_known(plan: Mapping[str, Any], known: Sequence[Known]) -> bool:
    """Whether an agent of the run was compiled from a plan that differs in words for people only."""
    words = ("name", "thought")
    ours = {k: v for k, v in plan.items() if k not in words}
    told = (theirs for agent, theirs in known if theirs is not None and not agent.values)
    return any(_plain(ours) == _plain({k: v for k, v in t.items() if k not in words}) for t in told)


def _plain(plan: Mapping[str, Any]) -> str:
    """As JSON, which is the same for a plan from memory and one from the archive."""
    return json.dumps(plan, sort_keys=True)


def _choices(plan: Mapping[str, Any] | None) -> str | None:
    """What a plan does."""
    return None if plan is None else _plain({k: v for k, v in plan.items() if k not in WORDING})


def _words(source: str) -> list[str]:
    """Words and signs, comments left out."""
    return re.findall(r"\w+|[^\w\s]", re.sub(r"^\s*#.*$", "", source, flags=re.MULTILINE))


def _alike(ours: list[str], theirs: list[str]) -> bool:
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    return matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE
