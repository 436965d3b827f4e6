"""Agents that a caller names: where they lie, their source as text, themselves; one or several."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from archive.guard import making_sense
from archive.records import Archive
from meta_search.agent.seeds import NAMES
from meta_search.engine import seeds
from meta_search.engine.own_seeds import prompt_agent
from meta_search.engine.restore import candidate_of
from meta_search.errors import ArchiveError, ConfigError
from meta_search.report.chosen import chosen
from meta_search.report.files import read_small
from meta_search.run import folder as run_folder
from meta_search.types import Agent, Brief, Candidate

__all__ = ["Agents", "read_agents"]

Agents: TypeAlias = "str | Path | Agent | Iterable[str | Path | Agent]"
"""Where agents lie, an agent's source, an agent; or several of these."""

UNNAMED = "agent"
SEEDS = "seeds"  # all seeds of ours


def read_agents(agents: Agents) -> list[Candidate]:
    """Agents of an ADAS archive (.json; `.json:NAME`, `.json:3` or `.json:1-5` takes some of it), a .py file,
    a prompt in a text file, a run (the one to take and its finalists), or RUN:AGENT; a seed of ours by its
    name, or all of them (`seeds`); an agent's source as text, an `Agent`, or several of these. They keep
    their order; sources, which have no name, are numbered where there are several.

    Raises:
        ConfigError: There is no such file or run, it is nothing of the kind, or nothing at all; one line.
    """
    if isinstance(agents, str | Path | Agent):
        return _one(agents)
    if not isinstance(agents, Iterable):
        raise ConfigError(
            f"agents must be a path, source text, an Agent or a list, no {type(agents).__name__}"
        )
    found = [candidate for one in agents for candidate in _one(one)]
    if not found:
        raise ConfigError("no agents are given: name a .py file, RUN:AGENT, or the source of an agent")
    return list(_numbered(found))


def _imported(agent: Agent) -> Candidate:
    """An agent from elsewhere, as a candidate."""
    return Candidate(agent, Brief(0, "import", "hand", kind="imported"))


def _one(agent: str | Path | Agent) -> list[Candidate]:
    if isinstance(agent, Agent):
        return [_imported(agent)]
    if isinstance(agent, str) and "def forward" in agent:
        return [_imported(Agent.of(UNNAMED, textwrap.dedent(agent).strip("\n") + "\n"))]
    if not isinstance(agent, str | Path):
        raise ConfigError(f"an agent must be a path, source text or an Agent, not {type(agent).__name__}")
    return _of_file(str(agent))


def _numbered(candidates: list[Candidate]) -> Iterator[Candidate]:
    several = sum(c.agent.name == UNNAMED for c in candidates) > 1
    number = 0
    for candidate in candidates:
        if several and candidate.agent.name == UNNAMED:
            number += 1
            candidate = replace(candidate, agent=replace(candidate.agent, name=f"{UNNAMED} {number}"))
        yield candidate


def _of_file(agents: str) -> list[Candidate]:
    from archive import adas

    path = Path(agents)
    if path.suffix == ".json":
        return [_imported(agent) for agent, _ in adas.read(path)]
    file, colon, which = agents.rpartition(":")
    if colon and file.endswith(".json") and not path.exists():
        return _some([_imported(agent) for agent, _ in adas.read(Path(file))], which, agents)
    if path.suffix == ".py":
        return [_imported(Agent.of(path.stem, _text(path)))]
    if path.is_file():
        return [_imported(prompt_agent(path.stem, path.name, _text(path).strip()))]
    if agents in (*NAMES, SEEDS) and not path.exists():
        return seeds.candidates([] if agents == SEEDS else [agents])
    return _of_run(agents)


def _some(found: list[Candidate], which: str, named: str) -> list[Candidate]:
    """Agents of an archive by number, from 1, or by the beginning of their name."""
    if numbers := re.fullmatch(r"(\d+)(?:-(\d+))?", which):
        first, last = int(numbers[1]), int(numbers[2] or numbers[1])
        chosen = found[first - 1 : last] if first else []
    else:
        name = which.strip().casefold()
        same = [c for c in found if c.agent.name.casefold() == name]
        chosen = same or [c for c in found if name and c.agent.name.casefold().startswith(name)]
    if not chosen:
        raise ConfigError(
            f"{named}: no such agent; there are {len(found)}, the first is {found[0].agent.name!r}"
        )
    return chosen


def _text(path: Path) -> str:
    try:
        return read_small(path, "utf-8-sig", follow=True)  # some editors write a mark in front
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error


def _of_run(agents: str) -> list[Candidate]:
    """Agents of `RUN`, the one to take first, then its finalists if it has any; or of `RUN:AGENT`."""
    run, name = run_folder.split_agent(agents)
    try:
        folder = run_folder.resolve(run)
    except ArchiveError as error:
        raise ConfigError(
            f"{error} (AGENTS is a .py file, a prompt in a file, an ADAS .json, RUN, RUN:AGENT or a seed)"
        ) from error
    with Archive(folder) as archive, making_sense(archive.path):
        if name is not None:
            records = [archive.record(name)]
        else:
            take, records = chosen(archive), archive.agents()
            records = [r for r in records if r.status == "finalist"] or records
            if take is not None:  # it may be a seed
                records = [*archive.get([take.agent]), *(r for r in records if r.agent.id != take.agent)]
    return [candidate_of(record) for record in records]
