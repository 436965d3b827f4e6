"""Which operator, by which author: a hierarchical bandit over what briefs came to.

An arm is an operator with the author that carries it out. What it brings is the sum of pooled effects (all
briefs, the author, the operator, the two together; below them the format, the meta model, the temperature,
the rule that chooses parents, the inspirations), and so is the logarithm of what it costs; see
`guide.pooled`. The next brief is chosen by Thompson sampling (Thompson 1933; Chapelle & Li 2011): one draw
of all effects from the posterior, made narrower (Chapelle & Li's reshaping), and the choices that bring most
per cost by that draw. Choosing by the ratio of the two means is right for a budget (Xia et al. 2015, Thompson
sampling for budgeted bandits).

What a brief brings is a share of what was left to gain, so that arms can be compared between the start of a
search, when much is left, and its end. A brief under way counts as one that brings nothing, in part, so that
briefs that are asked for together differ. What is long ago counts less: what an operator finds, changes with
the population.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from meta_search.guide.masks import author_for, form_for
from meta_search.guide.opening import Choices
from meta_search.guide.pooled import EVERYWHERE, Feature, Observation, Prior, fitted
from meta_search.types import Scalar
from meta_search.types.operators import OPERATORS

__all__ = ["GAIN", "Arm", "Bandit", "Menu", "Outlook", "Tried", "arm_of"]

SILENT = ("composer",)  # authors that ask no model: format, temperature and inspirations are nothing to them
BELOW = ("format", "model", "temperature", "inspirations")  # choices of the others
BOLD = 0.5  # share of the posterior's spread that is drawn with: forty briefs are few to explore with
HALF = 80.0  # briefs, after which a brief counts half
LASTS = 25.0  # briefs of its own, after which what was known before the run counts half
WAITING = 0.5  # of a brief that came to nothing: as what a brief under way counts
MOST_GAIN = 0.3  # what a brief counts as at most: one lucky strike is no habit
LEAST_COST = 0.1  # of a typical one: nothing is free
MOST_COST = 20.0  # its logarithm

Drawn = Mapping[Feature, float]

SPREADS = {
    "operator": 0.3,
    "author": 0.3,
    "arm": 0.3,
    "parents": 0.2,
    "format": 0.2,
    "model": 0.3,
    "temperature": 0.1,
    "inspirations": 0.1,
}
GAIN = Prior(mean=0.06, noise=0.15, spreads=SPREADS)
COST = Prior(mean=0.0, noise=0.7, spreads=SPREADS | {"arm": 0.6, "author": 0.6})


@dataclass(frozen=True, slots=True, order=True)
class Arm:
    """An operator and who carries it out."""

    operator: str
    author: str


@dataclass(frozen=True)
class Tried:
    """A brief that was asked for.

    Attributes:
        params: As the study of briefs has them.
        gain: Share of what was left to gain that it brought, 0..1; `None` while it is not known.
        cost: Of writing and evaluating, as a multiple of a typical candidate's.
        weight: Briefs that it counts for.
    """

    params: Mapping[str, Any]
    gain: float | None
    cost: float = 1.0
    weight: float = 1.0

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """What it is the sum of."""
        return features_of(self.params)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of an arm.

    Attributes:
        arm: Which.
        gain: Posterior mean of what a brief brings, a share of what is left to gain.
        low: Lower end of its 95 % interval.
        high: Upper end.
        cost: Expected, as a multiple of a typical candidate's.
        briefs: Of this run that were told.
    """

    arm: Arm
    gain: float
    low: float
    high: float
    cost: float
    briefs: int


def arm_of(params: Mapping[str, Any]) -> Arm:
    """The arm of a brief, whoever was chosen where only one author carries an operator out."""
    operator = str(params["operator"])
    return Arm(operator, OPERATORS[operator].author or str(params["author"]))


def features_of(params: Mapping[str, Any]) -> tuple[Feature, ...]:
    """What a brief is the sum of."""
    arm = arm_of(params)
    return (*_features(arm), *((name, str(params[name])) for name in _below(arm) if name in params))


@cache
def _features(arm: Arm) -> tuple[Feature, ...]:
    return ("operator", arm.operator), ("author", arm.author), ("arm", f"{arm.operator}/{arm.author}")


@cache
def _below(arm: Arm) -> tuple[str, ...]:
    """The further choices that matter to an arm."""
    spec = OPERATORS[arm.operator]
    rule = ("parents",) if spec.from_parents else ()
    return rule + (BELOW if arm.author not in SILENT else ())


