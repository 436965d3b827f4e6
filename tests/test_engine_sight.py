"""What authors are shown is the same in a replay, and after a kill and a resume."""

from __future__ import annotations

import json
import random
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archive.records import Archive
from meta_search import cli
from meta_search.engine.context import Contexts, Sight
from meta_search.testing import CountingEndpoint
from meta_search.types import Brief
from tests.kits.answers import mind
from tests.kits.differences import differences
from tests.kits.searches import cut_behind, mixed_search, questions, replay

Shown = dict[int, list[Sight]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """Brief -> what its author was shown, each time that it was made."""
    found: Shown = {}
    sight = Contexts.sight

    def noted(self: Contexts, brief: Brief) -> Sight:
        made = sight(self, brief)
        found.setdefault(brief.code, []).append(made)
        return made

    monkeypatch.setattr(Contexts, "sight", noted)
    return found


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What litellm's table says; a resume or a replay must not look into it."""
    told = {"meta": 9000, "task": 5000}
    monkeypatch.setattr("meta_search.engine.windows.known_windows", lambda config: dict(told))
    return told


def slow(index: int) -> float:
    return random.Random(index).uniform(0.0, 0.06)


def events(name: str) -> list[tuple[int, str, dict[str, Any]]]:
    with sqlite3.connect(Path(name) / "archive.db") as database:
        rows = database.execute("SELECT seq, kind, data FROM events ORDER BY seq").fetchall()
    return [(seq, kind, json.loads(data)) for seq, kind, data in rows]


def writing(name: str, code: int) -> list[tuple[str, str]]:
    """The requests of a brief's author, with their answers' digests."""
    with sqlite3.connect(Path(name) / "archive.db") as database:
        sql = "SELECT key, state FROM calls WHERE purpose = 'meta' AND agent = ? ORDER BY key"
        return database.execute(sql, (f"brief-{code}",)).fetchall()


def sent(name: str) -> Iterator[tuple[tuple[str, str], ...]]:
    """The messages of every request to the task model."""
    with sqlite3.connect(Path(name) / "archive.db") as database:
        for (request,) in database.execute("SELECT request FROM calls WHERE purpose = 'task'"):
            yield tuple((role, text) for role, text in json.loads(zlib.decompress(request))["messages"])


def killed_at(seq: int, name: str) -> None:
    """The run in `run`, copied, as a kill behind this event would have left it."""
    Path(cut_behind(seq)).rename(name)
    with sqlite3.connect(Path(name) / "archive.db") as database:
        database.execute("DELETE FROM meta WHERE key IN ('status', 'end', 'final', 'verdict', 'best')")


def under_way(name: str) -> list[tuple[int, int]]:
    """(Brief, event before it was delivered) of the brief during which most else happened."""
    rows = events(name)
    begun = {data["brief"]: seq for seq, kind, data in rows if kind == "ask"}
    through = {d["brief"]: seq for seq, kind, d in rows if kind == "delivery" and "brief" in d}
    gaps = sorted((seq - begun[code], code, seq - 1) for code, seq in through.items())
    return [(code, seq) for gap, code, seq in gaps[-1:] if gap > 3]


@pytest.mark.slow
def test_a_resumed_run_shows_the_same(folder: Path, shown: Shown, windows: dict[str, int]) -> None:
    """An author that a kill interrupted is asked the same, although more has come in meanwhile: what it has
    asked already is paid once."""
    more = ("author=llm", "author.formats=[program,plan]", "search.in_flight=4", "search.candidates=6")
    path = questions(folder)
    with CountingEndpoint(mind, latency_s=slow) as endpoint:
        assert cli.main(["run", *mixed_search(path, endpoint.base_url, "run.dir=run", *more)]) == 0
        first = {code: sights[0] for code, sights in shown.items()}
        windows["task"] = 1
        kills = under_way("run")
        assert kills
        for code, seq in kills:
            killed_at(seq, f"killed-{code}")
            shown.clear()
            assert cli.main(["resume", f"killed-{code}"]) in (0, 3)
            (again,) = shown[code]  # made once, where the events come to the brief
            assert list(differences(first[code], again)) == []
            assert writing(f"killed-{code}", code) == writing("run", code)
    assert any(sight.parents and sight.parents[0].failures[0].trace for sight in first.values())
    assert any(sight.findings.rates for sight in first.values())


@pytest.mark.slow
def test_a_replay_shows_the_same(folder: Path, shown: Shown, windows: dict[str, int]) -> None:
    path = questions(folder)
    with CountingEndpoint(mind, latency_s=slow) as endpoint:
        words = ("run.dir=run", "search.in_flight=3", "search.candidates=5")
        assert cli.main(["run", *mixed_search(path, endpoint.base_url, *words)]) == 0
    first, _, _ = dict(shown), shown.clear(), windows.clear()
    assert replay() == 0
    assert shown == first
    whole = [parent for (sight,) in first.values() for parent in sight.parents]
    assert any(failure.solved and failure.solved.trace for parent in whole for failure in parent.failures)
    assert all(parent.latency_s > 0 and parent.calls >= 1 and parent.lineage[-1].name for parent in whole)
    assert {sight.task.request for (sight,) in first.values()} <= set(sent("run"))
    assert {sight.task.window for (sight,) in first.values()} == {5000}
    for (sight,) in first.values():  # whose examples are in the pool, their teachers are known
        findings = sight.findings
        assert findings.taught.keys() == {example.question for example in findings.demonstrations}


CLOCK = """
def forward(self, taskInfo):
    self.run_python("import time\\nprint(time.time_ns())")
    return LLMAgentBase(["answer"], "Solver")([taskInfo], "Reply with only the final answer.")[0]
"""


@pytest.mark.slow
def test_a_replay_shows_what_programs_printed_when_it_was_recorded(folder: Path, shown: Shown) -> None:
    """The time of day, an address in memory: a prompt that holds it must be the recorded one."""
    (folder / "clock.py").write_text(CLOCK)
    with CountingEndpoint(mind) as endpoint:
        words = ("run.dir=run", "search.candidates=1", "search.seeds=[clock.py]", "evaluate.items=6")
        assert cli.main(["run", *mixed_search(questions(folder), endpoint.base_url, *words)]) == 0
    parents = [parent for sights in shown.values() for sight in sights for parent in sight.parents]
    assert all(failure.programs for parent in parents for failure in parent.failures)
    assert any(parent.failures for parent in parents)
    assert replay() == 0
    with Archive("run") as recorded, Archive("again") as replayed:
        clock = next(record.agent.id for record in recorded.agents() if "time_ns" in record.agent.source)
        printed = [row.programs[0].output for row in recorded.results(clock, "train")]
        assert len(set(printed)) == 6
        assert printed == [row.programs[0].output for row in replayed.results(clock, "train")]
