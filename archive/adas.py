"""Archives that ADAS's authors published (Hu, Lu, Clune 2024, arXiv 2408.08435): JSON lists of agents."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archive.store import Store
from meta_search.errors import ArchiveError
from meta_search.text import one_line
from meta_search.types import LONGEST_NAME, Agent, Brief, Candidate, unique_name

__all__ = ["Fitness", "Info", "import_into", "read"]

NUMBER = r"(-?\d+(?:\.\d+)?)\s*%?"
INTERVAL = re.compile(rf"\(\s*{NUMBER}\s*,\s*{NUMBER}\s*\)(?:.*?Median:\s*{NUMBER})?", re.DOTALL)
STATUS = "imported"


@dataclass(frozen=True, slots=True)
class Fitness:
    """A published score, 0..1: median of a bootstrap with its 95 % interval.

    As published: in one archive a median lies outside its own interval.
    """

    low: float
    high: float
    median: float


@dataclass(frozen=True, slots=True)
class Info:
    """What is published about an agent beside its code.

    Attributes:
        thought: What its author wrote about the idea.
        generation: 0 for the hand-made ones (`"initial"`).
        seed: Whether it is a hand-made one.
        fitness: On the authors' validation items.
        test_fitness: On their test items.
    """

    thought: str
    generation: int
    seed: bool
    fitness: Fitness | None
    test_fitness: Fitness | None


def read(path: Path | str) -> list[tuple[Agent, Info]]:
    """Read a published archive, in its order, duplicates included.

    Raises:
        ArchiveError: It cannot be read, or an entry has no code; names the entry.
    """
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ArchiveError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ArchiveError(f"{path} is not JSON: {error}") from error
    if isinstance(entries, Mapping):  # a single agent, as the meta agent writes it
        entries = [entries]
    if not isinstance(entries, list) or not entries:
        raise ArchiveError(f"{path} is not an ADAS archive: expected a list of agents")
    return [_entry(entry, number, path) for number, entry in enumerate(entries, start=1)]


def import_into(store: Store, path: Path | str) -> int:
    """Add a published archive's agents to ours; published scores are kept in an event `import`.

    They are no evaluations of ours: other items, another model.

    Returns:
        Number of agents that were new. Waits for the commit.

    Raises:
        ArchiveError: As `read`, or the archive cannot be written.
    """
    entries = read(path)
    named = _names(store, [agent for agent, _ in entries])
    candidates = [
        Candidate(
            agent=replace(agent, name=named[agent.id]),
            brief=Brief(0, "seed" if info.seed else "novel", "replay", kind="imported"),
            thought=info.thought,
            generation=info.generation,
        )
        for agent, info in entries
    ]
    added = store.add_candidates(candidates, STATUS).result()
    published = {
        agent.id: [None if f is None else f.median for f in (info.fitness, info.test_fitness)]
        for agent, info in reversed(entries)  # of equal agents the first counts, as in the archive
    }
    store.event("import", {"file": Path(path).name, "published": published}).result()
    return added


def _names(store: Store, agents: Sequence[Agent]) -> dict[str, str]:
    """Agent -> a name that no other one of the archive has; known agents keep theirs."""
    known = dict(store.reader().execute("SELECT id, name FROM agents").fetchall())
    taken = set(known.values())
    for agent in agents:
        if agent.id not in known:
            known[agent.id] = unique_name(one_line(agent.name, LONGEST_NAME) or "Unnamed", taken)
            taken.add(known[agent.id])
    return known


def _entry(entry: Any, number: int, path: Path | str) -> tuple[Agent, Info]:
    code = entry.get("code") if isinstance(entry, Mapping) else None
    if not isinstance(code, str) or not code.strip():
        raise ArchiveError(f"{path}, agent {number}: has no code")
    generation = entry.get("generation")
    seed = generation == "initial"
    try:
        ordinal = 0 if seed or generation is None else int(generation)
    except (TypeError, ValueError):
        raise ArchiveError(f"{path}, agent {number}: generation {generation!r} is not a number") from None
    info = Info(
        thought=str(entry.get("thought") or ""),
        generation=ordinal,
        seed=seed,
        fitness=_fitness(entry.get("fitness")),
        test_fitness=_fitness(entry.get("test_fitness")),
    )
    return Agent.of(str(entry.get("name") or f"agent {number}"), code), info


def _fitness(published: Any) -> Fitness | None:
    """The numbers of "95% Bootstrap Confidence Interval: (22.7%, 38.3%), Median: 30.5%"; `None` without."""
    match = INTERVAL.search(published) if isinstance(published, str) else None
    if match is None:
        return None
    # Rounded: 22.7 / 100 is not 0.227.
    low, high = (round(float(match[i]) / 100, 9) for i in (1, 2))
    return Fitness(low, high, round(float(match[3]) / 100, 9) if match[3] else (low + high) / 2)
