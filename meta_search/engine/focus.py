"""Agents that a person wants as parents: half of the next briefs that change an agent start from one."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from meta_search.types import Brief

__all__ = ["BRIEFS", "SHARE", "Focus"]

BRIEFS = 20  # that name parents, for which a focus lasts: who looks again in the morning can renew it
SHARE = 0.5  # of these that start from an agent in focus, whatever rule the guide has chosen


class Focus:
    """Who is in focus, and for how many more briefs. A function of what was delivered, as all of the search:
    a resumed run counts the briefs that were asked for.
    """

    def __init__(self) -> None:
        self._left: dict[str, int] = {}

    def on(self, agent: str) -> None:
        """An agent comes into focus; one that is in focus gets all its briefs anew."""
        self._left[agent] = BRIEFS

    def off(self, agent: str) -> None:
        """It is in focus no more."""
        self._left.pop(agent, None)

    def asked(self, brief: Brief) -> None:
        """A brief was asked for."""
        if brief.kind == "asked" and brief.parents:
            self._left = {agent: left - 1 for agent, left in self._left.items() if left > 1}

    def among(self, parents: Sequence[str], able: Collection[str], seed: int) -> tuple[str, ...]:
        """The parents of a brief: those chosen, or in their place, as the first, an agent in focus.

        Args:
            parents: Ids, as the guide's rule chose them; a brief that has none gets none.
            able: Those that may become parents of this brief.
            seed: Of the brief.
        """
        able_too = [agent for agent in self._left if agent in able]
        rng = random.Random(f"{seed}/focus")
        if not (parents and able_too) or rng.random() >= SHARE:
            return tuple(parents)
        first = rng.choice(able_too)
        return (first, *(agent for agent in parents if agent != first))[: len(parents)]
