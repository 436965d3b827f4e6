"""A prior from earlier runs: it changes what is asked, shifts no number, and is asked with again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from meta_search.config import SearchConfig
from meta_search.guide.guide import Guide, Snapshot
from meta_search.guide.opening import OPENING, Choices
from meta_search.guide.prior import NOTHING, Prior
from meta_search.guide.studies import Row, Study
from meta_search.guide.trials import Asked
from meta_search.guide.worth import VALUE_OF_NOTHING

OPERATORS = SearchConfig().operators
AUTHORS = ("llm", "composer")


def params(operator: str, author: str = "composer", **more: Any) -> dict[str, Any]:
    told = {"operator": operator, "author": author, "parents": "best", "inspirations": 1, "temperature": 0.6}
    return {**told, "format": "plan", **more}


def prior(values: Mapping[str, Sequence[float]]) -> Prior:
    return Prior(tuple((params(o), v) for o, found in values.items() for v in found), 1)


def guide(given: Prior = NOTHING, seed: int = 2, guided: bool = True, briefs: str = "bandit") -> Guide:
    made = Guide(seed, Choices(OPERATORS, AUTHORS, ("plan", "edit")), guided, briefs)
    made.restore(Snapshot(prior=given))
    return made


def asked(made: Guide, briefs: int, rows: list[Row] | None = None) -> list[Any]:
    """Ask and tell; every third brief comes to nothing."""
    orders = []
    for _ in range(briefs):
        order = made.ask()
        number, value = order.brief.number, None if order.brief.number % 3 == 2 else 0.1
        made.tell(number, value)
        told = VALUE_OF_NOTHING if value is None else value
        if rows is not None:
            rows.append((number, json.loads(json.dumps(made.briefs.export(number))), [told]))
        orders.append(order)
    return orders


GOOD = prior({"simplify": [0.8, 0.6, 0.9, 0.7, 0.5, 0.8], "tune": [-0.2] * 6, "mutate": [-0.3] * 4 + [0.0]})


def test_a_prior_shifts_no_number() -> None:
    made = guide(GOOD)
    assert [order.brief.number for order in asked(made, 12)] == list(range(12))
    assert [order.brief.seed for order in asked(guide(), 3)] == [
        order.brief.seed for order in asked(guide(GOOD), 3)
    ]
    assert made.briefs.export(11)["operator"] in OPERATORS


def test_after_the_opening_more_is_asked_of_what_paid_before() -> None:
    def simplified(given: Prior) -> int:
        orders = [order for seed in range(4) for order in asked(guide(given, seed), 20)[2:]]
        return sum(order.brief.operator == "simplify" for order in orders)

    assert simplified(GOOD) > simplified(NOTHING) + 8


def test_what_never_paid_is_not_opened_with() -> None:
    assert GOOD.barren() == {"tune", "mutate"}
    assert "(never paid off before): mutate, tune" in GOOD.line
    opened = [o for o in OPENING if o["operator"] not in GOOD.barren()]
    orders = asked(guide(GOOD, briefs="tpe"), len(opened))
    assert [o.brief.operator for o in orders] == [o["operator"] for o in opened]
    never = prior({"bootstrap": [-0.2] * 6})
    assert [o.brief.operator for o in asked(guide(never), 2)] == ["crossover", "reflect"]
    assert prior({"tune": [-0.2] * 4}).barren() == frozenset()  # too few to tell
    assert prior({"tune": [-0.2] * 9 + [0.1]}).barren() == frozenset()  # it paid once


@pytest.mark.parametrize("told", [0, 3, 9])
def test_a_guide_with_a_prior_is_rebuilt_from_what_was_told(told: int) -> None:
    rows: list[Row] = []
    whole = asked(guide(GOOD), 13, rows)
    rebuilt = guide()
    stored = Prior.from_json(json.loads(json.dumps(GOOD.to_json())))
    rebuilt.restore(Snapshot({"briefs": rows[:told]}, asked=told, prior=stored))
    assert asked(rebuilt, 13 - told) == whole[told:]


def test_what_cannot_be_asked_for_here_is_left_out() -> None:
    made = guide()
    assert made.could_ask(params("tune"))
    for other in (
        params("team"),
        params("tune", "adas"),
        params("tune", parents="oldest"),
        params("tune", inspirations=7),
        params("tune", temperature=2.0),
        params("tune", format="program"),
        {"operator": "tune"},
    ):
        assert not made.could_ask(other), other
    strangers = Prior(((params("team"), 0.9),) * 6, 1)
    assert asked(guide(strangers), 10) == asked(guide(), 10)


def test_without_a_guide_a_prior_has_no_effect() -> None:
    assert asked(guide(GOOD, guided=False), 10) == asked(guide(guided=False), 10)


def test_a_trial_apart_has_its_own_number_after_a_prior() -> None:
    def suggest(trial: Asked) -> tuple[Any, ...]:
        return trial.suggest_int("n", 1, 9), trial.suggest_categorical("way", ["a", "b"])

    made = Study("s", 0, ["maximize"])
    for n in range(6):
        assert made.recall({"n": n + 1, "way": "a", "gone": 3}, [float(n)], suggest)
    assert not made.recall({"n": 1, "way": "c"}, [9.0], suggest)
    one, other = made.ask_apart(), made.ask()
    assert (one.number, other.number) == (0, 1)
    seen = suggest(one)
    suggest(other)
    made.tell(0, [1.0])
    made.tell(1, None)
    assert (made.export(0)["n"], made.export(0)["way"]) == seen
    assert [t.state.name for t in made._study.trials[6:]] == ["COMPLETE", "FAIL"]
    assert made._study.trials[6].values == [1.0]
