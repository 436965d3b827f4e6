"""The hand-made agents that a search starts from, as candidates."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from importlib import resources

from meta_search.agent.seeds import NAMES
from meta_search.authors.team import pool_of, team_source
from meta_search.errors import ConfigError
from meta_search.types import Agent, Brief, Candidate, parse

__all__ = ["candidates"]

TEAM = re.compile(r"team(?::([1-9][0-9]?))?")


def candidates(names: Sequence[str] = (), domain: str = "") -> list[Candidate]:
    """Seeds by name, the cheap ones first; all of them for no names.

    Args:
        names: Of files in `agent.seeds`; further `team`, a team of all roles of the domain's family, and
            `team:N`, of the first N of them.
        domain: Name of the domain.

    Raises:
        ConfigError: A name that is none of ours.
    """
    unknown = [name for name in names if name not in NAMES and not TEAM.fullmatch(name)]
    if unknown:
        raise ConfigError(f"search.seeds: no seed is named {unknown[0]}; known: {', '.join(NAMES)}, team")
    found = [_seed(name, number) for number, name in enumerate(NAMES) if not names or name in names]
    most = len(pool_of(domain))
    sizes = dict.fromkeys(min(int(team[1] or most), most) for n in names if (team := TEAM.fullmatch(n)))
    return [*found, *(_team(domain, size, number) for number, size in enumerate(sizes, len(NAMES)))]


def _team(domain: str, size: int, number: int) -> Candidate:
    roles, most = pool_of(domain, size), len(pool_of(domain))
    whole = len(roles) == most
    name = f"Team of all {most} roles" if whole else f"Team of the first {len(roles)} of {most} roles"
    thought = "All of them together: what smaller teams are chosen from and compared with."
    return Candidate(
        Agent.of(name, team_source(name, thought, roles)), Brief(number, "seed", "hand", kind="seed"), thought
    )


def _seed(name: str, number: int) -> Candidate:
    source = (resources.files("meta_search.agent.seeds") / f"{name}.py").read_text(encoding="utf-8")
    text = ast.get_docstring(parse(source)) or ""
    thought = " ".join(text.partition("\n")[2].split())
    return Candidate(Agent.of(name, source), Brief(number, "seed", "hand", kind="seed"), thought)
