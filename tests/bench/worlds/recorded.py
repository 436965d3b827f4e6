"""The recorded landscapes as worlds, so that one table has both: their truth is what was recorded."""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from meta_search.types import Agent, Candidate, ItemJob, Parameter, TraceCall
from tests.bench.landscape.ground import Cell
from tests.bench.landscape.table import FILE, SEARCH, Design, Landscape
from tests.bench.worlds.oracle import Oracle

__all__ = ["FILES", "Recorded", "together"]

FILES: dict[str, tuple[Path, ...]] = {
    "recorded": (FILE,),
    "recorded families": (FILE.with_name("families-0.5b.json.xz"),),
    "recorded together": (FILE, FILE.with_name("families-0.5b.json.xz")),
}
SEEDS = ("direct", "program", "think")  # ways of the seeds that a search begins with


def together(files: Sequence[Path]) -> Landscape:
    """One landscape of several files: their kinds, and what pure designs did. The items that are searched on
    come first, those of all files."""
    read: list[Any] = [json.loads(lzma.decompress(file.read_bytes())) for file in files]
    if len(read) == 1:
        return Landscape(read[0])
    data: dict[str, Any] = {"items": [], "keywords": {}, "designs": [], "calls": []}
    rows: dict[tuple[str, int, int], list[Any]] = {}
    for half in (slice(SEARCH), slice(SEARCH, None)):
        for one in read:
            data["items"] += one["items"][half]
            for design in one["designs"]:
                ways = set(design["ways"].values())
                if len(ways) == 1:
                    key = min(ways), design["samples"], design["shown"]
                    rows.setdefault(key, []).extend(design["rows"][half])
    for one in read:
        data["keywords"].update(one["keywords"])
        data["calls"] += one["calls"]
    for (way, votes, shown), row in rows.items():
        ways_of = dict.fromkeys(data["keywords"], way)
        data["designs"].append({"ways": ways_of, "samples": votes, "shown": shown, "rows": row})
    found = Landscape(data)
    found.searched = range(SEARCH * len(files))
    found.held_out = range(SEARCH * len(files), len(found.items))
    return found


@lru_cache(None)
def _read(name: str) -> Landscape:
    return together(FILES[name])


class Recorded:
    """A recorded landscape, another half of it for every seed.

    Args:
        name: One of `FILES`.
        seed: Which half is searched on.
    """

    def __init__(self, name: str, seed: int) -> None:
        self.name, self.seed = name, seed
        self._land = _read(name).shuffled(seed)
        self.items, self.kind_of = self._land.items, self._land.kind_of
        self.keywords, self.kinds = self._land.keywords, self._land.kinds
        self.searched, self.held_out = self._land.searched, self._land.held_out
        self.teaching_calls = self._land.teaching_calls

    def placed(self, candidate: Candidate, known: Mapping[str, Design]) -> Design:
        """See `Landscape`, as the others."""
        return self._land.placed(candidate, known)

    def rows(self, work: Design) -> Sequence[Cell]:
        """What was recorded."""
        return self._land.rows(work)

    def declared(self, agent: Agent) -> tuple[Parameter, ...]:
        """What an agent tunes."""
        return self._land.declared(agent)

    def lesson(self, job: ItemJob) -> TraceCall:
        """A worked program."""
        return self._land.lesson(job)

    def truth(self, work: Design) -> float:
        """Share of the searched items that was right."""
        return self._land.score(work, self.searched) / len(self.searched)

    def truth_held_out(self, work: Design) -> float:
        """Share of the others."""
        return self._land.score(work, self.held_out) / len(self.held_out)

    def seeds(self) -> list[Design]:
        """The designs that a search begins with."""
        return [Design((way,) * len(self.kinds), 1, 0) for way in SEEDS]

    @cached_property
    def oracle(self) -> Oracle:
        """The best design on the searched items; of equals, the best on the others."""
        best = self._land.best()
        return Oracle(best, self.truth(best), self.truth_held_out(best), exact=True)
