"""The first brief, whose worked examples all later agents inherit: who waits for what comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import meta_search
from meta_search import cli
from meta_search.engine.races import CHEAP_SEEDS
from meta_search.testing import CountingEndpoint
from tests.kits.answers import mind
from tests.kits.searches import assert_replays, mixed_search, questions


def happened(run: str) -> list[tuple[str, int]]:
    """Briefs that were asked for and told, in order."""
    with meta_search.open_run(run) as archive:
        return [(e.kind, e.data["brief"]) for e in archive.events() if e.kind in ("ask", "tell")]


@pytest.mark.parametrize(("budget", "waits"), [("budget.calls=2000", True), ("budget.wall_s=600", False)])
def test_where_calls_are_limited_all_else_waits_for_it(folder: Path, budget: str, waits: bool) -> None:
    more = (budget, "search.in_flight=3", "search.candidates=4", "seed=4", "run.dir=run")
    with CountingEndpoint(mind, latency_s=0.01) as endpoint:
        assert cli.main(["run", *mixed_search(questions(folder), endpoint, *more)]) == 0
    order = happened("run")
    assert order[0] == ("ask", 0)
    assert (order[1] == ("tell", 0)) is waits
    assert_replays()


@pytest.mark.parametrize(("budget", "waits"), [("budget.calls=900", True), ("budget.wall_s=600", False)])
def test_where_calls_are_limited_dear_seeds_wait_for_it_and_then_take_a_share(
    folder: Path, budget: str, waits: bool
) -> None:
    """All of our seeds are allowed: some cost ten times as much as the cheapest."""
    more = (budget, "search.in_flight=3", "search.candidates=6", "seed=4", "run.dir=run", "search.seeds=[]")
    with CountingEndpoint(mind, latency_s=0.01) as endpoint:
        assert cli.main(["run", *mixed_search(questions(folder), endpoint, *more)]) == 0
    with meta_search.open_run("run") as archive:
        seeds = {r.agent.id for r in archive.agents() if r.operator == "seed"}
        events = list(archive.events())
    begun = dict.fromkeys(e.data["agent"] for e in events if e.kind == "race" and e.data["agent"] in seeds)
    told = next(e.seq for e in events if e.kind == "tell")
    early = {e.data["agent"] for e in events if e.kind == "race" and e.seq < told} & seeds
    assert len(begun) > CHEAP_SEEDS
    assert (len(early) == CHEAP_SEEDS) is waits
    assert_replays()
