"""The first brief, whose worked examples all later agents inherit: who waits for what comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import meta_search
from meta_search import cli
from meta_search.agent.seeds import ASK_ONCE
from meta_search.report.verdict import archive_verdict
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
def test_where_calls_are_limited_dear_seeds_wait_for_it(folder: Path, budget: str, waits: bool) -> None:
    """All of our seeds are allowed: some ask a dozen times an item."""
    more = (budget, "search.in_flight=3", "search.candidates=6", "seed=4", "run.dir=run", "search.seeds=[]")
    with CountingEndpoint(mind, latency_s=0.01) as endpoint:
        assert cli.main(["run", *mixed_search(questions(folder), endpoint, *more)]) == 0
    with meta_search.open_run("run") as archive:
        dear = {r.agent.id for r in archive.agents() if r.operator == "seed"} - {
            archive.record(name).agent.id for name in ASK_ONCE
        }
        events = list(archive.events())
    races = [(e.seq, e.data["agent"]) for e in events if e.kind == "race" and e.data["agent"] in dear]
    told = next(e.seq for e in events if e.kind == "tell")
    assert races  # their turn comes
    assert (min(races)[0] > told) is waits
    assert_replays()


def test_dear_seeds_take_a_share_of_what_agents_use_as_long_as_there_is_more_to_ask_for(
    folder: Path,
) -> None:
    """One is begun where all seeds have used no more than a third, and may take them beyond it."""
    more = ("budget.calls=1100", "search.candidates=40", "seed=4", "run.dir=run", "search.seeds=[]")
    with CountingEndpoint(mind) as endpoint:
        assert cli.main(["run", *mixed_search(questions(folder), endpoint, *more)]) == 0
    with meta_search.open_run("run") as archive:
        verdict = archive_verdict(archive).text
        agents = {r.agent.id: r for r in archive.agents()}
        left = [r.agent.name for r in agents.values() if r.operator == "seed" and not r.evaluations]
    used = {True: 0, False: 0}
    for record in agents.values():
        for split in ("train", "validation"):
            if split in record.evaluations and record.status != "baseline":
                used[record.operator == "seed"] += record.evaluations[split].used.tokens
    assert used[True] < 0.6 * (used[True] + used[False])
    assert left
    assert f"before their turn: {', '.join(left)}." in " ".join(verdict.split())
