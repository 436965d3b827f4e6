"""A recorded landscape as a table: what any design of the composer's space scores and uses on any item."""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import lzma
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meta_search.authors.plan import WAYS

__all__ = ["FILE", "Cell", "Design", "Landscape", "arguments"]

FILE = Path(__file__).parent / "reasoning-0.5b.json.xz"
SEARCH = 20  # the first items are searched on, the others held out
VOTES = (1, 3)
SHOWN = (0, 1, 2, 3)


@dataclass(frozen=True, slots=True)
class Design:
    """One agent of the composer's space.

    Attributes:
        ways: Way of working per kind of item, in the order of `Landscape.kinds`.
        votes: 1 or 3. shown: worked examples, 0..3.
        taught: Whether it carries worked programs; one that does not shows none where it writes programs.
    """

    ways: tuple[str, ...]
    votes: int
    shown: int
    taught: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """One design on one item: right (0 or 1), used calls and tokens, kind of outcome."""

    right: int
    calls: int
    tokens: int
    kind: str = "ok"


class Landscape:
    """Look up what was recorded, and what follows from it.

    A design works an item as the pure design of its way does. `disagreements` says how far that holds for
    the mixed designs that were run too; where it does not, what was recorded counts.

    Args:
        data: As `record` wrote it.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.about = {key: data[key] for key in ("date", "model", "sha256", "settings") if key in data}
        self.items: tuple[str, ...] = tuple(item["id"] for item in data["items"])
        self.kind_of: tuple[str, ...] = tuple(item["kind"] for item in data["items"])
        self.keywords: dict[str, str] = dict(data["keywords"])
        self.kinds = tuple(self.keywords)
        self.searched, self.held_out = range(SEARCH), range(SEARCH, len(self.items))
        self._pure: dict[tuple[str, int, int], tuple[Cell, ...]] = {}
        self._recorded: dict[Design, tuple[Cell, ...]] = {}
        for entry in data["designs"]:
            ways = tuple(entry["ways"][kind] for kind in self.kinds)
            design = Design(ways, entry["samples"], entry["shown"])
            rows = tuple(Cell(*row) for row in entry["rows"])
            self._recorded[design] = rows
            if len(set(ways)) == 1:
                self._pure[ways[0], design.votes, design.shown] = rows
        for votes, shown in itertools.product(VOTES, SHOWN):  # worked examples do nothing for `think`
            self._pure["think", votes, shown] = self._pure["think", votes, 0]
        own = set(self.items)
        teaching = [call for call in data["calls"] if call[1] not in own]
        self.teaching_calls = len(teaching)
        self.teaching_tokens = sum(call[5] + call[6] for call in teaching)

    @classmethod
    def read(cls, path: Path = FILE) -> Landscape:
        """From a `.json.xz` file."""
        return cls(json.loads(lzma.decompress(path.read_bytes())))

    def shuffled(self, seed: int) -> Landscape:
        """The same landscape with the items of each kind in another order: another half is searched on."""
        rng, order = random.Random(seed), list(range(len(self.items)))
        for kind in self.kinds:
            places = [place for place in order if self.kind_of[place] == kind]
            drawn = rng.sample(places, len(places))
            for place, instead in zip(places, drawn, strict=True):
                order[place] = instead
        other = copy.copy(self)
        other.items = tuple(self.items[place] for place in order)
        other._pure = {key: tuple(rows[place] for place in order) for key, rows in self._pure.items()}
        other._recorded = {d: tuple(rows[place] for place in order) for d, rows in self._recorded.items()}
        return other

    def composed(self, design: Design) -> tuple[Cell, ...]:
        """The rows of a design by its pure parts, one an item."""
        ways = dict(zip(self.kinds, design.ways, strict=True))
        shown = {way: design.shown if design.taught or way != "program" else 0 for way in WAYS}
        return tuple(
            self._pure[ways[kind], design.votes, shown[ways[kind]]][place]
            for place, kind in enumerate(self.kind_of)
        )

    def rows(self, design: Design) -> tuple[Cell, ...]:
        """The rows of a design: recorded where it was run."""
        return self._recorded.get(design) or self.composed(design)

    def score(self, design: Design, places: Sequence[int] | range) -> int:
        """Right items among some places."""
        rows = self.rows(design)
        return sum(rows[place].right for place in places)

    @property
    def recorded(self) -> Sequence[Design]:
        """The designs that were run."""
        return tuple(self._recorded)

    def space(self) -> Iterator[Design]:
        """All designs that the composer can write."""
        for ways in itertools.product(WAYS, repeat=len(self.kinds)):
            for votes, shown in itertools.product(VOTES, SHOWN):
                yield Design(ways, votes, shown)

    def reach(self) -> tuple[int, int]:
        """What searching can come to: the most right among the searched items that any design of the space
        has, and of the designs that have it the most right among the held-out ones."""
        kinds = [[p for p in self.searched if self.kind_of[p] == kind] for kind in self.kinds]
        kept = [[p for p in self.held_out if self.kind_of[p] == kind] for kind in self.kinds]
        best = (0, 0)
        for votes, shown in itertools.product(VOTES, SHOWN):
            # Kinds are independent: the best way of each, the better held-out score among equals.
            each = [
                max(
                    tuple(
                        sum(self._pure[way, votes, shown][p].right for p in half) for half in (ours, theirs)
                    )
                    for way in WAYS
                )
                for ours, theirs in zip(kinds, kept, strict=True)
            ]
            best = max(best, (sum(a for a, _ in each), sum(b for _, b in each)))
        return best

    def disagreements(self) -> tuple[int, int, list[str]]:
        """Compare the mixed designs that were run with their composition.

        Returns:
            Cells that differ in being right; cells compared; one line on each of the former.
        """
        lines, compared = [], 0
        for design, rows in self._recorded.items():
            if len(set(design.ways)) == 1:
                continue
            for place, (ran, composed) in enumerate(zip(rows, self.composed(design), strict=True)):
                compared += 1
                if ran.right != composed.right:
                    lines.append(f"{self.items[place]} by {'/'.join(design.ways)}: {ran} for {composed}")
        return len(lines), compared, lines


def arguments(command: str, about: str | None, seeds: int) -> argparse.ArgumentParser:
    """What the commands on a landscape have in common: its file, and how many seeds."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.bench.landscape.{command}", description=about)
    parser.add_argument("--file", type=Path, default=FILE, help="the landscape")
    parser.add_argument("--seeds", type=int, default=seeds)
    return parser
