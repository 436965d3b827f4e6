"""What the engine asks next, and what it learns from the answer.

Two kinds of study: *briefs* (operator, author, parent rule, inspirations, temperature, format; one
objective) and *designs* and *tuning* (the composer's choices; an agent's `self.tune` parameters).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from meta_search.guide.prior import NOTHING, Prior
from meta_search.guide.studies import Asked, Row, Study, remembered
from meta_search.types import Brief, Parameter, Scalar
from meta_search.types.operators import OPERATORS

__all__ = ["VALUE_OF_NOTHING", "Guide", "Order", "gain_per_cost"]

PARENT_RULES = ("best", "front", "champion", "complementary")
TEMPERATURES = (0.3, 0.6, 0.9)
VALUE_OF_NOTHING = -0.25  # of a brief that nothing came of: between a small loss and a large one
# A design of experiments for the first briefs, before the sampler has anything to go by. Worked examples are
# shown first, since everything crossed with that agent later inherits them; then what the landscape says pays
# (`tests/bench/landscape/compare.py`): crossing complementary agents, changing the best; every author once.
OPENING: tuple[Mapping[str, Scalar], ...] = tuple(
    {"operator": operator, "author": author, "parents": rule, "inspirations": shown, "temperature": 0.6}
    for operator, author, rule, shown in (
        ("bootstrap", "composer", "best", 0),
        ("crossover", "composer", "complementary", 0),
        ("novel", "llm", "front", 2),
        ("crossover", "composer", "complementary", 0),
        ("mutate", "composer", "best", 0),
        ("mutate", "llm", "best", 1),
        ("crossover", "composer", "complementary", 0),
        ("tune", "composer", "best", 0),
    )
)
OPENING_DESIGN: Mapping[str, Scalar] = {"bootstrap_shown": 2, "votes": 0, "shown": 1, "team_keep": 3}

Told = Row
Warm = tuple[Sequence[Parameter], Sequence[Sequence[Any]]]  # space, settings


@dataclass(frozen=True, slots=True)
class Order:
    """A brief before the engine has chosen the parents: `parent_rule` and counts stand for them."""

    brief: Brief
    parent_rule: str
    parents: int
    inspirations: int


def gain_per_cost(gain: float, cost: float, typical: float) -> float:
    """Value of a brief: the child's gain over its parents per unit of cost (DESIGN.md section 8).

    Args:
        gain: Child's score minus the best parent's, on the items that both were scored on; -1..1.
        cost: Used tokens of writing and evaluating. typical: median of that so far; same unit.

    Returns:
        `gain / (cost / typical)` for a gain; a loss counts as it is, or dear losses would look mild.
    """
    return gain / max(0.1, cost / max(typical, 1.0)) if gain > 0 else gain


class Guide:
    """Asks for briefs and is told their value. Only one thread may use it.

    Args:
        seed: The run's seed.
        operators, authors, formats: What briefs may ask for.
        guided: False draws uniformly (preset `random`).
    """

    def __init__(
        self,
        seed: int,
        operators: Sequence[str],
        authors: Sequence[str],
        formats: Sequence[str],
        guided: bool = True,
    ) -> None:
        self._seed = seed
        self._operators, self._authors = tuple(operators), tuple(authors)
        self._formats = tuple(formats) or ("plan",)
        self._guided = guided
        self.restore({})

    def restore(
        self,
        trials: Mapping[str, Sequence[Told]],
        asked: int = 0,
        running: Mapping[str, Sequence[Told]] = MappingProxyType({}),
        again: Sequence[int] = (),
        prior: Prior = NOTHING,
        warm: Mapping[str, Warm] = MappingProxyType({}),
    ) -> None:
        """Rebuild all studies from what the archive has.

        Args:
            trials: Study -> (number, exported parameters, values).
            asked: Briefs that were asked for, told or not: their numbers are not given out again.
            running: The same of trials that will still be told.
            again: Numbers of designs that an author will suggest from once more.
            prior: What the run began with from earlier ones.
            warm: Source -> what its tuning study began with, see `begin_tuning`.
        """
        self._tuning: dict[str, Study] = {}
        self.briefs = Study("briefs", self._seed, ["maximize"], self._guided)
        self.designs = Study("designs", self._seed, ["maximize"], self._guided)
        for params, value in prior.briefs if self._guided else ():
            self.briefs.recall(params, [value], self._order)
        self.briefs.restore(trials.get("briefs", ()), asked, running.get("briefs", ()))
        first = OPENING_DESIGN if self._guided else {}
        fixed = {number: {} if number else first for number in again}
        self.designs.restore(trials.get("designs", ()), asked, running.get("designs", ()), fixed)
        for source, known in warm.items():
            self.begin_tuning(source, *known)
        for name in dict.fromkeys((*trials, *running)):
            if name.startswith("tuning/"):
                study = self.tuning(name.removeprefix("tuning/"))
                study.restore(trials.get(name, ()), running=running.get(name, ()))
        open_to = set(self._operators) - prior.barren()
        opening = [
            params
            for params in OPENING
            if params["operator"] in open_to and params["author"] in self._authors
        ]
        asked = max(asked, *(number + 1 for number, _, _ in trials.get("briefs", ())), 0)
        for params in opening[asked:] if self._guided else ():
            self.briefs.enqueue({**params, "format": self._formats[0]})
        if self._guided and not asked:
            self.designs.enqueue(OPENING_DESIGN)

    def ask(self) -> Order:
        """The next brief."""
        return self._order(self.briefs.ask())

    def could_ask(self, params: Mapping[str, Scalar]) -> bool:
        """Whether a brief with these parameters could be asked for here."""
        return remembered(params, [0.0], self._order) is not None

    def _order(self, trial: Asked) -> Order:
        operator = str(trial.suggest_categorical("operator", list(self._operators)))
        author = str(trial.suggest_categorical("author", list(self._authors)))
        rule = str(trial.suggest_categorical("parents", list(PARENT_RULES)))
        inspirations = trial.suggest_int("inspirations", 0, 3)
        temperature = float(trial.suggest_categorical("temperature", list(TEMPERATURES)))
        form = str(trial.suggest_categorical("format", list(self._formats)))
        spec = OPERATORS[operator]
        brief = Brief(
            number=trial.number,
            operator=operator,
            author=spec.author or author,
            temperature=temperature,
            tags=(form,),
            seed=self._seed * 10_007 + trial.number,
        )
        return Order(brief, spec.parent_rule or rule, spec.parents, inspirations)

    def tell(self, number: int, value: float | None) -> None:
        """The value of a brief, or `None` where nothing came of it: it counts as a small loss."""
        self.briefs.tell(number, [VALUE_OF_NOTHING if value is None else value])

    def design(self) -> Asked:
        """A trial for one composed design, for an author in a thread of its own."""
        return self.designs.ask_apart()

    def tell_design(self, number: int, score: float | None) -> None:
        """The score of a design on train, or `None` where it was never evaluated."""
        self.designs.tell(number, None if score is None else [score])

    def tune(self, source: str, space: Sequence[Parameter]) -> tuple[int, dict[str, Scalar]]:
        """Values for declared parameters, from the study of this source (score up, cost down).

        Args:
            source: Key of the study: agents of the same source share it.
            space: What the agent declares.

        Returns:
            Trial number and name -> value.
        """
        trial = self.tuning(source).ask()
        return trial.number, {p.name: _suggest(trial, p) for p in space}

    def tunes(self, source: str) -> bool:
        """Whether there is a tuning study of this source."""
        return source in self._tuning

    def begin_tuning(
        self, source: str, space: Sequence[Parameter], settings: Sequence[Sequence[Any]]
    ) -> None:
        """Begin the tuning study of a source with settings that are known already.

        Args:
            source, space: As for `tune`.
            settings: [name -> value, score, used cost per item]; parameters that are not named are unknown.
        """
        study = self.tuning(source)
        for values, score, cost in settings if self._guided else ():
            shared = [p for p in space if p.name in values]
            study.recall(values, [score, cost], partial(_suggest_all, shared))

    def tuning(self, source: str) -> Study:
        """The tuning study of one source."""
        if source not in self._tuning:
            self._tuning[source] = Study(
                f"tuning/{source}", self._seed, ["maximize", "minimize"], self._guided
            )
        return self._tuning[source]

    def tell_tuning(self, source: str, number: int, score: float | None, cost: float = 0.0) -> None:
        """Score (0..1) and used cost per item of a tuned agent."""
        if source in self._tuning:
            self._tuning[source].tell(number, None if score is None else [score, cost])


def _suggest_all(parameters: Sequence[Parameter], trial: Asked) -> None:
    for parameter in parameters:
        _suggested(trial, parameter)


def _suggest(trial: Asked, parameter: Parameter) -> Scalar:
    """A value, or the default where a parameter changed its kind or its choices since it was first met."""
    try:
        return _suggested(trial, parameter)
    except ValueError:
        return parameter.default


def _suggested(trial: Asked, parameter: Parameter) -> Scalar:
    if parameter.kind == "choice":
        value: Scalar = trial.suggest_categorical(parameter.name, list(parameter.choices))
        return value
    low, high = parameter.low or 0.0, parameter.high or 0.0
    if parameter.kind == "int":
        return trial.suggest_int(parameter.name, int(low), int(high))
    return min(high, max(low, float(f"{trial.suggest_float(parameter.name, low, high):.4g}")))
