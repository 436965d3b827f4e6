"""Migrations: applied once, in order, keeping what is there; foreign and newer files are refused."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_utils import Database

from archive import codec, schema
from archive.records import Archive
from archive.store import Store
from meta_search.errors import ArchiveError, DamagedError
from meta_search.text import MOST_PASSAGE
from meta_search.types import Agent, Brief, Candidate, Evaluation, ItemResult, Usage

TABLES = {"meta", "agents", "edges", "evaluations", "results", "calls", "attempts", "trials", "events"}


def test_the_tables_that_tools_depend_on_are_there(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    db = Database(tmp_path / "archive.db")
    assert set(db.table_names()) >= TABLES
    assert db.table("results").pks == ["agent", "split", "item", "repeat"]
    assert db.table("calls").pks == ["key"]
    assert {"request", "reply", "state", "attempts"} <= set(db.table("calls").columns_dict)
    assert db.journal_mode == "wal"
    db.close()


def test_an_older_archive_is_brought_up_to_date_and_keeps_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "archive.db"
    db = Database(file)
    schema.migrations().apply(db, stop_before="m0002_indexes")
    db.table("meta").insert({"key": "status", "value": '"done"'})
    assert "agents_by_name" not in {index.name for index in db.table("agents").indexes}
    db.close()

    connection = sqlite3.connect(file)
    assert schema.version(connection, file) == 1
    connection.close()
    with Archive(file) as older:  # readable as it is
        assert older.meta("status") == "done"

    Store.open(file).close()
    connection = sqlite3.connect(file)
    assert schema.version(connection, file) == schema.SCHEMA_VERSION
    indexes = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert "agents_by_name" in indexes
    connection.close()
    with Archive(file) as newer:
        assert newer.meta("status") == "done"


def test_an_archive_that_knows_nothing_of_what_was_asked_is_read_and_goes_on(tmp_path: Path) -> None:
    db = Database(tmp_path / "archive.db")
    schema.migrations().apply(db, stop_before="m0004_asked")
    row = codec.result_row(ItemResult("a", "train", "1", 0, "ok", answer="7"), 0.0)[:-2]
    db.execute(f"INSERT INTO results VALUES ({codec.marks(row)})", row)
    db.conn.commit()
    db.close()
    with Archive(tmp_path) as older:
        assert [(r.answer, r.asked) for r in older.results("a", "train")] == [("7", "")]
        assert older.is_current  # what it says of briefs means the same
    with Store.open(tmp_path) as store:
        store.add_results([ItemResult("a", "train", "2", 0, "ok", asked="q.a")]).result()
    with Archive(tmp_path) as newer:
        assert [r.asked for r in newer.results("a", "train", trace=False)] == ["", "q.a"]


def test_what_was_said_before_there_was_a_column_is_feedback(tmp_path: Path) -> None:
    db = Database(tmp_path / "archive.db")
    schema.migrations().apply(db, stop_before="m0005_feedback")
    said = ItemResult("a", "train", "1", 0, "ok", answer="7", detail="no number", score=0.0)
    crashed = ItemResult("a", "train", "2", 0, "crash", detail="IndexError", score=0.0)
    for result in (said, crashed):
        row = codec.result_row(result, 0.0)[:-1]
        db.execute(f"INSERT INTO results VALUES ({codec.marks(row)})", row)
    db.conn.commit()
    db.close()
    expected = [("", "no number"), ("IndexError", "")]
    with Archive(tmp_path) as older:
        assert [(r.detail, r.feedback) for r in older.results("a", "train")] == expected
        assert [(row["detail"], row["feedback"]) for row in older.rows("items")] == expected
    new = ItemResult("a", "train", "3", 0, "ok", detail="odd", score=0.0, feedback="two\nlines \ud800")
    with Store.open(tmp_path) as store:
        store.add_results([new]).result()
    with Archive(tmp_path) as newer:
        whole = [*expected, ("odd", "two\nlines ?")]
        assert [(r.detail, r.feedback) for r in newer.results("a", "train", trace=False)] == whole
        assert [(row["detail"], row["feedback"]) for row in newer.rows("items")] == whole


def test_a_strangers_feedback_is_cut_and_printable(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.add_results([ItemResult("a", "train", "1", 0, "ok", score=0.0)]).result()
    connection = sqlite3.connect(tmp_path / "archive.db")
    connection.execute("UPDATE results SET feedback = ?", ("\x1b[2J" + "x" * 10_000_000,))
    connection.commit()
    connection.close()
    with Archive(tmp_path) as archive:
        for said in (archive.results("a", "train")[0].feedback, next(archive.rows("items"))["feedback"]):
            assert len(said) <= MOST_PASSAGE
            assert "\x1b" not in said
    connection = sqlite3.connect(tmp_path / "archive.db")
    connection.execute("UPDATE results SET feedback = x'00ff'")
    connection.commit()
    connection.close()
    with Archive(tmp_path) as archive, pytest.raises(DamagedError):
        archive.results("a", "train")


def test_an_up_to_date_archive_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.open(tmp_path).close()

    def fail() -> None:
        raise AssertionError("migrations were asked for")

    monkeypatch.setattr(schema, "migrations", fail)
    Store.open(tmp_path).close()


def test_a_newer_archive_is_refused_by_both_sides(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "archive.db")
    connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    connection.commit()
    connection.close()
    for opens in (Store.open, Archive):
        with pytest.raises(ArchiveError, match=r"newer meta-search .* upgrade") as error:
            opens(tmp_path)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", ["text", "sqlite"])
def test_a_foreign_file_is_refused_and_left_as_it_was(tmp_path: Path, content: str) -> None:
    file = tmp_path / "archive.db"
    if content == "text":
        file.write_text("not a database\n" * 1000)
    else:
        connection = sqlite3.connect(file)
        connection.execute("CREATE TABLE mine (x)")
        connection.commit()
        connection.close()
    before = file.read_bytes()
    for opens in (Store.open, Archive):
        with pytest.raises(ArchiveError, match="not a meta-search archive"):
            opens(file)
    assert file.read_bytes() == before


def test_no_archive_and_an_empty_one_say_so(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="no archive at"):
        Archive(tmp_path)
    with pytest.raises(ArchiveError, match="no archive at"):
        Archive(tmp_path / "nowhere")
    (tmp_path / "archive.db").touch()
    with pytest.raises(ArchiveError, match="is empty"):
        Archive(tmp_path)
    Store.open(tmp_path).close()  # and can be started
    assert Archive(tmp_path).agents() == []


def test_answers_without_a_call_are_counted_in_older_archives_too(tmp_path: Path) -> None:
    db = Database(tmp_path / "archive.db")
    schema.migrations().apply(db, stop_before="m0006_model_free")
    rows = [
        ItemResult("a", "train", "1", 0, "ok", score=1.0),
        ItemResult("a", "train", "2", 0, "ok", score=0.0, used=Usage(1, 3, 1)),
        ItemResult("a", "train", "3", 0, "crash", score=0.0),
        ItemResult("a", "test", "4", 0, "ok", score=1.0),
    ]
    for result in rows:
        row = codec.result_row(result, 0.0)
        db.execute(f"INSERT INTO results VALUES ({codec.marks(row)})", row)
    row = codec.evaluation_row(Evaluation.of("a", "train", rows[:3]), 0.0)[:-1]
    db.execute(f"INSERT INTO evaluations VALUES ({codec.marks(row)})", row)
    db.conn.commit()
    agent = Candidate(Agent.of("A", "x = 1"), Brief(0, "seed", "hand", kind="seed"))
    row = codec.agent_row(replace(agent, agent=replace(agent.agent, id="a")), "seed", 0.0)
    db.execute(f"INSERT INTO agents VALUES ({codec.marks(row)})", row)
    db.conn.commit()
    db.close()
    with Archive(tmp_path) as older:
        assert older.agents()[0].evaluations["train"].model_free == 1
    Store.open(tmp_path).close()
    with Archive(tmp_path) as newer:
        found = newer.agents()[0].evaluations["train"]
        assert (found.model_free, found.free_share) == (1, pytest.approx(1 / 3))
