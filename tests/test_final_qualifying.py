"""Which seeds are baselines, who is left out where the budget is short, and how often items are run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.config import BudgetConfig, Config
from meta_search.final.baselines import Baseline
from meta_search.final.laps import too_long
from meta_search.final.qualifying import chosen, next_lap, ranked
from meta_search.final.reserve import budget_is_due, repeats_within, who_is_left_out
from meta_search.guide.best_seed import chance_to_be_best
from meta_search.llm.budget import Left
from meta_search.run.members import Member
from meta_search.testing import CountingEndpoint
from meta_search.types import OWN, Agent, Brief, Candidate, ItemResult, Usage
from tests.kits.answers import adds_below
from tests.kits.searches import assert_same, composed_search, replay


def bits(right: int, n: int) -> dict[str, float]:
    return {f"i{k}": float(k < right) for k in range(n)}


def test_chances_come_to_one_and_do_not_hang_on_the_order_of_results() -> None:
    scores = [bits(15, 18), bits(9, 18), bits(2, 3)]
    found = chance_to_be_best(scores)
    assert sum(found) == pytest.approx(1)
    assert found[0] > 0.5 > found[2] > found[1]
    assert chance_to_be_best([dict(reversed(each.items())) for each in scores]) == found
    assert chance_to_be_best([]) == []


def test_items_that_are_hard_for_all_do_not_count_against_whom_they_came_to() -> None:
    """The last seed met the hard items alone, on which everybody has nothing right."""
    hard = {f"i{k}": 0.0 for k in range(9, 18)}
    easy_too, hard_alone = chance_to_be_best([bits(9, 18), hard])
    assert hard_alone > 0.2
    assert easy_too > 0.2


def test_a_seed_that_was_stopped_goes_on_while_it_may_be_the_best() -> None:
    scores = [bits(9, 18), bits(9, 18), bits(8, 18), bits(8, 18), bits(2, 3)]
    missing = [False] * 4 + [True]
    assert 4 in chosen(ranked(scores)) or next_lap(scores, missing) == [4]
    sure = [bits(18, 18), bits(2, 18), bits(1, 18), bits(0, 18), bits(0, 3)]
    assert next_lap(sure, missing) == []
    assert chosen(ranked(sure))[0] == 0
    assert len(chosen(ranked([bits(9, 18)] * 8))) == 3
    assert chosen(ranked([bits(1, 2)])) == [0]


def member(name: str, tokens: int = 100, own: bool = False) -> Member:
    source = f"def forward(self, taskInfo):\n    return {name!r}\n"
    made = Member(Candidate(Agent.of(name, source), Brief(1, "seed", OWN if own else "hand")), seed=True)
    made.add(ItemResult(made.agent.id, "train", "i", 0, "ok", score=1.0, used=Usage(1, tokens - 1, 1)))
    return made


@pytest.mark.parametrize(
    ("tokens", "gone"),
    [
        (100_000, []),
        (19_000, ["choice"]),  # 21 items with all but best-of-n: with it 13
        (5_000, ["choice", "second", "other"]),  # the last finalist and the last seed; the own agent stays
        (1_000, ["choice", "second", "other"]),  # one item of those who stay
        (500, ["choice", "second", "other", "vote"]),
    ],
)
def test_self_consistency_is_planned_first_and_goes_last(tokens: int, gone: Sequence[str]) -> None:
    finalists = [member("first", 300), member("second", 300)]
    seeds = [member("seed"), member("other"), member("mine", own=True)]
    baselines = [Baseline(name, member(name, 300), seeds[0], 3) for name in ("vote", "choice")]

    def room(members: Sequence[Member], kept: Sequence[Baseline]) -> int:
        each = sum(m.used("train").tokens for m in (*members, *(b.member for b in kept)))
        return min(60, tokens // each)

    names = {m.agent.id: m.agent.name for m in (*finalists, *seeds, *(b.member for b in baselines))}
    assert [names[i] for i in who_is_left_out(finalists, seeds, baselines, room)] == gone


def planned(left: Left, budget: BudgetConfig, repeats: int = 1) -> int:
    config = SimpleNamespace(budget=budget, evaluate=SimpleNamespace(repeats=repeats))
    status = SimpleNamespace(left=left, paid={})
    run: Any = SimpleNamespace(
        config=config,
        session=SimpleNamespace(status=lambda: status, elapsed=10.0),
        runner=SimpleNamespace(items=lambda split: range(10)),
        progress=SimpleNamespace(time_left=lambda: float("inf")),
    )
    return repeats_within(run, [(1.0, 100.0, 0.0)] * 4)


def test_repeats_take_what_is_left_of_the_reports_share_alone() -> None:
    """Ten items of four contenders are 50 calls with a margin."""
    share = BudgetConfig(calls=1000, wall_s=None, final_share=0.2)
    assert planned(Left(None, None, 1000, None), share) == 4  # 200 calls of the 1,000 that are left
    assert planned(Left(None, None, 160, None), share) == 3
    assert planned(Left(None, None, 149, None), share) == 1  # two repeats bring too little
    assert planned(Left(None, None, 10_000, None), BudgetConfig(calls=10_000, wall_s=None)) == 5
    assert planned(Left(None, None, None, None), BudgetConfig(wall_s=None)) == 1  # nothing says how much
    assert planned(Left(None, None, 0, None), share, repeats=2) == 2


def test_the_search_leaves_the_report_what_it_needs() -> None:
    status, there = SimpleNamespace(paid={"task": Usage(150, 1, 1)}), 20
    config = Config(budget=BudgetConfig(calls=200, final_share=0.01))
    runner = SimpleNamespace(planned=lambda split: there)
    session = SimpleNamespace(status=lambda: status)
    run: Any = SimpleNamespace(config=config, session=session, runner=runner)
    found, seed = member("found"), member("seed")
    assert not budget_is_due(run, [found], [seed])  # 8 items of three, with a margin: 30 of the 50 left
    assert not budget_is_due(run, [], [seed])
    status.paid = {"task": Usage(171, 1, 1)}
    assert budget_is_due(run, [found], [seed])
    there = 2  # test items: no more are paid for
    assert not budget_is_due(run, [found], [seed])


def test_a_lap_of_the_seeds_is_not_begun_that_would_take_the_reports_time() -> None:
    """100 s are left: a fifth is 20 s, 6 of them for the report itself, at 10 tokens a second."""
    session = SimpleNamespace(
        status=lambda: SimpleNamespace(paid={"task": Usage(9, 900, 100)}), elapsed=100.0
    )
    left = 100.0
    run: Any = SimpleNamespace(session=session, progress=SimpleNamespace(time_left=lambda: left))
    assert not too_long(run, 139, 100.0)
    assert too_long(run, 141, 100.0)
    assert not too_long(run, 1e9, float("inf"))
    left = 85.0  # a lap later: nothing of the fifth is left
    assert too_long(run, 0, 100.0)


@pytest.mark.slow
def test_a_report_with_much_left_repeats_its_items_for_all_alike(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(adds_below(9)) as endpoint:
        more = ("search.candidates=1", "search.seeds=[direct,chain_of_thought]", "search.prior=false")
        words = composed_search(folder, endpoint, *more, "evaluate.test_items=4", "run.confirm=false")
        assert cli.main(["run", *words, "budget.calls=1000", "budget.wall_s=null"]) == 0
    archive = meta_search.open_run("run")
    tested = [r for r in archive.agents() if "test" in r.evaluations]
    met: list[Mapping[Any, Any]] = [
        {(r.item, r.repeat): r for r in archive.results(a.agent.id, "test", trace=False)} for a in tested
    ]
    assert len(met) >= 3
    assert all(found.keys() == met[0].keys() for found in met)
    assert len(met[0]) == 4 * 5
    shown = " ".join(capsys.readouterr().out.split())
    assert "each test item is run 5 times" in shown
    assert "Each test item was run 5 times, and counts once: by its mean." in shown
    assert replay() == 0
    assert_same("run", "again")


@pytest.mark.slow
def test_a_report_that_the_budget_ended_stays_as_it_is_when_it_is_resumed(folder: Path) -> None:
    """Whoever was tested is not left out for lack of room: without the dearest the rest would go on."""
    with CountingEndpoint(adds_below(9)) as endpoint:
        more = ("search.candidates=1", "search.seeds=[direct,chain_of_thought]", "search.prior=false")
        words = composed_search(folder, endpoint, *more, "evaluate.test_items=30", "run.confirm=false")
        assert cli.main(["run", *words, "budget.calls=150"]) == 0
        archive = meta_search.open_run("run")

        def tested() -> dict[str, int]:
            return {
                r.agent.id: r.evaluations["test"].items for r in archive.agents() if "test" in r.evaluations
            }

        before, [items] = tested(), set(tested().values())
        assert items < 30
        assert cli.main(["resume", "run"]) == 0
    assert tested() == before
