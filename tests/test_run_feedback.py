"""What a scorer says of answers: where it goes in a run, and where it must never go."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import SearchEvent, cli
from meta_search.testing import CountingEndpoint, EndpointRequest
from tests.kits.pages import page_text
from tests.kits.searches import assert_replays, overrides, tables

WRITTEN = """Name: Way {n}
Thought: try {n}
```python
def forward(self, taskInfo):
    return LLMAgentBase(["answer"], "Solver {n}")([taskInfo], "Answer in way {n}.")[0]
```"""
PLAN = {"name": "P", "thought": "t", "way": "direct", "routes": [], "samples": 1, "shown": 0}

DOMAIN = '''"""Sums of two numbers."""
import os, time
from domains.domain import Score

def items(split):
    first = ("examples", "train", "validation", "test").index(split) * 100
    return [(f"What is {n} + 3?", str(n + 3)) for n in range(first, first + 6)]

def score(item, answer):
    if answer == item.target:
        return 1
    return 0, f"SAID-{item.id}: the secret of {item.target}\\nat " + CLOCK
'''
STEADY = DOMAIN.replace("CLOCK", "'noon'")
MOODY = DOMAIN.replace("CLOCK", "str(time.perf_counter_ns()) + str(os.getpid())")
RUNS = '''"""Programs that print a number."""

def items(split):
    first = ("examples", "train", "validation", "test").index(split) * 100
    return [(f"Print {n}.", str(n)) for n in range(first, first + 6)]

def score(item, answer, run):
    ok, printed = run(answer)
    return ok and printed.strip() == item.target
'''
JUDGED = '''"""Polite replies."""

def items(split):
    first = ("examples", "train", "validation", "test").index(split) * 100
    return [(f"Reply to {n}.", "") for n in range(first, first + 6)]

def score(item, answer, ask):
    return "polite" in ask(f"Judge: {answer}")
'''


def mind(form: str, answer: str) -> Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], str]:
    """A model that writes agents, judges, and answers."""
    written = iter(range(10_000))

    def said(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        if messages[-1]["content"].startswith("Judge:"):
            return "blunt: it names nobody"
        if body["model"] != "writer":
            return answer
        n = next(written)
        if form == "plan":
            return json.dumps({**PLAN, "name": f"P{n}", "hint": f"hint {n}"})
        return WRITTEN.format(n=n)

    return said


def searched(
    folder: Path, source: str, *more: str, form: str = "program", answer: str = "five"
) -> tuple[list[str], list[str]]:
    """A search in `run`; the prompts of the meta agent, and those of all others."""
    path = folder / "mine.py"
    path.write_text(source)
    with CountingEndpoint(mind(form, answer)) as endpoint:
        words = (
            *("author=llm", f"author.formats=[{form}]", "author.reflexions=1", "search.candidates=2"),
            *("search.seeds=[direct]", "run.dir=run", "run.confirm=false", "budget.calls=2000"),
        )
        asked = overrides(path, endpoint, *words, *more, domain="python", meta="writer", task="solver")
        assert cli.main(["run", *asked]) == 0
        return prompts(endpoint.requests, True), prompts(endpoint.requests, False)


def prompts(requests: Sequence[EndpointRequest], meta: bool) -> list[str]:
    chosen = [r for r in requests if (r.body["model"] == "writer") is meta]
    return ["\n".join(content for _, content in request.messages) for request in chosen]


def showing(prompts: Sequence[str]) -> list[str]:
    """Those that show items that went wrong."""
    return [prompt for prompt in prompts if re.search(r"^(Wrong|Scored|Item \d)", prompt, re.MULTILINE)]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["program", pytest.param("plan", marks=pytest.mark.slow)])
def test_the_meta_agent_is_told_of_train_items_and_of_no_others(folder: Path, form: str) -> None:
    written, others = searched(folder, STEADY, form=form)
    shown = showing(written)
    assert len(shown) >= 2
    assert all("\n> SAID-train-" in prompt and "\n> at noon" in prompt for prompt in shown)
    assert not any(re.search("SAID-(validation|test|examples)", prompt) for prompt in written)
    assert others
    assert not any("SAID-" in prompt for prompt in others)  # agents are never told
    with meta_search.open_run("run") as archive:
        said = {(row["split"], row["feedback"].partition(":")[0]) for row in archive.rows("items")}
        assert {split for split, _ in said} >= {"train", "validation", "test"}
        assert all(feedback.startswith(f"SAID-{split}-") for split, feedback in said)
        assert not any(row["detail"] for row in archive.rows("items"))


@pytest.mark.slow
def test_what_nobody_wants_told_is_kept_and_not_told(folder: Path) -> None:
    written, _ = searched(folder, STEADY, "author.feedback=false")
    assert showing(written)
    assert not any("SAID-" in prompt or "The scorer says" in prompt for prompt in written)
    with meta_search.open_run("run") as archive:
        assert all(row["feedback"].startswith("SAID-") for row in archive.rows("items"))


def said_in(run: str) -> list[tuple[str, str, str, str]]:
    with meta_search.open_run(run) as archive:
        return sorted((r["agent"], r["split"], r["item"], r["feedback"]) for r in archive.rows("items"))


@pytest.mark.slow
def test_a_scorer_that_says_it_otherwise_each_time_replays_to_the_letter(folder: Path) -> None:
    written, _ = searched(folder, MOODY)
    assert all("\n> SAID-train-" in prompt for prompt in showing(written))
    assert_replays()
    assert said_in("run") == said_in("again")
    assert tables("run")["agents"]


@pytest.mark.slow
def test_a_scorer_that_says_nothing_is_spoken_for_by_its_programs(folder: Path) -> None:
    written, _ = searched(folder, RUNS, answer="print(1 / 0)")
    shown = showing(written)
    assert shown
    assert all("\n> the program failed:" in prompt and "ZeroDivisionError" in prompt for prompt in shown)


@pytest.mark.slow
def test_a_scorer_that_says_nothing_is_spoken_for_by_its_judge(folder: Path) -> None:
    written, _ = searched(folder, JUDGED, "llm.judge.model=solver")
    shown = showing(written)
    assert shown
    assert all("\n> the judge said: blunt: it names nobody" in prompt for prompt in shown)


@pytest.mark.slow
def test_a_caller_is_told_and_the_command_shows_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"question": f"What is {n} + 3?", "answer": str(n + 3)} for n in range(40)]

    def score(item: meta_search.Item, answer: str) -> dict[str, Any]:
        return {
            "score": answer == item.target,
            "feedback": f"\x1b[31mwrong\x1b[0m, {item.question}\nsecond line",
        }

    events: list[SearchEvent] = []
    with CountingEndpoint(mind("plan", "five")) as endpoint:
        asked = overrides("x", endpoint, "author=llm", "search.candidates=1", "search.seeds=[direct]")
        mine = [word for word in asked if not word.startswith("domain")]
        summary = meta_search.search(*mine, domain=rows, score=score, on_event=events.append)
    told = [e for e in events if e.kind == "item"]
    assert told
    assert all(e.feedback and e.feedback.startswith("wrong, What is") for e in told)
    with meta_search.open_run(summary.folder) as archive:
        agent = archive.agents()[0].agent.id
    capsys.readouterr()
    assert cli.main(["archive", "show", str(summary.folder), agent]) == 0
    out = capsys.readouterr().out
    assert re.search(r"wrong on \d+ of \d+ train results; the 3 worst:", out)
    assert len(re.findall(r"^    > wrong, What is \d+ \+ 3\?\n    > second line$", out, re.MULTILINE)) == 3
    assert "\x1b" not in out
    assert cli.main(["archive", "show", str(summary.folder), agent, "--split", "test", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["wrong"]
    assert {item["split"] for item in shown} == {"test"}
    assert "second line" in page_text(Path(summary.folder) / "report.html")
