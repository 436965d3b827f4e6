"""When a search has lost hope: agent after agent brought no gain (`search.patience`).

Off unless asked for: on the recorded landscapes one search in four would still have found a better agent
after twenty without a gain, one in twenty after sixty (`python -m tests.bench.landscape.patience`,
docs/verdict.md).
"""

from __future__ import annotations

from collections.abc import Iterable

from meta_search.run.members import Member

__all__ = ["lost", "without_gain"]


def without_gain(members: Iterable[Member]) -> int:
    """Agents in a row, the last ones that the search evaluated, none of which was better than all before it.

    Args:
        members: All agents of the run, in the order in which they came.
    """
    best, since = -1.0, 0
    for member in members:
        if not member.done:
            continue
        score = member.score("train") if member.whole else -1.0
        since = 0 if score > best else since + (not member.seed)
        best = max(best, score)
    return since


def lost(members: Iterable[Member], patience: int) -> bool:
    """Whether to ask for no more agents.

    Args:
        members: As for `without_gain`.
        patience: `search.patience`; 0 never gives up.
    """
    return bool(patience) and without_gain(members) >= patience
