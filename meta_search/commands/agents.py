"""Agents that a caller names: where they lie, their source as text, themselves; one or several."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from meta_search.errors import ConfigError
from meta_search.types import Agent, Brief, Candidate

__all__ = ["Agents", "gathered", "imported"]

Agents: TypeAlias = "str | Path | Agent | Iterable[str | Path | Agent]"
"""Where agents lie, an agent's source, an agent; or several of these."""

UNNAMED = "agent"


def gathered(agents: Agents, of_place: Callable[[str], list[Candidate]]) -> list[Candidate]:
    """All of them in their order; sources, which have no name, are numbered where there are several.

    Args:
        agents: What was given.
        of_place: Reads the agents of a file or a run.

    Raises:
        ConfigError: It is nothing of the kind, or nothing at all.
    """
    if isinstance(agents, str | Path | Agent):
        return _one(agents, of_place)
    if not isinstance(agents, Iterable):
        raise ConfigError(
            f"agents must be a path, source text, an Agent or a list, no {type(agents).__name__}"
        )
    found = [candidate for one in agents for candidate in _one(one, of_place)]
    if not found:
        raise ConfigError("no agents are given: name a .py file, RUN:AGENT, or the source of an agent")
    return list(_numbered(found))


def imported(agent: Agent) -> Candidate:
    """An agent from elsewhere, as a candidate."""
    return Candidate(agent, Brief(0, "import", "hand", kind="imported"))


def _one(agent: str | Path | Agent, of_place: Callable[[str], list[Candidate]]) -> list[Candidate]:
    if isinstance(agent, Agent):
        return [imported(agent)]
    if isinstance(agent, str) and "def forward" in agent:
        return [imported(Agent.of(UNNAMED, textwrap.dedent(agent).strip("\n") + "\n"))]
    if not isinstance(agent, str | Path):
        raise ConfigError(f"an agent must be a path, source text or an Agent, not {type(agent).__name__}")
    return of_place(str(agent))


def _numbered(candidates: list[Candidate]) -> Iterator[Candidate]:
    several = sum(c.agent.name == UNNAMED for c in candidates) > 1
    number = 0
    for candidate in candidates:
        if several and candidate.agent.name == UNNAMED:
            number += 1
            candidate = replace(candidate, agent=replace(candidate.agent, name=f"{UNNAMED} {number}"))
        yield candidate
