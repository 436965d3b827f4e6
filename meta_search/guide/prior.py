"""What is known of briefs before a search begins: by measurement, and from earlier runs.

The bandit counts it as briefs that it has seen, for bounded weight. How much a domain says of another is a
level of the model: what an operator brings in a domain is drawn around what it brings everywhere, and in a
run around what it brings in the domain. So the mean of `n` earlier briefs of an operator counts as
`1 / (1/n + spread²)` briefs of this run, `spread` the standard deviation between domains or runs as a share
of the noise, however many there were. This is meta-learning in its plain form: pooled effects become means
of the prior (compare Wistuba & Grabocka 2021, arXiv 2101.07667, who learn more of it than fits here).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meta_search.guide.bandit import GAIN, Tried, arm_of
from meta_search.guide.worth import Worth
from meta_search.types import Scalar
from meta_search.types.operators import OPERATORS

__all__ = ["MEASURED", "MOST", "NOTHING", "Elsewhere", "Prior", "SlotEffect", "elsewhere", "slot_effects"]

MOST = 50  # briefs of the same domain, the newest: a search of its own hundred candidates soon outweighs them
# Standard deviations of scores: of designs that share a choice; of a choice's effect from one run to the next
# of the same domain, whose items are others; and from domain to domain.
OF_DESIGNS, APART_HERE, APART_ELSEWHERE = 0.22, 0.05, 0.15
SURE = 5  # briefs of an operator, none of which paid, that speak against it
BETWEEN_RUNS, BETWEEN_DOMAINS = 0.3, 0.5  # standard deviations, as shares of the noise

# (operator, author, share of what was left that a brief brought, briefs that it counts for)
MEASURED: tuple[tuple[str, str, float, float], ...] = (
    ("novel", "composer", 0.14, 4.0),
    ("crossover", "composer", 0.14, 3.0),
    ("mutate", "composer", 0.06, 3.0),
    ("bootstrap", "composer", 0.04, 3.0),
    ("tune", "composer", 0.03, 3.0),
    ("simplify", "composer", 0.02, 3.0),
)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What an operator by an author brought in one other domain.

    Attributes:
        operator: Which.
        author: Who carried it out.
        gain: Mean share of what was left that a brief brought, less the mean of all briefs there.
        cost: Its mean cost, as a multiple of a typical candidate's.
        briefs: How many.
    """

    operator: str
    author: str
    gain: float
    cost: float
    briefs: int


@dataclass(frozen=True, slots=True)
class SlotEffect:
    """What a choice of a design brought in an earlier run, whatever the kind of item and all else.

    Attributes:
        slot: As `types.designs.Slot`.
        choice: One of its choices.
        effect: Mean score of designs with it, less that of all, -1..1. Of a slot that kinds of items have
            each for themselves, the mean over designs and kinds.
        designs: How many.
        same: Whether the run was of the same domain.
    """

    slot: str
    choice: Scalar
    effect: float
    designs: int
    same: bool


