"""The writing side: durability, one writer, batches, faults that stay where they belong."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from pathlib import Path

import pytest

from archive.records import Archive
from archive.store import Store
from meta_search.errors import ArchiveError
from meta_search.types import Agent, Attempt, Brief, Candidate, Demonstration, Evaluation, ItemResult, Usage


def candidate(number: int, *parents: str, name: str = "") -> Candidate:
    source = f"def forward(self, taskInfo):\n    return '{number}'\n"
    agent = Agent.of(name or f"agent {number}", source)
    return Candidate(agent, Brief(number, "mutate", "llm", parents), thought="because", generation=number)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "archive.db") as opened:
        yield opened


def test_what_is_written_is_there_at_once_and_after_closing(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        assert store.path == tmp_path / "archive.db"
        assert store.add_candidate(candidate(1), "population").result() is True
        rows = store.reader().execute("SELECT name, status FROM agents").fetchall()
        assert rows == [("agent 1", "population")]
    assert not (tmp_path / "archive.db-wal").exists()
    assert Archive(tmp_path).agents()[0].agent == candidate(1).agent


def test_the_reader_cannot_write(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store.reader().execute("DELETE FROM agents")


def test_readers_belong_to_their_threads_and_end_with_them(store: Store) -> None:
    seen: list[sqlite3.Connection] = []
    thread = threading.Thread(target=lambda: seen.append(store.reader()))
    thread.start()
    thread.join()
    assert seen[0] is not store.reader()
    assert store.reader() is store.reader()
    seen.clear()
    gc.collect()
    assert len(store._readers._open) == 1


def test_execute_writes_a_ledger_row_as_the_gateway_does(store: Store) -> None:
    sql = (
        "INSERT INTO calls (key, occurrence, purpose, model, agent, split, item, repeat, attempts,"
        " prompt_tokens, completion_tokens, cost_usd, state) VALUES (?, '0', 'task', 'm', '', '', '', 0, ?,"
        " 10, 5, 0.5, 'done')"
    )
    futures = [store.execute(sql, (f"k{i}", i)) for i in range(3)]
    wait(futures)
    assert [f.result() for f in futures] == [None, None, None]
    with Archive(store.path) as archive:
        assert archive.usage() == {"task": Usage(3, 30, 15, 1.5)}


def test_a_write_that_fails_leaves_those_around_it_alone(store: Store) -> None:
    before = store.add_candidate(candidate(1), "population")
    bad = store.execute("INSERT INTO agents (id) VALUES (?)", ("x",))
    worse = store.execute("no sql at all")
    after = store.add_candidate(candidate(2), "population")
    assert before.result()
    assert after.result()
    for future in (bad, worse):
        with pytest.raises(ArchiveError, match="cannot write"):
            future.result()
    assert store.reader().execute("SELECT COUNT(*) FROM agents").fetchone() == (2,)


def test_several_rows_are_written_all_or_none(store: Store) -> None:
    good = ItemResult("a", "train", "1", 0, "ok")
    bad = ItemResult("a", "train", "2", 0, None)  # type: ignore[arg-type]
    kept = store.add_results([ItemResult("a", "train", "0", 0, "ok")])
    with pytest.raises(ArchiveError):
        store.add_results([good, bad]).result()
    assert kept.result() is None
    assert store.reader().execute("SELECT item FROM results").fetchall() == [("0",)]


def test_a_known_agent_keeps_its_row_and_edges(store: Store) -> None:
    one, other = candidate(1), candidate(2, candidate(1).agent.id)
    assert store.add_candidates([one, other, one], "population").result() == 2
    again = Candidate(one.agent, Brief(9, "tune", "composer", (other.agent.id,)), "another thought")
    assert store.add_candidate(again, "partial").result() is False
    with Archive(store.path) as archive:
        record = archive.record(one.agent.id)
        assert (record.thought, record.status, record.parents) == ("because", "population", ())
        assert archive.record(other.agent.id).parents == (one.agent.id,)


def test_an_agent_is_never_its_own_parent(store: Store) -> None:
    one = candidate(1)
    store.add_candidate(Candidate(one.agent, Brief(1, "tune", "composer", (one.agent.id,))), "x").result()
    assert store.reader().execute("SELECT COUNT(*) FROM edges").fetchone() == (0,)


def test_an_agent_that_behaves_as_another_is_no_child_of_it(store: Store) -> None:
    one, other = candidate(1), candidate(2)
    store.add_candidates([one, other], "candidate")
    store.set_same(other.agent.id, one.agent.id).result()
    with Archive(store.path) as archive:
        records = {r.agent.id: r for r in archive.agents()}
        assert (records[other.agent.id].status, records[other.agent.id].same_as) == (
            "duplicate",
            one.agent.id,
        )
        assert (records[one.agent.id].status, records[one.agent.id].same_as) == ("candidate", "")
        assert archive.children(one.agent.id) == []
        assert [r.agent.id for r in archive.lineage(other.agent.id)] == [other.agent.id]


def test_status_of_an_unknown_agent_is_an_error(store: Store) -> None:
    store.add_candidate(candidate(1), "partial")
    store.set_status(candidate(1).agent.id, "finalist").result()
    assert store.reader().execute("SELECT status FROM agents").fetchone() == ("finalist",)
    with pytest.raises(ArchiveError, match="no agent nobody"):
        store.set_status("nobody", "finalist").result()


def test_later_results_and_evaluations_take_the_place_of_earlier_ones(store: Store) -> None:
    for kind, score in (("budget", None), ("ok", 1.0)):
        result = ItemResult("a", "train", "1", 0, kind, score=score)
        store.add_results([result])
        store.put_evaluation(Evaluation.of("a", "train", [result], complete=kind == "ok"))
    store.flush().result()
    assert store.reader().execute("SELECT kind, score FROM results").fetchall() == [("ok", 1.0)]
    assert store.reader().execute("SELECT complete FROM evaluations").fetchall() == [(1,)]


def test_events_are_numbered_in_the_order_of_the_calls(store: Store) -> None:
    futures = [store.event("ask", {"n": n}) for n in range(50)]
    assert [f.result() for f in futures] == list(range(1, 51))
    with Archive(store.path) as archive:
        assert [e.data["n"] for e in archive.events()] == list(range(50))


def test_text_that_utf8_cannot_hold_is_kept_as_far_as_it_goes(store: Store) -> None:
    broken = "half a pair \ud83d, a NUL \0, and \N{GRINNING FACE}"
    store.add_results([ItemResult("a", "train", "1", 0, "ok", answer=broken, detail=broken)]).result()
    store.add_attempt(Attempt(1, "llm", "novel", "draft", broken, broken)).result()
    store.event("stop", {"why": broken}).result()
    with Archive(store.path) as archive:
        assert archive.results("a", "train")[0].answer == broken.replace("\ud83d", "?")
        assert archive.attempts()[0].source == broken.replace("\ud83d", "?")
        assert archive.events()[0].data["why"] == broken


def test_futures_cannot_be_cancelled(store: Store) -> None:
    future = store.event("ask", {})
    assert future.cancel() is False
    assert future.result() == 1


def test_a_callback_may_write_even_when_the_queue_is_full(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.writer.QUEUE", 1)
    inner: list[Future[int]] = []
    for _ in range(20):
        store.event("outer", {}).add_done_callback(lambda _: inner.append(store.event("inner", {})))
    store.flush().result(10)
    store.flush().result(10)
    with Archive(store.path) as archive:
        assert len(archive.events("outer")) == 20
        assert len(archive.events("inner")) == 20


def test_whoever_is_faster_than_the_disk_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.writer.QUEUE", 10)
    most = 0
    for first in range(0, 500, 5):
        store.add_candidates([candidate(n) for n in range(first, first + 5)], "population")
        most = max(most, store._writer._waiting)
    store.flush().result()
    assert most < 10 + 2 * 5
    assert store.reader().execute("SELECT COUNT(*) FROM agents").fetchone() == (500,)


def test_a_closed_store_refuses_writes_and_closes_twice(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    last = store.event("ask", {})
    store.close()
    store.close()
    assert last.result(0) == 1
    with pytest.raises(ArchiveError, match="is closed"):
        store.event("ask", {})


def test_many_threads_write_at_once(store: Store) -> None:
    def work(thread: int) -> None:
        for n in range(100):
            store.add_candidate(candidate(1000 * thread + n), "population")

    threads = [threading.Thread(target=work, args=(t,)) for t in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.flush().result()
    assert store.reader().execute("SELECT COUNT(*) FROM agents").fetchone() == (500,)


def test_a_failed_commit_fails_every_write_of_its_batch(store: Store) -> None:
    other = sqlite3.connect(store.path, isolation_level=None)
    store._writer._connection.execute("PRAGMA busy_timeout = 0")
    other.execute("BEGIN IMMEDIATE")  # as someone with the sqlite3 shell might
    with pytest.raises(ArchiveError, match="locked"):
        store.event("ask", {}).result()
    other.execute("ROLLBACK")
    other.close()
    assert store.event("ask", {}).result() == 1


def test_a_second_store_on_the_same_file_is_refused(tmp_path: Path) -> None:
    with Store.open(tmp_path):
        with pytest.raises(ArchiveError, match=rf"another run \(process {os.getpid()}\)") as refused:
            Store.open(tmp_path / "archive.db")
        assert "\n" not in str(refused.value)
        (tmp_path / "other name").symlink_to(tmp_path)
        with pytest.raises(ArchiveError):
            Store.open(tmp_path / "other name")
    Store.open(tmp_path).close()


WRITER = """
import sys
from archive.store import Store
from meta_search.types import Agent, Brief, Candidate, Demonstration, Evaluation, ItemResult

