"""The default search as it was before the surrogate: what later ones are compared with.

Its guide is here whole: TPE over briefs after the fixed opening, TPE over designs and over what agents tune.
So are the composer's novel designs. Authors' other operators and races are those of the code that runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from unittest import mock

from meta_search.authors import composer
from meta_search.authors.author import Context
from meta_search.authors.designs import MOST_KINDS, plan_for, space_of
from meta_search.authors.plan import Plan
from meta_search.engine import loop
from meta_search.guide.guide import Order
from meta_search.guide.masks import askable, author_for, form_for, may_ask, operator_for, pasts
from meta_search.guide.opening import Choices
from meta_search.guide.studies import Study
from meta_search.guide.trials import Asked
from meta_search.guide.tunings import Tunings
from meta_search.types import Brief, Scalar
from meta_search.types.operators import OPERATORS

__all__ = ["PastGuide", "in_force", "novel"]

FIRST: tuple[tuple[str, str, str, int], ...] = (  # operator, author, rule for parents, inspirations
    ("bootstrap", "composer", "best", 0),
    ("crossover", "composer", "complementary", 0),
    ("reflect", "llm", "best", 0),
    ("novel", "llm", "front", 2),
    ("crossover", "composer", "complementary", 0),
    ("mutate", "composer", "best", 0),
    ("diagnose", "llm", "best", 0),
    ("mutate", "llm", "best", 1),
    ("crossover", "composer", "complementary", 0),
    ("tune", "composer", "best", 0),
)
FIRST_DESIGN: Mapping[str, Scalar] = {"bootstrap_shown": 2, "votes": 0, "shown": 1, "team_keep": 3}
RULES = ("best", "front", "champion", "complementary")
FIXED = {"crossover": "complementary"}  # rules for parents of operators that have one of their own
TEMPERATURES = (0.3, 0.6, 0.9)
NOTHING = -0.25  # of a brief that nothing came of


@contextlib.contextmanager
def in_force() -> Iterator[None]:
    """Searches that are built and run within have the old guide and the old designs."""
    with (
        mock.patch.object(loop, "Guide", PastGuide),
        mock.patch.object(composer, "_novel", novel),
    ):
        yield


def novel(context: Context) -> Plan:
    """Every choice from the trial: a way of working per kind of item, votes, worked examples."""
    trial, words = context.trial, context.domain.keywords
    kinds, choices = list(words)[:MOST_KINDS], list(context.config.ways)
    names = [f"way:{kind}" for kind in kinds] or ["way"]
    design: dict[str, Scalar] = {name: trial.suggest_categorical(name, choices) for name in names}
    design["votes"] = 1 + 2 * trial.suggest_int("votes", 0, 1)
    design["shown"] = trial.suggest_int("shown", 0, 2)
    return plan_for(space_of(context.config.ways, words), design, words)


class PastGuide:
    """The guide of then, for searches that are begun and never resumed.

    What later engines ask of a guide besides has no answer here: there was no surrogate, and no bandit.

    Args:
        seed: The run's seed.
        choices: What briefs may ask for.
        guided: False draws uniformly.
    """

    surrogate = uses = None

    def __init__(self, seed: int, choices: Choices, guided: bool = True, *_: object, **__: object) -> None:
        self._seed, self._guided = seed, guided
        formats = tuple(choices.formats) or ("plan",)
        able = askable(choices.operators, choices.authors)
        self._choices = replace(choices, operators=able, formats=formats)
        self.briefs = Study("briefs", seed, ["maximize"], guided)
        self.designs = Study("designs", seed, ["maximize"], guided)
        self.tunings = Tunings(seed, guided)
        for operator, author, rule, shown in FIRST if guided else ():
            if operator in able and author in choices.authors:
                told = {"operator": operator, "author": author, "parents": rule, "inspirations": shown}
                self.briefs.enqueue({**told, "temperature": 0.6, "format": formats[0]})
        if guided:
            self.designs.enqueue(FIRST_DESIGN)

    def ask(self, *_: object) -> Order:
        """The next brief: what the study chooses, or what can be asked for instead."""
        past = pasts(self.briefs.rows(), NOTHING) if self._guided else []
        open_ = may_ask(self._choices.operators, past)
        trial = self.briefs.ask()
        order = self._order(trial)
        operator = operator_for(order.brief.operator, open_, f"{self._seed}/{trial.number}")
        author = author_for(operator, str(trial.params["author"]), self._choices.authors)
        form = form_for(operator, order.brief.tags[0], self._choices.formats)
        for name, value in (("operator", operator), ("author", author), ("format", form)):
            if value != trial.params[name]:
                trial.amend(name, value)
        return self._order(trial)

    def _order(self, trial: Asked) -> Order:
        choices = self._choices
        operator = str(trial.suggest_categorical("operator", list(choices.operators)))
        author = str(trial.suggest_categorical("author", list(choices.authors)))
        rule = str(trial.suggest_categorical("parents", list(RULES)))
        inspirations = trial.suggest_int("inspirations", 0, 3)
        temperature = float(trial.suggest_categorical("temperature", list(TEMPERATURES)))
        form = str(trial.suggest_categorical("format", list(choices.formats)))
        spec, number = OPERATORS[operator], trial.number
        brief = Brief(
            number,
            operator,
            spec.author or author,
            temperature=temperature,
            tags=(form,),
            seed=self._seed * 10_007 + number,
        )
        return Order(brief, FIXED.get(operator, rule), spec.parents, inspirations)

    def begin(self, *_: object, **__: object) -> None:
        """A run begins."""

    def propose(self, *_: object, **__: object) -> None:
        """No proposals but those of the study."""

    def outlooks(self) -> list[Any]:
        """Nothing is known of operators."""
        return []

    def tell(self, number: int, worth: Any, *_: object) -> None:
        """The value of a brief, or what has one; `None` counts as a small loss."""
        self.briefs.tell(number, [NOTHING if worth is None else float(getattr(worth, "value", worth))])

    def design(self, *_: object, **__: object) -> Asked:
        """A trial for one composed design."""
        return self.designs.ask_apart()

    def tell_design(self, number: int, score: float | None, *_: object) -> None:
        """The score of a design on train."""
        self.designs.tell(number, None if score is None else [score])
