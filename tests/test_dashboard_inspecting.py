"""What the page shows of single agents and items: of a recorded run of an older version, of strangers."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive.records import Archive
from archive.store import Store
from meta_search.dashboard.views import agent, attempts, calls, item, items, source, versus
from meta_search.errors import ArchiveError
from meta_search.types import Agent, Brief, Candidate, ToolCall, TranscriptCall
from meta_search.types.tools import calling, result
from tests.data.record_run import EARLIER, unpack

FIRST: list[str] = [""]  # an item of the recorded run
VIEWS: dict[str, Callable[[Path, Archive, str], Any]] = {
    "agent": lambda folder, archive, who: agent.agent(folder, archive, agent=who),
    "source": lambda folder, archive, who: source.source(folder, archive, agent=who),
    "attempts": lambda folder, archive, who: attempts.attempts(folder, archive, agent=who),
    "versus": lambda folder, archive, who: versus.versus(folder, archive, agent=who, vs="direct"),
    "items": lambda folder, archive, who: items.items(folder, archive, agents=who),
    "matrix": lambda folder, archive, who: items.items(folder, archive, split="validation"),
    "item": lambda folder, archive, who: item.item(folder, archive, item=FIRST[0], agent=who),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = unpack(tmp_path_factory.mktemp("recorded"), EARLIER)
    with Archive(folder) as archive:
        FIRST[0] = archive.results(archive.record("direct").agent.id, "train", most=1)[0].item
    return folder


def found_agent(archive: Archive) -> str:
    """The best agent that an author wrote."""
    return next(
        r.agent.id for r in archive.top(50, "train") if r.brief and r.brief.kind == "asked" and r.parents
    )


def test_the_page_of_one_agent(run: Path) -> None:
    with Archive(run) as archive:
        who = found_agent(archive)
        record = archive.record(who)
        page = agent.agent(run, archive, agent=who)
        assert page["source"] == record.agent.source
        assert page["row"]["agent"] == who
        assert [p["agent"] for p in page["parents"]] == list(record.parents)
        first = agent.agent(run, archive, agent=record.parents[0])
        assert {"agent": who, "name": record.agent.name} in first["children"]
        train = record.evaluations["train"]
        (shown,) = [e for e in page["evaluations"] if e["split"] == "train"]
        assert (shown["score"], shown["low"], shown["high"]) == (train.score, train.low, train.high)
        kinds = [k for k in page["kinds"] if k["split"] == "train"]
        assert {k["kind"] for k in kinds} == {"plus", "times"}
        assert sum(k["items"] for k in kinds) == train.items
        assert all(k["low"] <= k["score"] <= k["high"] for k in kinds)
        race = page["race"]
        assert [block["block"] for block in race] == list(range(1, len(race) + 1))
        assert sum(block["items"] for block in race) == race[-1]["to"] == train.items
        assert race[-1]["score"] == pytest.approx(train.score)
        assert {block["verdict"] for block in race[:-1]} <= {"goes on"}
        assert page["calls"][0]["tokens_per_item"] > 0
        assert source.source(run, archive, agent=record.agent.name)["source"] == record.agent.source


def test_a_race_says_where_and_why_it_was_stopped(run: Path) -> None:
    with Archive(run) as archive:
        stopped = [r for r in archive.agents() if (e := r.evaluations.get("train")) and "paused" in e.stopped]
        assert stopped
        for record in stopped:
            page = agent.agent(run, archive, agent=record.agent.id)
            assert page["race"][-1]["verdict"] == page["stopped"] != ""
            assert page["row"]["fate"] == "paused"
            assert page["race"][-1]["to"] < 18
            for row in (row for row in page["race"] if row["score"] is not None):
                assert row["low"] <= row["score"] <= row["high"]
        for column in items.items(run, archive)["agents"]:
            assert column["score"] is None or column["low"] <= column["score"] <= column["high"]


def test_who_has_no_evaluation_is_in_flight_while_the_run_goes_on(tmp_path: Path) -> None:
    candidate = Candidate(
        Agent.of("New", "def forward(self, taskInfo):\n    return '1'\n"), Brief(0, "novel", "llm")
    )
    with Store.open(tmp_path) as store:
        store.add_candidate(candidate, "partial").result()
        with Archive(tmp_path) as archive:
            assert agent.agent(tmp_path, archive, agent="New")["row"]["fate"] == "in flight"
    with Archive(tmp_path) as archive:
        page = agent.agent(tmp_path, archive, agent="New")
        assert (page["row"]["fate"], page["race"], page["evaluations"]) == ("failed", [], [])


def test_every_attempt_and_what_was_said(run: Path) -> None:
    with Archive(run) as archive:
        attempted = {attempt.brief for attempt in archive.attempts()}
        assert attempted
        said = 0
        for record in archive.agents():
            found = attempts.attempts(run, archive, agent=record.agent.id)
            if record.brief is None or record.brief.kind not in ("asked", "repair"):
                assert found == {"brief": None, "asked": None, "attempts": [], "conversation": []}
                continue
            own = archive.attempts(record.brief.number)
            assert [a["source"] for a in found["attempts"]] == [a.source for a in own]
            assert found["asked"]["operator"] == record.operator
            said += len(found["conversation"])
            for call in found["conversation"]:
                assert call["purpose"] == "meta"
                assert call["messages"]
                assert call["reply"]
        assert said


def test_two_agents_item_by_item(run: Path) -> None:
    with Archive(run) as archive:
        who, seed = found_agent(archive), archive.record("direct").agent.id
        found = versus.versus(run, archive, agent=who, vs="direct", split="train")
        back = versus.versus(run, archive, agent=seed, vs=who, split="train")
        assert (found["won"], found["lost"], found["tied"]) == (back["lost"], back["won"], back["tied"])
        assert found["won"] + found["lost"] + found["tied"] == len(found["items"]) == 18
        assert found["p"] == pytest.approx(back["p"])
        assert found["low"] <= found["points"] <= found["high"]
        ours = {r.item: r.score for r in archive.results(who, "train")}
        assert {row["item"]: row["ours"] for row in found["items"]} == ours
        assert versus.versus(run, archive, agent=who, vs=who, split="train")["p"] == 1.0


def test_the_matrix_tells_never_run_from_wrong(run: Path) -> None:
    with Archive(run) as archive:
        found = items.items(run, archive, split="train")
        agents = [row["agent"] for row in found["agents"]]
        assert archive.record("direct").agent.id in agents
        shares = [row["right"] / row["ran"] for row in found["items"]]
        assert shares == sorted(shares)
        for row, cells in zip(found["items"], found["cells"], strict=True):
            ran = [cell for cell in cells if cell is not None]
            assert len(cells) == len(agents)
            assert len(ran) == row["ran"]
            assert sum(cell == 1.0 for cell in ran) == row["right"]
        paused = [r.agent.id for r in archive.agents() if r.status == "paused"]
        few = items.items(run, archive, split="train", agents=",".join(paused[:2]))
        assert [row["agent"] for row in few["agents"]] == paused[:2]
        column = [cells[0] for cells in few["cells"]]
        assert None in column
        assert any(cell is not None for cell in column)


def test_an_item_with_what_was_sent_and_what_came(run: Path) -> None:
    with Archive(run) as archive:
        seed = archive.record("direct").agent.id
        page = item.item(run, archive, item=FIRST[0], split="train", agent="direct")
        kept = archive.result(seed, "train", FIRST[0], 0)
        assert kept is not None
        assert (page["result"]["answer"], page["result"]["score"]) == (kept.answer.strip("\0"), kept.score)
        assert page["question"].startswith("A shop counts")
        assert page["target"] is None
        assert "does not hold the item" in page["target_note"]
        assert {row["agent"] for row in page["agents"]} > {seed}
        (call,) = page["result"]["calls"]
        assert [m["role"] for m in call["messages"]][-1] == "user"
        assert call["messages"][-1]["text"].startswith(page["question"].split("?")[0])
        assert (call["attempts"], call["left_out"]) == (1, "")
        with pytest.raises(ArchiveError, match="no train item"):
            item.item(run, archive, item="nobody's", split="train")


def test_an_answer_that_was_shared_is_found_with_the_agent_that_paid(run: Path) -> None:
    with Archive(run) as archive:
        shared = {}
        for record in archive.agents():
            for row in archive.results(record.agent.id, "train"):
                if row.used.calls and not row.paid.calls:
                    shared[record.agent.id] = row
        told = [archive.transcript(a, r.item, "train", r.repeat) for a, r in shared.items()]
        assert told
        first = [call for found in told for call in found]
        assert any("another agent was paid" in call.left_out for call in first)
        assert all(call.messages and call.reply for call in first)
        assert all(call.attempts == 0 for call in first if "another agent" in call.left_out)


def test_test_items_are_withheld_until_the_report(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    with Archive(run) as archive:
        test = items.items(run, archive, split="test")
        name, who = test["items"][0]["item"], test["agents"][0]["agent"]
        assert item.item(run, archive, item=name, split="test", agent=who)["result"]["calls"]
    with sqlite3.connect(tmp_path / "run" / "archive.db") as database:
        database.execute("DELETE FROM meta WHERE key = 'final'")
    with Archive(tmp_path / "run") as archive:
        page = item.item(run, archive, item=name, split="test", agent=who)
        assert (page["question"], page["target"], page["result"]) == (None, None, None)
        assert "once the final report is made" in page["target_note"]
        assert {row["question"] for row in items.items(run, archive, split="test")["items"]} == {""}


HOSTILE = "\u202e<script>alert(1)</script>\x1b[2J\x00'\"; DROP TABLE agents; --"


def test_what_a_stranger_wrote_is_only_text(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    with Archive(run) as archive:
        who = found_agent(archive)
    Store.open(tmp_path / "run").close()
    bomb = zlib.compress(b'{"messages": [' + b" " * 80_000_000 + b"]}", 9)
    with sqlite3.connect(tmp_path / "run" / "archive.db") as database:
        for sql in (
            "UPDATE agents SET name = ?1 || name, thought = ?1, operator = ?1 WHERE operator <> 'seed'",
            'UPDATE agents SET demonstrations = \'[["q", "r"]]\'',
            "UPDATE results SET answer = ?1, feedback = ?1, detail = ?1",
            "UPDATE attempts SET source = ?1, message = ?1, stage = ?1",
            "UPDATE calls SET model = ?1, author = ?1, fault = ?1",
            "INSERT INTO items VALUES ('train', ?2, ?1, ?1, ?1, ?1, '[[[')",
        ):
            values = (HOSTILE, FIRST[0]) if "?2" in sql else (HOSTILE,) if "?1" in sql else ()
            database.execute(sql, values)
        database.execute("UPDATE calls SET request = ? WHERE rowid % 2", (bomb,))
        database.execute("UPDATE calls SET reply = x'00' WHERE rowid % 3 = 0")
    with Archive(tmp_path / "run") as archive:
        for name, view in VIEWS.items():
            shown = json.dumps(view(tmp_path / "run", archive, who), ensure_ascii=False)
            assert not {"\u202e", "\x1b", "\x00"} & set(shown), name
            assert "\\u001b" not in shown and "\\u0000" not in shown, name  # noqa: PT018
            assert len(shown) < 5_000_000, name


def test_every_view_of_an_older_archive_opens(run: Path) -> None:
    with Archive(run) as archive:
        for record in archive.agents():
            for name, view in VIEWS.items():
                found = json.dumps(view(run, archive, record.agent.id), allow_nan=False)
                assert len(found) > 20, name


def test_tools_and_their_results_stand_with_the_call() -> None:
    asked = ToolCall("c1", "show", '{"agent": "a"}')
    first = (("system", "You search."), ("user", "Write."))
    second = (*first, calling("Let me look.", [asked]), result(asked, "def forward…"))
    rows = calls.calls_json(
        [
            TranscriptCall(1, "meta agent", messages=first, reply="Let me look.", tool_calls=(asked,)),
            TranscriptCall(2, "meta agent", messages=second, reply="<think>hm</think>Done."),
        ],
        conversation=True,
    )
    assert rows[0]["tool_calls"] == [
        {"name": "show", "arguments": '{"agent": "a"}', "result": "def forward…"}
    ]
    assert [m["text"] for m in rows[1]["messages"]] == ["def forward…"]
    assert "first 3 messages" in rows[1]["left_out"]
    assert (rows[1]["reply"], rows[1]["reasoning"]) == ("Done.", "hm")
    whole = calls.calls_json([TranscriptCall(1, "a", messages=second, reply="x")])[0]["messages"]
    assert whole[2] == {
        "role": "assistant",
        "text": "Let me look.",
        "calls": [{"name": "show", "arguments": '{"agent": "a"}'}],
    }


def test_a_very_long_transcript_is_bounded() -> None:
    long = [
        TranscriptCall(n, "a", messages=(("user", "x" * 100_000),), reply="y" * 100_000) for n in range(900)
    ]
    rows = calls.calls_json(long)
    assert len(rows) == calls.MOST_CALLS
    assert "500 more calls" in rows[-1]["left_out"]
    assert "Texts are cut" in rows[-1]["left_out"]
    assert len(json.dumps(rows)) < 2 * calls.MOST_TOTAL + calls.MOST_CALLS * 5_000
