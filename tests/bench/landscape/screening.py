"""Would ranking several drafts by a surrogate pay? `python -m tests.bench.landscape.screening`.

For every brief the composer writes several drafts, and a surrogate that has learned from all evaluations so
far says which one is evaluated. The composer's drafts cost no calls, so this is what screening can bring at
best; an llm author would pay for each draft. Designs are drawn uniformly in all rows, as a study of designs
would be told of drafts that it never asked for.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

from rich.console import Console
from rich.table import Table

from meta_search.authors import registry
from meta_search.authors.author import Context, Written
from meta_search.authors.composer import Composer
from meta_search.guide.studies import Study
from tests.bench.landscape.compare import CALLS, CANDIDATES, ITEM, SEEDS, told
from tests.bench.landscape.measures import NEVER, calls_until, median, ratio
from tests.bench.landscape.simulate import Simulated, configuration
from tests.bench.landscape.strategies import STRATEGIES, searches
from tests.bench.landscape.table import VOTES, Design, Landscape, arguments

__all__ = ["SURROGATES", "nearest", "ridge"]

WAYS = ("direct", "program", "think")
Evaluated = Sequence[tuple[Design, float]]
Surrogate = Callable[[Evaluated, Sequence[Design]], list[float]]


def features(design: Design) -> list[float]:
    """A way of working per kind, votes, shown, and shown where programs are written."""
    ways = [float(way == one) for way in design.ways for one in WAYS]
    programs = design.ways.count("program") / len(design.ways)
    shown = [float(design.shown == n) for n in range(4)]
    return [
        1.0,
        *ways,
        float(design.votes == VOTES[1]),
        *shown,
        programs * bool(design.shown and design.taught),
    ]


def ridge(known: Evaluated, drafts: Sequence[Design]) -> list[float]:
    """Ridge regression of the score on the features."""
    import numpy as np

    x = np.array([features(design) for design, _ in known])
    y = np.array([score for _, score in known])
    penalty = np.eye(x.shape[1])
    weights = np.linalg.solve(x.T @ x + penalty, x.T @ (y - y.mean()))
    return [float(y.mean() + np.array(features(design)) @ weights) for design in drafts]


def nearest(known: Evaluated, drafts: Sequence[Design]) -> list[float]:
    """Mean score of the designs known, those that differ in less counting more."""
    found = []
    for draft in drafts:
        ours = features(draft)
        weights = [
            2.0 ** -sum(abs(a - b) for a, b in zip(ours, features(design), strict=True))
            for design, _ in known
        ]
        found.append(sum(w * s for w, (_, s) in zip(weights, known, strict=True)) / sum(weights))
    return found


def first(known: Evaluated, drafts: Sequence[Design]) -> list[float]:
    """No surrogate: the first draft that is new."""
    return [-float(n) for n in range(len(drafts))]


SURROGATES: dict[str, Surrogate] = {"first new one": first, "ridge": ridge, "nearest": nearest}


class Drawn:
    """A trial whose every choice is drawn uniformly."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._rng.choice(list(choices))

    def suggest_int(self, name: str, low: int, high: int) -> int:
        return self._rng.randint(low, high)


class Screened:
    """The composer, several drafts a brief. One class for each search, as authors keep no state."""

    def __init__(self, search: Simulated, drafts: int, surrogate: Surrogate) -> None:
        self._search, self._drafts, self._surrogate = search, drafts, surrogate

    def __call__(self) -> Screened:
        return self

    def write(self, context: Context) -> Written:
        """The draft that promises most; drafts that are no news only where there is nothing else."""
        written: list[Written] = []
        for number in range(self._drafts):
            rng = random.Random(context.brief.seed * 101 + number)
            trial: Any = Drawn(rng)
            written.append(Composer().write(replace(context, trial=trial, rng=rng)))
        table, members = self._search.table, self._search.members
        new = [w for w in written if w.candidate and w.candidate.agent.id not in members]
        known = [(table.designs[m.agent.id], m.score("train")) for m in members if m.rows("train")]
        if len(new) < 2 or not known:
            return (new or written)[0]
        designs = [table.design_of(w.candidate) for w in new if w.candidate]
        promise = self._surrogate(known, designs)
        return new[promise.index(max(promise))]


def screened(
    landscape: Landscape, seeds: Sequence[int], drafts: int, surrogate: Surrogate, candidates: int
) -> list[float]:
    """Calls until regret is small for good, of every search."""
    hits = []
    for seed in seeds:
        half = landscape.shuffled(seed)
        search = Simulated(half, configuration(seed, candidates), most_calls=CALLS)
        search.guide.designs = Study("designs", seed, ["maximize"], guided=False)
        author: Any = Screened(search, drafts, surrogate)
        with mock.patch.object(registry, "load", return_value=author):
            hits.append(calls_until(half, search.simulate(), ITEM, stays=True))
    return hits


def main() -> None:
    options = arguments("screening", __doc__, SEEDS).parse_args()
    landscape, seeds = Landscape.read(options.file), range(options.seeds)
    found = {
        "default (designs guided)": [
            calls_until(landscape.shuffled(seed), trace, ITEM, stays=True)
            for seed, trace in zip(
                seeds, searches(landscape, STRATEGIES["default"], seeds, CANDIDATES, CALLS), strict=True
            )
        ],
        "one draft": screened(landscape, seeds, 1, first, CANDIDATES),
    }
    for drafts in (3, 8):
        for name, surrogate in SURROGATES.items():
            found[f"{drafts} drafts, {name}"] = screened(landscape, seeds, drafts, surrogate, CANDIDATES)
    shown = Table("drafts", "calls until regret ≤ 1 item for good", "as share of one draft", "never")
    for name, hits in found.items():
        never = sum(hit == NEVER for hit in hits)
        shown.add_row(name, told(median(hits)), told(ratio(hits, found["one draft"]), "%"), f"{never}")
    Console(width=120).print(shown)


if __name__ == "__main__":
    main()
