"""What the guide does not ask for, and what it asks for instead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meta_search.config import SearchConfig
from meta_search.guide.guide import Guide, Snapshot
from meta_search.guide.masks import (
    AFTER,
    REST,
    SPENT,
    Past,
    affordable,
    askable,
    author_for,
    form_for,
    may_ask,
    operator_for,
)
from meta_search.guide.opening import OPENING, Choices
from meta_search.guide.studies import Row
from meta_search.guide.worth import VALUE_OF_NOTHING
from meta_search.types.operators import OPERATORS

DEFAULT = SearchConfig().operators
WRITTEN = ("reflect", "instruct", "diagnose")


def guide(
    operators: tuple[str, ...] = DEFAULT,
    authors: tuple[str, ...] = ("llm", "composer"),
    formats: tuple[str, ...] = ("plan", "edit", "program"),
    guided: bool = True,
    briefs: str = "bandit",
) -> Guide:
    return Guide(3, Choices(operators, authors, formats), guided, briefs)


def past(*briefs: tuple[str, bool | None]) -> list[Past]:
    """Operator, and whether something came of it; `None` while that is not known."""
    return [Past(n, o, came is not None, came is False) for n, (o, came) in enumerate(briefs)]


def test_who_asks_no_model_is_not_asked_to_write_with_one() -> None:
    assert askable(DEFAULT, ("composer",)) == tuple(o for o in DEFAULT if o not in WRITTEN)
    assert askable(DEFAULT, ("adas",)) == askable(DEFAULT, ("composer",))
    assert askable(DEFAULT, ("llm",)) == DEFAULT
    assert [author_for(o, "composer", ("llm", "composer")) for o in ("reflect", "mutate")] == [
        "llm",
        "composer",
    ]
    for guided in (True, False):
        made = guide(authors=("composer",), guided=guided)
        assert not {made.ask().brief.operator for _ in range(30)} & set(WRITTEN)


@pytest.mark.parametrize("guided", [True, False])
def test_what_is_asked_for_can_be_carried_out_and_the_study_learns_what_it_was(guided: bool) -> None:
    made = guide(guided=guided)
    seen = set()
    for _ in range(80):
        brief = made.ask().brief
        seen.add((brief.operator, brief.tags[0]))
        assert brief.author == "llm" or brief.operator not in WRITTEN
        params = made.briefs.export(brief.number)
        assert (params["operator"], params["format"]) == (brief.operator, brief.tags[0])
        assert brief.operator not in WRITTEN or params["author"] == "llm"
        made.tell(brief.number, 0.1)
    assert ("novel", "edit") not in seen
    assert ("mutate", "edit") in seen
    assert {operator for operator, _ in seen} == set(DEFAULT)
    assert not OPERATORS["novel"].from_parents


@pytest.mark.parametrize(("guided", "briefs"), [(True, "bandit"), (True, "tpe"), (False, "bandit")])
def test_who_cannot_be_paid_is_asked_no_more_until_the_limits_change(guided: bool, briefs: str) -> None:
    made = guide(guided=guided, briefs=briefs)
    authors: list[set[str]] = []
    for change in (lambda: None, lambda: made.bar("llm"), made.lift):
        change()
        asked = []
        for _ in range(40):
            asked.append(made.ask().brief)
            params = made.briefs.export(asked[-1].number)
            assert params["operator"] == asked[-1].operator
            made.tell(asked[-1].number, 0.1 * (asked[-1].number % 3))
        authors.append({b.author for b in asked})
        if len(authors) == 2:
            assert not {b.operator for b in asked} & set(WRITTEN)
            assert len({b.operator for b in asked}) > 3
    assert authors == [{"llm", "composer"}, {"composer"}, {"llm", "composer"}]


@pytest.mark.parametrize("guided", [True, False])
def test_one_of_several_models_that_cannot_be_paid_leaves_the_others(guided: bool) -> None:
    choices = Choices(DEFAULT, ("llm", "composer"), ("program",), models={"llm": ("dear", "cheap")})
    made = Guide(3, choices, guided)
    assert made.bar("llm", "dear")
    assert made.is_barred("llm")  # a repair of what another author wrote: by the first of them
    models = {made.ask().brief.model for _ in range(40)}
    assert models == {"", "cheap"}
    assert made.authors == ("llm", "composer")
    assert made.bar("llm", "cheap")
    assert {made.ask().brief.author for _ in range(40)} == {"composer"}


def test_where_nobody_is_left_nothing_can_be_asked_for() -> None:
    made = guide(authors=("llm",))
    assert not made.is_barred("llm")
    assert not made.bar("llm")
    assert not made.authors


def test_what_is_affordable_keeps_its_order() -> None:
    choices = Choices(DEFAULT, ("llm", "composer"), ("plan",))
    assert affordable(choices, ()) == choices
    left = affordable(choices, {("llm", "")})
    assert (left.authors, left.operators) == (("composer",), askable(DEFAULT, ("composer",)))


def test_forms_of_a_new_agent() -> None:
    assert form_for("novel", "edit", ("plan", "edit", "program")) == "program"
    assert form_for("novel", "edit", ("plan", "edit")) == "plan"
    assert form_for("novel", "edit", ("edit",)) == "edit"  # the author then writes a program
    assert form_for("novel", "plan", ("plan", "edit")) == "plan"
    assert form_for("crossover", "edit", ("plan", "edit")) == "edit"


def test_the_opening_reflects_and_diagnoses_where_more_than_plans_are_written() -> None:
    assert {o["operator"] for o in OPENING} >= {"reflect", "diagnose"}
    places = [o["operator"] for o in OPENING]
    assert places.index("reflect") < places.index("novel")
    made = guide(briefs="tpe")
    assert [made.ask().brief.operator for _ in OPENING] == places
    assert [guide(formats=f).ask().brief.operator for f in (("plan",), ("plan", "edit"))] == ["bootstrap"] * 2
    embedded = guide(formats=("plan",), briefs="tpe")
    left = [o["operator"] for o in OPENING if o["operator"] not in ("reflect", "diagnose")]
    assert [embedded.ask().brief.operator for _ in left] == left
    composed = guide(authors=("composer",), briefs="tpe")
    left = [o["operator"] for o in OPENING if o["author"] == "composer"]
    assert [composed.ask().brief.operator for _ in left] == left


def test_an_operator_that_came_to_nothing_rests_for_a_while() -> None:
    barren = [("bootstrap", False)] * SPENT
    others: list[tuple[str, bool | None]] = [("novel", True)] * (REST - 1)
    names = ("bootstrap", "novel", "mutate")
    assert operator_for("bootstrap", may_ask(names, past(*barren[1:])), "") == "bootstrap"
    assert operator_for("bootstrap", may_ask(names, past(*barren)), "") != "bootstrap"
    assert operator_for("novel", may_ask(names, past(*barren)), "") == "novel"
    assert operator_for("bootstrap", may_ask(names, past(*barren, *others)), "") != "bootstrap"
    assert (
        operator_for("bootstrap", may_ask(names, past(*barren, *others, ("novel", None))), "") == "bootstrap"
    )
    assert operator_for("bootstrap", may_ask(names, past(*barren, ("bootstrap", True))), "") == "bootstrap"
    assert operator_for("bootstrap", may_ask(names, past(*barren, ("bootstrap", None))), "") != "bootstrap"
    assert (
        operator_for("bootstrap", may_ask(("bootstrap",), past(*barren)), "") == "bootstrap"
    )  # there is no other
    drawn = {operator_for("bootstrap", may_ask(names, past(*barren)), str(n)) for n in range(20)}
    assert drawn == {"novel", "mutate"}


def test_choices_of_instructions_are_tuned_next() -> None:
    names = ("instruct", "tune", "novel")
    assert OPERATORS["instruct"].followed_by == "tune"
    for briefs, due in (
        ([("instruct", None)], False),
        ([("instruct", False)], False),
        ([("instruct", True)], True),
        ([("tune", True)] * 4 + [("instruct", True)], True),
        ([("instruct", True)] + [("tune", None)] * (AFTER - 1), True),
        ([("instruct", True)] + [("tune", None)] * AFTER, False),
        ([("instruct", True)] * 2 + [("tune", False)] * AFTER, True),
    ):
        assert (operator_for("novel", may_ask(names, past(*briefs)), "") == "tune") is due
    assert operator_for("novel", may_ask(("instruct", "novel"), past(("instruct", True))), "") == "novel"


def played(made: Guide, briefs: int, rows: list[Row]) -> list[Any]:
    """Ask and tell; `bootstrap` comes to nothing."""
    orders = []
    for _ in range(briefs):
        order = made.ask()
        brief = order.brief
        value = VALUE_OF_NOTHING if brief.operator == "bootstrap" else 0.1
        made.tell(brief.number, None if brief.operator == "bootstrap" else 0.1)
        rows.append((brief.number, json.loads(json.dumps(made.briefs.export(brief.number))), [value]))
        orders.append(order)
    return orders


@pytest.mark.parametrize("told", [3, 14, 25])
def test_masks_are_the_same_after_a_resume(told: int) -> None:
    rows: list[Row] = []
    whole = guide(("bootstrap", "instruct", "tune"))
    played(whole, told, rows)
    resumed = guide(("bootstrap", "instruct", "tune"))
    resumed.restore(Snapshot({"briefs": rows}))
    assert played(resumed, 12, []) == played(whole, 12, [])


def test_a_search_that_instructs_tunes_afterwards() -> None:
    made = guide(("novel", "instruct", "tune", "bootstrap"))
    operators = [o.brief.operator for o in played(made, 60, [])]
    first = operators.index("instruct")
    assert operators[first + 1 : first + 1 + AFTER] == ["tune"] * AFTER
    # What comes to nothing is asked for rarely.
    assert operators.count("bootstrap") <= 60 // 4


def test_earlier_briefs_of_other_operators_are_learned_from() -> None:
    old = {"operator": "novel", "author": "llm", "parents": "best", "inspirations": 1, "temperature": 0.6}
    assert guide().could_ask({**old, "format": "edit"})
    assert not guide().could_ask({**old, "operator": "reflect_once", "format": "edit"})
    assert not guide(authors=("composer",)).could_ask({**old, "operator": "reflect", "format": "plan"})
