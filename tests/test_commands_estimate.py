"""The estimate before a run, and the question that goes with it."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archive.store import Store
from meta_search.authors.registry import AUTHORS
from meta_search.commands import typical_usage
from meta_search.commands.estimate import estimate_evaluation, estimate_search
from meta_search.commands.typical_usage import TypicalUsage, typical_usage_of
from meta_search.compose import compose
from meta_search.config import Config, to_mapping
from meta_search.run import ownership
from meta_search.testing import CountingEndpoint
from meta_search.types import Agent, Brief, Candidate, Evaluation, ItemResult, Usage
from tests.kits.searches import overrides, write_table

TYPICAL = TypicalUsage(2.0, 100.0, 50.0, 0.5, 3.0, 1000.0, 200.0, "measured")
PLANNED = {"examples": 0, "train": 10, "validation": 8, "test": 6}
PRICES = {"small": {"input": 1.0, "output": 2.0}, "big": {"input": 10.0, "output": 20.0}}
ENDPOINT = ("llm=endpoint", "llm.meta.model=big", "llm.task.model=small", "budget.wall_s=null")


def config(*overrides: str) -> Config:
    return compose([*ENDPOINT, "search.candidates=2", "search.finalists=2", "author=llm", *overrides])


def test_a_search_is_agents_times_items_times_calls() -> None:
    found = estimate_search(config(), PLANNED, 1, TYPICAL, PRICES)
    items = 3 * 10 * 0.5 + (1 + 2) * 8 + 5 * 6  # train, validation of all that come first, test
    tried = 2 / len(config().search.operators) * 5 * 2  # minibatches of `reflect`, half of them for nothing
    task, meta = (items + tried) * 2, 2 * 3
    assert found.usage.calls == round(task) + meta
    assert found.usage.tokens == pytest.approx(task * 150 + meta * 1200, abs=2)
    usd = (task * 100 * 1 + task * 50 * 2 + meta * 1000 * 10 + meta * 200 * 20) / 1e6
    assert found.usage.cost_usd == pytest.approx(usd, rel=1e-3)
    assert "racing spares 50 %" in found.basis.replace("50%", "50 %")
    assert found.notes == ()
    whole = estimate_search(config("evaluate.racing=false"), PLANNED, 1, TYPICAL, PRICES)
    assert whole.usage.calls == pytest.approx(task + meta + 3 * 10 * 0.5 * 2, abs=1)
    composed = estimate_search(config("author=composer"), PLANNED, 1, TYPICAL, PRICES)
    assert composed.usage.calls == items * 2  # it writes nothing that is tried first


def test_teaching_counts_within_its_share_of_the_budget() -> None:
    planned = PLANNED | {"examples": 40}
    words = ("author=llm", "search.operators=[novel]", "llm.task.model=other")
    first = estimate_search(config(*words), planned, 1, TYPICAL, PRICES).usage
    without = estimate_search(config(*words, "author.teach=false"), planned, 1, TYPICAL, PRICES).usage
    assert first.calls - without.calls == 80
    budget = "budget.calls=400"
    some = estimate_search(config(*words, budget), planned, 1, TYPICAL, PRICES).usage
    assert some.calls - without.calls == 40


def test_late_candidates_are_seldom_validated() -> None:
    few, many = (
        estimate_search(
            config(f"search.candidates={n}", "evaluate.racing=false"), PLANNED, 1, TYPICAL, PRICES
        )
        for n in (100, 200)
    )
    assert many.usage.calls - few.usage.calls < 100 * (10 * 2 + 3 + 2.3) + 100  # minibatches: 2.3 each


def test_the_budget_cuts_an_estimate() -> None:
    free = estimate_search(config(), PLANNED, 1, TYPICAL, PRICES).usage
    for name, limit, value in (("calls", 12, 12), ("tokens", 300, 300), ("usd", 0.001, 0.001)):
        found = estimate_search(config(f"budget.{name}={limit}"), PLANNED, 1, TYPICAL, PRICES)
        have = {"calls": found.usage.calls, "tokens": found.usage.tokens, "usd": found.usage.cost_usd}
        assert have[name] == pytest.approx(value, abs=2)
        assert found.usage.calls < free.calls
        assert f"budget.{name}={limit:g} is likely to stop the run early" in found.notes[0]
    assert estimate_search(config("budget.calls=100000"), PLANNED, 1, TYPICAL, PRICES).usage == free
    assert "300 s" in estimate_search(config("budget.wall_s=300"), PLANNED, 1, TYPICAL, PRICES).notes[0]


def test_seeds_that_eat_the_budget_are_told_of() -> None:
    found = estimate_search(config("budget.calls=200"), PLANNED, 10, TYPICAL, PRICES)
    assert found.notes[0].startswith("the 10 seeds alone would take about 100 calls of budget.calls=200: ")
    assert "search.seeds=[direct,chain_of_thought]" in found.notes[0]
    for few, budget in ((2, "budget.calls=20"), (10, "budget.calls=2000"), (10, "budget.usd=0.1")):
        assert "seeds" not in " ".join(estimate_search(config(budget), PLANNED, few, TYPICAL, PRICES).notes)
    large = estimate_search(
        config("budget.tokens=2000000", "search.candidates=2000"), PLANNED, 1, TYPICAL, {}
    )
    assert "budget.tokens=2000000 is likely to stop the run early" in large.notes


def test_ideas_and_lessons_are_among_the_calls_of_the_meta_model() -> None:
    plain = config("author.lessons=0", "search.operators=[mutate]")
    noted = config("author.lessons=2", "search.operators=[mutate,novel]")
    assert typical_usage.assumed(noted).meta_calls == typical_usage.assumed(plain).meta_calls + 0.5 + 0.5


def test_an_unknown_price_is_told_and_a_local_model_has_none() -> None:
    zero = {"small": {"input": 0.0, "output": 0.0}, "big": {"input": 1.0, "output": 1.0}}
    found = estimate_search(config(), PLANNED, 1, TYPICAL, zero)
    (note,) = found.notes
    assert note.startswith("no price is known for small: name it, as ")
    named = config(*shlex.split(note.partition(" as ")[2]))  # as it was pasted
    assert named.llm.prices == {"small": {"input": 0.15, "output": 0.6}}
    free = config("llm.prices={small:{input:0,output:0}}")
    assert estimate_search(free, PLANNED, 1, TYPICAL, zero).notes == ()
    local = compose(["budget.wall_s=null"])
    assert estimate_search(local, PLANNED, 1, TYPICAL, {}).notes == ()
    assert "$" not in estimate_search(local, PLANNED, 1, TYPICAL, {}).lines()[0]


def test_agents_that_the_limit_of_an_item_would_end_are_told_of() -> None:
    small, told = (
        config("sandbox.tokens=250"),
        "an agent uses about {} tokens an item; sandbox.tokens=250 ends it",
    )
    assert estimate_search(small, PLANNED, 1, TYPICAL, PRICES).notes == (told.format(300),)
    dry = [Usage(1, 100), Usage(5, 500)]
    assert estimate_evaluation(small, dry, 10, TYPICAL, PRICES).notes == (told.format(750),)
    assert estimate_evaluation(config(), dry, 10, TYPICAL, PRICES).notes == ()


def test_an_evaluation_counts_what_a_dry_run_shows() -> None:
    runs = [Usage(1, 100), Usage(5, 500), None]
    found = estimate_evaluation(config(), runs, 10, TYPICAL, PRICES)
    assert found.usage.calls == (1 + 5 + 3) * 10  # the third is taken to be like the others
    assert found.usage.prompt_tokens == (100 + 500 + 300) * 10
    assert found.usage.completion_tokens == 90 * 50
    assert found.basis == "3 agents × 10 items, calls of 2 agents counted in a free dry run"
    unknown = estimate_evaluation(config(), [None], 10, TYPICAL, PRICES)
    assert (unknown.usage.calls, unknown.basis) == (20, "1 agent × 10 items, measured")


# -- earlier runs


def write_run(folder: Path, settings: Config, calls: int) -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(to_mapping(settings)))
    with Store.open(folder / "archive.db") as store:
        for number, items in enumerate((8, 4)):
            agent = Agent.of(f"a{number}", f"x = {number}")
            store.add_candidate(Candidate(agent, Brief(number, "novel", "llm")), "population")
            rows = [
                ItemResult(agent.id, "train", f"i{i}", 0, "ok", score=1.0, used=Usage(calls, 300, 60))
                for i in range(items)
            ]
            store.add_results(rows)
            store.put_evaluation(Evaluation.of(agent.id, "train", rows)).result()


def test_earlier_runs_of_the_same_domain_and_models_tell(folder: Path) -> None:
    mine = config()
    assert typical_usage_of(mine, Path("runs/new")).calls == AUTHORS["llm"].calls_per_item
    write_run(Path("runs/one"), mine, 3)
    write_run(Path("runs/two"), mine, 5)
    assert ownership.sign(Path("runs/two"))
    write_run(Path("runs/other"), replace(mine, domain=replace(mine.domain, name="table")), 50)
    write_run(Path("runs/new"), mine, 70)
    found = typical_usage_of(mine, Path("runs/new"))
    assert (found.calls, found.prompt, found.completion) == (4.0, 75.0, 15.0)
    assert found.share == 0.75  # 12 of 2 × 8 train items
    said = "as in 2 earlier runs of reasoning (1 not signed by you): 4.0 calls an item, 90 tokens a call"
    assert found.basis == said
    Path("runs/one/archive.db").write_text("no database")
    assert typical_usage_of(mine, Path("runs/new")).calls == 5.0


# -- the question


@pytest.fixture
def endpoint(folder: Path) -> Iterator[CountingEndpoint]:
    write_table(folder / "sums.csv", ((f"What is {a} + 1?", str(a + 1)) for a in range(40)))
    (folder / "mine.py").write_text(
        "def forward(self, taskInfo):\n    agent = LLMAgentBase(['answer'], 'A')\n"
        "    drafts = [agent([taskInfo], str(i))[0] for i in range(3)]\n"
        "    return agent([taskInfo, *drafts], 'Choose.')[0]\n"
    )
    with CountingEndpoint(lambda messages, body: "1") as endpoint:
        yield endpoint


def words(endpoint: CountingEndpoint) -> list[str]:
    more = ("llm.prices={scripted:{input:1000,output:1000}}", "evaluate.items=2", "evaluate.test_items=2")
    return overrides("sums.csv", endpoint, *more)


def on_a_terminal(root: Path, arguments: list[str], answer: str) -> tuple[int, str]:
    """Run a command with a terminal for input and output; answer its question, if it asks one."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(root), "TERM": "xterm", "COLUMNS": "200"}
    command = [sys.executable, "-m", "meta_search", *arguments]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown, answered = b"", False
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        shown += part
        if not part:
            break
        if not answered and b"[y/N]" in shown:
            os.write(ours, f"{answer}\n".encode())
            answered = True
    os.close(ours)
    return process.wait(60), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode("utf-8", "replace"))


