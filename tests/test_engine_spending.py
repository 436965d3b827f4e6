"""What of the budget a candidate may take: shares of what is left, and that an outlier shows on one item."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.config import BudgetConfig, SandboxConfig
from meta_search.engine.spending import may_take_much, share_of_left
from meta_search.testing import CountingEndpoint
from meta_search.types import Usage
from tests.kits.answers import adds_below
from tests.kits.searches import assert_replays, written_search

SPENT = Usage(10, 600, 100, 0.5)


def test_the_nearest_limit_counts() -> None:
    more = Usage(4, 30, 10, 1.0)
    assert share_of_left(BudgetConfig(), SPENT, more) == 0.0
    assert share_of_left(BudgetConfig(calls=50, final_share=0.0), SPENT, more) == pytest.approx(0.1)
    assert share_of_left(BudgetConfig(tokens=1000, final_share=0.25), SPENT, more) == pytest.approx(0.8)
    assert share_of_left(BudgetConfig(calls=50, usd=2.5, final_share=0.0), SPENT, more) == pytest.approx(0.5)
    assert share_of_left(BudgetConfig(calls=10, final_share=0.0), SPENT, more) > 1e6


def test_what_items_may_take_is_what_the_sandbox_allows() -> None:
    limits = SandboxConfig(calls=10, tokens=1000)
    assert not may_take_much(BudgetConfig(), limits, Usage(), 3)
    assert may_take_much(BudgetConfig(usd=1000.0), limits, Usage(), 3)  # nobody here knows a price
    for budget, much in ((BudgetConfig(tokens=20_000), True), (BudgetConfig(tokens=60_000), False)):
        assert may_take_much(budget, limits, Usage(), 3) is much
    for budget, much in ((BudgetConfig(calls=200), True), (BudgetConfig(calls=600), False)):
        assert may_take_much(budget, limits, Usage(), 3) is much
    assert may_take_much(BudgetConfig(tokens=10**9), SandboxConfig(tokens=None), Usage(), 3)


ORDINARY = """def forward(self, taskInfo):
    return LLMAgentBase(["answer"], "Solver {n}")([taskInfo], "Reply with only the number.")[0]"""
GREEDY = """def forward(self, taskInfo):
    for n in range(60):
        answer = LLMAgentBase(["answer"], f"Greedy {n}")([taskInfo], "Reply with only the number.")[0]
    return answer"""
WORDS = (
    *("author=llm", "author.formats=[program]", "author.reflexions=0", "search.operators=[novel]"),
    *("search.seeds=[direct]", "search.in_flight=1", "search.prior=false", "run.dir=run"),
    *("search.candidates=2", "budget.calls=400", "llm.cache=false"),
)


def writes(*sources: str) -> Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], str]:
    """A meta model that writes these agents in turn; and solves sums."""
    left, solves = itertools.cycle(enumerate(sources)), adds_below(9)

    def answer(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        if body["model"] != "writer":
            return solves(messages, body)
        number, source = next(left)
        source = source.replace("Solver {n}", f"Solver {number}")
        return f"Name: Agent\nThought: {number}.\n```python\n{source}\n```"

    return answer


def test_an_outlier_is_stopped_after_one_item(folder: Path) -> None:
    with CountingEndpoint(writes(GREEDY, ORDINARY)) as endpoint:
        assert cli.main(["run", *written_search(folder, endpoint, *WORDS)]) == 0
    with meta_search.open_run("run") as archive:
        found = {r.agent.source: r.evaluations["train"] for r in archive.agents() if r.operator == "novel"}
    greedy = next(e for source, e in found.items() if "Greedy" in source)
    other = next(e for source, e in found.items() if "Greedy" not in source)
    assert (greedy.items, greedy.used.calls) == (1, 60)
    told = r"paused: costs [56]\d× as much as most agents: its evaluation would take 100%"
    assert re.match(told, greedy.stopped)
    assert other.items > 1
    assert_replays()


@pytest.mark.slow
def test_without_a_budget_all_items_of_a_block_run_at_once(folder: Path) -> None:
    with CountingEndpoint(writes(GREEDY, ORDINARY)) as endpoint:
        words = written_search(folder, endpoint, *WORDS, "budget.calls=null")
        assert cli.main(["run", *words]) == 0
    with meta_search.open_run("run") as archive:
        [greedy] = [r for r in archive.agents() if "Greedy" in r.agent.source]
    assert greedy.evaluations["train"].items >= 3
