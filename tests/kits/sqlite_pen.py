"""A real SQLite pen for the tests of `meta_search.llm`, which must not know the archive."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
  key TEXT PRIMARY KEY, occurrence TEXT, purpose TEXT, model TEXT, agent TEXT, split TEXT, item TEXT,
  repeat INTEGER, author TEXT, request BLOB, reply BLOB, prompt_tokens INTEGER, completion_tokens INTEGER,
  cost_usd REAL, latency_s REAL, attempts INTEGER, state TEXT, fault TEXT, created REAL
)
"""

Job = tuple[str, Sequence[Any], Future[None]]


class SqlitePen:
    """One writer thread that commits in batches; readers see what was committed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._local = threading.local()
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(SCHEMA)
        connection.close()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def execute(self, sql: str, parameters: Sequence[Any]) -> Future[None]:
        future: Future[None] = Future()
        self._queue.put((sql, parameters, future))
        return future

    def reader(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            self._local.connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        connection: sqlite3.Connection = self._local.connection
        return connection

    def rows(self, columns: str = "*") -> list[tuple[Any, ...]]:
        return self.reader().execute(f"SELECT {columns} FROM calls ORDER BY created, rowid").fetchall()

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _write(self) -> None:
        connection = sqlite3.connect(self.path)
        while (job := self._queue.get()) is not None:
            batch = [job]
            while not self._queue.empty() and len(batch) < 500:
                following = self._queue.get()
                if following is None:
                    self._queue.put(None)
                    break
                batch.append(following)
            for sql, parameters, _ in batch:
                connection.execute(sql, parameters)
            connection.commit()
            for _, _, future in batch:
                future.set_result(None)
        connection.close()
