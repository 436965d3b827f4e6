"""A world: a landscape that is made by a law, so that its truth is known.

It holds for any `Space`: effects are drawn by the names of slots, choices and kinds. What a design does on an
item of a kind depends on its cell for that kind alone, as with the recorded landscapes.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from meta_search.authors.designs import space_of
from meta_search.authors.plan import WAYS
from meta_search.types import Agent, Candidate, ItemJob, Parameter, TraceCall
from meta_search.types.designs import Cell as Choices
from meta_search.types.designs import Design, Space
from tests.bench.landscape.ground import Cell
from tests.bench.worlds.agents import declared, lesson, placed
from tests.bench.worlds.draws import Array
from tests.bench.worlds.effects import Effects
from tests.bench.worlds.oracle import Oracle, find_best
from tests.bench.worlds.works import Made, Program, Work, drawn_works, seed_designs

__all__ = ["MOST_KINDS", "Made", "Program", "Work", "World", "for_report", "keywords"]

WORDS = (
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa"
).split()
MOST_KINDS = len(WORDS)
HELD_OUT = 200
TEACHING_CALLS = 34


def for_report(seed: int) -> bool:
    """Whether a world is one for the report. Even seeds are for development, odd ones are looked at at the
    end, and nothing is chosen by them."""
    return seed % 2 == 1


def keywords(kinds: int) -> dict[str, str]:
    """Kind of item -> the word that tells it; none where there is one kind only."""
    if not 1 <= kinds <= MOST_KINDS:
        raise ValueError(f"a world has 1 to {MOST_KINDS} kinds of items, not {kinds}")
    return {f"kind-{word}": word for word in WORDS[:kinds]} if kinds > 1 else {}


class World:
    """A made landscape.

    Args:
        law: One of `LAWS`.
        seed: Worlds of one law differ by it; see `for_report`.
        kinds: Of items, 1 to 16.
        items: That are searched on.
        costs: One of `COSTS`.
        held_out: Further items, of which only the truth is asked.
        space: Of designs; the composer's where none is given. Its kinds are replaced by the world's.

    Attributes:
        items: Names of all items, those searched on first. kind_of: their kinds, in turns.
        searched, held_out: Places of items.
        keywords: Kind -> the word that tells it. kinds: all kinds.
        space: Of all designs.
        effects: What choices do.
        teaching_calls: What worked examples cost once.
    """

    teaching_calls = TEACHING_CALLS

    def __init__(
        self,
        law: str = "fitted",
        seed: int = 0,
        kinds: int = 6,
        items: int = 20,
        costs: str = "small",
        held_out: int = HELD_OUT,
        space: Space | None = None,
    ) -> None:
        self.name, self.seed = law, seed
        self.keywords = keywords(kinds)
        self.kinds = tuple(self.keywords) or ("",)
        self.space = Space((space or space_of(WAYS, self.keywords)).slots, self.kinds)
        self.searched, self.held_out = range(items), range(items, items + held_out)
        turns = itertools.islice(itertools.cycle(self.kinds), items + held_out)
        self.kind_of = tuple(turns)
        self.items = tuple(f"{kind}-{n}" for n, kind in enumerate(self.kind_of))
        self._places = {
            kind: np.array([n for n, k in enumerate(self.kind_of) if k == kind], int) for kind in self.kinds
        }
        counts = {kind: len(places) for kind, places in self._places.items()}
        self.effects = Effects(law, costs, seed, self.space, counts)
        self._known: dict[Work, Array] = {}
        self._rows: dict[tuple[Work, int], tuple[Cell, ...]] = {}

    # -- designs

    def made(self, design: Design) -> Made:
        """A design as a key: what of it is read, and what is not the plainest choice by default."""
        return tuple(sorted(self.space.reduced(design).items()))

    def placed(self, candidate: Candidate, known: Mapping[str, Work]) -> Work:
        """What a candidate is, see `agents`."""
        return placed(self, candidate, known)

    def declared(self, agent: Agent) -> tuple[Parameter, ...]:
        """What an agent tunes, see `agents`."""
        return declared(self, agent)

    def lesson(self, job: ItemJob) -> TraceCall:
        """A call that is right, see `agents`."""
        return lesson(job)

    @cached_property
    def oracle(self) -> Oracle:
        """The best design on the items that are searched on."""
        return find_best(self)

    def seeds(self) -> list[Made]:
        """The designs that a search begins with."""
        return seed_designs(self)

    def candidates(self, n: int, seed: int = 0) -> list[Work]:
        """Works as a search writes them: see `tests.bench.worlds.works`."""
        return drawn_works(self, n, seed)

    # -- the truth

    def chances(self, work: Work) -> Array:
        """Expected score on every item: float in 0..1, shape (items,)."""
        if work not in self._known:
            self._known[work] = self._chances(work)
        return self._known[work]

    def truth(self, work: Work) -> float:
        """Expected score on the items that are searched on."""
        return float(self.chances(work)[: len(self.searched)].mean())

    def truth_held_out(self, work: Work) -> float:
        """Expected score on the items that are not."""
        return float(self.chances(work)[len(self.searched) :].mean())

    def kind_truth(self, kind: str, cell: Choices) -> float:
        """Sum of the expected scores on the items of a kind that are searched on."""
        places = self._places[kind]
        return float(
            self._scores(self.effects.odds(kind, cell), kind, cell)[places < len(self.searched)].sum()
        )

    def _chances(self, work: Work) -> Array:
        found = np.empty(len(self.items))
        for kind, cell, odds in self._parts(work):
            found[self._places[kind]] = self._scores(odds, kind, cell)
        return found

    def _parts(self, work: Work) -> list[tuple[str, Choices, Array]]:
        """Kind, cell and log-odds on its items; a program has the cells of the design that it is from."""
        if not isinstance(work, Program):
            cells = self.space.cells(dict(work))
            return [(kind, cell, self.effects.odds(kind, cell)) for kind, cell in cells.items()]
        draws, law = self.effects.draws, self.effects.law
        strength = (law.choice**2 + law.kind_choice**2 + law.kind_pair**2) ** 0.5
        by_all = strength * (0.35 * draws.normal("program", work) - 0.1)
        parts = []
        for kind, cell, odds in self._parts(work.parent):
            by_kind = 0.35 * strength * draws.normal("program", work, kind)
            by_item = law.item_cell * draws.normals(len(odds), "program", work, kind, "items")
            parts.append((kind, cell, odds + (by_all + by_kind + by_item) / law.noise))
        return parts

    def _scores(self, odds: Array, kind: str, cell: Choices) -> Array:
        return (1 - self.effects.losses(kind, cell)) / (1 + np.exp(-odds))

    # -- outcomes

    def rows(self, work: Work, repeat: int = 0) -> tuple[Cell, ...]:
        """What comes of every item: drawn once for each repeat. Designs with equal cells for a kind do the
        same on its items, as answers are shared."""
        key = work, repeat
        if key not in self._rows:
            found: list[Cell | None] = [None] * len(self.items)
            for kind, cell, odds in self._parts(work):
                for place, row in zip(
                    self._places[kind], self._drawn(work, kind, cell, odds, repeat), strict=True
                ):
                    found[place] = row
            self._rows[key] = tuple(row for row in found if row is not None)
        return self._rows[key]

    def _drawn(self, work: Work, kind: str, cell: Choices, odds: Array, repeat: int) -> list[Cell]:
        """Scores, calls and tokens on the items of a kind."""
        effects, n = self.effects, len(odds)
        law, draws = effects.law, effects.draws
        who: object = work if isinstance(work, Program) else cell
        right = 1 / (1 + np.exp(-odds))
        drawn = (draws.uniforms(n, "outcome", who, kind, repeat) < right).astype(float)
        scores = (1 - law.grain) * right + law.grain * drawn
        if law.loss is not None:
            lost = draws.uniforms(n, "lost", who, kind, repeat) < self.effects.losses(kind, cell)
            scores = np.where(lost, 0.0, scores)
        more = effects.of("tokens", work) if isinstance(work, Program) else 0.0
        calls, tokens = effects.calls(cell), effects.tokens(kind, cell, more)
        return [Cell(float(s), calls, int(t)) for s, t in zip(scores, tokens, strict=True)]
