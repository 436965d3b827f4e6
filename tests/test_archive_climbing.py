"""Facts of large tables that are kept in memory say what the tables say, while a run writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive import summaries
from archive.records import Archive
from tests.bench.large_archive import Sizes, make_archive

LEADING = """
SELECT agent FROM (SELECT agent, score, created, MAX(score) OVER (ORDER BY created, agent ROWS BETWEEN
  UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM evaluations
  WHERE split = ? AND complete = 1 AND items > 0) WHERE before IS NULL OR score > before
ORDER BY created, agent
"""
Both = tuple[Archive, sqlite3.Connection]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    folder = make_archive(tmp_path / "run", Sizes(200, 2_000, 500), status=None)
    writer = sqlite3.connect(folder / "archive.db", isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("UPDATE evaluations SET score = 0.9 * score")
    with Archive(folder) as archive:
        yield archive, writer
    writer.close()


def _leading(writer: sqlite3.Connection, split: str = "train") -> list[str]:
    return [agent for (agent,) in writer.execute(LEADING, (split,))]


def _write(writer: sqlite3.Connection, agent: str, score: float, at: float, complete: int = 1) -> None:
    """An evaluation as a race ends it, with its event."""
    sql = "UPDATE evaluations SET score = ?, created = ?, complete = ?, paid_calls = 7 WHERE agent = ?"
    writer.execute("BEGIN")
    writer.execute(f"{sql} AND split = 'train'", (score, at, complete, agent))
    data = f'{{"agent":"{agent}","split":"train","stopped":"","validate":false}}'
    writer.execute("INSERT INTO events (kind, data, created) VALUES ('race', ?, ?)", (data, at))
    writer.execute("COMMIT")


def _others(writer: sqlite3.Connection, leading: list[str]) -> list[str]:
    sql = "SELECT agent FROM evaluations WHERE split = 'train' AND complete = 1 ORDER BY agent"
    return [agent for (agent,) in writer.execute(sql) if agent not in leading]


def _last(writer: sqlite3.Connection) -> float:
    (at,) = writer.execute("SELECT MAX(created) FROM evaluations").fetchone()
    return float(at)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_leaders_are_those_of_the_plain_statement(both: Both, split: str) -> None:
    archive, writer = both
    found = summaries.leading_ids(archive, split)  # type: ignore[arg-type]
    assert found == _leading(writer, split)
    assert len(found) > 1


def test_a_new_leader_is_found_by_its_event(both: Both) -> None:
    archive, writer = both
    before = summaries.leading_ids(archive, "train")
    agent, last = _others(writer, before)[0], _last(writer)
    _write(writer, agent, 0.99, last + 5)
    found = summaries.leading_ids(archive, "train")
    assert found == _leading(writer)
    assert found == [*before, agent]


def test_one_that_scores_less_leads_nothing(both: Both) -> None:
    archive, writer = both
    before = summaries.leading_ids(archive, "train")
    _write(writer, _others(writer, before)[0], 0.0, _last(writer) + 5)
    assert summaries.leading_ids(archive, "train") == before == _leading(writer)


def test_a_leader_that_is_evaluated_again_is_looked_at_again(both: Both) -> None:
    archive, writer = both
    before = summaries.leading_ids(archive, "train")
    _write(writer, before[-1], 0.01, _last(writer) + 5)
    found = summaries.leading_ids(archive, "train")
    assert found == _leading(writer)
    assert before[-1] not in found


def test_a_row_that_comes_after_its_event_is_found_with_the_next_one(both: Both) -> None:
    archive, writer = both
    before = summaries.leading_ids(archive, "train")
    late, other = _others(writer, before)[:2]
    data = f'{{"agent":"{late}","split":"train","stopped":"","validate":false}}'
    writer.execute("INSERT INTO events (kind, data, created) VALUES ('race', ?, ?)", (data, _last(writer)))
    assert summaries.leading_ids(archive, "train") == before
    sql = "UPDATE evaluations SET score = 0.99, created = ? WHERE agent = ? AND split = 'train'"
    writer.execute(sql, (_last(writer) + 5, late))
    _write(writer, other, 0.1, _last(writer) + 1)
    assert summaries.leading_ids(archive, "train") == _leading(writer) == [*before, late]


def test_counts_and_sums_are_those_of_now(both: Both) -> None:
    archive, writer = both
    assert summaries.how_many(archive, "train") == summaries.how_many(archive, "train")
    complete, kinds = summaries.how_many(archive, "train")["complete"], summaries.event_kinds(archive)
    split_before = summaries.splits(archive)
    agent = _others(writer, [])[0]
    _write(writer, agent, 0.5, _last(writer) + 1, complete=0)
    assert summaries.how_many(archive, "train")["complete"] == complete - 1
    assert summaries.event_kinds(archive) == {**kinds, "race": kinds["race"] + 1}
    writer.execute("DELETE FROM evaluations WHERE agent = ? AND split = 'train'", (agent,))
    assert summaries.splits(archive)["train"] == split_before["train"] - 1


def test_briefs_are_counted_on(both: Both) -> None:
    archive, writer = both
    before = summaries.last_brief(archive)
    assert before == 200
    writer.execute("INSERT INTO events (kind, data, created) VALUES ('ask', '{\"brief\":240}', 1.8e9)")
    assert summaries.last_brief(archive) == 241
    writer.execute("INSERT INTO events (kind, data, created) VALUES ('ask', '{\"brief\":7}', 1.8e9)")
    assert summaries.last_brief(archive) == 241


def test_what_was_paid_adds_up_though_the_past_is_not_read_again(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, writer = both
    for name in ("FEW", "FEW_CALLS"):
        monkeypatch.setattr(f"archive.summaries.ledger.{name}", 10)
    monkeypatch.setattr("archive.summaries.ledger.SHARE", 1e-9)  # the past is kept for ages

    def ends() -> tuple[float, float]:
        rows, _, exact = summaries.paid_over_time(archive, "train")
        assert not exact
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)
        whole = sum(used.calls for used in summaries.paid(archive)[0].values())
        return sum(row[1] for row in rows), whole

    told, whole = ends()
    assert told == pytest.approx(whole)
    agent = _others(writer, [])[0]
    writer.execute("UPDATE evaluations SET paid_calls = paid_calls + 90 WHERE agent = ?", (agent,))
    told, more = ends()
    assert more >= whole + 90
    assert told == pytest.approx(more)


def test_agents_are_counted_on(both: Both) -> None:
    archive, writer = both
    assert summaries.how_many_agents(archive) == len(archive) == 200
    columns = "name, status, author, operator, generation, created, thought, space, brief, source"
    columns += ', demonstrations, "values"'
    sql = f"INSERT INTO agents (id, {columns}) SELECT 'new', {columns} FROM agents LIMIT 1"
    writer.execute(sql)
    assert summaries.how_many_agents(archive) == len(archive) == 201
