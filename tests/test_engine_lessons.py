"""Lessons in whole searches: when they are written, who reads them, replay, resume, and what shows them."""

from __future__ import annotations

import itertools
import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.testing import CountingEndpoint
from tests.kits.answers import adds_below
from tests.kits.pages import page_view
from tests.kits.searches import assert_replays, cut_behind, run_killed, tables, written_search

adds = adds_below(12)
PROGRAM = """Name: Adder {n}
Thought: Asks for the sum, way {n}.
```python
def forward(self, taskInfo):
    model = LLMAgentBase(["answer"], "Adder {n}")
    return model([taskInfo], "Way {n}: reply with only the number.")[0]
```"""
HOSTILE = "</pre><script>alert(1)</script>\x1b]0;owned\x07\x1b[31m\u202e{{ 7 * 7 }}"
WORDS = (
    *("author=llm", "author.formats=[program]", "author.reflexions=0", "author.debug_rounds=0"),
    *("search.operators=[novel,mutate]", "search.seeds=[direct]", "search.prior=false", "run.dir=run"),
    *("search.candidates=7", "search.attempts=1", "evaluate.racing=false"),
)
DUE = "Take notes of it for the briefs to come"


class Writer:
    """A meta model that writes agents and notes; answers of the task model are right where they are small.

    Attributes:
        asked: Requests for notes.
    """

    def __init__(self, note: str = "Helps here:\n- Adder.") -> None:
        self._note = note
        self.asked: list[str] = []

    def __call__(self, messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        if body["model"] != "writer":
            return adds(messages, body)
        asked = messages[-1]["content"]
        if DUE in asked:
            self.asked.append(asked)
            return f"{self._note} Of {asked.count('«')}." if self._note else ""
        return PROGRAM.format(n=body["seed"])


def lessons(run: str = "run") -> list[tuple[int, str]]:
    with meta_search.open_run(run) as archive:
        return [(lesson.agents, lesson.text) for lesson in archive.lessons()]


@pytest.mark.slow
def test_a_lesson_is_written_after_every_few_agents_and_read_by_the_next(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = Writer()
    with CountingEndpoint(writer) as endpoint:
        words = (*WORDS, "author.lessons=2", "search.in_flight=1")
        assert cli.main(["run", *written_search(folder, endpoint, *words)]) == 0
    assert [agents for agents, _ in lessons()] == [2, 4, 6]
    assert len(writer.asked) == 3
    first, second, third = writer.asked
    assert "Your notes after" not in first
    assert first.count("\n- «Adder ") == second.count("\n- «Adder ") == 2  # those since then
    assert "Your notes after 2 agents." in second
    assert f"> {lessons()[0][1].split(chr(10))[1]}" in second
    assert f"> {lessons()[1][1].split(chr(10))[1]}" in third
    said = capsys.readouterr()
    assert "lesson 1 after 2 agents: Helps here:" in said.out + said.err
    with meta_search.open_run("run") as archive:
        used = {lesson.brief: lesson.tokens for lesson in archive.lessons()}
        told = {e.data["brief"]: e.data for e in archive.events("delivery") if "brief" in e.data}
        paid = archive.writing()
    assert all(tokens > 0 for tokens in used.values())
    for brief, tokens in used.items():  # they are the meta agent's, and in the ledger with the brief
        assert told[brief]["tokens"] == paid[brief].tokens > tokens
    assert_replays()
    assert lessons("again") == lessons()


@pytest.mark.slow
def test_never_two_at_once(folder: Path) -> None:
    with CountingEndpoint(Writer(), latency_s=0.02) as endpoint:
        # So many that the second lesson is asked for even where the first one takes long.
        words = (*WORDS, "author.lessons=1", "search.in_flight=3", "search.candidates=16")
        assert cli.main(["run", *written_search(folder, endpoint, *words)]) == 0
    with meta_search.open_run("run") as archive:
        by = [lesson.brief for lesson in archive.lessons()]
        asked = {e.data["brief"]: e.seq for e in archive.events("ask")}
        came = {e.data["brief"]: e.seq for e in archive.events("delivery") if "brief" in e.data}
    assert len(by) >= 2
    assert all(asked[later] > came[earlier] for earlier, later in itertools.pairwise(by))
    counts = [agents for agents, _ in lessons()]
    assert counts == sorted(set(counts))
    assert_replays()


@pytest.mark.parametrize("more", [("author.lessons=0",), ("author=composer", "author.lessons=2")])
def test_without_them_or_without_a_meta_agent_nobody_is_asked(folder: Path, more: tuple[str, ...]) -> None:
    writer = Writer()
    with CountingEndpoint(writer) as endpoint:
        words = (*WORDS, *more, "search.in_flight=1", "search.candidates=3")
        assert cli.main(["run", *written_search(folder, endpoint, *words)]) == 0
    assert writer.asked == []
    assert lessons() == []


@pytest.mark.slow
def test_what_came_to_nothing_is_said_and_not_asked_again_at_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = Writer(note="")
    with CountingEndpoint(writer) as endpoint:
        words = (*WORDS, "author.lessons=2", "search.in_flight=1", "search.candidates=5")
        assert cli.main(["run", *written_search(folder, endpoint, *words)]) == 0
    assert len(writer.asked) == 2
    assert lessons() == []
    said = capsys.readouterr()
    assert "no lesson after 2 agents: the reply was empty" in said.out + said.err
    assert_replays()
    assert cli.main(["archive", "show", "run", "lessons"]) == 0
    assert "run has no lessons: author.lessons=N" in capsys.readouterr().out


@pytest.mark.slow
def test_resumed_at_any_point_it_comes_to_the_same_lessons(folder: Path) -> None:
    """The run as it is after `kill -9`: what came later has rows, but no events."""
    with CountingEndpoint(Writer()) as endpoint:
        # Mutations alone, which no draft is refused for: rows of attempts know no events.
        words = (*WORDS, "author.lessons=2", "search.in_flight=1", "search.operators=[mutate]")
        assert cli.main(["run", *written_search(folder, endpoint, *words)]) == 0
        whole, learned, sent = tables("run"), lessons(), endpoint.calls
        with meta_search.open_run("run") as archive:
            events = [(e.seq, e.kind, e.data) for e in archive.events()]
        with_lesson = [seq for seq, _, data in events if "lessons" in data]
        ends = [seq for seq, kind, data in events if kind == "race" and data["split"] == "train"]
        for kept in (with_lesson[0] - 1, with_lesson[0], with_lesson[1] - 1, with_lesson[1], ends[3]):
            assert cli.main(["resume", cut_behind(kept)]) == 0
            assert lessons(f"cut{kept}") == learned, kept
            found = tables(f"cut{kept}")
            for name in ("agents", "trials", "evaluations"):
                assert found[name] == whole[name], (kept, name)
        assert endpoint.calls - sent <= 5  # the check of the endpoint; all else is in the ledger
    assert_replays(f"cut{with_lesson[1] - 1}")


@pytest.mark.slow
def test_killed_with_several_in_flight_it_goes_on_and_replays(folder: Path) -> None:
    with CountingEndpoint(Writer(), latency_s=0.03) as endpoint:
        words = (*WORDS, "author.lessons=2", "search.in_flight=3")
        run_killed(folder, endpoint, 60, "run", *written_search(folder, endpoint, *words))
        assert cli.main(["resume", "run"]) == 0
    counts = [agents for agents, _ in lessons()]
    assert counts == sorted(set(counts))
    assert counts
    assert_replays()
    assert lessons("again") == lessons()


def test_a_hostile_lesson_breaks_neither_terminal_nor_page(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(Writer(note=HOSTILE)) as endpoint:
        words = (*WORDS, "author.lessons=2", "search.in_flight=1", "search.candidates=3")
        assert cli.main(["run", *written_search(folder, endpoint, *words)]) == 0
    capsys.readouterr()
    for arguments in (("archive", "show", "run", "lessons"), ("report", "run")):
        assert cli.main([*arguments]) == 0
        said = capsys.readouterr().out
        assert "after 2 agents" in said
        assert said.replace("\n", "").isprintable()
        assert "{{ 7 * 7 }}" in said
    assert "</pre><script>alert(1)" in page_view("run/report.html", "overview")["lessons"][0]["text"]
    assert "<script>alert(1)" not in Path("run/report.html").read_text()
    assert cli.main(["archive", "show", "run", "lessons", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row.keys() == {"number", "brief", "agents", "tokens", "text"}
    assert cli.main(["report", "run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lessons"] == [row]


def test_a_strangers_lesson_is_cleaned_where_it_is_read(folder: Path) -> None:
    with CountingEndpoint(Writer()) as endpoint:
        words = (*WORDS, "author.lessons=2", "search.in_flight=1", "search.candidates=3")
        assert cli.main(["run", *written_search(folder, endpoint, *words)]) == 0
    with sqlite3.connect("run/archive.db") as database:
        (seq, data), *_ = database.execute(
            "SELECT seq, data FROM events WHERE data LIKE '%lessons%'"
        ).fetchall()
        forged = json.loads(data) | {"lessons": [[HOSTILE * 1_000, 2, 3, HOSTILE]]}
        database.execute(
            "UPDATE events SET data = ? WHERE seq = ?", [json.dumps(forged, separators=(",", ":")), seq]
        )
    ((_, text),) = lessons()
    assert len(text) <= 4_000
    assert text.replace("\n", "").isprintable()
    with sqlite3.connect("run/archive.db") as database:
        database.execute(
            "UPDATE events SET data = ? WHERE seq = ?", ['{"brief":1,"lessons":[["text",{}]]}', seq]
        )
    with pytest.raises(meta_search.MetaSearchError, match="cannot make sense of"):
        lessons()


def test_with_folds_nobody_reads_what_was_learned_from_items_held_out(folder: Path) -> None:
    """Two folds: briefs of odd numbers read one line of lessons, those of even numbers another one."""
    asked: list[tuple[int, str]] = []

    def writes(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        if body["model"] == "writer" and DUE in (text := messages[-1]["content"]):
            asked.append((body["seed"], text))
            return f"Note of {body['seed']}."
        return Writer()(messages, body)

    with CountingEndpoint(writes) as endpoint:
        words = (*WORDS, "author.lessons=1", "search.in_flight=1", "evaluate.folds=2", "evaluate.items=4")
        assert cli.main(["run", *written_search(folder, endpoint, *words)]) == 0
    with meta_search.open_run("run") as archive:
        briefs = [record.brief for record in archive.agents()]
        seeds = {b.seed: b.number for b in briefs if b is not None and b.kind == "asked"}
    assert len(asked) >= 4
    seen = 0
    for seed, text in asked:
        if seed not in seeds:  # a brief that came to nothing
            continue
        named = re.findall(r"«Adder (\d+)", text) + re.findall(r"> Note of (\d+)", text)
        others = [seeds[int(n)] for n in named if int(n) in seeds]
        assert {number % 2 for number in others} <= {seeds[seed] % 2}
        seen += len(others)
    assert seen
