"""Which brief comes next, and what the search learns from what came of it.

Three kinds of Optuna study:

- `briefs`: operator, author, parent rule, inspirations, temperature and format of each brief; one objective,
  the value of `gain_per_cost`.
- `designs`: the composer's choices in carrying a brief out; one objective, the score on train.
- `tuning/SOURCE`: values of the `self.tune` parameters of one agent source; score up, used cost down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from meta_search.guide.prior import NOTHING, Prior
from meta_search.guide.studies import Row, Study
from meta_search.guide.trials import Asked, remembered
from meta_search.types import Brief, Parameter, Scalar
from meta_search.types.operators import OPERATORS

__all__ = ["VALUE_OF_NOTHING", "Guide", "Order", "Snapshot", "gain_per_cost"]

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

Warm = tuple[Sequence[Parameter], Sequence[Sequence[Any]]]  # space, settings


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the archive knows of all studies, to rebuild them from.

    Attributes:
        told: Study -> the trials that were told.
        running: Study -> the trials that will still be told; their values are `None`.
        asked: Briefs that were asked for, told or not: their numbers are not given out again.
        again: Numbers of designs that an author will suggest from once more.
        prior: What the run began with from earlier ones.
        warm: Source -> what its tuning study began with, see `Guide.begin_tuning`.
    """

    told: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    running: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    asked: int = 0
    again: Sequence[int] = ()
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


def gain_per_cost(gain: float, cost: float, typical: float) -> float:
    """Value of a brief: the child's gain over its parents per unit of cost.

    Args:
        gain: Child's score minus the best parent's, on the items that both were scored on; -1..1.
        cost: Tokens used to write and evaluate the child.
        typical: Median cost of the candidates so far, in tokens.

    Returns:
        `gain / (cost / typical)` for a gain. A loss counts as it is: divided by its cost, an expensive loss
        would look mild.
    """
    return gain / max(0.1, cost / max(typical, 1.0)) if gain > 0 else gain


class Guide:
    """Asks for briefs and is told their value. Only one thread may use it.

    Args:
        seed: The run's seed.
        operators: Operators that briefs may ask for, of `operators.OPERATORS`.
        authors: Authors that briefs may ask for.
        formats: Formats that briefs may ask for; empty takes plans.
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
        self.restore(Snapshot())

    def restore(self, known: Snapshot) -> None:
        """Rebuild all studies, so that they ask what those of an undisturbed run would ask."""
        self._tuning: dict[str, Study] = {}
        self.briefs = Study("briefs", self._seed, ["maximize"], self._guided)
        self.designs = Study("designs", self._seed, ["maximize"], self._guided)
        for params, value in known.prior.briefs if self._guided else ():
            self.briefs.recall(params, [value], self._order)
        told, running = known.told, known.running
        self.briefs.restore(told.get("briefs", ()), known.asked, running.get("briefs", ()))
        first = OPENING_DESIGN if self._guided else {}
        fixed = {number: {} if number else first for number in known.again}
        self.designs.restore(told.get("designs", ()), known.asked, running.get("designs", ()), fixed)
        for source, (space, settings) in known.warm.items():
            self.begin_tuning(source, space, settings)
        for name in dict.fromkeys((*told, *running)):
            if name.startswith("tuning/"):
                study = self.tuning(name.removeprefix("tuning/"))
                study.restore(told.get(name, ()), running=running.get(name, ()))
        if self._guided:
            self._open(known)

    def _open(self, known: Snapshot) -> None:
        """Queue what is left of the opening."""
        asked = max(known.asked, *(number + 1 for number, _, _ in known.told.get("briefs", ())), 0)
        open_to = set(self._operators) - known.prior.barren()
        opening = [
            params
            for params in OPENING
            if params["operator"] in open_to and params["author"] in self._authors
        ]
        for params in opening[asked:]:
            self.briefs.enqueue({**params, "format": self._formats[0]})
        if not asked:
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
        """Tell the value of a brief; `None` where nothing came of it, which counts as a small loss."""
        self.briefs.tell(number, [VALUE_OF_NOTHING if value is None else value])

    def design(self) -> Asked:
        """A trial for one composed design, for an author in a thread of its own."""
        return self.designs.ask_apart()

    def tell_design(self, number: int, score: float | None) -> None:
        """Tell the score of a design on train; `None` where it was never evaluated."""
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
            source: Key of the study.
            space: What the agent declares.
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
        """Tell what a tuned agent came to.

        Args:
            source: Key of the study.
            number: Of the trial.
            score: On train, 0..1; `None` where it was never evaluated.
            cost: Used tokens per item.
        """
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
