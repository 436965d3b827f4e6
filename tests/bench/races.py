"""Races in made worlds: calls saved, finalists lost, and what was foretold: `python -m tests.bench.races`.

In a world an agent gets an item right with the chance logistic(quality + fit - difficulty); with `--graded`
that, with some noise in logits, is its score. Worlds differ in items, in how far agents and costs differ, and
in how many candidates there are; in each, difficulties, kinds and fits are drawn as well. Even worlds served
to choose the rules; those of odd numbers are reported (`--odd`).
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from meta_search.guide.racing import Contest, Entrant

__all__ = ["LAWS", "Law", "Outcome", "World", "interval", "made", "race"]

SEEDS, BLOCK, FINALISTS = 3, 6, 2


@dataclass(frozen=True, slots=True)
class Law:
    """What worlds have in common.

    Attributes:
        items: Of a full evaluation.
        gap: How far the qualities of agents spread, in logits.
        costs: Spread of the logarithm of an agent's cost.
        candidates: How many race; three seeds come before them.
        grain: Of scores between 0 and 1, noise in logits; 0 is right or wrong.
    """

    items: int
    gap: float
    costs: float
    candidates: int
    grain: float = 0.0


GRAIN = 0.3
LAWS = [Law(*law) for law in itertools.product((18, 50, 200), (0.3, 1.0), (0.1, 1.0), (40, 100))]


@dataclass(frozen=True, slots=True)
class World:
    """What each agent would score and use on each item; seeds first.

    Attributes:
        kinds: Item -> kind.
        scores: Of each agent, item -> score.
        costs: Likewise, used cost.
    """

    kinds: dict[str, str]
    scores: list[dict[str, float]]
    costs: list[dict[str, float]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of the races in one world.

    Attributes:
        saved: Share of item runs.
        lost: Share of the would-be finalists that were never completed.
        foretold: The share that the odds expected.
    """

    saved: float
    lost: float
    foretold: float


def made(law: Law, rng: random.Random) -> World:
    """Draw a world."""
    kinds, fit = rng.choice((1, 3, 6)), rng.choice((0.0, 0.5, 1.0))
    hard, level = rng.choice((0.5, 1.0, 2.0)), rng.uniform(-1.0, 1.5)
    items = {f"i{n}": f"k{rng.randrange(kinds)}" for n in range(law.items)}
    difficulty = {item: rng.gauss(0, hard) for item in items}
    length = {item: math.exp(rng.gauss(0, 0.3)) for item in items}
    scores, costs = [], []
    for _ in range(SEEDS + law.candidates):
        quality = level + rng.gauss(0, law.gap)
        fits = [rng.gauss(0, fit) for _ in range(kinds)]
        cost = math.exp(rng.gauss(0, law.costs))
        at = {item: quality + fits[int(kind[1:])] - difficulty[item] for item, kind in items.items()}
        scores.append({item: _score(x, law.grain, rng) for item, x in at.items()})
        costs.append({item: cost * length[item] * math.exp(rng.gauss(0, 0.2)) for item in items})
    return World(items, scores, costs)


def _score(logit: float, grain: float, rng: random.Random) -> float:
    chance = 1 / (1 + math.exp(-logit - (rng.gauss(0, grain) if grain else 0.0)))
    return chance if grain else float(rng.random() < chance)


def race(world: World, choose: bool = True, take_up: bool = True) -> Outcome:
    """Race all candidates of a world, one after another, as the engine does.

    Args:
        choose: Whether candidates run the most telling items first, not the next ones.
        take_up: Whether those that pause are taken up before finalists are chosen.
    """
    race_ = _Races(world, choose)
    for agent in range(SEEDS, len(world.scores)):
        race_.begin(agent)
    while take_up and (wanted := race_.wanted()):
        race_.go_on(wanted[0])
    return race_.outcome()