@dataclass(frozen=True, slots=True)
class Menu:
    """What a brief may ask for.

    Attributes:
        choices: Operators that may be asked for now, authors, formats, meta models.
        others: Name -> choices of what is left.
    """

    choices: Choices
    others: Mapping[str, Sequence[Scalar]]

    def arms(self) -> dict[Arm, str]:
        """Arm -> the author that the study has for it: any, where one alone carries an operator out."""
        found: dict[Arm, str] = {}
        for operator, author in itertools.product(self.choices.operators, self.choices.authors):
            if author_for(operator, author, self.choices.authors) == author:
                arm = arm_of({"operator": operator, "author": author})
                if author == arm.author:
                    found[arm] = author
                found.setdefault(arm, author)
        return found

    def below(self, arm: Arm) -> dict[str, Sequence[Scalar]]:
        """What an arm leaves to choose."""
        formats = dict.fromkeys(form_for(arm.operator, f, self.choices.formats) for f in self.choices.formats)
        models, rules = self.choices.models.get(arm.author, ()), OPERATORS[arm.operator].parent_rules
        found: dict[str, Sequence[Scalar]] = {"format": list(formats), **self.others}
        found |= {"model": models} if models else {}
        return found | ({"parents": [r for r in self.others["parents"] if r in rules]} if rules else {})


class Bandit:
    """Chooses briefs by what earlier ones came to.

    Args:
        past: Briefs of this run by number, those under way too.
        before: What was known before the run, see `guide.prior`.
        menu: What may be asked for now.
    """

    def __init__(self, past: Sequence[Tried], before: Sequence[Tried], menu: Menu) -> None:
        self._menu, self._arms = menu, menu.arms()
        earlier = 0.5 ** (len(past) / LASTS)
        seen = [(row, row.weight * earlier) for row in before]
        ages = range(len(past) - 1, -1, -1)
        seen += [(row, row.weight * 0.5 ** (age / HALF)) for age, row in zip(ages, past, strict=True)]
        self._counts = [arm_of(row.params) for row in past if row.gain is not None]
        features = self._features()
        self.gains = fitted([_gain(row, weight) for row, weight in seen], features, GAIN)
        told = [_cost(row, weight) for row, weight in seen if row.gain is not None]
        self.costs = fitted(told, features, COST)

    def choose(self, seed: int) -> dict[str, Scalar]:
        """Parameters of the brief that brings most per cost by one draw from the posterior."""
        rng = random.Random(seed)
        gains, costs = self.gains.draw(seed, BOLD), self.costs.means()
        found = [self._best(arm, gains, costs, rng) for arm in self._arms]
        return max(found, key=lambda pair: pair[0])[1]

    def _best(
        self, arm: Arm, gains: Drawn, costs: Drawn, rng: random.Random
    ) -> tuple[float, dict[str, Scalar]]:
        """What is best below an arm, and what it is worth. Choices that make no difference are drawn."""
        own = _features(arm)
        gain, cost = (effects[EVERYWHERE] + sum(effects[f] for f in own) for effects in (gains, costs))
        params: dict[str, Scalar] = {"operator": arm.operator, "author": self._arms[arm]}
        matter = _below(arm)
        for name, options in self._menu.below(arm).items():
            # Drawn for all names, so that what is drawn for one does not depend on the others.
            drawn = rng.choice(options)
            if name in matter:
                worths = [
                    per_cost(gain + gains[name, str(o)], _exp(cost + costs[name, str(o)])) for o in options
                ]
                drawn = options[worths.index(max(worths))]
                gain, cost = gain + gains[name, str(drawn)], cost + costs[name, str(drawn)]
            params[name] = drawn
        return per_cost(gain, _exp(cost)), params

    def _features(self) -> list[Feature]:
        """All that may be asked for."""
        found: dict[Feature, None] = {}
        for arm in self._arms:
            found |= dict.fromkeys(_features(arm))
            for name, options in self._menu.below(arm).items():
                found |= dict.fromkeys((name, str(option)) for option in options)
        return list(found)

    def outlooks(self) -> list[Outlook]:
        """What is known of every arm, those that bring most per cost first."""
        found = []
        for arm in self._arms:
            features = _features(arm)
            gain, spread = self.gains.of(features)
            cost = _exp(self.costs.of(features)[0])
            found.append(
                Outlook(arm, gain, gain - 1.96 * spread, gain + 1.96 * spread, cost, self._counts.count(arm))
            )
        return sorted(found, key=lambda s: (-per_cost(s.gain, s.cost), s.arm))


def per_cost(gain: float, cost: float) -> float:
    """Gain per cost; a loss is the worse for what it costs."""
    cost = max(LEAST_COST, cost)
    return gain / cost if gain > 0 else gain * cost


def _gain(row: Tried, weight: float) -> Observation:
    if row.gain is None:
        return Observation(row.features, 0.0, WAITING * weight)
    return Observation(row.features, min(MOST_GAIN, row.gain), weight)


def _cost(row: Tried, weight: float) -> Observation:
    return Observation(row.features, math.log(max(LEAST_COST, row.cost)), weight)


def _exp(cost: float) -> float:
    return math.exp(min(cost, MOST_COST))
