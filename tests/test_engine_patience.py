"""A search that ends as no gain is expected any more."""

from __future__ import annotations

from pathlib import Path

import pytest

import meta_search
from meta_search import cli
from meta_search.engine.patience import lost, without_gain
from meta_search.run.members import Member
from meta_search.testing import CountingEndpoint
from meta_search.types import Agent, Brief, Candidate, ItemResult
from tests.kits.answers import adds_below
from tests.kits.searches import assert_replays, composed_search


def member(number: int, right: int, seed: bool = False, stopped: str = "") -> Member:
    agent = Agent.of(f"{number}", f"def forward(self, taskInfo):\n    return {number}\n")
    made = Member(Candidate(agent, Brief(number, "novel", "llm")), seed=seed, done=True, stopped=stopped)
    for i in range(10):
        made.add(ItemResult(agent.id, "train", f"i{i}", 0, "ok", score=float(i < right)))
    return made


def test_agents_count_since_the_last_that_was_better() -> None:
    members = [
        member(0, 5, seed=True),
        member(1, 4),
        member(2, 6),
        member(3, 6),
        member(4, 9, stopped="cost"),
    ]
    assert without_gain(members[:2]) == 1
    assert without_gain(members[:3]) == 0
    assert without_gain(members) == 2  # an equal, and one that was stopped, are no gain
    members.append(Member(members[1].candidate))  # not evaluated yet
    assert without_gain(members) == 2


def test_patience_ends_nothing_where_it_is_off_or_not_used_up() -> None:
    members = [member(0, 5), *(member(n, 4) for n in range(1, 4))]
    assert lost(members, 3)
    assert not lost(members, 4)
    assert not lost(members, 0)


@pytest.mark.slow
def test_a_search_without_hope_ends_by_itself_says_so_and_replays(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All agents do the same here: `direct` is never beaten."""
    with CountingEndpoint(adds_below(99)) as endpoint:
        more = ("search.candidates=12", "search.seeds=[direct]", "search.prior=false", "search.patience=2")
        words = composed_search(folder, endpoint, *more, "run.confirm=false", "evaluate.racing=false")
        assert cli.main(["run", *words]) == 0
    shown = capsys.readouterr().out
    assert "search ended: no gain is expected: none of the last 2 agents was better" in shown
    archive = meta_search.open_run("run")
    assert archive.meta("end")["why"] == "patience"
    assert sum(r.operator != "seed" for r in archive.agents()) < 12
    assert_replays("run")
