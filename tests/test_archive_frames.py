"""An archive as rows and data frames, and as a notebook shows it."""

from __future__ import annotations

import sqlite3
import sys
import tarfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from archive import frames
from archive.frames import COLUMNS, TEXTS
from archive.records import Archive
from archive.store import Store
from meta_search.errors import ArchiveError
from meta_search.types import Agent, Brief, Candidate

DATA = Path(__file__).parent / "data" / "recorded_run.tar.xz"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """Of a recorded search."""
    folder = tmp_path_factory.mktemp("recorded")
    with tarfile.open(DATA) as packed:
        packed.extractall(folder, filter="data")
    with Archive(folder / "run") as opened:
        yield opened


def count(archive: Archive, table: str, where: str = "1") -> int:
    with sqlite3.connect(archive.path) as database:
        (found,) = database.execute(f"SELECT COUNT(*) FROM {table} WHERE {where}").fetchone()
    return int(found)


def test_every_row_of_the_archive_is_there(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "PAGE", 7)  # so that there are pages
    found = {table: list(archive.rows(table)) for table in COLUMNS}
    assert len(found["agents"]) == count(archive, "agents")
    assert len(found["items"]) == count(archive, "results")
    assert len(found["calls"]) == count(archive, "calls")
    assert len(found["briefs"]) == count(archive, "events", "kind = 'ask'")
    for table, rows in found.items():
        assert {tuple(row) for row in rows} == {COLUMNS[table]}
        texts = next(archive.rows(table, text=True))
        assert tuple(texts) == (*COLUMNS[table], *TEXTS.get(table, ()))


def test_agents_have_scores_with_intervals_and_costs_per_item(archive: Archive) -> None:
    rows = {row["agent"]: row for row in archive.rows("agents")}
    for record in archive.agents():
        row, e = rows[record.agent.id], record.evaluations.get("train")
        assert row["name"] == record.agent.name
        assert isinstance(row["created"], datetime)
        assert row["created"].utcoffset() is not None
        if e is None:
            assert (row["train_score"], row["train_items"]) == (None, 0)
        else:
            assert (row["train_score"], row["train_low"], row["train_items"]) == (e.score, e.low, e.items)
            assert row["train_tokens_per_item"] == e.used.tokens / e.items
    assert any(row["parents"].split() for row in rows.values())


def test_items_add_up_to_evaluations(archive: Archive) -> None:
    rows = list(archive.rows("items"))
    for record in archive.agents():
        for split, e in record.evaluations.items():
            mine = [r for r in rows if (r["agent"], r["split"]) == (record.agent.id, split)]
            assert len(mine) == e.items
            assert sum(r["score"] for r in mine) / e.items == pytest.approx(e.score)
            assert sum(r["prompt_tokens"] + r["completion_tokens"] for r in mine) == e.used.tokens
            assert {r["name"] for r in mine} == {record.agent.name}
    assert {r["right"] for r in rows} == {True, False}


def test_calls_add_up_to_what_was_paid_and_carry_text_when_asked(archive: Archive) -> None:
    paid = archive.usage()
    rows = list(archive.rows("calls", text=True))
    task = [row for row in rows if row["purpose"] == "task"]
    assert sum(row["attempts"] for row in task) == paid["task"].calls
    assert sum(row["prompt_tokens"] for row in task) == paid["task"].prompt_tokens
    assert all(row["request"][-1]["role"] == "user" for row in task)
    assert all(isinstance(row["reply"], str) for row in task if row["state"] == "done")
    assert "request" not in next(archive.rows("calls"))
    assert "source" not in next(archive.rows("agents"))
    assert "def forward" in next(archive.rows("agents", text=True))["source"]


def test_briefs_name_what_came_of_them(archive: Archive) -> None:
    rows = list(archive.rows("briefs"))
    written = [row for row in rows if row["agent"]]
    assert written
    assert all(archive.get([row["agent"]])[0].agent.name == row["name"] for row in written)
    assert {row["operator"] for row in rows} >= {"crossover"}
    assert any(row["gain_per_cost"] is not None for row in rows)
    assert sum(row["writing_calls"] for row in rows) == sum(u.calls for u in archive.writing().values())


def test_an_unknown_table_is_told(archive: Archive) -> None:
    with pytest.raises(ArchiveError, match="no table is called 'agent': choose from agents, items"):
        archive.rows("agent")  # type: ignore[arg-type]


def test_without_pandas_one_line_says_so(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ArchiveError, match=r"pip install pandas, or take archive\.rows\('items'\)"):
        archive.to_frame("items")


def test_frames_hold_the_rows(archive: Archive) -> None:
    pytest.importorskip("pandas")
    for table in COLUMNS:
        frame, rows = archive.to_frame(table), list(archive.rows(table))
        assert list(frame.columns) == list(rows[0])
        assert len(frame) == len(rows)
    assert archive.to_frame("items").score.mean() == pytest.approx(
        sum(row["score"] for row in archive.rows("items")) / count(archive, "results")
    )


def test_a_frame_of_nothing_has_its_columns(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    Store.open(tmp_path).close()
    for table in COLUMNS:
        frame = Archive(tmp_path).to_frame(table, text=True)
        assert list(frame.columns) == [*COLUMNS[table], *TEXTS.get(table, ())]


def test_every_column_is_on_the_page() -> None:
    page = (Path(__file__).parent.parent / "docs" / "python.md").read_text(encoding="utf-8")
    shown = [
        line for line in page.splitlines() if line.startswith(tuple(f"| `{table}` |" for table in COLUMNS))
    ]
    for table, line in zip(COLUMNS, shown, strict=True):
        names = [c for c in COLUMNS[table] if not c.startswith(("validation_", "test_"))]
        assert [name for name in names if f"`{name}`" not in line] == []


def test_a_notebook_shows_the_best_agents_and_nothing_that_runs(archive: Archive, tmp_path: Path) -> None:
    shown = archive._repr_html_()
    best = archive.best("train")
    assert best is not None
    assert best.agent.name in shown
    assert str(archive.meta("verdict"))[:40] in shown
    with Store.open(tmp_path) as store:
        agent = Agent.of("<img src=x onerror=alert(1)>\n" + "long " * 99, "def forward(self, t): pass")
        store.add_candidate(Candidate(agent, Brief(0, "<b>novel", "llm")), "candidate").result()
    assert "0 of 1 agents" in Archive(tmp_path)._repr_html_()
    with Store.open(tmp_path) as store:
        from meta_search.types import Evaluation, Usage

        store.put_evaluation(
            Evaluation(agent.id, "train", 0.5, 0.2, 0.8, 4, Usage(), Usage(), 1.0, {"ok": 4})
        ).result()
    hostile = Archive(tmp_path)._repr_html_()
    assert "<img" not in hostile
    assert "<b>novel" not in hostile
    assert "&lt;img src=x" in hostile
    assert "50.0 [20, 80]" in hostile
