"""Replays: the same agents, decisions and scores without an endpoint, in whatever order things came."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.report.verdict import archive_verdict
from meta_search.testing import CountingEndpoint, Fault
from tests.data import record_run
from tests.kits.answers import mind
from tests.kits.searches import (
    assert_replays,
    assert_same,
    command,
    mixed_search,
    questions,
    replay,
    run_killed,
    sentence,
    tables,
    whole_and_killed,
)

AGAIN = "if this change of the search is meant, record the run anew: python -m tests.data.record_run"


def latency(index: int) -> float:
    return random.Random(index).uniform(0.0, 0.02)


def record(folder: Path, *more: str, faults: Callable[..., Fault | None] | None = None) -> int:
    """A search in `run`, against an endpoint that is gone afterwards; returns its exit status."""
    path = questions(folder)
    with CountingEndpoint(mind, latency_s=latency, faults=faults or ()) as endpoint:
        return cli.main(["run", *mixed_search(path, endpoint.base_url, "run.dir=run", *more)])


def without_words(table: str, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows without how it was said that an agent was stopped: words may change from version to version."""
    if table == "evaluations":
        return [(*row[:-1], bool(row[-1])) for row in rows]
    if table == "events":
        parsed = [(seq, kind, json.loads(data)) for seq, kind, data in rows]
        return [(s, k, {**d, "stopped": bool(d["stopped"])} if "stopped" in d else d) for s, k, d in parsed]
    return rows


def test_the_recorded_run_replays_to_the_same_end(folder: Path) -> None:
    """The one that is checked in: recorded on another day, in another process, with three in flight."""
    run = record_run.unpack(folder)
    assert replay(str(run)) == 0, AGAIN
    recorded, again = tables(run), tables("again")
    for name, rows in recorded.items():
        assert without_words(name, rows) == without_words(name, again[name]), f"{name}: {AGAIN}"
    # The recording's own verdict is in the words of its day: said anew, of its evidence.
    assert archive_verdict(meta_search.open_run(run)).text == sentence("again")
    assert {row[3] for row in recorded["agents"]} == {"hand", "llm", "composer"}
    assert record_run.RECORDING.stat().st_size < 400_000


@pytest.mark.slow
def test_a_search_of_four_in_flight_replays_without_its_endpoint(folder: Path) -> None:
    assert record(folder, "search.candidates=10", "search.in_flight=4") == 0
    found = tables("run")
    assert {row[3] for row in found["agents"]} == {"hand", "llm", "composer"}  # both authors found something
    assert any(row[-1] for row in found["evaluations"])  # and racing stopped somebody
    assert_replays()
    assert replay("again", "third") == 0
    assert_same("run", "third")


@pytest.mark.slow
def test_what_budget_and_clock_decided_is_replayed(folder: Path) -> None:
    assert record(folder, "search.in_flight=3", "budget.calls=400", "search.candidates=50") == 0
    stops = [e.data["why"] for e in meta_search.open_run("run").events("stop")]
    assert stops == ["budget"]
    assert_replays()


@pytest.mark.slow
def test_the_time_that_was_over_is_over_again(folder: Path) -> None:
    status = record(folder, "search.in_flight=3", "budget.wall_s=14", "search.candidates=500")
    (stop,) = (e.data["why"] for e in meta_search.open_run("run").events("stop"))
    assert stop in ("time", "budget")  # whether the engine sees it first, or the gateway
    assert replay() == status
    assert_same("run", "again")


@pytest.mark.slow
def test_what_a_tuning_began_with_is_replayed(folder: Path) -> None:
    more = (
        "author=composer",
        "search.operators=[tune]",
        "search.candidates=2",
        "search.seeds=[dylan]",
        "search.in_flight=1",
        "evaluate.items=6",
        "evaluate.test_items=3",
    )
    assert record(folder, *more, "domain.seed=1") == 0
    archive = meta_search.open_run("run")
    warm = [e.data for e in archive.events("decision") if e.data["what"].startswith("warm ")]
    assert warm
    assert all(settings for settings in (data["value"] for data in warm))
    assert_replays()


@pytest.mark.slow
def test_faults_of_the_endpoint_are_replayed_as_they_came(folder: Path) -> None:
    """A call that failed for one agent and was answered for the next must fail for the first again."""

    def faults(index: int, body: object) -> Fault | None:
        return Fault("status", status=500) if index % 7 == 3 else None

    more = ("search.in_flight=3", "search.candidates=6", "llm.max_retries=0", "author.formats=[program]")
    assert record(folder, *more, faults=faults) == 0
    with sqlite3.connect("run/archive.db") as database:
        said = "data LIKE '%\"llm\"%' OR data LIKE '%\"declined\"%'"
        (failed,) = database.execute(f"SELECT COUNT(*) FROM events WHERE {said}").fetchone()
    assert failed > 0  # most are answered when they are sent once more
    assert_replays()


