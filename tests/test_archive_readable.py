"""`archive.db` for viewers of SQLite: references, and views that are ours to the byte; Datasette opens it."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from archive import codec, schema
from archive.readable import REFERENCES, VIEWS
from archive.records import Archive
from archive.store import Store
from meta_search.errors import DamagedError
from meta_search.types import (
    Agent,
    ArchivedItem,
    Brief,
    Candidate,
    Evaluation,
    ItemResult,
    TraceCall,
    Usage,
)

SOURCE = "def forward(self, taskInfo):\n    return '{n}'\n"
CALL = TraceCall(1, "Solver", "", ("answer",), "What is 1 + 1?", "3", (), 12, 0.5, component="Solver")


def filled(folder: Path) -> Path:
    """An archive with two agents, an item, and results on it."""
    seed = Agent.of("<b>Seed</b>", SOURCE.format(n=1))
    child = Agent.of("Child", SOURCE.format(n=2))
    with Store.open(folder) as store:
        store.add_candidate(Candidate(seed, Brief(0, "seed", "hand", kind="seed")), "seed")
        store.add_candidate(
            Candidate(child, Brief(0, "mutate", "llm", (seed.id,)), "Better.", 1), "population"
        )
        store.put_items([ArchivedItem("train", "q-1", "sums", "What is 1 + 1?", "2")])
        for agent, score in ((seed, 0.0), (child, 1.0)):
            used = Usage(1, 10, 2, 0.001)
            row = ItemResult(agent.id, "train", "q-1", 0, "ok", "3", "", score, used, used, trace=(CALL,))
            store.add_results([row])
            store.put_evaluation(Evaluation.of(agent.id, "train", [row]))
        store.execute(
            "INSERT INTO calls (key, occurrence, purpose, model, agent, split, item, repeat, prompt_tokens, "
            "completion_tokens, cost_usd, attempts, state) "
            "VALUES ('k', '0', 'task', 'm', ?, 'train', 'q-1', 0, 10, 2, 0.001, 1, 'done')",
            (seed.id,),
        )
        store.flush().result()
    return folder / "archive.db"


@contextlib.contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        yield connection


def test_references_lead_to_rows_and_views_say_it_in_words(tmp_path: Path) -> None:
    with opened(filled(tmp_path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        for table, references in REFERENCES.items():
            found = db.execute(f"PRAGMA foreign_key_list({table})").fetchall()
            assert len({row[0] for row in found}) == len(references)
            assert {row[2] for row in found} <= {"agents", "items"}
        best = db.execute("SELECT split, name, score_percent, tokens_per_item FROM best_agents").fetchall()
        assert best == [("train", "Child", 100.0, 12.0), ("train", "<b>Seed</b>", 0.0, 12.0)]
        wrong = "SELECT agent_name, kind, question, target, answer FROM wrong_items"
        assert db.execute(wrong).fetchall() == [("<b>Seed</b>", "sums", "What is 1 + 1?", "2", "3")]
        assert db.execute("SELECT purpose, requests, usd FROM spending").fetchall() == [("task", 1, 0.001)]
        named = db.execute("SELECT agent_name, item, purpose FROM calls_readable").fetchall()
        assert named == [("<b>Seed</b>", "q-1", "task")]


def test_the_first_page_of_a_view_needs_no_sorting(tmp_path: Path) -> None:
    with opened(filled(tmp_path)) as db:
        for view in ("best_agents", "wrong_items", "calls_readable"):
            plan = db.execute(f"EXPLAIN QUERY PLAN SELECT * FROM {view} LIMIT 21").fetchall()
            assert not [row for row in plan if "TEMP B-TREE" in row[3]], view
            assert [row for row in plan if "SEARCH a USING INDEX" in row[3]], view


def test_an_older_archive_gets_them_without_its_rows_being_copied(tmp_path: Path) -> None:
    db = Database(tmp_path / "archive.db")
    schema.migrations().apply(db, stop_before="m0007_items")
    row = codec.result_row(ItemResult("a", "train", "1", 0, "ok", answer="7", trace=(CALL,)), 0.0)
    db.execute(f"INSERT INTO results VALUES ({codec.marks(row)})", row)
    db.conn.commit()
    pages = "SELECT name, rootpage FROM sqlite_master WHERE type = 'table' AND name IN ('results', 'edges')"
    before = db.execute(pages).fetchall()
    db.close()
    with Archive(tmp_path) as older:  # as it is, its items from traces
        assert older.item("1", "train") is None  # nobody was evaluated
        assert older.items("train") == []
    Store.open(tmp_path).close()
    with opened(tmp_path / "archive.db") as database:
        assert database.execute(pages).fetchall() == before
        assert database.execute("PRAGMA foreign_key_list(results)").fetchall()
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert {
            name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'view'")
        } == set(VIEWS)
    with Archive(tmp_path) as newer:
        assert newer.results("a", "train")[0].answer == "7"


def test_of_an_older_archive_the_question_is_its_first_prompt(tmp_path: Path) -> None:
    db = Database(tmp_path / "archive.db")
    schema.migrations().apply(db, stop_before="m0007_items")
    results = [ItemResult("a", "train", item, 0, "ok", score=1.0, trace=(CALL,)) for item in "12"]
    for result in results:
        row = codec.result_row(result, 0.0)
        db.execute(f"INSERT INTO results VALUES ({codec.marks(row)})", row)
    row = codec.evaluation_row(Evaluation.of("a", "train", results), 0.0)
    db.execute(f"INSERT INTO evaluations VALUES ({codec.marks(row)})", row)
    db.conn.commit()
    db.close()
    with Archive(tmp_path) as older:
        found = older.item("2", "train")
        assert found is not None
        assert (found.question, found.target) == ("What is 1 + 1?", None)
        assert found.note.startswith("This archive does not hold the item")
        assert [item.item for item in older.items("train")] == ["1", "2"]
        (call,) = older.transcript("a", "1", "train")
        assert (call.reply, call.messages) == ("3", (("user", "What is 1 + 1?"),))
        assert "shared" in call.left_out
    Store.open(tmp_path).close()  # migrated, but nobody knows its items still
    with Archive(tmp_path) as newer:
        assert newer.item("2", "train") == found


@pytest.mark.parametrize(
    "changes",
    [
        ("DROP VIEW spending", VIEWS["spending"].replace("purpose, COUNT", "purpose,  COUNT")),
        ("DROP VIEW spending", VIEWS["spending"].replace("SUM(attempts)", "MAX(attempts)")),
        ("DROP VIEW spending", VIEWS["spending"].replace("spending", "spendings")),
        (VIEWS["spending"].replace("VIEW spending", "VIEW agents_by_name2"),),
        ("DROP VIEW spending", "CREATE TABLE spending (key TEXT)"),
    ],
)
def test_no_other_view_is_read(tmp_path: Path, changes: tuple[str, ...]) -> None:
    file = filled(tmp_path)
    with opened(file) as db:
        for change in changes:
            db.execute(change)
        db.commit()
    for opens in (Store.open, Archive):
        with pytest.raises(DamagedError, match="holds what no archive"):
            opens(file)


def test_ours_without_its_views_is_read(tmp_path: Path) -> None:
    file = filled(tmp_path)
    with opened(file) as db:
        for view in VIEWS:
            db.execute(f"DROP VIEW {view}")
    with Archive(file) as archive:
        assert len(archive) == 2


def datasette() -> list[str] | None:
    """How Datasette is started, where it is installed."""
    if found := shutil.which("datasette"):
        return [found]
    known = subprocess.run([sys.executable, "-c", "import datasette"], capture_output=True, check=False)
    return None if known.returncode else [sys.executable, "-m", "datasette"]


@pytest.mark.slow
def test_datasette_opens_it_with_links_and_views(tmp_path: Path) -> None:
    command = datasette()
    if command is None:
        pytest.skip("Datasette is not installed: pip install datasette in a venv of its own, on PATH")
    file = filled(tmp_path)
    began = time.monotonic()
    words = [*command, "serve", str(file), "--port", "0", "--host", "127.0.0.1"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            url = next(m[0] for line in lines if (m := re.search(r"http://127\.0\.0\.1:\d+", line)))

            def get(path: str) -> str:
                with urllib.request.urlopen(url + path, timeout=30) as reply:
                    assert reply.status == 200
                    return str(reply.read().decode())

            listed = json.loads(get("/archive.json"))
            for table in listed["tables"]:
                get(f"/archive/{table['name']}")
            assert {view["name"] for view in listed["views"]} == set(VIEWS)
            assert "What is 1 + 1?" in get("/archive/wrong_items")
            assert get("/archive/best_agents").count("Child") >= 1
            results = get("/archive/results")
            assert re.search(r'<a href="/archive/agents/\w+">&lt;b&gt;Seed', results)  # by name, and escaped
        finally:
            process.terminate()
    assert time.monotonic() - began < 120
