"""A recorded landscape as a table: what any design of the composer's space scores and uses on any item."""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import lzma
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meta_search.authors.designs import cell_for
from meta_search.authors.plan import SEED_PLANS, WAYS, Plan, plan_from
from meta_search.types import Agent, Candidate, ItemJob, Parameter, TraceCall
from tests.bench.landscape.ground import WORKED_PROGRAM, Cell

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

    def placed(self, candidate: Candidate, known: Mapping[str, Design]) -> Design:
        """Where a candidate stands in the space: its plan, and the values that tuning gave it.

        A child without a plan (thinking aloud with worked examples, which was not recorded) counts as its
        parent.
        """
        agent, plan = candidate.agent, candidate.plan
        if plan is None and agent.name not in SEED_PLANS:
            return known[candidate.brief.parents[0]]
        found: Plan = plan_from(plan) if plan is not None else SEED_PLANS[agent.name]
        ways = tuple(cell_for(found, words).way for words in self.keywords.values())
        votes = int(agent.values.get("samples", found.samples) or 1)
        shown = int(agent.values.get("shown", found.shown) or 0)
        taught = not shown or "program" not in ways or any("```" in d.reply for d in agent.demonstrations)
        return Design(ways, VOTES[votes > 1], shown, taught)

    def declared(self, agent: Agent) -> tuple[Parameter, ...]:
        """What a compiled agent declares to tune, as far as the landscape goes."""
        found = dict(re.findall(r'self\.tune\.int\("(\w+)", \d+, \d+, (\d+)\)', agent.source))
        if not {"samples", "shown"} <= set(found):
            return ()
        votes = VOTES[int(found["samples"]) > 1]
        return (
            Parameter("samples", "choice", votes, choices=VOTES),
            Parameter("shown", "int", int(found["shown"]), 0, 3),
        )

    def lesson(self, job: ItemJob) -> TraceCall:
        """A worked program: only those were recorded."""
        return TraceCall(0, "Coder", "", ("code",), job.question, WORKED_PROGRAM, (), 0, 0.0)

    def score(self, design: Design, places: Sequence[int] | range) -> float:
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

    def reach(self) -> tuple[float, float]:
        """What searching can come to: the most right among the searched items that any design of the space
        has, and of the designs that have it the most right among the held-out ones."""
        return self._best()[0]

    def best(self) -> Design:
        """The design that searching can come to, see `reach`."""
        return self._best()[1]

    def _best(self) -> tuple[tuple[float, float], Design]:
        halves = [
            [[p for p in half if self.kind_of[p] == kind] for kind in self.kinds]
            for half in (self.searched, self.held_out)
        ]
        found: list[tuple[tuple[float, float], Design]] = []
        for votes, shown in itertools.product(VOTES, SHOWN):
            # Kinds are independent: the best way of each, the better held-out score among equals.
            each = []
            for of_kind in zip(*halves, strict=True):
                right = {
                    way: tuple(sum(self._pure[way, votes, shown][p].right for p in half) for half in of_kind)
                    for way in WAYS
                }
                way = max(right, key=right.__getitem__)
                each.append((way, right[way]))
            ours, theirs = (sum(scores[half] for _, scores in each) for half in (0, 1))
            found.append(((ours, theirs), Design(tuple(way for way, _ in each), votes, shown)))
        return max(found, key=lambda pair: pair[0])

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