class _Races:
    def __init__(self, world: World, choose: bool) -> None:
        self._world, self._choose = world, choose
        self._ran: dict[int, list[str]] = {n: list(world.kinds) for n in range(SEEDS)}
        self._kept: dict[int, Entrant] = {}
        self._now: Contest | None = None

    def begin(self, agent: int) -> None:
        self._ran[agent], self._now = [], None
        self._run(agent, BLOCK // 2)
        while not self._whole(agent) and not self._contest().why_pause(str(agent)):
            self._run(agent, BLOCK)

    def go_on(self, agent: int) -> None:
        self._run(agent, BLOCK)

    def wanted(self) -> list[int]:
        return [int(a) for a in self._contest().to_take_up([str(n) for n in self._open()], seed=False)]

    def outcome(self) -> Outcome:
        world, candidates = self._world, range(SEEDS, len(self._world.scores))
        key = {n: (-sum(world.scores[n].values()), sum(world.costs[n].values())) for n in candidates}
        top, open_ = sorted(candidates, key=key.__getitem__)[:FINALISTS], self._open()
        lost = sum(n in open_ for n in top) / FINALISTS
        ran = sum(map(len, self._ran.values())) / (len(world.scores) * len(world.kinds))
        return Outcome(1 - ran, lost, self._contest().at_risk([str(n) for n in open_]) / FINALISTS)

    def _open(self) -> list[int]:
        return [n for n in self._ran if not self._whole(n)]

    def _whole(self, agent: int) -> bool:
        return len(self._ran[agent]) == len(self._world.kinds)

    def _run(self, agent: int, most: int) -> None:
        order: Sequence[str] = list(self._world.kinds)
        if self._choose:
            order = self._contest().most_telling(str(agent))
        self._ran[agent] += [item for item in order if item not in self._ran[agent]][:most]
        self._kept.pop(agent, None)
        self._now = None

    def _contest(self) -> Contest:
        if self._now is None:
            entrants = [self._entrant(n) for n in self._ran]
            self._now = Contest(entrants, self._world.kinds, 1, FINALISTS, BLOCK)
        return self._now

    def _entrant(self, n: int) -> Entrant:
        if n not in self._kept:
            ran, scores, costs = self._ran[n], self._world.scores[n], self._world.costs[n]
            mine = {item: (scores[item], 1) for item in ran}
            used = {item: costs[item] for item in ran}
            self._kept[n] = Entrant(str(n), mine, {}, used, n < SEEDS, self._whole(n))
        return self._kept[n]


def interval(lost: float, places: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    z = 1.96
    middle, width = (
        lost + z * z / 2 / places,
        z * math.sqrt(lost * (1 - lost) / places + (z / 2 / places) ** 2),
    )
    return max(0.0, (middle - width) / (1 + z * z / places)), (middle + width) / (1 + z * z / places)


def main() -> None:
    parser = argparse.ArgumentParser("tests.bench.races", description=__doc__)
    parser.add_argument("--worlds", type=int, default=60, help="of each law")
    parser.add_argument("--odd", action="store_true", help="those for the report")
    parser.add_argument("--fixed", action="store_true", help="items in fixed order")
    parser.add_argument("--graded", action="store_true", help="scores between 0 and 1")
    parser.add_argument("--laws", type=int, nargs="*", default=range(len(LAWS)))
    options = parser.parse_args()
    print("items gap costs candidates | saved | lost [95 %] | foretold", flush=True)
    saved, lost = [], []
    for number in options.laws:
        law, found = replace(LAWS[number], grain=GRAIN * options.graded), []
        for world in range(options.worlds):
            rng = random.Random(f"{number}/{2 * world + options.odd}")
            found.append(race(made(law, rng), choose=not options.fixed))
        saved.append(sum(o.saved for o in found) / len(found))
        lost.append(sum(o.lost for o in found) / len(found))
        told = sum(o.foretold for o in found) / len(found)
        low, high = interval(lost[-1], FINALISTS * len(found))
        about = f"{law.items:5} {law.gap:3} {law.costs:5} {law.candidates:10}"
        print(f"{about} | {saved[-1]:.1%} | {lost[-1]:.1%} [{low:.1%}, {high:.1%}] | {told:.1%}", flush=True)
    middle = sorted(saved)[len(saved) // 2]
    print(f"median saved {middle:.1%}; lost {sum(lost) / len(lost):.2%} on average, {max(lost):.1%} at most")


if __name__ == "__main__":
    main()
