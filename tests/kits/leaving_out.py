"""Simulated final reports in which an agent leaves out the items that it gets wrong.

The agent knows exactly which these are, the worst case. Whatever it does, its own answers are no better than
those of the best baseline; so no report may say that it beats the baselines.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from meta_search.report.standing import Contender
from meta_search.report.verdict import Verdict, verdict
from meta_search.types import MOST_LEFT_OUT, ItemResult, OutcomeKind, Usage

__all__ = ["WAYS", "Simulated", "simulated"]

AGENT = "agent"
SEEDS = ("seed", "other seed", "matched")
OWN = 0.24, 0.45, 0.586  # share of right answers of its own
BASE = 0.586  # of the best baseline
ITEMS = 24, 60, 120

Rows = dict[str, list[ItemResult]]
Way = Callable[["Simulated", random.Random, OutcomeKind], None]


@dataclass
class Simulated:
    """One final report.

    Attributes:
        rows: Contender -> results, in the order of the items, the same for all.
        share: Right answers of the agent, of its own.
    """

    rows: Rows
    share: float

    @property
    def wrong(self) -> list[int]:
        """Places that the agent gets wrong."""
        return [n for n, row in enumerate(self.rows[AGENT]) if not row.right]

    def lose(self, who: str, place: int, kind: OutcomeKind) -> None:
        """An item comes to no score, or to a score of 0 with an outcome of its own."""
        self.rows[who][place] = replace(self.rows[who][place], kind=kind, score=0.0, answer="")

    def cut(self, place: int) -> None:
        """The report ends for all before an item."""
        for rows in self.rows.values():
            del rows[place:]

    def verdict(self) -> Verdict:
        """What the report says."""
        made = {name: Contender.of(name, name, rows) for name, rows in self.rows.items()}
        matched = replace(made["matched"], kind="matched")
        return verdict([made["seed"], made["other seed"], matched], [made[AGENT]])


def simulated(rng: random.Random, repeats: int = 1) -> Simulated:
    """A report whose agent is no better than the best baseline; items differ in difficulty."""
    items, own = rng.choice(ITEMS), rng.choice(OWN)
    hard = [rng.random() for _ in range(items)]
    rows: Rows = {}
    for name, share in ((AGENT, own), ("seed", BASE), ("other seed", 0.3), ("matched", BASE - 0.05)):
        rows[name] = [
            ItemResult(
                name, "test", f"i{i}", n, "ok", "x", score=_right(share, hard[i], rng), used=Usage(1, 9, 1)
            )
            for n in range(repeats)
            for i in range(items)
        ]
    return Simulated(rows, own)


def _right(share: float, hard: float, rng: random.Random) -> float:
    """Half of it by how hard the item is, which all share; half by luck."""
    return float((hard if rng.random() < 0.5 else rng.random()) < share)


def everywhere(one: Simulated, rng: random.Random, kind: OutcomeKind) -> None:
    """Wherever it is wrong."""
    for place in one.wrong:
        one.lose(AGENT, place, kind)


def within_the_bound(one: Simulated, rng: random.Random, kind: OutcomeKind) -> None:
    """As many as may be left out, those first that the best baseline has right."""
    most = int(MOST_LEFT_OUT * len(one.rows[AGENT]))
    for place in sorted(one.wrong, key=lambda n: not one.rows["seed"][n].right)[:most]:
        one.lose(AGENT, place, kind)


def for_all(one: Simulated, rng: random.Random, kind: OutcomeKind) -> None:
    """It brings the endpoint down, so that all fail there."""
    for place in one.wrong:
        for who in one.rows:
            one.lose(who, place, kind)


def for_all_within_the_bound(one: Simulated, rng: random.Random, kind: OutcomeKind) -> None:
    """The same, as often as it may."""
    most = int(MOST_LEFT_OUT * len(one.rows[AGENT]))
    for place in sorted(one.wrong, key=lambda n: not one.rows["seed"][n].right)[:most]:
        for who in one.rows:
            one.lose(who, place, kind)


def for_the_others(one: Simulated, rng: random.Random, kind: OutcomeKind) -> None:
    """The baselines lose what they have right and it has wrong."""
    for place in one.wrong:
        for who in SEEDS:
            if one.rows[who][place].right:
                one.lose(who, place, kind)


def for_the_best(one: Simulated, rng: random.Random, kind: OutcomeKind) -> None:
    """The best baselines come to nothing at all, so that the weakest is left."""
    for who in ("seed", "matched"):
        for place in range(len(one.rows[who])):
            one.lose(who, place, kind)


def ends_before_the_first(one: Simulated, rng: random.Random, kind: OutcomeKind) -> None:
    """It spends what is left of the budget on the first item that it gets wrong, which ends the report."""
    one.cut(max(1, one.wrong[0]))


WAYS: Mapping[str, Way] = {
    way.__name__: way
    for way in (
        everywhere,
        within_the_bound,
        for_all,
        for_all_within_the_bound,
        for_the_others,
        for_the_best,
        ends_before_the_first,
    )
}
