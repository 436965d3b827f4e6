"""Designs and plans are two forms of the same choices."""

from __future__ import annotations

import itertools

import pytest

from meta_search.authors.costs import calls_of
from meta_search.authors.designs import design_of, expected_calls, plan_for, space_of
from meta_search.authors.plan import Cell, Plan, plan_from
from meta_search.types import Scalar
from meta_search.types.designs import Slot, Space

WORDS = {"sum": "add", "gcd": "greatest divisor", "bits": "bits"}
SPACE = space_of(("direct", "program", "think"), WORDS)


def every_design(space: Space) -> list[dict[str, Scalar]]:
    parameters = space.parameters()
    return [dict(zip(parameters, choice, strict=True)) for choice in itertools.product(*parameters.values())]


def test_every_design_is_a_plan_and_that_plan_is_the_design() -> None:
    for design in every_design(SPACE):
        plan = plan_for(SPACE, design, WORDS)
        assert design_of(SPACE, plan, WORDS) == SPACE.reduced(design)
        assert design_of(SPACE, plan_from(plan.to_mapping()), WORDS) == SPACE.reduced(design)


def test_where_kinds_are_not_told_apart_there_is_one_way() -> None:
    space = space_of(("direct", "program"), {}, examples=False)
    assert space.parameters() == {"way": ("direct", "program"), "votes": (1, 3)}
    for design in every_design(space):
        assert design_of(space, plan_for(space, design, {}), {}) == design


def test_tuned_values_count_in_place_of_the_plans_numbers() -> None:
    plan = plan_for(SPACE, {"way:sum": "program", "votes": 3, "shown": 2}, WORDS)
    found = design_of(SPACE, plan, WORDS, {"samples": 1, "shown": 0, "temperature": 0.4})
    assert found is not None
    assert (found["votes"], found["shown"], found["way:sum"]) == (1, 0, "program")


@pytest.mark.parametrize(
    "plan",
    [Plan("p", hint="Be brief."), Plan("p", steps=("Plan.",)), Plan("p", samples=5), Plan("p", way="team")],
)
def test_a_plan_that_does_what_no_design_does_is_none(plan: Plan) -> None:
    assert design_of(SPACE, plan, WORDS) is None


def test_a_slot_that_nothing_reads_is_left_out() -> None:
    slots = (
        Slot("way", ("direct", "program"), per_kind=True),
        Slot("check", ("no", "run"), per_kind=True, when=(("way", ("program",)),)),
        Slot("mend", ("ask", "pass"), when=(("check", ("run",)),)),
    )
    space = Space(slots, ("a", "b"))
    assert list(space.parameters()) == ["way:a", "way:b", "check:a", "check:b", "mend"]
    assert space.reduced({"check:a": "run"}) == {"way:a": "direct", "way:b": "direct"}
    made = {"way:b": "program", "check:a": "run", "check:b": "run", "mend": "pass"}
    assert space.cells(made) == {
        "a": (("way", "direct"),),
        "b": (("check", "run"), ("mend", "pass"), ("way", "program")),
    }
    assert space.reduced(made) == {"way:a": "direct", "way:b": "program", "check:b": "run", "mend": "pass"}


def test_calls_are_foretold_between_least_and_most_of_the_blocks() -> None:
    space = space_of(("direct", "program"), WORDS, blocks=("decided", "letter"))
    for design in every_design(space):
        plan = plan_for(space, design, WORDS)
        for kind, cell in space.cells(design).items():
            told = dict(cell)
            own = Cell(str(told["way"]), check=str(told.get("check", "none")))
            least, most = calls_of(plan, own)
            assert least <= expected_calls(cell) <= most, (kind, design)
    direct = space.cell({"way:sum": "direct", "votes": 1}, "sum")
    assert expected_calls(direct) == 1
    assert expected_calls(space.cell({"way:sum": "direct", "votes": 3}, "sum")) == 3
