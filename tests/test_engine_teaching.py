"""Teach first, in whole searches: what is stored and shown, the share of the budget, kills and replays."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.authors.course import Limits
from meta_search.config import AuthorConfig, BudgetConfig, Config, LLMConfig, ModelConfig
from meta_search.engine.pool import Pool, limits, teachable, teaches_first
from meta_search.guide.guide import Guide
from meta_search.guide.opening import Choices
from meta_search.run.events import BriefDelivered
from meta_search.run.folder import read_config
from meta_search.testing import CountingEndpoint, Fault
from meta_search.types import Demonstration
from tests.kits.answers import SUM, mind
from tests.kits.pages import page_text
from tests.kits.searches import (
    assert_replays,
    assert_same,
    command,
    mixed_search,
    questions,
    replay,
    tables,
    whole_and_killed,
)

OPERATORS = ("novel", "mutate", "crossover", "bootstrap", "simplify", "tune")
COMPUTES = "```python\n# Work it out.\nprint({a} {sign} {b})\n```"


def school(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """`writer` is always right on sums, and wrong on products; knowing the answer it writes a program of any.

    `solver` is right where it is shown how.
    """
    text = str(messages[-1]["content"])
    found = SUM.findall(text)
    wanted = (body.get("response_format") or {}).get("json_schema")
    if not found or (wanted and "way" in wanted["schema"]["properties"]):
        return mind(messages, body)
    a, what, b = found[-1]
    sign = "+" if what == "plus" else "*"
    shown = any(m["role"] == "assistant" for m in messages)
    able = what == "plus" if body["model"] == "writer" else shown
    if "Write a worked example" in text:
        return COMPUTES.format(a=a, sign=sign, b=b)
    right = int(a) + int(b) if sign == "+" else int(a) * int(b)
    if wanted:
        fields = wanted["schema"]["properties"]
        return json.dumps(dict.fromkeys(fields, str(right if able else 1)))
    if "Python program" in text:
        return COMPUTES.format(a=a, sign=sign, b=b) if able else "```python\nprint(1)\n```"
    return str(right if able else 1)


def searched(folder: Path, *more: str) -> int:
    with CountingEndpoint(school) as endpoint:
        return cli.main(["run", *mixed_search(questions(folder), endpoint, "run.dir=run", *more)])


def found_in(run: str = "run") -> list[Sequence[str]]:
    """Rows of the pool, as briefs delivered them."""
    events = meta_search.open_run(run).events("delivery")
    return [row for event in events for row in event.data.get("found", ())]


def examples_calls(run: str = "run") -> dict[str, int]:
    """Role of a model -> calls on the examples split, and of the meta agent for worked examples."""
    with sqlite3.connect(f"{run}/archive.db") as database:
        rows = database.execute("SELECT model, COUNT(*) FROM calls WHERE split = 'examples' GROUP BY model")
        found = dict(rows.fetchall())
        wrote = "SELECT COUNT(*) FROM calls WHERE occurrence LIKE 'teach-%'"
        return {**found, "written": database.execute(wrote).fetchone()[0]}


@pytest.mark.slow
def test_the_stronger_model_teaches_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert searched(folder, "search.candidates=4") == 0
    said = capsys.readouterr().out
    line = r"brief 0: the meta model teaches \w[\w ]+: \d+ of \d+ examples \(plus \d/4, times 0/4\)"
    assert re.search(line, said)
    teachers = {row[2] for row in found_in()}
    assert teachers == {"meta", "author"}
    calls = examples_calls()
    assert not any("solver" in name for name in calls), calls
    assert calls["written"] > 0
    archive = meta_search.open_run("run")
    assert any("times" in row[0] for row in found_in())  # which no model got right by itself
    shown = [r.agent for r in archive.agents() if r.agent.demonstrations]
    assert shown
    deliveries = [e.data for e in archive.events("delivery") if e.data.get("teaching")]
    assert sum(d["teaching"][0] for d in deliveries) == sum(calls.values())
    assert all(miss[2] in ("meta", "author") for d in deliveries for miss in d.get("missed", ()))
    assert_replays()
    told = r"\d+ worked examples that agents may show: plus \d+, times 1; 1 written by the meta agent, \d+ by"
    assert re.search(told, said)
    assert re.search(told, page_text("run/report.html"))
    assert meta_search.open_run("again").meta("pool") == archive.meta("pool")
    assert cli.main(["archive", "show", "run", shown[-1].id]) == 0
    assert re.search(r"demonstrations: \d+ \((plus|times) .* by the meta", capsys.readouterr().out)
    assert cli.main(["archive", "show", "run", shown[-1].id, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert len(row["taught"]) == len(row["demonstrations"]) > 0
    assert {worked["teacher"] for worked in row["taught"]} <= {"meta", "author"}


@pytest.mark.slow
def test_what_teaching_has_used_and_missed_survives_kills(folder: Path) -> None:
    more = ("search.in_flight=1", "search.candidates=5")
    sent, again = whole_and_killed(folder, school, more, (0.2, 0.45, 0.7))
    whole, killed = tables("whole"), tables("run")
    for name in ("agents", "edges", "trials", "evaluations"):
        assert whole[name] == killed[name], name
    assert found_in("whole") == found_in("run")
    assert again - sent <= 3 * 32  # what was in flight at the kills
    assert_replays()


@pytest.mark.slow
def test_of_two_briefs_at_once_one_teaches_and_a_kill_amid_its_teaching_is_replayed(folder: Path) -> None:
    taught, asked = threading.Event(), []

    def hang(index: int, body: Mapping[str, Any]) -> Fault | None:
        if body["model"] != "writer" or not SUM.search(str(body["messages"][-1]["content"])):
            return None
        asked.append(index)
        if len(asked) <= 3:
            return None
        taught.set()
        return Fault("hang")

    path = questions(folder)
    more = ("search.candidates=3", "search.operators=[bootstrap]", "llm.max_concurrency=8")
    words = ("run.dir=run", "search.in_flight=3", *more)
    with CountingEndpoint(school, faults=hang) as endpoint:
        process = command(folder, "run", *mixed_search(path, endpoint.base_url, *words))
        try:
            assert taught.wait(120)
            time.sleep(2.0)  # the briefs beside it come to their end
        finally:
            process.kill()
            process.communicate()
    assert any("writer" in model for model in examples_calls()), examples_calls()
    assert found_in() == []  # no brief has delivered any
    with CountingEndpoint(school) as endpoint:
        assert cli.main(["resume", "run", f"llm.base_url={endpoint.base_url}"]) == 0
    assert_replays()


@pytest.mark.slow
def test_faults_of_the_endpoint_amid_teaching_are_replayed(folder: Path) -> None:
    def faults(index: int, body: Mapping[str, Any]) -> Fault | None:
        found = SUM.findall(str(body["messages"][-1]["content"]))
        by_teacher = body["model"] == "writer" and found and found[-1][2] in ("3", "4")
        return Fault("status", status=400) if by_teacher else None

    words = ("run.dir=run", "search.candidates=4", "search.in_flight=2", "llm.max_retries=0")
    with CountingEndpoint(school, faults=faults) as endpoint:
        assert cli.main(["run", *mixed_search(questions(folder), endpoint, *words)]) == 0
    met = [c for e in meta_search.open_run("run").events("delivery") for c in e.data.get("chances", ())]
    assert any(chance[0] == "teach" for chance in met)
    assert_replays()


@pytest.mark.slow
def test_teaching_keeps_within_its_share(folder: Path) -> None:
    more = ("search.candidates=4", "budget.calls=400", "author.teach_share=0.02", "llm.cache=false")
    assert searched(folder, *more) == 0
    assert 0 < sum(examples_calls().values()) <= 8
    assert replay() == 0
    assert_same("run", "again")


@pytest.mark.slow
def test_a_slow_endpoint_ends_it_between_two_rounds_and_a_replay_does_so_too(folder: Path) -> None:
    def half(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        """The writer fails on every second number of shops, so that it is asked for further examples."""
        found = SUM.findall(str(messages[-1]["content"]))
        by_teacher = body["model"] == "writer" and found and int(found[-1][0]) % 2
        return "?" if by_teacher else school(messages, body)

    more = ("domain.sizes.examples=32", "search.candidates=4", "budget.wall_s=60", "author.teach_share=0.001")
    with CountingEndpoint(half) as endpoint:
        assert cli.main(["run", *mixed_search(questions(folder), endpoint, "run.dir=run", *more)]) == 0
    met = [c for e in meta_search.open_run("run").events("delivery") for c in e.data.get("chances", ())]
    assert {chance[0] for chance in met} == {"late"}
    assert_replays()


@pytest.mark.slow
def test_an_author_that_writes_alone_opens_with_worked_examples(folder: Path) -> None:
    assert searched(folder, "author=llm", "author.formats=[program]", "search.candidates=3") == 0
    archive = meta_search.open_run("run")
    first = archive.events("ask")[0].data
    assert (first["operator"], first["author"]) == ("bootstrap", "llm")
    records = [r for r in archive.agents() if r.operator == "bootstrap" and r.author == "llm"]
    assert any(record.agent.demonstrations for record in records)
    assert_replays()


@pytest.mark.slow
def test_one_model_is_its_own_teacher_as_before(folder: Path) -> None:
    assert searched(folder, "search.candidates=3", "llm.meta.model=solver") == 0
    events = meta_search.open_run("run").events("delivery")
    assert not any(event.data.get("teaching") or event.data.get("missed") for event in events)
    assert {row[2] for row in found_in()} <= {"task", "meta"}


# -- what may be used


def config(**more: Any) -> Config:
    llm = LLMConfig(meta=ModelConfig("a"), task=ModelConfig("b"), provider=more.pop("provider", "litellm"))
    return Config(llm=llm, budget=BudgetConfig(**more))


def test_who_is_the_stronger_model() -> None:
    both = config()
    assert teachable(both)
    same = replace(both, llm=replace(both.llm, meta=ModelConfig("b")))
    assert not teachable(same)
    elsewhere = replace(both, llm=replace(both.llm, meta=ModelConfig("b", base_url="http://other")))
    assert teachable(elsewhere)
    assert teaches_first(replace(same, author=AuthorConfig(teach=True)))
    assert not teaches_first(replace(both, author=AuthorConfig(teach=False)))
    assert not teachable(replace(both, llm=replace(both.llm, meta=ModelConfig(""))))


def test_shares_of_the_budget() -> None:
    assert limits(config()) == Limits()
    assert limits(config(tokens=50_000, calls=300, usd=2.0)) == Limits(30, 5_000, 0.2)
    # Embedded models: by the clock, a minute at most of the fifteen that `make search` takes.
    assert limits(config(provider="local", wall_s=900)).tokens == 3_600
    assert limits(config(provider="local", wall_s=120)).tokens == 720
    assert limits(config(provider="local", tokens=1_000)).tokens == 100


def test_one_brief_teaches_at_a_time_and_what_it_used_is_gone() -> None:
    pool = Pool(config(calls=100))
    asked = {"e1": "How?"}
    assert pool.course(0, asked, True).limits == Limits(10, None, None)
    assert pool.course(1, asked, True).limits.calls == 0
    done = BriefDelivered(
        0,
        None,
        0,
        (Demonstration("q", "r"), Demonstration("p", "r")),
        teachers=("meta", "author"),
        missed=(("e1", "program", "meta"), ("gone", "program", "meta")),
        teaching=(4, 90, 0.0),
    )
    pool.take(BriefDelivered.of(json.loads(json.dumps(done.data()))))
    course = pool.course(2, asked, True)
    assert (course.limits.calls, course.missed) == (6, {("How?", "program", "meta")})
    assert pool.demonstrations == [Demonstration("q", "r"), Demonstration("p", "r")]
    assert pool.taught == {"q": "meta", "p": "author"}
    pool.take(BriefDelivered(2, None, 0))
    assert pool.course(3, asked, False).limits.calls == 0
    assert pool.course(4, asked, True).limits.calls == 6


def test_recordings_of_before_are_read_and_met() -> None:
    row = {"brief": 3, "agent": None, "tokens": 0, "found": [["q", "r"]], "chances": []}
    before = BriefDelivered.of(row)
    assert before.data() == row
    now = replace(before, teachers=("meta",))
    assert now.data()["found"] == [["q", "r", "meta"]]
    assert now.like(before) == before
    assert now.like(now) == now


def test_a_run_of_before_does_not_teach_first_when_it_is_resumed(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"author": {"name": "mixed"}}))
    assert read_config(tmp_path).author.teach is False
    (tmp_path / "config.json").write_text(json.dumps({"author": {"teach": None}}))
    assert read_config(tmp_path).author.teach is None


def test_the_opening_is_by_whoever_writes() -> None:
    def first(authors: tuple[str, ...], teach: bool) -> tuple[str, str]:
        brief = Guide(1, Choices(OPERATORS, authors, ("program",), teach=teach)).ask().brief
        return brief.operator, brief.author

    assert first(("llm", "composer"), True) == first(("llm", "composer"), False) == ("bootstrap", "composer")
    assert first(("llm",), True) == ("bootstrap", "llm")
    assert first(("llm",), False) == ("novel", "llm")
    assert first(("adas",), True)[1] == "adas"
