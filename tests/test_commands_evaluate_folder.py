"""Evaluations that go on in their own folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search.errors import ConfigError
from meta_search.testing import CountingEndpoint
from tests.kits.searches import overrides, write_table

AGENT = """
def forward(self, taskInfo):
    voters = [LLMAgentBase(['answer'], 'Voter') for _ in range(3)]
    return [voter([taskInfo], 'Add.')[0].content for voter in voters][-1]
"""
ITEMS = 8


@pytest.fixture
def words(folder: Path) -> list[str]:
    """Overrides of a small evaluation in the folder `run`."""
    write_table(folder / "sums.jsonl", ((f"What is {n} + 1?", str(n + 1)) for n in range(60)))
    (folder / "voter.py").write_text(AGENT)
    return [f"evaluate.items={ITEMS}", "evaluate.per_worker=2", "run.dir=run", "llm.max_concurrency=4"]


def rows(words: list[str], endpoint: CountingEndpoint, *more: str) -> list[dict[str, Any]]:
    found = meta_search.evaluate("voter.py", *overrides("sums.jsonl", endpoint, *words, *more))
    return [{k: v for k, v in row.items() if k != "seconds"} for row in found]


def test_goes_on_where_the_budget_ended_and_pays_nothing_twice(words: list[str]) -> None:
    with CountingEndpoint(lambda messages, body: '{"answer": "1"}') as endpoint:
        undisturbed = rows(words, endpoint, "run.dir=whole")
        assert endpoint.calls == 3 * ITEMS
        cut = rows(words, endpoint, "budget.calls=10")
        assert endpoint.calls == 3 * ITEMS + 10
        assert cut != undisturbed
        assert rows(words, endpoint, "budget.calls=1000") == undisturbed
        assert endpoint.calls == 2 * 3 * ITEMS
        assert rows(words, endpoint) == undisturbed  # nothing is left to do
        assert endpoint.calls == 2 * 3 * ITEMS


def test_accounts_by_the_prices_it_was_started_with(words: list[str]) -> None:
    with CountingEndpoint() as endpoint:
        dear, cheap = (
            "llm.prices={scripted:{input:1000,output:1000}}",
            "llm.prices={scripted:{input:1,output:1}}",
        )
        whole = rows(words, endpoint, "run.dir=whole", dear)
        rows(words, endpoint, dear, "budget.calls=10")
        resumed = rows(words, endpoint, cheap)
        assert resumed[0]["cost_usd"] == pytest.approx(whole[0]["cost_usd"])
        assert resumed[0]["cost_usd"] == pytest.approx(resumed[0]["tokens"] * 1e-3)


def test_refuses_a_folder_with_other_settings_or_a_search(words: list[str]) -> None:
    with CountingEndpoint() as endpoint:
        rows(words, endpoint)
        with pytest.raises(ConfigError, match=r"llm\.task\.model"):
            rows(words, endpoint, "llm.task.model=other")
        with pytest.raises(ConfigError, match="seed"):
            rows(words, endpoint, "seed=7")
        search = ["search.candidates=0", "search.seeds=[direct]", "evaluate.test_items=2"]
        meta_search.search(*overrides("sums.jsonl", endpoint, *words, *search, "run.dir=search"))
        with pytest.raises(ConfigError, match="holds a search"):
            rows(words, endpoint, "run.dir=search")
