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

__all__ = ["brought", "candidates", "check"]

TEAM = re.compile(r"team(?::([1-9][0-9]?))?")


def brought(words: Sequence[str]) -> list[str]:
    """The words of `search.seeds` that are no names of ours, but of what a person brings; see `own_seeds`."""
    return [word for word in words if word not in NAMES and not TEAM.fullmatch(word)]


def check(words: Sequence[str]) -> None:
    """See that each word of `search.seeds` is a name of ours, or looks like a file or `RUN:AGENT`.

    Raises:
        ConfigError: It is neither; one line.
    """
    for word in brought(words):
        ours = word.partition(":")[0] in (*NAMES, "team")  # as team:0
        if ours or not set("./\\:") & set(word):
            known = f"known: {', '.join(NAMES)}, team; or a file (.py, .json, .md, .txt) or RUN:AGENT"
            raise ConfigError(f"search.seeds: no seed is named {word}; {known}")


def candidates(words: Sequence[str] = (), domain: str = "") -> list[Candidate]:
    """Our seeds by name, the cheap ones first; all of them for no words.

    Args:
        words: Names of files in `agent.seeds`; further `team`, a team of all roles of the domain's family,
            and `team:N`, of the first N of them. What a person brings is left to `own_seeds`.
        domain: Name of the domain.
    """
    names = [word for word in words if word not in brought(words)]
    if words and not names:
        return []
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
