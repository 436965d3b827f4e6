"""Names of agents: what they do or what is different; unique, and never longer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_search.authors.names import described, distinct, with_parts
from meta_search.authors.plan import Plan, Route
from meta_search.types import LONGEST_NAME, Agent, Brief, Candidate, unique_name

BRIEF = Brief(1, "tune", "composer")


def candidate(name: str, values: Mapping[str, Any] | None = None, plan: Plan | None = None) -> Candidate:
    agent = Agent.of(name, "def forward(self, taskInfo):\n    return ''", values)
    return Candidate(agent, BRIEF, plan=None if plan is None else plan.to_mapping())


@pytest.mark.parametrize(
    ("plan", "name"),
    [
        (Plan("", way="direct"), "direct"),
        (Plan("", way="think", samples=3, shown=2), "think, 3 votes, 2 shown"),
        (Plan("", way="program", temperature=0.7), "program, temperature 0.7"),
        (Plan("", way="program", routes=(Route("sum", "think"),)), "program, think for sum"),
        (
            Plan("", way="program", routes=tuple(Route(w, "direct") for w in ("a", "b", "c"))),
            "program, direct for 3 kinds",
        ),
        (Plan("", way="direct", steps=("Why?",), hint="Look."), "direct, 1 adviser, hint"),
    ],
)
def test_a_plan_is_called_by_what_it_does(plan: Plan, name: str) -> None:
    assert described(plan) == name


def test_a_part_takes_the_place_of_an_earlier_one_of_its_kind() -> None:
    name = with_parts("Split, then vote, 2 shown", {"shown": "3 shown"})
    assert name == "Split, then vote, 3 shown"
    name = with_parts(name, {"temperature": "temperature 0.2"})
    name = with_parts(name, {"samples": "one vote"})
    assert with_parts(name, {"samples": "3 votes", "temperature": ""}) == "Split, then vote, 3 shown, 3 votes"


parts = st.dictionaries(
    st.sampled_from(["shown", "samples", "temperature", "way", "rounds", "without"]),
    st.text(max_size=90),
    max_size=6,
)


@given(st.text(max_size=90), st.lists(parts, max_size=6))
def test_names_never_grow_beyond_their_limit(name: str, changes: list[dict[str, str]]) -> None:
    for change in changes:
        name = with_parts(name, change)
        assert len(name) <= LONGEST_NAME
        assert name.isprintable()


@given(st.lists(st.text(max_size=70), max_size=12))
def test_names_of_a_run_are_unique(names: list[str]) -> None:
    named: dict[str, Any] = {}
    for name in names:
        made = candidate(name)
        chosen = distinct(made, named)
        assert chosen not in named
        assert 0 < len(chosen) <= LONGEST_NAME
        named[chosen] = (made.agent, made.plan)


def test_a_name_that_is_taken_gets_what_is_different_and_else_a_number() -> None:
    plan = Plan("A", samples=3)
    known = candidate("A", plan=plan)
    named = {"A": (known.agent, known.plan)}
    assert distinct(candidate("B"), named) == "B"
    assert distinct(candidate("A", {"depth": 2, "mode": "fast"}), named) == "A, depth 2, mode fast"
    assert distinct(candidate("A", plan=Plan("A", samples=3, shown=1)), named) == "A, 1 shown"
    assert distinct(candidate("A", plan=plan), named) == "A 2"
    assert unique_name("A", {"A", "A 2", "A 3"}) == "A 4"
    assert len(unique_name("x" * 60, {"x" * 60})) == 60