@dataclass(frozen=True, slots=True)
class Prior:
    """Briefs of earlier runs, with what they were told.

    Attributes:
        briefs: (parameters, value) of each of the same domain, the newest last; values as
            `worth.gain_per_cost` has them. Under `_told`, a parameter may hold what `Worth.told` gave.
        runs: How many runs all this is from.
        elsewhere: What briefs brought in other domains, a group for each.
        slots: What choices of designs brought.
    """

    briefs: tuple[tuple[Mapping[str, Any], float], ...] = ()
    runs: int = 0
    elsewhere: tuple[tuple[Elsewhere, ...], ...] = ()
    slots: tuple[SlotEffect, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.briefs or self.elsewhere or self.slots)

    @property
    def line(self) -> str:
        """For users, one line."""
        briefs, runs = len(self.briefs), self.runs
        others = sum(row.briefs for group in self.elsewhere for row in group)
        told = f"{briefs} brief{'s' * (briefs != 1)}" + f" and {others} of other domains" * bool(others)
        if not briefs and others:
            told = f"{others} brief{'s' * (others != 1)} of other domains"
        text = f"prior: {told} of {runs} earlier run{'s' * (runs != 1)}"
        unpaid = sorted(self.barren())
        return (
            f"{text}; skipped in the opening (never paid off before): {', '.join(unpaid)}" if unpaid else text
        )

    def barren(self) -> frozenset[str]:
        """Operators that were tried `SURE` times or more in this domain and never brought a gain."""
        values = defaultdict(list)
        for params, value in self.briefs:
            values[str(params["operator"])].append(value)
        return frozenset(o for o, found in values.items() if len(found) >= SURE and max(found) <= 0.0)

    def tried(self) -> list[Tried]:
        """As the bandit counts it: what was measured, other domains, this one."""
        rows = [
            Tried({"operator": operator, "author": author}, gain, weight=weight)
            for operator, author, gain, weight in MEASURED
        ]
        return [*rows, *self._from_elsewhere(), *self._from_here()]

    def effects(self) -> dict[tuple[str, Scalar], tuple[float, float]]:
        """What choices of designs brought, pooled.

        Returns:
            (slot, choice) -> its effect, and the standard deviation of that as a statement on this run: that
            of the mean over designs, and by how much domains differ.
        """
        groups: dict[tuple[str, Scalar], list[SlotEffect]] = defaultdict(list)
        for row in self.slots:
            groups[row.slot, row.choice].append(row)
        found = {}
        for key, rows in groups.items():
            total = weighted = 0.0
            for same, apart in ((True, APART_HERE), (False, APART_ELSEWHERE)):
                alike = [row for row in rows if row.same == same]
                if designs := sum(row.designs for row in alike):
                    mean = sum(row.effect * row.designs for row in alike) / designs
                    precision = 1.0 / (OF_DESIGNS**2 / designs + apart**2)
                    total, weighted = total + precision, weighted + precision * mean
            if total:
                found[key] = weighted / total, total**-0.5
        return found

    def _from_elsewhere(self) -> list[Tried]:
        """The mean over domains of each arm, for no more than a mean over domains can say of one."""
        groups: dict[tuple[str, str], list[Elsewhere]] = defaultdict(list)
        for row in (row for group in self.elsewhere for row in group):
            if row.operator in OPERATORS:
                groups[row.operator, row.author].append(row)
        found = []
        for (operator, author), rows in groups.items():
            weights = [1.0 / (1.0 / row.briefs + BETWEEN_DOMAINS**2) for row in rows]
            total = sum(weights)
            gain = sum(w * row.gain for w, row in zip(weights, rows, strict=True)) / total
            cost = sum(w * row.cost for w, row in zip(weights, rows, strict=True)) / total
            weight = 1.0 / (1.0 / total + BETWEEN_DOMAINS**2)
            params = {"operator": operator, "author": author}
            found.append(Tried(params, GAIN.mean + gain, cost, weight))
        return found

    def _from_here(self) -> list[Tried]:
        known = [(params, value) for params, value in self.briefs if params.get("operator") in OPERATORS]
        counts: dict[Any, int] = defaultdict(int)
        for params, _ in known:
            counts[arm_of(params)] += 1
        found = []
        for params, value in known:
            worth, n = Worth.of(value, params.get("_told", {})), counts[arm_of(params)]
            weight = 1.0 / (1.0 / n + BETWEEN_RUNS**2) / n
            found.append(Tried(params, worth.brought, worth.cost, weight))
        return found

    def to_json(self) -> dict[str, Any]:
        """As it is stored in an event; empty where nothing is known."""
        if not self:
            return {}
        data: dict[str, Any] = {
            "runs": self.runs,
            "briefs": [[dict(params), value] for params, value in self.briefs],
        }
        if self.elsewhere:
            data["elsewhere"] = [
                [[r.operator, r.author, r.gain, r.cost, r.briefs] for r in group] for group in self.elsewhere
            ]
        if self.slots:
            data["slots"] = [[s.slot, s.choice, s.effect, s.designs, s.same] for s in self.slots]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Prior:
        """From an event; empty where there is none."""
        if not data:
            return cls()
        return cls(
            tuple((dict(params), float(value)) for params, value in data["briefs"]),
            int(data["runs"]),
            tuple(tuple(Elsewhere(*row) for row in group) for group in data.get("elsewhere", ())),
            tuple(SlotEffect(*row) for row in data.get("slots", ())),
        )


def elsewhere(briefs: Sequence[tuple[Mapping[str, Any], float]]) -> tuple[Elsewhere, ...]:
    """What the briefs of one other domain say, by operator and author."""
    groups: dict[Any, list[Worth]] = defaultdict(list)
    for params, value in briefs:
        if params.get("operator") in OPERATORS and "author" in params:
            groups[arm_of(params)].append(Worth.of(value, params.get("_told", {})))
    everything = [worth.brought for found in groups.values() for worth in found]
    typical = sum(everything) / max(1, len(everything))
    return tuple(
        Elsewhere(
            arm.operator,
            arm.author,
            round(sum(w.brought for w in found) / len(found) - typical, 6),
            round(sum(w.cost for w in found) / len(found), 6),
            len(found),
        )
        for arm, found in sorted(groups.items())
    )


def slot_effects(designs: Sequence[tuple[Mapping[str, Any], float]], same: bool) -> tuple[SlotEffect, ...]:
    """What single choices of designs brought in one run.

    Args:
        designs: (parameter -> value, score on train) of each; parameters as `types.designs.Space` names them.
        same: Whether the run was of the same domain.
    """
    if not designs:
        return ()
    typical = sum(score for _, score in designs) / len(designs)
    found: dict[tuple[str, str], list[tuple[Scalar, float, float]]] = defaultdict(list)
    for params, score in designs:
        own: dict[str, list[Scalar]] = defaultdict(list)
        for name, value in params.items():
            if name[:1] == "_":
                continue
            own[name.partition(":")[0]].append(value)
        for slot, values in own.items():
            for value in values:
                found[slot, repr(value)].append((value, score - typical, 1.0 / len(values)))
    made = []
    for (slot, _), rows in sorted(found.items()):
        weight = math.fsum(share for *_, share in rows)
        effect = math.fsum(gain * share for _, gain, share in rows) / weight
        made.append(SlotEffect(slot, rows[0][0], round(effect, 6), max(1, round(weight)), same))
    return tuple(made)


NOTHING = Prior()
