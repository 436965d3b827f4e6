"""Which brief comes next, and what the search learns from what came of it.

Three kinds of Optuna study:

- `briefs`: operator, author, parent rule, inspirations, temperature and format of each brief; one objective,
  the value of `gain_per_cost`. Sampled by the bandit of `guide.bandit`.
- `designs`: the composer's choices in carrying a brief out; one objective, the score on train. Proposed by
  the surrogate; TPE samples what it leaves open.
- `tuning/SOURCE`: values of the `self.tune` parameters of one agent source; score up, used cost down. By TPE.
  See `guide.tunings`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from meta_search.guide.bandit import Menu, Outlook
from meta_search.guide.brief_sampler import BriefReader, bandit_of, brief_sampler, known_of
from meta_search.guide.masks import (
    Writer,
    affordable,
    askable,
    author_for,
    form_for,
    may_ask,
    operator_for,
    pasts,
)
from meta_search.guide.opening import OPENING_DESIGN, Choices, opening
from meta_search.guide.prior import NOTHING, Prior
from meta_search.guide.studies import Row, Sampled, Study
from meta_search.guide.surrogate import Surrogate, Uses
from meta_search.guide.surrogate_proposals import Fixed, propose
from meta_search.guide.trials import Asked, rechosen, remembered
from meta_search.guide.tunings import Tunings
from meta_search.guide.worth import NOTHING_CAME, VALUE_OF_NOTHING, Worth
from meta_search.types import Brief, Parameter, Scalar
from meta_search.types.designs import Cell, Design, Space
from meta_search.types.operators import OPERATORS, rule_of

__all__ = ["VALUE_OF_NOTHING", "Guide", "Order", "Snapshot"]

PLAIN_RULES = ("best", "front", "champion", "complementary")
PARENT_RULES = ("expected", *PLAIN_RULES)
TEMPERATURES = (0.3, 0.6, 0.9)
INSPIRATIONS = 3  # at most

Warm = tuple[Sequence[Parameter], Sequence[Sequence[Any]]]  # space, settings


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the archive knows of all studies, to rebuild them from.

    Attributes:
        told: Study -> the trials that were told.
        running: Study -> the trials that will still be told; their values are `None`.
        asked: Briefs that were asked for, told or not: their numbers are not given out again.
        again: Numbers of designs that an author will suggest from once more.
        proposals: Number of a design -> what was proposed for it.
        prior: What the run began with from earlier ones.
        warm: Source -> what its tuning study began with, see `Tunings.begin`.
    """

    told: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    running: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    asked: int = 0
    again: Sequence[int] = ()
    proposals: Mapping[int, Design] = field(default_factory=dict)
    prior: Prior = NOTHING
    warm: Mapping[str, Warm] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """A brief whose parents and inspirations the engine has still to choose.

    Attributes:
        brief: Without parents and inspirations.
        parent_rule: How parents are chosen, one of `PARENT_RULES`.
        parents: How many parents.
        inspirations: How many inspirations.
    """

    brief: Brief
    parent_rule: str
    parents: int
    inspirations: int