@pytest.mark.slow
def test_no_is_a_clear_line_and_leaves_nothing(endpoint: CountingEndpoint, root: Path) -> None:
    search = ["run", *words(endpoint), "search.candidates=1", "search.seeds=[direct]", "author=composer"]
    for command in (["evaluate", "mine.py", *words(endpoint)], search):
        status, shown = on_a_terminal(root, command, "n")
        assert status == 2, shown
        assert "estimate: about " in shown
        assert "no budget is given: spend about $" in shown
        assert "not started, nothing was spent" in shown
        assert endpoint.calls == 0
        assert list(Path("runs").iterdir()) == []


def test_yes_starts_and_the_estimate_of_an_evaluation_holds(endpoint: CountingEndpoint, root: Path) -> None:
    status, shown = on_a_terminal(root, ["evaluate", "mine.py", *words(endpoint)], "y")
    assert status == 0, shown
    assert "about 8 calls" in shown
    assert "calls counted in a free dry run" in shown
    assert endpoint.calls == 8
    assert len(list(Path("runs").iterdir())) == 1


@pytest.mark.slow
@pytest.mark.parametrize("more", [["--yes"], ["run.confirm=false"], ["budget.calls=100"]])
def test_no_question_where_it_is_answered_or_a_budget_holds(
    endpoint: CountingEndpoint, root: Path, more: list[str]
) -> None:
    status, shown = on_a_terminal(root, ["evaluate", "mine.py", *words(endpoint), *more], "n")
    assert status == 0, shown
    assert "[y/N]" not in shown
    assert endpoint.calls == 8


def test_no_question_without_a_terminal(endpoint: CountingEndpoint, root: Path) -> None:
    command = [sys.executable, "-m", "meta_search", "evaluate", "mine.py", *words(endpoint)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "estimate: about 8 calls" in done.stdout
    assert "[y/N]" not in done.stdout


def test_models_that_think_are_taken_to_use_more() -> None:
    plain, thinks = (
        typical_usage.assumed(compose(["llm=endpoint", f"llm.task.model={m}", f"llm.meta.model={m}"]))
        for m in ("gpt-4o", "gpt-5-mini")
    )
    assert thinks.completion == plain.completion + typical_usage.THOUGHT
    assert thinks.meta_completion > plain.meta_completion + 1000
    assert "800 are thinking" in thinks.basis


def test_long_questions_are_not_taken_for_short_ones() -> None:
    short, long = (typical_usage_of(config(), Path("runs/new"), tokens) for tokens in (80.0, 25_000.0))
    assert short.prompt == 350.0
    assert long.prompt > 25_000
    assert "calls an item and 25300 tokens a call" in long.basis
