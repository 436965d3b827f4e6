"""Candidates that pause and are taken up again, with the real engine over a recorded landscape."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from meta_search.run.members import Member
from tests.bench.landscape.simulate import Simulated, configuration
from tests.bench.landscape.table import FILE, SEARCH, Landscape


@pytest.fixture(scope="module")
def landscape() -> Landscape:
    return Landscape.read(FILE)


class Doubting(Simulated):
    """Every candidate pauses at its first look, and its place is free then."""

    paused_first: list[str]

    def _why_stop(self, member: Member) -> str:
        if member.seed or member.paused:
            return super()._why_stop(member)
        self.paused_first.append(member.agent.id)
        return "in doubt"


def test_finalists_are_found_among_those_that_paused(landscape: Landscape) -> None:
    search = Doubting(landscape, configuration(3, 6))
    search.paused_first = []
    trace = search.simulate()
    members = [m for m in search.members if not m.seed]
    assert [m.agent.id for m in members if not m.same_as] == search.paused_first
    whole = [m for m in members if m.done and not m.stopped]
    assert len(whole) >= 2
    assert all(m.at_pause is None and len(m.rows("train")) == SEARCH for m in whole)
    assert all(m.paused and m.stopped.startswith("paused: ") for m in members if m.stopped and not m.same_as)
    assert len(trace.evaluations) == len(list(search.members))
    assert search.races.paused() == []
    assert search.races.standings.risk() == ""


def test_a_search_that_its_budget_ends_says_what_may_be_lost(landscape: Landscape) -> None:
    search = Doubting(landscape, configuration(3, 6), most_calls=120)
    search.paused_first = []
    search.simulate()
    assert search.races.paused()
    assert "finalists may be among them" in search.races.standings.risk()


def test_the_rest_of_the_budget_is_kept_for_those_that_pause(landscape: Landscape) -> None:
    """While what is left would not pay for them and more, they are taken up, and no brief is asked for."""
    config = configuration(3, 12)
    search = Doubting(landscape, replace(config, budget=replace(config.budget, calls=160)))
    search.paused_first, seen = [], []
    needs = search.races.needs_the_rest

    def noted() -> bool:
        seen.append((needs(), search.briefs.begun, sum(m.racing and m.paused for m in search.members)))
        return seen[-1][0]

    search.races.needs_the_rest = noted  # type: ignore[method-assign]
    search.simulate()
    scarce = [row for row in seen if row[0]]
    assert not seen[0][0]
    assert any(going_on for _, _, going_on in scarce)
    first = list(itertools.takewhile(lambda row: row[0], itertools.dropwhile(lambda row: not row[0], seen)))
    assert len({begun for _, begun, _ in first}) == 1


def test_what_writing_costs_is_no_longer_left_for_those_that_pause(landscape: Landscape) -> None:
    """Agents have used little, but all else that was paid leaves too little to take all of them up."""
    config = configuration(3, 6)
    search = Doubting(landscape, replace(config, budget=replace(config.budget, calls=100_000)))
    search.paused_first = []
    needs, seen = search.races.needs_the_rest, []

    def once_something_pauses() -> bool:
        if search.races.paused() and not seen:
            seen.append(needs())
            search.table.calls = 99_000
            seen.append(needs())
        return needs()

    search.races.needs_the_rest = once_something_pauses  # type: ignore[method-assign]
    search.simulate()
    assert seen == [False, True]


def test_without_races_nobody_pauses(landscape: Landscape) -> None:
    search = Simulated(landscape, configuration(3, 4, racing=False))
    search.simulate()
    assert all(m.done and not m.paused for m in search.members)
    assert not any(m.chosen for m in search.members)