class Guide:
    """Asks for briefs and is told their value. Only one thread may use it.

    Args:
        seed: The run's seed.
        choices: What briefs may ask for.
        guided: False draws uniformly (preset `random`).
        briefs: Who chooses briefs: `bandit`, or `tpe` with the opening before it, as it was once; for
            comparisons.

    Attributes:
        uses: What the surrogate decides; set before `begin`.
        tunings: The studies of what agents declare, by source.
        surrogate: What it knows of agents and items; `None` where the guide draws uniformly.
    """

    def __init__(self, seed: int, choices: Choices, guided: bool = True, briefs: str = "bandit") -> None:
        self.uses = Uses()
        self.surrogate: Surrogate | None = None
        self._space = Space(())
        self._seed, self._guided, self._bandit = seed, guided, guided and briefs == "bandit"
        self._rules = PARENT_RULES if self._bandit else PLAIN_RULES
        self._choices = replace(
            choices,
            operators=askable(choices.operators, choices.authors),
            formats=tuple(choices.formats) or ("plan",),
        )
        self._barred: set[Writer] = set()
        self._allowed = self._choices
        self.restore(Snapshot())

    def restore(self, known: Snapshot) -> None:
        """Rebuild all studies, so that they ask what those of an undisturbed run would ask."""
        self.tunings = Tunings(self._seed, self._guided)
        self._before = known_of(known.prior.tried(), self._menu(self._choices))
        self._reader = BriefReader()
        sampler = self._brief_sampler if self._bandit else None
        self.briefs = Study("briefs", self._seed, ["maximize"], self._guided, sampler)
        self.designs = Study("designs", self._seed, ["maximize"], self._guided)
        for params, value in known.prior.briefs if self._guided and not self._bandit else ():
            self.briefs.recall(params, [value], self._order)
        told, running = known.told, known.running
        asked, under_way = (self._as_now(rows.get("briefs", ())) for rows in (told, running))
        self.briefs.restore(asked, known.asked, under_way)
        first = OPENING_DESIGN if self._guided else {}
        fixed = {number: {} if number else first for number in known.again}
        made = {n: self._sampled(p) for n, p in known.proposals.items() if self._guided}
        self.designs.restore(told.get("designs", ()), known.asked, running.get("designs", ()), fixed, made)
        for source, (space, settings) in known.warm.items():
            self.tunings.begin(source, space, settings)
        for name in dict.fromkeys((*told, *running)):
            if name.startswith("tuning/"):
                study = self.tunings[name.removeprefix("tuning/")]
                study.restore(told.get(name, ()), running=running.get(name, ()))
        if self._guided:
            self._open(known)

    def _as_now(self, rows: Sequence[Row]) -> list[Row]:
        """Briefs of a run that an earlier version began, with the choices that there are now: Optuna takes no
        others in one study."""
        return [
            (number, rechosen(params, {"parents": self._rules}), values) for number, params, values in rows
        ]

    def _open(self, known: Snapshot) -> None:
        """Queue what is left of the opening."""
        asked = max(known.asked, *(number + 1 for number, _, _ in known.told.get("briefs", ())), 0)
        for params in opening(self._choices, known.prior.barren(), whole=not self._bandit)[asked:]:
            self.briefs.enqueue(params)
        if not asked:
            self.designs.enqueue(OPENING_DESIGN)

    def _menu(self, choices: Choices) -> Menu:
        others = {
            "parents": self._rules,
            "temperature": TEMPERATURES,
            "inspirations": range(INSPIRATIONS + 1),
        }
        return Menu(choices, others)

    def _brief_sampler(self, seed: int) -> Any:
        menus = self._menu(self._choices), self._menu(self._allowed)
        return brief_sampler(*menus, self._reader, self._before, seed)

    def outlooks(self) -> list[Outlook]:
        """What is known of every operator and author, those that bring most per cost first; empty where the
        bandit takes no part."""
        if not self._bandit:
            return []
        return bandit_of(self.briefs.trials(), self._menu(self._choices), self._before).outlooks()

    @property
    def _payable(self) -> Choices:
        return affordable(self._choices, self._barred)

    @property
    def authors(self) -> Sequence[str]:
        """The authors that briefs may ask for now."""
        return self._payable.authors

    def bar(self, author: str, model: str = "") -> bool:
        """Ask no more for an author whose calls cannot be paid.

        Args:
            author: It.
            model: The meta model that it cannot pay, where there are several; `""` takes the first of them.

        Returns:
            Whether anything is left to ask for.
        """
        self._barred.add(self._writer(author, model))
        return bool(self._payable.operators)

    def is_barred(self, author: str, model: str = "") -> bool:
        """Whether an author, with this meta model, is not to be asked."""
        return self._writer(author, model) in self._barred

    def lift(self) -> None:
        """Whoever was barred may be asked for again."""
        self._barred.clear()

    def _writer(self, author: str, model: str) -> Writer:
        return author, model or "".join(self._choices.models.get(author, ())[:1])

    def _askable(self) -> Choices:
        """What the next brief may ask for: who can be paid, and does not rest."""
        payable = self._payable
        past = pasts(self.briefs.rows(), VALUE_OF_NOTHING) if self._guided else []
        return replace(payable, operators=tuple(may_ask(payable.operators, past)))

    def ask(self) -> Order:
        """The next brief: what the study chooses, or what can be asked for instead."""
        open_ = self._allowed = self._askable()
        trial = self.briefs.ask()
        order = self._order(trial)
        operator = operator_for(order.brief.operator, open_.operators, f"{self._seed}/{trial.number}")
        author = author_for(operator, str(trial.params["author"]), open_.authors)
        form = form_for(operator, order.brief.tags[0], self._choices.formats)
        for name, value in (("operator", operator), ("author", author), ("format", form)):
            if value != trial.params[name]:
                trial.amend(name, value)
        order = self._order(trial)
        models = open_.models.get(order.brief.author, ())
        if models and order.brief.model not in models:
            trial.amend("model", models[0])
            order = self._order(trial)
        return order

    def could_ask(self, params: Mapping[str, Scalar]) -> bool:
        """Whether a brief with these parameters could be asked for here."""
        return remembered(params, [0.0], self._order) is not None

    def _order(self, trial: Asked) -> Order:
        operator = str(trial.suggest_categorical("operator", list(self._choices.operators)))
        author = str(trial.suggest_categorical("author", list(self._choices.authors)))
        rule = str(trial.suggest_categorical("parents", list(self._rules)))
        inspirations = trial.suggest_int("inspirations", 0, INSPIRATIONS)
        temperature = float(trial.suggest_categorical("temperature", list(TEMPERATURES)))
        form = str(trial.suggest_categorical("format", list(self._choices.formats)))
        spec = OPERATORS[operator]
        models = self._choices.models.get(spec.author or author, ())  # a parameter of those briefs alone
        model = str(trial.suggest_categorical("model", list(models))) if models else ""
        brief = Brief(
            number=trial.number,
            operator=operator,
            author=spec.author or author,
            temperature=temperature,
            tags=(form,),
            seed=self._seed * 10_007 + trial.number,
            model=model,
        )
        return Order(brief, rule_of(operator, rule), spec.parents, inspirations)

    def tell(self, number: int, worth: Worth | float | None) -> None:
        """Tell what a brief was worth; `None` where nothing came of it, which counts as a small loss."""
        found = worth if isinstance(worth, Worth) else NOTHING_CAME if worth is None else Worth(worth)
        self.briefs.tell(number, [found.value], found.told())

    def begin(self, space: Space, items: Mapping[str, str], foretold: Callable[[Cell], float]) -> None:
        """A run begins, or goes on: its surrogate knows nothing yet.

        Args:
            space: Of the composer's designs.
            items: Item of train -> its kind.
            foretold: What an item costs that is treated so, before anything is seen, in any unit.
        """
        self._space = space
        self.surrogate = Surrogate(space, items, self.uses, foretold=foretold) if self._guided else None

    def recall(self, prior: Prior) -> None:
        """What choices of designs brought in earlier runs; before the surrogate learns anything."""
        for (slot, choice), (effect, sd) in prior.effects().items() if self.surrogate else ():
            assert self.surrogate is not None
            self.surrogate.recall(slot, choice, effect, sd)

    def propose(
        self, rng: random.Random, left: float, in_flight: Sequence[Design], allowed: Fixed
    ) -> dict[str, Scalar] | None:
        """What the surrogate would try next, see `surrogate_proposals.propose`."""
        return propose(self.surrogate, rng, left, in_flight, allowed) if self.surrogate else None

    def design(self, proposal: Design | None = None) -> Asked:
        """A trial for one composed design, for an author in a thread of its own.

        Args:
            proposal: What it is to suggest; `None` leaves that to TPE.
        """
        return self.designs.ask_apart(None if proposal is None else self._sampled(proposal))

    def _sampled(self, proposal: Design) -> Sampled:
        return proposal, self._space.parameters()

    def tell_design(self, number: int, score: float | None) -> None:
        """Tell the score of a design on train; `None` where it was never evaluated."""
        self.designs.tell(number, None if score is None else [score])