store = Store.open(sys.argv[1])
for n in range(100_000):
    agent = Agent.of(f"agent {n}", f"def forward(self, taskInfo):\\n    return {n}")
    futures = [
        store.add_candidate(Candidate(agent, Brief(n, "novel", "llm", (str(n - 1),))), "population"),
        store.add_results([ItemResult(agent.id, "train", str(i), 0, "ok", score=1.0) for i in range(3)]),
        store.event("tell", {"n": n}),
    ]
    for future in futures:
        future.result()
    sys.stdout.write(f"{n}\\n")
    sys.stdout.flush()
"""


def start_writer(folder: Path) -> subprocess.Popen[str]:
    root = Path(__file__).resolve().parents[1]
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )


def test_what_a_future_promised_survives_kill_9(tmp_path: Path) -> None:
    for round_ in range(2):  # the second goes on in what the first left behind
        folder = tmp_path / str(round_)
        writer = start_writer(folder)
        assert writer.stdout is not None
        promised = -1
        try:
            while promised < 100 * (round_ + 1):
                promised = int(writer.stdout.readline())
            with pytest.raises(ArchiveError, match=rf"process {writer.pid}"):
                Store.open(folder)
        finally:
            writer.send_signal(signal.SIGKILL)
            rest = writer.stdout.read().split("\n")
            writer.wait()
            writer.stdout.close()
        promised = max([promised, *(int(n) for n in rest[:-1])])
        with Store.open(folder) as store:  # the lock died with its process
            assert store.reader().execute("PRAGMA integrity_check").fetchone() == ("ok",)
        with Archive(folder) as archive:
            numbers = [e.data["n"] for e in archive.events()]
            assert numbers[: promised + 1] == list(range(promised + 1))
            assert len(numbers) <= promised + 2  # at most the one under way
            agents = archive.agents()
            assert len(agents) >= promised + 1
            for number, record in enumerate(agents[: promised + 1]):
                assert record.agent.name == f"agent {number}"
                assert record.parents == (str(number - 1),)
            assert len(archive.results(agents[promised].agent.id, "train")) == 3


def test_reading_goes_on_while_another_process_writes(tmp_path: Path) -> None:
    writer = start_writer(tmp_path)
    assert writer.stdout is not None
    try:
        writer.stdout.readline()
        with Archive(tmp_path) as archive:
            first = len(archive)
            deadline = time.monotonic() + 20
            while len(archive) <= first:
                assert time.monotonic() < deadline
            assert first >= 1
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()


def test_a_path_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ArchiveError, match="cannot write") as error:
        Store.open(tmp_path / "file" / "archive.db")
    assert "\n" not in str(error.value)


def test_demonstrations_and_values_come_back_as_they_were(store: Store) -> None:
    shown = (Demonstration("2+2?", "4"), Demonstration("\ud83d", "é"))
    agent = Agent(
        "0123456789abcdef", "shows", "def forward(): ...", {"k": 2, "t": 0.5, "m": "x", "b": True}, shown
    )
    store.add_candidate(Candidate(agent, Brief(0, "bootstrap", "composer")), "population").result()
    with Archive(store.path) as archive:
        assert archive.record("shows").agent == agent


def test_a_writer_that_died_is_told_from_one_at_work(tmp_path: Path) -> None:
    from archive.writer import Writer, is_being_written

    file = tmp_path / "archive.db"
    assert is_being_written(file)  # nothing is known of it
    writer = Writer(file)
    assert is_being_written(file)
    writer.close()
    assert not is_being_written(file)
