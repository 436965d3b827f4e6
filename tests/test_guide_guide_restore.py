"""Trials under way: apart from the study they belong to, and rebuilt in the middle of everything."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from meta_search.guide.guide import Guide, Snapshot
from meta_search.guide.opening import OPENING_DESIGN, Choices
from meta_search.guide.studies import Row, Study
from meta_search.guide.trials import Asked
from meta_search.types import Parameter

OPERATORS = ("novel", "mutate", "crossover", "bootstrap", "simplify", "tune")
SPACE = (Parameter("n", "int", 1, 1, 5), Parameter("t", "float", 0.5, 0.0, 1.0))


def suggest(trial: Asked) -> tuple[Any, ...]:
    way = trial.suggest_categorical("way", ["a", "b", "c"])
    return way, trial.suggest_int("n", 1, 9), trial.suggest_int("m", 0, 3) if way == "a" else None


def played(trials: int) -> Study:
    made = Study("s", 0, ["maximize"])
    for _ in range(trials):
        trial = made.ask()
        made.tell(trial.number, [float(suggest(trial)[1])])
    return made


@pytest.mark.parametrize("trials", [2, 9])
def test_what_a_trial_apart_suggests_depends_on_nothing_that_comes_later(trials: int) -> None:
    early, late = played(trials), played(trials)
    at_once = suggest(early.ask_apart())
    waiting = late.ask_apart()
    for _ in range(6):
        trial = late.ask()
        suggest(trial)
        late.tell(trial.number, [100.0])
    assert suggest(waiting) == at_once


def test_the_study_learns_what_was_suggested_apart() -> None:
    made = played(5)
    trial = made.ask_apart()
    suggest(trial)
    assert made.export(trial.number) == {"_distributions": {}}
    made.learn(trial.number)
    assert {k: v for k, v in made.export(trial.number).items() if k[0] != "_"} == trial.params
    told = made.ask_apart()
    suggest(told)
    made.tell(told.number, [3.0])
    assert made._study.trials[told.number].params == told.params
    assert made._study.trials[told.number].values == [3.0]


def test_a_trial_apart_that_suggested_nothing_costs_nothing() -> None:
    made = played(1)
    trial = made.ask_apart()
    assert trial.params == {}
    made.tell(trial.number, None)
    assert made._study.trials[1].state.name == "FAIL"


class Kept:
    """A guide with some briefs in flight, and what the archive would hold of it."""

    def __init__(self) -> None:
        self.guide = Guide(5, Choices(OPERATORS, ("llm", "composer"), ("plan", "program")))
        self.told: dict[str, list[Row]] = {}
        self.writing: list[tuple[int, Asked, int]] = []  # brief, design, tuning
        self.awaited: list[tuple[int, Asked, int]] = []
        self.asked = 0

    def ask(self) -> Any:
        order, design = self.guide.ask(), self.guide.design()
        number, values = self.guide.tunings.ask("abc", SPACE)
        self.writing.append((order.brief.number, design, number))
        self.asked += 1
        return order, number, values

    def write(self) -> None:
        brief = self.writing.pop(0)
        suggest(brief[1])
        self.guide.designs.learn(brief[1].number)
        self.awaited.append(brief)

    def tell(self) -> None:
        number, design, tuning = self.awaited.pop(0)
        guide, score = self.guide, 0.1 * (number % 5)
        guide.tell(number, score)
        guide.tell_design(design.number, score)
        guide.tunings.tell("abc", tuning, score, 100.0)
        for study, trial, values in (
            ("briefs", number, [score]),
            ("designs", design.number, [score]),
            ("tuning/abc", tuning, [score, 100.0]),
        ):
            self.told.setdefault(study, []).append((trial, self._export(study, trial), values))

    def _export(self, study: str, number: int) -> dict[str, Any]:
        guide = self.guide
        studies = {"briefs": guide.briefs, "designs": guide.designs, "tuning/abc": guide.tunings["abc"]}
        exported: dict[str, Any] = json.loads(json.dumps(studies[study].export(number)))
        return exported

    def killed(self) -> Kept:
        """As it is rebuilt from the archive."""
        other = Kept()
        running: dict[str, list[Row]] = {"briefs": [], "designs": [], "tuning/abc": []}
        for number, _, tuning in (*self.writing, *self.awaited):
            running["briefs"].append((number, self._export("briefs", number), None))
            running["tuning/abc"].append((tuning, self._export("tuning/abc", tuning), None))
        for _, design, _ in self.awaited:
            running["designs"].append((design.number, self._export("designs", design.number), None))
        again = [design.number for _, design, _ in self.writing]
        other.guide.restore(Snapshot(self.told, running, self.asked, again))
        other.told, other.asked = {k: list(v) for k, v in self.told.items()}, self.asked
        other.writing = [(n, other.guide.designs.under_way(d.number), t) for n, d, t in self.writing]
        other.awaited = list(self.awaited)
        return other


@pytest.mark.parametrize("seed", range(4))
def test_a_guide_rebuilt_with_briefs_in_flight_asks_as_the_undisturbed_one(seed: int) -> None:
    rng, whole = random.Random(seed), Kept()
    for _ in range(rng.randint(10, 30)):
        rng.choice(
            [whole.ask, *([whole.write] if whole.writing else []), *([whole.tell] if whole.awaited else [])]
        )()
    rebuilt = whole.killed()
    # In flight when it was killed: what an author had not yet suggested is drawn anew, the rest is told.
    for kept in (whole, rebuilt):
        while kept.awaited:
            kept.tell()
    for _ in range(5):
        assert whole.ask() == rebuilt.ask()


def test_the_first_design_is_asked_for_again_as_it_was() -> None:
    whole = Kept()
    whole.ask()
    rebuilt = whole.killed()
    first = OPENING_DESIGN["bootstrap_shown"]
    assert suggest_shown(rebuilt.writing[0][1]) == suggest_shown(whole.writing[0][1]) == first


def suggest_shown(trial: Asked) -> int:
    return trial.suggest_int("bootstrap_shown", 1, 3)
