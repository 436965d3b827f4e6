"""Who is chosen for the final report, what it takes of the test items, and the last screen."""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import meta_search
from archive.store import Store
from domains import registry
from meta_search import cli
from meta_search.commands import last_screen
from meta_search.commands.agents import read_agents
from meta_search.config import BudgetConfig, Config, DomainConfig
from meta_search.errors import ArchiveError, LLMError
from meta_search.final import lockstep
from meta_search.final.field import Field, _left_waiting, _why_none, contenders
from meta_search.final.report import _measures
from meta_search.final.reserve import seconds_needed
from meta_search.llm.budget import Left
from meta_search.llm.gateway import Gateway
from meta_search.outcomes import UNSCORED
from meta_search.report.verdict import archive_verdict
from meta_search.run.folder import resume_command
from meta_search.run.folds import NO_FOLDS
from meta_search.run.members import Member, Members
from meta_search.testing import CountingEndpoint, Fault
from meta_search.types import OWN, Agent, Brief, Candidate, ItemResult, Usage
from tests.kits.answers import adds_below
from tests.kits.pages import page_text, page_view
from tests.kits.searches import assert_same, composed_search, replay, write_table

adds = adds_below(9)


def member(name: str, train: int, validation: Sequence[str | int]) -> Member:
    """Right on `train` of 18 items; on validation right (1), wrong (0), or a kind of fault."""
    source = f"def forward(self, taskInfo):\n    return {name!r}\n"
    made = Member(Candidate(Agent.of(name, source), Brief(1, "novel", "composer")), done=True)
    for i in range(18):
        made.add(ItemResult(made.agent.id, "train", f"t{i}", 0, "ok", score=float(i < train)))
    for i, told in enumerate(validation):
        kind = "ok" if isinstance(told, int) else told
        score = float(told) if isinstance(told, int) else 0.0
        made.add(ItemResult(made.agent.id, "validation", f"v{i}", 0, kind, score=score))
    made.wanted = {"train": 18, "validation": len(validation)}
    return made


def chosen(*found: Member) -> list[str]:
    members = Members()
    for one in found:
        members.add(one)
    return [m.agent.name for m in contenders(members, len(found))[0]]


def test_why_there_is_no_finalist_is_told() -> None:
    members = Members()
    assert _why_none(members) == "The search wrote no agent."
    for name, stopped in (("a", "behind"), ("b", "")):
        members.add(replace(member(name, 1, []), done=False, stopped=stopped))
    assert _why_none(members) == (
        "Of 2 agents that the search wrote, none finished the train items (1 paused or stopped)."
    )


def test_seeds_whose_turn_never_came_are_named() -> None:
    members, source = Members(), "def forward(self, taskInfo):\n    return {!r}\n"
    assert _left_waiting(members) == []
    for name in ("ran", "debate", "dylan"):
        seed = Member(Candidate(Agent.of(name, source.format(name)), Brief(1, "seed", "hand")), seed=True)
        members.add(seed)
        if name == "ran":
            seed.add(ItemResult(seed.agent.id, "train", "i", 0, "ok", "x", score=1.0))
    members.add(Member(Candidate(Agent.of("written", source.format(0)), Brief(2, "novel", "llm"))))
    assert _left_waiting(members) == [
        "Seeds that were not run, as the search ended before their turn: debate, dylan."
    ]


