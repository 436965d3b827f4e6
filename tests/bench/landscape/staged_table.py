"""The third landscape as a table: what any design of stages answers and uses, from recorded calls."""

from __future__ import annotations

import itertools
import json
import lzma
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.landscape.stages import VOTES, Way, ways
from tests.bench.landscape.table import Cell

__all__ = ["FILE", "Sample", "StagedDesign", "StagedLandscape"]

FILE = Path(__file__).parent / "stages-1.5b.json.xz"


@dataclass(frozen=True, slots=True)
class StagedDesign:
    """One agent: way of working and votes (1 or 3) per kind, in the order of `StagedLandscape.kinds`."""

    ways: tuple[Way, ...]
    votes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One recorded sample of a way on an item.

    Attributes:
        answer: Number of its answer among those to the item: equal ones vote together.
        right: 0 or 1. tokens: of its last call. prepared: of the call before, 0 where there is none.
    """

    answer: int
    right: int
    tokens: int
    prepared: int


class StagedLandscape:
    """Look up what was recorded, and what follows from it.

    Args:
        data: As `record_stages` wrote it.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.about = {
            key: data[key] for key in ("date", "model", "sha256", "calls", "checked") if key in data
        }
        self.items: tuple[str, ...] = tuple(item["id"] for item in data["items"])
        self.kind_of: tuple[str, ...] = tuple(item["kind"] for item in data["items"])
        self.kinds = tuple(dict.fromkeys(self.kind_of))
        self._samples: dict[tuple[Way, int], tuple[Sample, ...]] = {}
        for entry in data["ways"]:
            way = Way(*entry["way"])
            for place, rows in enumerate(entry["rows"]):
                self._samples[way, place] = tuple(Sample(*row) for row in rows)

    @classmethod
    def read(cls, path: Path = FILE) -> StagedLandscape:
        """From a `.json.xz` file."""
        return cls(json.loads(lzma.decompress(path.read_bytes())))

    def known(self, kind: str, votes: int = 1) -> tuple[Way, ...]:
        """The ways that were recorded with so many samples on all items of a kind."""
        places = [place for place, k in enumerate(self.kind_of) if k == kind]
        return tuple(w for w in ways() if all(len(self._samples.get((w, p), ())) >= votes for p in places))

    def cell(self, way: Way, votes: int, place: int) -> Cell:
        """A way with so many votes on an item.

        Raises:
            KeyError: It was not recorded.
        """
        samples = self._samples.get((way, place), ())[:votes]
        if len(samples) < votes:
            raise KeyError(f"{way} with {votes} votes on {self.items[place]} was not recorded")
        answers = [s.answer for s in samples]
        most = max(map(answers.count, answers))
        winner = next(s for s in samples if answers.count(s.answer) == most)
        prepared = samples[0].prepared
        tokens = prepared + sum(s.tokens for s in samples)
        return Cell(winner.right, votes + bool(prepared), tokens)

    def rows(self, design: StagedDesign) -> tuple[Cell, ...]:
        """The rows of a design, one an item."""
        chosen = dict(zip(self.kinds, zip(design.ways, design.votes, strict=True), strict=True))
        return tuple(self.cell(*chosen[kind], place) for place, kind in enumerate(self.kind_of))

    def score(self, design: StagedDesign, places: Sequence[int] | range) -> int:
        """Right items among some places."""
        rows = self.rows(design)
        return sum(rows[place].right for place in places)

    @property
    def size(self) -> int:
        """How many designs it composes."""
        number = 1
        for kind in self.kinds:
            number *= sum(len(self.known(kind, votes)) for votes in VOTES)
        return number

    def space(self) -> Iterator[StagedDesign]:
        """All designs that were recorded whole; they may be billions."""
        each = [[(w, v) for v in VOTES for w in self.known(kind, v)] for kind in self.kinds]
        for parts in itertools.product(*each):
            yield StagedDesign(tuple(w for w, _ in parts), tuple(v for _, v in parts))
