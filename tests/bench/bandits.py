"""What the bandit over operators and authors brings where it is known what they are worth.

`python -m tests.bench.bandits` has the real guide ask for briefs, and draws what comes of each from a world:
the chance that an operator by an author comes to a candidate, the chance that it gains, how much, and what it
costs. A run has a budget; what counts is the sum of what its briefs brought, as a share of what the oracle
brings, who asks for the arm with the most expected gain per cost from the first brief on. Worlds of even
seeds were looked at while the bandit was made; those of odd seeds are for the table (`--development` takes
the even ones).
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from meta_search.config import SearchConfig
from meta_search.guide.bandit import Arm, Menu
from meta_search.guide.guide import PARENT_RULES, Guide, Snapshot
from meta_search.guide.opening import Choices
from meta_search.guide.prior import NOTHING, Prior, elsewhere
from meta_search.guide.worth import VALUE_OF_NOTHING, Worth, gain_per_cost

__all__ = ["KINDS", "STRATEGIES", "World", "played"]

CHOICES = Choices(SearchConfig().operators, ("llm", "composer"), ("plan", "edit", "program"))
ARMS = tuple(Menu(CHOICES, {"parents": PARENT_RULES}).arms())
SEEDS, BUDGET, LATE = 40, 60.0, 0.5
DRAWS, WIDTH = 2000, 120


@dataclass(frozen=True, slots=True)
class Payoff:
    """What an arm does: chances that a candidate comes and that it gains; its mean gain; its mean cost."""

    came: float = 0.8
    gains: float = 0.12
    gain: float = 0.15
    cost: float = 1.0

    @property
    def rate(self) -> float:
        """Expected gain per cost."""
        return self.came * self.gains * self.gain / self.cost


@dataclass(frozen=True, slots=True)
class World:
    """Arm -> what it does; `later` from half of the budget on, where it differs."""

    arms: Mapping[Arm, Payoff]
    later: Mapping[Arm, Payoff] | None = None

    def at(self, share: float) -> Mapping[Arm, Payoff]:
        """When a share of the budget is used."""
        return self.arms if share < LATE or self.later is None else self.later


def _one(rng: random.Random) -> World:
    return World(_with(ARMS, rng.choice(ARMS), Payoff(gains=0.5, gain=0.25)))


def _author(rng: random.Random) -> World:
    author = rng.choice(CHOICES.authors)
    return World({a: Payoff(gains=0.4 if a.author == author else 0.1) for a in ARMS})


def _operator(rng: random.Random) -> World:
    operator = rng.choice(CHOICES.operators)
    return World({a: Payoff(gains=0.5 if a.operator == operator else 0.1) for a in ARMS})


def _mixed(rng: random.Random) -> World:
    """As the model has it, more or less: effects of operators, authors and pairs, costs lognormal."""
    own: dict[str, float] = {}
    made = {}
    for arm in ARMS:
        base = sum(own.setdefault(name, rng.gauss(0, 0.6)) for name in (arm.operator, arm.author))
        odds = 0.15 * 2.718 ** (base + rng.gauss(0, 0.5))
        cost = rng.lognormvariate(0.0, 0.7)
        made[arm] = Payoff(rng.uniform(0.4, 1.0), odds / (1 + odds), rng.uniform(0.08, 0.25), cost)
    return World(made)


def _dear(rng: random.Random) -> World:
    """The arm with the largest gains costs too much."""
    best, cheap = rng.sample(ARMS, 2)
    made = _with(ARMS, best, Payoff(gains=0.5, gain=0.3, cost=8.0))
    return World({**made, cheap: Payoff(gains=0.4, gain=0.15, cost=0.5)})


def _changing(rng: random.Random) -> World:
    first, then = rng.sample(ARMS, 2)
    good = Payoff(gains=0.5, gain=0.25)
    return World(_with(ARMS, first, good), _with(ARMS, then, good))


def _alike(rng: random.Random) -> World:
    return World({a: Payoff(gains=0.2) for a in ARMS})


def _with(arms: Sequence[Arm], arm: Arm, payoff: Payoff) -> dict[Arm, Payoff]:
    return {a: payoff if a == arm else Payoff() for a in arms}


KINDS: dict[str, Callable[[random.Random], World]] = {
    "one arm pays": _one,
    "an author pays": _author,
    "an operator pays": _operator,
    "effects drawn": _mixed,
    "the best is too dear": _dear,
    "it changes halfway": _changing,
    "all alike": _alike,
}


def played(guide: Guide, world: World, seed: int, budget: float = BUDGET, flight: int = 2) -> list[Any]:
    """Ask and tell until the budget is used. Returns (parameters, worth) of each brief that was told."""
    rng, used, waiting, told = random.Random(seed), 0.0, [], []
    while used < budget:
        while len(waiting) < flight:
            waiting.append(guide.ask())
        order = waiting.pop(0)
        params = guide.briefs.export(order.brief.number)
        payoff = world.at(used / budget)[Arm(order.brief.operator, order.brief.author)]
        came, gained = rng.random() < payoff.came, rng.random() < payoff.gains
        gain = min(1.0, rng.gammavariate(3.0, payoff.gain / 3.0)) if came and gained else 0.0
        cost = payoff.cost * rng.lognormvariate(-0.08, 0.4) * (1.0 if came else 0.4)
        value = VALUE_OF_NOTHING if not came else gain_per_cost(gain or -0.05, cost, 1.0)
        worth = Worth(value, gain, cost)
        used += cost
        guide.tell(order.brief.number, worth)
        told.append((params, worth))
    return told


def brought(told: Sequence[tuple[Any, Worth]]) -> float:
    """What the briefs of a run brought in all."""
    return sum(worth.brought for _, worth in told)


def oracle(world: World, budget: float = BUDGET) -> float:
    """What the best arm is expected to bring."""
    return sum(
        budget * share * max(p.rate for p in world.at(at).values()) for at, share in ((0, LATE), (1, LATE))
    )


def _earlier(world: World, seed: int) -> tuple[tuple[Any, float], ...]:
    """Briefs of an earlier run without a guide."""
    told = played(Guide(seed, CHOICES, guided=False), world, seed)
    return tuple(({**params, "_told": worth.told()}, worth.value) for params, worth in told)


def _same(world: World, kind: str, seed: int) -> Prior:
    return Prior(_earlier(world, seed + 1000)[-50:], 1)


def _other(world: World, kind: str, seed: int) -> Prior:
    """Three other domains, where the same arm pays."""
    return Prior((), 3, tuple(elsewhere(_earlier(world, seed + 1000 + n)) for n in range(3)))


def _wrong(world: World, kind: str, seed: int) -> Prior:
    """A run of the same domain that lies: another world of the kind."""
    return Prior(_earlier(KINDS[kind](random.Random(seed + 500_000)), seed + 2000)[-50:], 1)


Before = Callable[[World, str, int], Prior]
STRATEGIES: dict[str, tuple[Mapping[str, Any], Before | None]] = {
    "uniform": ({"guided": False}, None),
    "TPE after the opening (once the default)": ({"briefs": "tpe"}, None),
    "bandit": ({}, None),
    "bandit, prior from the same domain": ({}, _same),
    "bandit, prior from three others": ({}, _other),
    "bandit, wrong prior": ({}, _wrong),
}


def share(strategy: str, kind: str, seed: int) -> float:
    """What one run brought, as a share of the oracle's."""
    world = KINDS[kind](random.Random(seed))
    options, before = STRATEGIES[strategy]
    guide = Guide(seed, CHOICES, **options)
    guide.restore(Snapshot(prior=before(world, kind, seed) if before else NOTHING))
    return brought(played(guide, world, seed)) / oracle(world)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bandits", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--development", action="store_true", help="worlds of even seeds")
    parser.add_argument("--only", default="", help="strategies whose names begin so")
    options = parser.parse_args()
    seeds = [2 * n + (not options.development) for n in range(options.seeds)]
    title = f"Gain for {BUDGET:g} typical candidates, in % of the oracle's: mean [95 % by bootstrap]"
    shown = Table("strategy", *KINDS, title=f"{title}; {len(seeds)} worlds a kind")
    for strategy in STRATEGIES:
        if strategy.startswith(options.only):
            began = time.process_time()
            row = [_told([share(strategy, kind, seed) for seed in seeds]) for kind in KINDS]
            shown.add_row(strategy, *row)
            print(f"{strategy}: {time.process_time() - began:.0f} s CPU", flush=True)
    Console(width=WIDTH).print(shown)


def _told(shares: Sequence[float]) -> str:
    rng = random.Random(0)
    means = sorted(statistics.fmean(rng.choices(shares, k=len(shares))) for _ in range(DRAWS))
    low, high = means[int(0.025 * DRAWS)], means[int(0.975 * DRAWS) - 1]
    return f"{100 * statistics.fmean(shares):.0f} [{100 * low:.0f}, {100 * high:.0f}]"


if __name__ == "__main__":
    main()
