"""Archives that ADAS's authors published (Hu, Lu, Clune 2024, arXiv 2408.08435): JSON lists of agents."""

from __future__ import annotations

import json
import os
import re
import stat
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
LONGEST_FITNESS = 200  # characters; where one number is missing, longer texts are searched at length
LARGEST = 64 * 2**20  # bytes of a file
MOST_GENERATIONS = 10**6
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
        entries = json.loads(_text(Path(path)), object_pairs_hook=_once)
    except OSError as error:
        raise ArchiveError(f"cannot read {path}: {error.strerror or error}") from error
    except RecursionError as error:
        raise ArchiveError(f"{path} is nested too deeply for an archive of agents") from error
    except (ValueError, MemoryError) as error:
        raise ArchiveError(f"{path} is not JSON: {one_line(error, 200)}") from error
    if isinstance(entries, Mapping):  # a single agent, as the meta agent writes it
        entries = [entries]
    if not isinstance(entries, list) or not entries:
        raise ArchiveError(f"{path} is not an ADAS archive: expected a list of agents")
    return [_entry(entry, number, path) for number, entry in enumerate(entries, start=1)]


def _text(path: Path) -> str:
    """The text of a file of a size that an archive may have; no pipe is waited for."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            raise OSError(f"it is no file of at most {LARGEST // 2**20} MB")
        return file.read(LARGEST + 1).decode("utf-8-sig")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names stand once: of two, one reader shows the first and another runs the second."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{one_line(name, 40)!r} stands twice in one object")
        found[name] = value
    return found


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
        if not 0 <= ordinal <= MOST_GENERATIONS:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        told = one_line(repr(generation), 40) if isinstance(generation, str | int | float) else "given"
        raise ArchiveError(
            f"{path}, agent {number}: generation {told} is not a number up to a million"
        ) from None
    info = Info(
        thought=_plain(entry.get("thought")),
        generation=ordinal,
        seed=seed,
        fitness=_fitness(entry.get("fitness")),
        test_fitness=_fitness(entry.get("test_fitness")),
    )
    try:
        return Agent.of(_plain(entry.get("name")) or f"agent {number}", code), info
    except (ValueError, RecursionError, MemoryError) as error:
        raise ArchiveError(
            f"{path}, agent {number}: its code cannot be read: {one_line(error, 200)}"
        ) from error


def _plain(value: Any) -> str:
    """A text; nothing of anything else, which may be nested as deep as it likes."""
    return value if isinstance(value, str) else ""


def _fitness(published: Any) -> Fitness | None:
    """The numbers of "95% Bootstrap Confidence Interval: (22.7%, 38.3%), Median: 30.5%"; `None` without."""
    short = isinstance(published, str) and len(published) <= LONGEST_FITNESS
    match = INTERVAL.search(published) if short else None
    if match is None:
        return None
    # Rounded: 22.7 / 100 is not 0.227.
    low, high = (round(float(match[i]) / 100, 9) for i in (1, 2))
    return Fitness(low, high, round(float(match[3]) / 100, 9) if match[3] else (low + high) / 2)