@pytest.mark.slow
def test_a_run_that_was_killed_and_resumed_replays_in_one_go(folder: Path) -> None:
    path = questions(folder)
    with CountingEndpoint(mind, latency_s=latency) as endpoint:
        words = mixed_search(path, endpoint.base_url, "run.dir=run", "search.in_flight=3")
        verb = ["run", *words, "search.candidates=8"]
        for calls in (50, 110, 170):
            run_killed(folder, endpoint, calls, *verb)
            verb = ["resume", "run"]
        assert cli.main(verb) == 0
        sent, most = endpoint.calls, endpoint.max_in_flight
    archive = meta_search.open_run("run")
    assert len(archive.events("resume")) == 3
    with sqlite3.connect("run/archive.db") as database:
        (known,) = database.execute("SELECT COUNT(*) FROM calls").fetchone()
    assert sent - known <= 3 * most  # what was in flight at the kills
    told = sorted(e.data["brief"] for e in archive.events("tell"))
    assert told == list(range(len(told)))
    assert len(told) >= 8  # briefs that come to nothing do not count
    assert_replays()


@pytest.mark.slow
def test_agents_that_were_imported_between_sessions_are_replayed(folder: Path) -> None:
    path = questions(folder)
    body = "    return LLMAgentBase(['answer'], 'Imported')([taskInfo], 'Reply.')[0]"
    code = f"def forward(self, taskInfo):\n{body}"
    (folder / "found.json").write_text(json.dumps([{"name": "Found", "thought": "", "code": code}]))
    with CountingEndpoint(mind) as endpoint:
        words = mixed_search(path, endpoint.base_url, "run.dir=run", "search.candidates=1")
        assert cli.main(["run", *words]) == 0
        assert cli.main(["archive", "import", "run", "found.json"]) == 0
        assert cli.main(["resume", "run"]) == 0
    assert meta_search.open_run("run").record("Found").evaluations["train"].items > 0
    assert replay() == 0
    first, second = tables("run"), tables("again")
    imported = [row for row in first["events"] if row[1] == "import"]
    assert [row[1:] for row in first["events"] if row not in imported] == [
        row[1:] for row in second["events"]
    ]
    assert first["evaluations"] == second["evaluations"]


