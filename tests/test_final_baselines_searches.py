"""Final reports of short searches: what beats a seed must also beat that seed sampled at the same cost."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from archive.records import Record
from meta_search import cli
from meta_search.engine.restore import candidate_of
from meta_search.final.field import Field
from meta_search.final.report import _unmatched
from meta_search.report.standing import Contender
from meta_search.report.verdict import Verdict, archive_verdict, verdict
from meta_search.run.members import Member
from meta_search.testing import CountingEndpoint
from tests.kits.answers import Answerer
from tests.kits.pages import page_text, page_view
from tests.kits.searches import assert_replays, overrides, run_killed, write_table

WRITTEN = """Name: Careful
Thought: ask {calls} times, and trust the first.
```python
def forward(self, taskInfo):
    solver = LLMAgentBase(["answer"], "Careful", temperature=0.7)
    drafts = [solver([taskInfo], "Carefully reply with the final answer.")[0] for _ in range({calls})]
    return drafts[0]
```"""
QUESTION = "A baker packs {} trays with {} rolls each. What is {} * {}?"
SUM = re.compile(r"What is (\d+) \* (\d+)")


def mind(direct: int, careful: int, calls: int) -> Answerer:
    """A model that is right with these chances in per cent, anew in every sample, and writes one agent."""

    def answer(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        if body["model"] == "writer":
            return WRITTEN.format(calls=calls)
        text = messages[-1]["content"]
        a, b = map(int, SUM.findall(text)[-1])
        if "answers is right" in text:
            return "1"
        drawn = hashlib.sha256(json.dumps([text, body["seed"]]).encode()).digest()
        right = drawn[0] * 100 // 256 < (careful if "Carefully" in text else direct)
        return str(a * b if right else a * b + 1 + drawn[1])

    return answer


def words(folder: Path, base_url: str, *more: str) -> list[str]:
    pairs = [(a, b) for a in range(3, 12) for b in range(3, 12)]
    table = write_table(
        folder / "products.jsonl", ((QUESTION.format(a, b, a, b), str(a * b)) for a, b in pairs)
    )
    short = (
        *("author=llm", "author.formats=[program]", "author.reflexions=0", "search.operators=[novel]"),
        *("search.seeds=[direct]", "search.candidates=1", "search.finalists=1", "evaluate.racing=false"),
        *("domain.sizes={examples:4,train:10,validation:7,test:60}", "run.dir=run", "run.confirm=false"),
    )
    return overrides(table, base_url, *short, *more, meta="writer", task="solver")


def final(folder: Path, model: Answerer, *more: str) -> tuple[Verdict, dict[str, Record]]:
    with CountingEndpoint(model) as endpoint:
        assert cli.main(["run", *words(folder, endpoint.base_url, *more)]) == 0
    archive = meta_search.open_run("run")
    return archive_verdict(archive), {r.agent.name: r for r in archive.agents()}


@pytest.mark.slow
def test_what_beats_the_seed_but_not_its_samples_is_not_shown_to_beat_the_baselines(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, agents = final(folder, mind(direct=55, careful=88, calls=6))
    vote, choice = agents["self-consistency (6 × direct)"], agents["best-of-5 (direct)"]
    assert found.outcome in ("not_shown", "does_not_beat")
    assert found.best is not None
    assert found.best.baseline.kind == "matched"
    assert "the best baseline" in found.sentence
    assert "Against the seeds alone, it beats the best seed, direct (" in found.seeds
    assert "but was not shown to beat the baselines at matched cost" in found.seeds
    for baseline in (vote, choice):
        assert (baseline.status, baseline.operator, baseline.author) == ("baseline", "baseline", "hand")
        assert baseline.evaluations["test"].items == 60
        assert set(baseline.evaluations) == {"test"}
    assert vote.evaluations["test"].used.calls == 6 * 60
    assert 5 * 60 < choice.evaluations["test"].used.calls <= 6 * 60  # where all agree there is no choice
    assert vote.evaluations["test"].score > agents["direct"].evaluations["test"].score + 0.2
    with sqlite3.connect("run/archive.db") as database:
        query = "SELECT DISTINCT json_extract(data, '$.agent') FROM events WHERE kind = 'delivery'"
        assert {vote.agent.id, choice.agent.id} <= {row[0] for row in database.execute(query)}
    shown = capsys.readouterr().out
    table = shown[shown.index("right %") : shown.index("Next:")]
    assert max(map(len, table[: table.index("The best agent")].splitlines())) <= 80
    assert all(line in " ".join(shown.split()) for line in found.lines)  # the report says what the run said
    assert "The run paid" in found.break_even
    page = page_text(folder / "run" / "report.html")
    assert "baseline at matched cost" in page
    assert "uses until the best finalist has saved what the run paid" in page


def test_as_good_as_the_seed_is_not_shown_and_one_sample_is_the_seed(folder: Path) -> None:
    found, agents = final(folder, mind(direct=60, careful=63, calls=1))
    assert found.outcome in ("not_shown", "does_not_beat")
    assert set(agents) == {"direct", "Careful"}
    assert "itself is the baseline at matched cost" in found.text


@pytest.mark.slow
def test_what_samples_do_not_reach_beats_all_baselines(folder: Path) -> None:
    found, agents = final(folder, mind(direct=4, careful=97, calls=2))
    assert found.outcome == "beats"
    assert "self-consistency (2 × direct)" in agents
    assert not any(name.startswith("best-of") for name in agents)  # of two answers none is more frequent
    assert found.break_even.startswith("The run paid ")
    assert found.paybacks


def test_a_dear_baseline_leaves_the_budget_to_the_others(folder: Path) -> None:
    """Some 300 calls are left for the report: 12 items with both, 18 with one of them, 34 without.

    Best-of-n is left out for more items; self-consistency is not, as nothing can be claimed without it.
    """
    found, agents = final(folder, mind(direct=55, careful=88, calls=6), "budget.calls=430")
    assert "was skipped: running it would leave too few test items within the budget" in found.text
    assert "best-of-5 (direct)" not in agents
    vote, careful = agents["self-consistency (6 × direct)"], agents["Careful"]
    assert vote.evaluations["test"].items == careful.evaluations["test"].items >= 15


def test_with_a_small_budget_samples_are_tested_all_the_same(folder: Path) -> None:
    """Some 50 calls are left: three items with samples, six without. Nothing could be claimed without."""
    found, agents = final(folder, mind(direct=0, careful=100, calls=6), "budget.calls=175")
    vote, careful = agents["self-consistency (6 × direct)"], agents["Careful"]
    assert vote.evaluations["test"].items == careful.evaluations["test"].items > 0
    assert found.outcome == "not_shown"


def test_with_a_budget_too_small_for_samples_nothing_is_claimed(folder: Path) -> None:
    """Less is left than an item costs with samples."""
    found, agents = final(
        folder, mind(direct=0, careful=100, calls=6), "budget.calls=93", "budget.final_share=0.15"
    )
    assert not any(record.status == "baseline" for record in agents.values())
    assert "self-consistency (6 × direct), a baseline at matched cost, was not tested" in found.text
    assert found.outcome in ("no_claim", "not_shown")
    assert "beats" not in found.text
    assert found.take is not None
    assert found.take.name == "direct"


@pytest.mark.slow
def test_a_winner_for_which_no_samples_were_made_is_claimed_nothing_of(folder: Path) -> None:
    """They are made for the best finalist on train and validation items; here another one wins, at six times
    the cost."""
    with CountingEndpoint(mind(direct=30, careful=97, calls=6)) as endpoint:
        assert cli.main(["run", *words(folder, endpoint.base_url)]) == 0
    run = meta_search.open_run("run")
    by_name = {r.agent.name: r for r in run.agents()}
    results = {name: run.results(r.agent.id, "test", trace=False) for name, r in by_name.items()}
    dear, seed = (Member(candidate_of(by_name[name])) for name in ("Careful", "direct"))
    for one in (dear, seed):
        for result in results[one.agent.name]:
            one.add(result)
    told = verdict(
        [Contender.of(seed.agent.id, "direct", results["direct"])],
        [Contender.of(dear.agent.id, "Careful", results["Careful"], kind="found")],
    )
    assert told.outcome == "beats"
    assert _unmatched(Field((dear,), (seed,)), told) == "self-consistency (6 × direct)"


def test_samples_that_an_item_has_no_calls_for_are_not_tested(folder: Path) -> None:
    found, _ = final(folder, mind(direct=0, careful=100, calls=2), "sandbox.calls=2")
    assert found.outcome == "no_claim"
    assert "not tested against self-consistency (2 × direct), so no claim" in found.sentence
    assert "sandbox.calls=2 is too few for it" in found.text
    assert "no claim" in page_view(folder / "run" / "report.html", "overview")["verdict"]


@pytest.mark.slow
def test_a_run_that_is_killed_in_its_report_goes_on_with_the_same_baselines(folder: Path) -> None:
    model = mind(direct=55, careful=88, calls=6)
    with CountingEndpoint(model, latency_s=0.01) as endpoint:
        more = words(folder, endpoint.base_url)
        run_killed(
            folder, endpoint, 17 * 7 + 300, "run", *more
        )  # train and validation of both, and some of the test items
        with meta_search.open_run("run") as archive:
            before = [r.agent.id for r in archive.agents() if r.status == "baseline"]
            assert archive.results(before[0], "test", trace=False)
        assert cli.main(["resume", "run"]) == 0
        sent, most = endpoint.calls, endpoint.max_in_flight
    with meta_search.open_run("run") as archive:
        assert [r.agent.id for r in archive.agents() if r.status == "baseline"] == before
        assert {r.evaluations["test"].items for r in archive.agents()} == {60}
    with sqlite3.connect("run/archive.db") as database:
        (known,) = database.execute("SELECT COUNT(*) FROM calls").fetchone()
    assert sent - known <= most + 2  # what was in flight, and the checks that the endpoint answers
    assert_replays()
