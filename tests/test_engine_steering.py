"""A search that is steered: what each request does, and that it replays to the same end."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.testing import CountingEndpoint
from tests.kits.answers import mind
from tests.kits.processes import until
from tests.kits.searches import assert_same, command, mixed_search, questions, replay
from tests.kits.steering import Script, agent_file, evaluated, said, search

pytestmark = pytest.mark.slow

CRASHES = """def forward(self, taskInfo):
    solver = LLMAgentBase(["answer"], "Crashes")
    return solver([taskInfo], "Reply.")[0] + undefined_name
"""


class Listening:
    """`answers.mind`, which keeps what the meta agent is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        if body.get("model") == "writer":
            with self._lock:
                self.heard.append(json.dumps(messages))
        return mind(messages, body)


def asked_of(run: str = "run") -> list[str]:
    return [event.data["command"] for event in meta_search.open_run(run).events("steer")]


def test_a_search_that_was_steered_by_everything_replays_byte_for_byte(folder: Path) -> None:
    writer = Listening()
    script = Script(
        (evaluated(), ["note", "Products need two steps."]),
        (said("steered by", "note"), ["add", str(agent_file(folder))]),
        (said("steered by", "add"), ["pause"]),
        (said("steered by", "pause"), ["pause"]),
        (said("paused already by"), ["note", "products need  two steps."]),
        (said("counts as the newest"), ["resume"]),
        (said("steered by", "resume"), ["focus", "direct"]),
        (said("steered by", "focus"), ["drop", "chain_of_thought"]),
        (said("steered by", "drop"), ["search.in_flight=3"]),
        (said("steered by", "in_flight"), ["search.candidates=20"]),  # more than come before it stops
        (said("steered by", "candidates"), ["budget.calls=5000"]),
        (evaluated(5), ["stop"]),
    )
    summary = search(folder, script, "search.candidates=30", "search.in_flight=2", answers=writer)
    assert not script.left, script.lines
    assert summary.status == 3  # as after a first Ctrl-C
    archive = meta_search.open_run("run")
    assert asked_of() == "note add pause pause note resume focus drop limit limit limit stop".split()
    assert [event.data["why"] for event in archive.events("stop")] == ["finish"]
    mine = archive.record("mine")
    assert (mine.author, mine.operator, mine.generation) == ("hand", "added", 1)
    assert mine.evaluations["train"].items > 0  # it was raced as any other
    assert any("a hint of" in told and "two steps" in told for told in writer.heard)
    # The seed that was dropped is no parent any more, and a baseline all the same.
    gone, dropped_at = archive.record("chain_of_thought"), archive.events("steer")[7].seq
    later = [event.data["parents"] for event in archive.events("ask", after=dropped_at)]
    assert later
    assert not any(gone.agent.id in parents for parents in later)
    assert gone.status == "seed"
    assert replay() == 3
    assert_same("run", "again")


def test_a_limit_below_what_is_spent_ends_in_order_and_who_is_dropped_is_no_finalist(folder: Path) -> None:
    (folder / "crashes.py").write_text(CRASHES)
    second = agent_file(folder, "second.py", 2)
    written: list[str] = []

    def found(event: meta_search.SearchEvent) -> bool:
        """Once an agent of the search is through with train."""
        if event.kind == "written" and event.agent:
            written.append(event.agent)
        return event.kind == "evaluated" and event.agent in written

    script = Script(
        (evaluated(), ["add", "crashes.py"]),
        (said("steered by", "add"), ["add", str(second)]),
        (said("steered by", "second"), ["drop", lambda: written[-1]]),
        (said("steered by", "drop"), ["drop", "second"]),
        (evaluated(3), ["budget.calls=60"]),
    )
    script.left[2] = (found, script.left[2][1])
    summary = search(folder, script, "search.candidates=40", "search.in_flight=3", "budget.calls=3000")
    assert not script.left, script.lines
    archive = meta_search.open_run("run")
    (refused,) = [line for line in script.lines if "was not added" in line]
    assert "«crashes» was not added" in refused
    assert "undefined_name" in refused
    (failed,) = [a for a in archive.attempts() if a.operator == "added"]
    assert (failed.author, failed.stage) == ("hand", "dry_run")
    (why,) = [event.data["why"] for event in archive.events("stop")]
    assert why in ("budget", "report")  # whether the gateway refuses first, or the engine looks
    assert "budget.calls=60" in str(archive.meta("end")["text"])
    assert summary.status in (0, 3)
    dropped = [
        archive.record(event.data["agent"]) for event in archive.events("steer") if "agent" in event.data
    ]
    assert len(dropped) == 2
    for record in dropped:
        assert record.evaluations["train"].stopped.startswith("dropped by ")
        assert record.status == "partial"
        assert "test" not in record.evaluations
    assert replay() == summary.status
    assert_same("run", "again")


def test_a_search_that_was_killed_while_it_was_paused_goes_on_as_it_was_steered(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, mine = questions(folder), agent_file(folder)
    with CountingEndpoint(mind, latency_s=0.02) as endpoint:
        words = mixed_search(path, endpoint, "run.dir=run", "search.candidates=40", "search.prior=false")
        process = command(folder, "run", *words, "search.in_flight=2")
        try:
            endpoint.wait_for(60)
            for asked in (
                ["note", "Mind the units."],
                ["add", str(mine)],
                ["search.candidates=4"],
                ["pause"],
            ):
                assert cli.main(["steer", "run", *asked]) == 0
            until(lambda: len(asked_of()) == 4, 60)
            until(lambda: settled(endpoint), 60)
            capsys.readouterr()
            assert cli.main(["status", "run", "--json"]) == 0
            told = json.loads(capsys.readouterr().out)
            assert told["paused"]["who"]
            assert told["status"] == "running"
            assert told["pending"] == []
            assert cli.main(["status", "run"]) == 0
            assert "paused by" in capsys.readouterr().out
        finally:
            process.kill()
            process.communicate()
        with pytest.raises(meta_search.MetaSearchError, match="is not running"):
            meta_search.steer("run", "resume")
        assert meta_search.steer("run", "note", "Given between two sessions.")
        assert cli.main(["resume", "run"]) == 0
    archive = meta_search.open_run("run")
    assert asked_of() == ["note", "add", "limit", "pause", "note"]
    assert archive.meta("steered") == {"paused": None}
    assert archive.record("mine").evaluations["train"].items > 0
    assert archive.meta("config")["search"]["candidates"] == 4  # what was steered holds in the next session
    assert list((folder / "run" / "steer").iterdir()) == []
    with pytest.raises(meta_search.MetaSearchError, match="is over"):
        meta_search.steer("run", "pause")
    assert replay() == 0
    assert_same("run", "again")
    with sqlite3.connect("again/archive.db") as database:
        assert database.execute("SELECT COUNT(*) FROM events WHERE kind = 'steer'").fetchone() == (5,)


def settled(endpoint: CountingEndpoint) -> bool:
    """Whether a search sends nothing any more."""
    before = endpoint.calls
    threading.Event().wait(1.0)
    return endpoint.calls == before
