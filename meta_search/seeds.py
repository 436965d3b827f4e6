"""The hand-made agents that a search starts from, as candidates."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from importlib import resources

from meta_search.agent.seeds import NAMES
from meta_search.errors import ConfigError
from meta_search.types import Agent, Brief, Candidate

__all__ = ["candidates"]


def candidates(names: Sequence[str] = ()) -> list[Candidate]:
    """Seeds by name, the cheap ones first; all of them for no names.

    Raises:
        ConfigError: A name that is none of ours.
    """
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise ConfigError(f"search.seeds: no seed is named {unknown[0]}; known: {', '.join(NAMES)}")
    return [_seed(name, number) for number, name in enumerate(NAMES) if not names or name in names]


def _seed(name: str, number: int) -> Candidate:
    source = (resources.files("meta_search.agent.seeds") / f"{name}.py").read_text(encoding="utf-8")
    text = ast.get_docstring(ast.parse(source)) or ""
    thought = " ".join(text.partition("\n")[2].split())
    return Candidate(Agent.of(name, source), Brief(-1 - number, "seed", "hand"), thought)
