"""Statements that the calling thread commits itself, so that a busy event loop waits for no other thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive import writer
from archive.store import Store

PUT = "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "archive.db") as opened:
        yield opened


def value(store: Store, key: str) -> str | None:
    row = store.reader().execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def test_is_committed_on_return_where_nothing_else_waits(store: Store) -> None:
    store.flush().result()
    for n in range(20):
        assert store.execute(PUT, ("a", str(n))).done()
        assert value(store, "a") == str(n)


def test_overtakes_nothing_that_was_handed_over_before(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold(_: object) -> None:  # a callback runs in the writer's thread, which writes nothing meanwhile
        begun.set()
        go_on.wait(10)

    store.flush().add_done_callback(hold)
    assert begun.wait(10)
    earlier = store.set_meta("a", "queued")
    later = store.execute(PUT, ("a", "later"))
    assert not later.done()
    go_on.set()
    later.result(10)
    assert earlier.done()
    assert value(store, "a") == "later"


def test_a_fault_is_the_future_s_and_the_next_goes_through(store: Store) -> None:
    assert store.execute("INSERT INTO nowhere VALUES (1)").exception() is not None
    store.execute(PUT, ("a", "1")).result()
    assert value(store, "a") == "1"


def test_the_log_is_folded_in_by_the_writer_s_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "AT_ONCE", 10)
    with Store.open(tmp_path / "archive.db") as store:
        store.flush().result()
        size = store.path.stat().st_size
        for n in range(200):
            store.execute(PUT, (str(n), "x" * 1000)).result()
        store.flush().result()
        assert store.path.stat().st_size >= size + 150_000  # in the file, not only in the log


def test_many_threads_at_once_lose_nothing(store: Store) -> None:
    def work(thread: int) -> None:
        for n in range(100):
            store.execute(PUT, (f"{thread} {n}", str(n))).result(20)
            store.set_meta(f"queued {thread} {n}", n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.flush().result()
    assert store.reader().execute("SELECT COUNT(*) FROM meta").fetchone()[0] == 1200