def test_what_is_measured_over_all_answers_is_told_beside_the_verdict(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_table(path, ((f"Is {n} odd?", "yes" if n % 2 else "no") for n in range(60)))
    domain = registry.make(DomainConfig(name="table", path=str(path), matcher="labels"))
    right, always = member("right", 1, []), member("always", 1, [])
    for item in domain.items("test"):
        for one, answer in ((right, item.target), (always, "yes")):
            one.add(ItemResult(one.agent.id, "test", item.id, 0, "ok", answer, score=1.0))
    always.add(ItemResult(always.agent.id, "test", "spoiled", 0, "llm"))
    session: Any = SimpleNamespace(domain=domain)
    (line,) = _measures(session, Field((right,), (always,)), {})
    assert line.startswith("macro-f1 (in %): right 100.0, always 3")
    session.domain = SimpleNamespace(items=domain.items)  # measures nothing
    assert _measures(session, Field((right,), (always,)), {}) == []


def test_finalists_are_chosen_by_train_and_validation_together() -> None:
    steady, lucky = member("steady", 14, [1] * 14 + [0] * 4), member("lucky", 10, [1] * 15 + [0] * 3)
    assert chosen(lucky, steady) == ["steady", "lucky"]  # 28 and 25 of 36


def test_a_validation_that_the_budget_cut_counts_as_far_as_it_went() -> None:
    """One cut after five items used to come after any that was whole, however bad."""
    poor, cut = member("poor", 9, [1] * 7 + [0] * 11), member("cut", 15, [1] * 4 + [0])
    assert chosen(poor, cut) == ["cut", "poor"]


def test_few_items_say_little() -> None:
    """The endpoint failed all but two items of one agent: two of two is less than 17 of 18."""
    few, many, poor = member("few", 2, []), member("many", 17, []), member("poor", 6, [])
    few.results["train"] = dict(list(few.results["train"].items())[:2])
    assert few.score("train") == 1.0
    assert chosen(few, many, poor) == ["many", "few", "poor"]


def test_a_fault_of_the_endpoint_on_validation_does_not_turn_its_choice_around() -> None:
    good, lucky = member("good", 14, [1] * 17 + ["llm"]), member("lucky", 15, [1] * 6 + [0] * 12)
    spoiled = member("spoiled", 13, ["llm"] * 18)  # nothing is known of it on validation
    assert chosen(lucky, good, spoiled) == ["good", "spoiled", "lucky"]


def test_ones_own_agents_are_tested_whatever_they_scored() -> None:
    members = Members()
    for name, right in (("good", 16), ("fair", 12), ("poor", 8)):
        one = member(name, right, [])
        one.seed = True
        members.add(one)
    mine = member("mine", 1, [])
    brief = Brief(50, "seed", OWN, kind="seed")
    members.add(Member(replace(mine.candidate, brief=brief), seed=True, done=True, results=mine.results))
    unknown = Candidate(Agent.of("late", "def forward(self, t):\n    return 'late'\n"), brief)
    members.add(Member(unknown, seed=True))  # the search ended before it was evaluated
    assert [m.agent.name for m in contenders(members, 2)[1]] == ["good", "fair", "mine", "late"]


@pytest.mark.parametrize(
    ("spent", "wall", "seconds"), [(6_000, 900.0, 86.0), (600, 900.0, 450.0), (0, 900.0, 0)]
)
def test_the_report_has_time_for_samples_at_the_pace_of_the_run(
    spent: int, wall: float, seconds: float
) -> None:
    """Eight items of a finalist (300 tokens), two seeds (100 each) and samples of one (300) are 8,000 with a
    margin, which take 80 s at 100 tokens a second."""
    members = Members()
    for name, tokens in (("found", 300), ("direct", 100), ("think", 100)):
        one = member(name, 9, [])
        one.seed = name != "found"
        for result in list(one.rows("train")):
            one.add(replace(result, used=Usage(1, tokens - 1, 1)))
        members.add(one)
    status = SimpleNamespace(paid={"task": Usage(60, spent)})
    session = SimpleNamespace(status=lambda: status, elapsed=60.0)
    config = Config(budget=BudgetConfig(wall_s=wall))
    runner = SimpleNamespace(folds=NO_FOLDS, planned=lambda split: 20)
    run: Any = SimpleNamespace(members=members, config=config, session=session, runner=runner)
    assert seconds_needed(run, *contenders(members, 2)) == pytest.approx(seconds)


@pytest.mark.slow
def test_list_verdict_last_screen_and_export_take_the_same_agent(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing beats the seeds: `direct` answers all that can be answered, at the lowest cost."""
    with CountingEndpoint(adds) as endpoint:
        more = ("search.candidates=2", "search.seeds=[direct,chain_of_thought]", "search.prior=false")
        words = composed_search(folder, endpoint, *more, "run.confirm=false")
        assert cli.main(["run", *words]) == 0
    shown = capsys.readouterr().out
    archive = meta_search.open_run("run")
    seed = archive.record("direct").agent.id
    verdict = archive_verdict(archive)
    assert verdict.best is not None
    assert verdict.best.finalist.agent != seed
    assert "No agent found beats the baselines; take the best of these: direct" in shown
    assert f"meta-search export run {seed} --to my-agent" in shown
    assert archive.meta("best") == seed
    assert (best := archive.best()) is not None
    assert best.agent.id == seed
    assert read_agents("run")[0].agent.id == seed
    assert cli.main(["archive", "list", "run", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [bool(row["best"]) for row in rows] == [True] + [False] * (len(rows) - 1)
    assert rows[0]["agent"] == seed
    told = page_view("run/report.html", "overview")
    assert told["take"]["agent"] == told["run"]["best"]["agent"] == seed
    assert told["tested"][0]["agent"] == verdict.best.finalist.agent
    (folder / "sums.jsonl").rename(folder / "moved.jsonl")  # what an export needs is in the archive
    assert cli.main(["export", "run", "--to", "out"]) == 0
    card = json.loads(Path("out/card.json").read_text())
    assert card["agent"] == seed
    assert card["meta_search"] == meta_search.__version__
    assert card["verdict"] == verdict.sentence
    assert json.loads(Path("out/agent.json").read_text())["examples"]


def test_the_totals_of_the_page_are_those_of_its_verdict(folder: Path) -> None:
    with CountingEndpoint(adds) as endpoint:
        more = ("search.candidates=1", "search.seeds=[direct]", "search.prior=false")
        assert cli.main(["run", *composed_search(folder, endpoint, *more, "run.confirm=false")]) == 0
    archive = meta_search.open_run("run")
    paid = archive.meta("final")["paid"]["tokens"]
    with sqlite3.connect("run/archive.db") as database:  # settled after the report, as a call in flight is
        database.execute("UPDATE calls SET prompt_tokens = prompt_tokens + 5")
    assert cli.main(["report", "run"]) == 0
    assert f"The run paid {paid:,} tokens" in page_text("run/report.html")
    assert page_view("run/report.html", "overview")["totals"]["tokens"] == paid


def test_the_last_screen_shows_names_and_code_as_they_are_but_for_controls(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = 'def forward(self, taskInfo):\n    return "\x1b[2J\x1b]0;gone\x07"\n'
    agent = Agent.of("Chain [/think] Router \x1b[31m", source)
    store = Store.open(folder / "archive.db")
    store.add_candidate(Candidate(agent, Brief(1, "novel", "llm")), "finalist").result()
    store.close()
    last_screen.print_end(folder, None, "not shown", agent.id)
    shown = capsys.readouterr().out
    assert "Best agent: Chain [/think] Router" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "report: " not in shown  # none was written


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_what_to_type_next_can_be_pasted(
    folder: Path, columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)  # no line that is to be typed is broken there
    run = folder / "my run (2)"
    with Store.open(run / "archive.db") as store:
        agent = Agent.of("a", "def forward(self, taskInfo):\n    return '1'\n")
        store.add_candidate(Candidate(agent, Brief(1, "novel", "llm")), "finalist").result()
    (run / "report.html").write_text("<!doctype html>")
    last_screen.print_end(run, None, "not shown", agent.id, resume_command(run))
    shown = capsys.readouterr().out.splitlines()
    assert f"report: {run / 'report.html'}" in shown
    typed = [shlex.split(line) for line in shown if line.strip().startswith("meta-search ")]
    assert [words[3] if words[1] == "archive" else words[2] for words in typed] == [str(run)] * 4
    assert shlex.split(resume_command(run)) == ["meta-search", "resume", str(run)]


@pytest.mark.slow
@pytest.mark.parametrize("calls", [141, *(pytest.param(n, marks=pytest.mark.slow) for n in (130, 152))])
def test_what_is_paid_and_archived_is_in_the_verdict(folder: Path, calls: int) -> None:
    """The budget ends the report in the middle of a round; what came before is taken, whenever it came."""
    with CountingEndpoint(adds, latency_s=0.02) as endpoint:
        more = ("search.candidates=1", "search.seeds=[direct,self_consistency]", "search.finalists=1")
        words = composed_search(folder, endpoint, *more, "evaluate.test_items=40", "run.confirm=false")
        cli.main(["run", *words, f"budget.calls={calls}", "budget.final_share=0.5"])
    archive = meta_search.open_run("run")
    tested = [r for r in archive.agents() if "test" in r.evaluations]
    assert tested
    for record in tested:
        rows = archive.results(record.agent.id, "test", trace=False)
        assert record.evaluations["test"].items == len([r for r in rows if r.kind not in UNSCORED])
    assert replay() in (0, 3)
    assert_same("run", "again")


@pytest.mark.slow
def test_finalists_of_an_earlier_report_are_finalists_no_longer(folder: Path) -> None:
    with CountingEndpoint(adds) as endpoint:
        more = ("search.candidates=8", "search.finalists=1", "search.prior=false", "budget.calls=200")
        words = composed_search(folder, endpoint, *more, "run.confirm=false")
        cli.main(["run", *words])
        cli.main(["resume", "run", "budget.calls=2000"])
    archive = meta_search.open_run("run")
    finalists = [r.agent.id for r in archive.agents() if r.status == "finalist"]
    assert finalists == archive.meta("final")["finalists"]
    assert len(finalists) == 1


@pytest.mark.slow
def test_a_run_that_is_being_written_keeps_its_configuration(folder: Path) -> None:
    with CountingEndpoint(adds) as endpoint:
        words = composed_search(folder, endpoint, "search.candidates=1", "budget.usd=1", "run.confirm=false")
        words += ["llm.prices={scripted:{input:0.1,output:0.1}}"]
        assert cli.main(["run", *words]) == 0
        before, typed = Path("run/config.json").read_text(), meta_search.open_run("run").meta("overrides")
        store = Store.open("run/archive.db")
        try:
            with pytest.raises(ArchiveError, match="being written"):
                meta_search.resume("run", "budget.usd=50")
        finally:
            store.close()
        assert Path("run/config.json").read_text() == before
        meta_search.resume("run", "budget.usd=50")
    assert json.loads(Path("run/config.json").read_text())["budget"]["usd"] == 50
    assert typed
    assert meta_search.open_run("run").meta("overrides") == typed


@pytest.mark.slow
def test_a_run_whose_author_is_not_here_is_not_resumed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(adds) as endpoint:
        words = composed_search(folder, endpoint, "search.candidates=1")
        assert cli.main(["run", *words]) == 0
        kept = json.loads(Path("run/config.json").read_text())
        for group, key in (("author", "name"), ("llm", "provider")):
            Path("run/config.json").write_text(json.dumps({**kept, group: {**kept[group], key: "elsewhere"}}))
            capsys.readouterr()
            assert cli.main(["resume", "run"]) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert f"{group}.{key}=elsewhere: must be one of" in line


def test_seeds_that_the_endpoint_fails_on_every_item_end_the_search(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meta_search.run.service.Gateway", partial(Gateway, backoff_s=0.02))
    withheld = Fault("filter")
    with CountingEndpoint(adds, faults=lambda index, body: withheld) as endpoint:
        words = composed_search(
            folder, endpoint, "search.seeds=[direct]", "evaluate.items=3", "run.confirm=false"
        )
        with pytest.raises(LLMError, match=r"refuses every request: .*content filter.*resume run"):
            meta_search.search(*words)


def test_a_replay_whose_report_runs_others_says_where_it_departs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(adds) as endpoint:
        words = composed_search(
            folder, endpoint, "search.candidates=1", "search.seeds=[direct]", "run.confirm=false"
        )
        assert cli.main(["run", *words]) == 0
    with sqlite3.connect("run/archive.db") as database:
        query = "SELECT seq, data FROM events WHERE kind = 'delivery' AND data LIKE '%\"test\"%' LIMIT 1"
        seq, data = database.execute(query).fetchone()
        changed = json.dumps({**json.loads(data), "agent": "0000"})
        database.execute("UPDATE events SET data = ? WHERE seq = ?", [changed, seq])
    assert replay() == 1
    error = capsys.readouterr().err
    assert f"event {seq}" in error
    assert "never come" in error


def test_the_last_round_has_as_many_items_as_the_clock_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    """An item of both takes two seconds, 2.4 with a margin; 34 s are left, and 6 for the report itself."""
    now, sizes = 0.0, list[int]()

    def gathered(run: object, jobs: Sequence[object]) -> str:
        nonlocal now
        now += len(jobs)
        return ""

    def next_jobs(member: Member, split: str, size: int) -> list[object]:
        sizes.append(size)
        return [object()] * size

    def nothing(*told: object) -> None: ...

    monkeypatch.setattr(lockstep, "gather", gathered)
    monkeypatch.setattr(lockstep, "_plan_repeats", nothing)
    monkeypatch.setattr(lockstep.time, "monotonic", lambda: now)
    runner = SimpleNamespace(next_jobs=next_jobs, submit=lambda job: job, save=nothing, cancel=nothing)
    left = Left(usd=None, tokens=None, calls=None, wall_s=None)
    session = SimpleNamespace(status=lambda: SimpleNamespace(left=left))
    run: Any = SimpleNamespace(
        runner=runner,
        session=session,
        journal=SimpleNamespace(decide=lambda what, clock: clock()),
        progress=SimpleNamespace(time_left=lambda: 40.0 - now),
    )
    perturbing: Any = SimpleNamespace(names=(), times=1)
    both = Field((member("found", 9, []),), (member("seed", 9, []),))
    lockstep.run_field(run, both, perturbing)
    assert sizes[::2] == sizes[1::2] == [6, 6, 4]
    assert now == 32.0