def test_a_run_of_an_older_version_is_not_resumed(
    recorded: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied(recorded, folder)
    with sqlite3.connect("run/archive.db") as database:
        database.execute("DELETE FROM events WHERE kind NOT IN ('ask', 'tell')")
    with CountingEndpoint(mind) as endpoint:
        assert cli.main(["resume", "run", f"llm.base_url={endpoint.base_url}"]) == 2
    assert "older meta-search: start a new run" in capsys.readouterr().err


@pytest.mark.slow
def test_after_kill_9_the_same_briefs_are_asked_as_without(folder: Path) -> None:
    more = ("search.in_flight=1", "search.candidates=7")
    whole_and_killed(folder, mind, more, (0.35, 0.6, 0.95))  # the last one within the final report
    asked = [
        [(e.kind, e.data) for e in meta_search.open_run(run).events() if e.kind in ("ask", "tell")]
        for run in ("whole", "run")
    ]
    assert asked[0] == asked[1]
    whole, killed = tables("whole"), tables("run")
    for name in ("agents", "edges", "trials", "evaluations"):
        assert whole[name] == killed[name], name
    assert_replays()


@pytest.mark.slow
def test_a_signal_ends_the_replay_where_it_ended_the_recording(folder: Path) -> None:
    path = questions(folder)
    with CountingEndpoint(mind, latency_s=0.03) as endpoint:
        more = ("search.in_flight=3", "search.seeds=[direct,chain_of_thought]")
        words = mixed_search(path, endpoint.base_url, "run.dir=run", *more)
        process = command(folder, "run", *words)
        try:
            endpoint.wait_for(60)
            process.send_signal(signal.SIGTERM)
            shown, _ = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == 3, shown
    assert replay() == 3
    assert tables("run") == tables("again")
    assert cli.main(["resume", "again"]) == 2  # a replay is replayed again instead


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small recorded search, for the tests that damage copies of it."""
    folder = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        small = ("evaluate.items=6", "evaluate.test_items=4", "search.seeds=[direct,chain_of_thought]")
        more = ("search.candidates=3", "search.in_flight=2", "llm.mode=record")
        assert record(folder, *small, *more) == 0
    return folder / "run"


def copied(recorded: Path, folder: Path) -> Path:
    import shutil

    return Path(shutil.copytree(recorded, folder / "run"))


@pytest.mark.slow
def test_a_recorded_run_keeps_its_items(recorded: Path, folder: Path) -> None:
    copied(recorded, folder)
    (recorded.parent / "questions.jsonl").rename(recorded.parent / "gone.jsonl")
    try:
        assert replay() == 0
    finally:
        (recorded.parent / "gone.jsonl").rename(recorded.parent / "questions.jsonl")
    assert_same("run", "again")


@pytest.mark.parametrize(("purpose", "told"), [("task", "agent"), ("meta", "brief-")])
def test_a_missing_call_is_one_line_that_names_it(
    recorded: Path, folder: Path, capsys: pytest.CaptureFixture[str], purpose: str, told: str
) -> None:
    copied(recorded, folder)
    with sqlite3.connect("run/archive.db") as database:
        key, agent, item = database.execute(
            "SELECT key, agent, item FROM calls WHERE purpose = ? AND split <> 'examples' LIMIT 1", [purpose]
        ).fetchone()
        database.execute("DELETE FROM calls WHERE key = ?", [key])
    assert replay() == 1
    error = capsys.readouterr().err.strip()
    assert error.count("\n") == 0
    assert key[:12] in error
    assert told in error
    assert (item or agent) in error


def test_what_can_never_come_is_one_line(
    recorded: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied(recorded, folder)
    with sqlite3.connect("run/archive.db") as database:
        seq, data = database.execute(
            "SELECT seq, data FROM events WHERE data LIKE '%\"item\"%' LIMIT 1"
        ).fetchone()
        changed = json.dumps({**json.loads(data), "item": "no-such-item"})
        database.execute("UPDATE events SET data = ? WHERE seq = ?", [changed, seq])
    assert replay() == 1
    error = capsys.readouterr().err.strip()
    assert error.count("\n") == 0
    assert f"event {seq}" in error
    assert "no-such-item" in error
    assert "never come" in error


def test_other_items_are_refused(recorded: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copied(recorded, folder)
    questions(folder).write_text(questions(folder).read_text().replace("shop", "baker"))
    assert replay("run", "again", f"domain.path={folder / 'questions.jsonl'}") == 2
    assert "the items are not those of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["seed=9"], "seed cannot differ from the recording"),
        (["search.in_flight=7"], "search.in_flight cannot differ"),
        (["llm.max_tokens=7"], "llm.max_tokens cannot differ"),
        (["llm.recording=nowhere"], "nowhere: no such run folder"),
        (["llm.recording=null"], "llm.mode=replay needs llm.recording=RUN"),
    ],
)
def test_what_would_change_decisions_is_refused(
    recorded: Path, folder: Path, capsys: pytest.CaptureFixture[str], more: list[str], told: str
) -> None:
    copied(recorded, folder)
    words = ["run", "llm.mode=replay", "llm.recording=run", "run.dir=again"]
    words = [w for w in words if not any(m.partition("=")[0] == w.partition("=")[0] for m in more)]
    assert cli.main([*words, *more]) == 2
    error = capsys.readouterr().err.strip()
    assert error.count("\n") == 0
    assert told in error
    assert not Path("again").exists()


def test_an_evaluation_is_not_replayed(
    recorded: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evaluate", str(recorded), "llm.mode=replay", f"llm.recording={recorded}"]) == 2
    assert "replays a whole search" in capsys.readouterr().err


@pytest.mark.slow
def test_answers_of_another_run_are_used_again_and_count_as_paid(folder: Path) -> None:
    """Two searches that begin with the same seeds: the second asks nothing that the first has asked."""
    assert record(folder, "search.candidates=0", "search.finalists=1") == 0
    words = ("search.candidates=2", "search.finalists=1", "author=composer", "search.prior=false")
    words = (*words, "search.seeds=[direct,self_refine]")  # the first has asked more than these
    with CountingEndpoint(mind) as endpoint:
        path = mixed_search(questions(folder), endpoint.base_url, "run.dir=apart", *words)
        assert cli.main(["run", *path]) == 0
        alone = endpoint.calls
    with CountingEndpoint(mind) as endpoint:
        path = mixed_search(questions(folder), endpoint.base_url, "run.dir=again", *words)
        assert cli.main(["run", *path, "llm.recording=run"]) == 0
        shared = endpoint.calls
    with sqlite3.connect("run/archive.db") as database:
        (known,) = database.execute("SELECT COUNT(*) FROM calls").fetchone()
    assert 0 < shared < alone
    with sqlite3.connect("again/archive.db") as database:
        (held,) = database.execute("SELECT COUNT(*) FROM calls").fetchone()
    assert 0 < held - shared < known  # nothing was asked twice, and what was not asked is not paid
    paid = sum(u.calls for u in meta_search.open_run("again").usage().values())
    assert paid == held


@pytest.mark.slow
def test_a_resume_that_searches_on_with_other_keys_can_be_replayed(folder: Path) -> None:
    assert record(folder, "search.candidates=1", "evaluate.items=9") == 0
    with CountingEndpoint(mind) as other:
        asked = [f"llm.base_url={other.base_url}", "search.candidates=3", "search.finalists=1"]
        assert cli.main(["resume", "run", *asked, "evaluate.block=5"]) == 0
        assert other.calls > 0
    assert_replays()
