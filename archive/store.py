"""The writing side of an archive.

Every method that writes returns a `Future` that resolves once the row is committed. The file is in
write-ahead mode with `synchronous=NORMAL`: a commit is in the operating system's hands before its Future
resolves, so that a `kill -9` of this process loses nothing that was promised. (A power cut may lose the
last moments, never the file.)
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any

from archive import codec, items
from archive.readers import Readers, database_path
from archive.writer import Writer
from meta_search.errors import ArchiveError
from meta_search.types import ArchivedItem, Attempt, Candidate, Evaluation, Importance, ItemResult, MetaName

__all__ = ["Store"]


class Store:
    """The only writer of an archive. Safe to use from any thread; writes happen in the order of the calls.

    A Future that fails carries an `ArchiveError`; the writes around it are not touched. Futures cannot be
    cancelled: what was handed over is written.
    """

    def __init__(self, writer: Writer, readers: Readers) -> None:
        """Use `Store.open`."""
        self.path = writer.path
        self._writer = writer
        self._readers = readers

    @classmethod
    def open(cls, path: Path | str) -> Store:
        """Open an archive to write, or start a new one.

        Args:
            path: The file, or the folder it lies in (as `archive.db`); missing folders are made.

        Raises:
            ArchiveError: Another process or Store is writing it, a newer version wrote it, it is no archive,
                or the file cannot be opened.
        """
        file = database_path(path)
        readers = Readers(file)
        return cls(Writer(file, at_end=readers.close), readers)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Future[None]:
        """Execute one statement: now where nothing else is waiting, else queued."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(sql, parameters)

        return self._writer.at_once(work)

    def reader(self) -> sqlite3.Connection:
        """A read-only connection of the calling thread, which sees everything committed."""
        return self._readers.get()

    def add_candidate(self, candidate: Candidate, status: str) -> Future[bool]:
        """Store an agent with the edges to its parents and inspirations.

        Returns:
            Whether it was new. A known agent keeps its row and edges: identity is the agent, not the brief.
        """
        row, edges = codec.agent_row(candidate, status, time.time()), _edges(candidate)

        def work(connection: sqlite3.Connection) -> bool:
            return _insert_agent(connection, row, edges)

        return self._writer.submit(work, 1 + bool(edges))

    def add_candidates(self, candidates: Iterable[Candidate], status: str) -> Future[int]:
        """Store many agents at once, all or none of them; resolves to the number of new ones."""
        now = time.time()
        rows = [(codec.agent_row(c, status, now), _edges(c)) for c in candidates]

        def work(connection: sqlite3.Connection) -> int:
            return sum(_insert_agent(connection, row, edges) for row, edges in rows)

        return self._writer.submit(work, 2 * len(rows))

    def set_status(self, agent: str, status: str) -> Future[None]:
        """Change an agent's status: population, partial, finalist, seed, ….

        The Future fails where the archive has no such agent.
        """

        def work(connection: sqlite3.Connection) -> None:
            found = connection.execute(
                "UPDATE agents SET status = ? WHERE id = ?", (codec.text(status), agent)
            )
            if found.rowcount == 0:
                raise ArchiveError(f"{self.path} has no agent {agent}")

        return self._writer.submit(work)

    def set_same(self, agent: str, other: str) -> Future[None]:
        """Say that an agent behaves as another one: status `duplicate`, and an edge `same` from the other."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE agents SET status = 'duplicate' WHERE id = ?", (agent,))
            connection.execute(_INSERT_EDGE, (other, agent, "same"))

        return self._writer.submit(work, 2)

    def add_results(self, results: Iterable[ItemResult]) -> Future[None]:
        """Store results, all or none of them. A result takes the place of an earlier one of its repeat."""
        now = time.time()
        return self._many(_PUT_RESULT, [codec.result_row(r, now) for r in results])

    def put_evaluation(self, evaluation: Evaluation) -> Future[None]:
        """Store an agent's evaluation on a split in place of any earlier one."""
        return self._many(_PUT_EVALUATION, [codec.evaluation_row(evaluation, time.time())])

    def put_items(self, rows: Iterable[ArchivedItem], afresh: bool = False) -> Future[None]:
        """Store items for people, each in place of an earlier one of its id.

        Args:
            rows: The items.
            afresh: Whether all that are stored are forgotten first, whatever their split.
        """
        found = [items.row_of(row) for row in rows]

        def work(connection: sqlite3.Connection) -> None:
            if afresh:
                connection.execute(items.CLEAR)
            connection.executemany(items.PUT, found)

        return self._writer.submit(work, 2 + len(found))

    def put_importance(self, rows: Iterable[Importance]) -> Future[None]:
        """Store what components are worth, in place of earlier values of the same method for their agents."""
        found = list(rows)
        now = time.time()
        before = list(dict.fromkeys((row.agent, row.method) for row in found))

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM importance WHERE agent = ? AND method = ?", before)
            connection.executemany(_PUT_IMPORTANCE, [codec.importance_row(row, now) for row in found])

        return self._writer.submit(work, 1 + len(found))

    def add_attempt(self, attempt: Attempt) -> Future[None]:
        """Keep a draft that did not become a candidate."""
        a, text = attempt, codec.text
        row = (a.brief, a.author, a.operator, a.stage, text(a.message), time.time(), text(a.source))
        return self._many(_ADD_ATTEMPT, [row])

    def add_trial(
        self,
        study: str,
        number: int,
        params: Mapping[str, Any],
        values: Sequence[float] | None = None,
        state: str = "running",
        agent: str | None = None,
    ) -> Future[None]:
        """Store a trial of a study in place of an earlier row of the same number.

        Args:
            study: Name of the study.
            number: Ordinal of the trial within the study.
            params: What was asked.
            values: One number an objective; `None` until the trial has ended.
            state: As the guide calls it: running, complete, pruned, fail.
            agent: Id of the agent that the trial is about.
        """
        stored = None if values is None else codec.dump(list(values))
        row = (study, number, codec.dump(dict(params)), stored, state, agent, time.time())
        return self._many(_PUT_TRIAL, [row])

    def event(self, kind: str, data: Mapping[str, Any]) -> Future[int]:
        """Number an event in the order of the calls; resolves to its `seq` (1, 2, …)."""
        row = (kind, codec.dump(dict(data)), time.time())

        def work(connection: sqlite3.Connection) -> int:
            return connection.execute(_ADD_EVENT, row).lastrowid or 0

        return self._writer.submit(work)

    def add_events(self, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Future[None]:
        """Number several events, (kind, data), in their order."""
        now = time.time()
        return self._many(_ADD_EVENT, [(kind, codec.dump(dict(data)), now) for kind, data in rows])

    def copy_ledger(self, recording: Path | str) -> Future[int]:
        """Copy all calls of another archive that this one has not; resolves to their number.

        The Future fails with an `ArchiveError` where the other cannot be read.
        """

        def work(connection: sqlite3.Connection) -> int:
            source = Readers(database_path(recording))
            try:
                rows = source.get().execute("SELECT * FROM calls")
                columns = [column[0] for column in rows.description]
                target = f"calls ({codec.names(columns)}) VALUES ({codec.marks(columns)})"
                return connection.executemany(f"INSERT OR IGNORE INTO {target}", rows).rowcount
            finally:
                source.close()

        return self._writer.submit(work, 2)

    def set_meta(self, key: MetaName, value: Any) -> Future[None]:
        """Store a value about the run as JSON; `Archive.meta` gives it back."""
        return self._many(_PUT_META, [(key, codec.dump(value))])

    def flush(self) -> Future[None]:
        """Resolves once everything handed over before it is committed."""
        return self._writer.submit(lambda _: None)

    def close(self) -> None:
        """Write what is waiting, fold the log into the file, and let others write. May be called twice."""
        self._writer.close()

    def _many(self, sql: str, rows: list[tuple[Any, ...]]) -> Future[None]:
        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(sql, rows)

        return self._writer.submit(work, len(rows))


_INSERT_AGENT = (
    f"INSERT INTO agents ({codec.names(codec.AGENT_COLUMNS)}) VALUES ({codec.marks(codec.AGENT_COLUMNS)})"
    " ON CONFLICT (id) DO NOTHING"
)
_INSERT_EDGE = "INSERT OR IGNORE INTO edges (parent, child, kind) VALUES (?, ?, ?)"
_PUT_RESULT = (
    f"INSERT OR REPLACE INTO results ({codec.names(codec.RESULT_COLUMNS)})"
    f" VALUES ({codec.marks(codec.RESULT_COLUMNS)})"
)
_PUT_EVALUATION = (
    f"INSERT OR REPLACE INTO evaluations ({codec.names(codec.EVALUATION_COLUMNS)})"
    f" VALUES ({codec.marks(codec.EVALUATION_COLUMNS)})"
)
_PUT_IMPORTANCE = (
    f"INSERT OR REPLACE INTO importance ({codec.names(codec.IMPORTANCE_COLUMNS)})"
    f" VALUES ({codec.marks(codec.IMPORTANCE_COLUMNS)})"
)
_ADD_ATTEMPT = (
    "INSERT INTO attempts (brief, author, operator, stage, message, created, source)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_PUT_TRIAL = (
    'INSERT OR REPLACE INTO trials (study, number, params, "values", state, agent, created)'
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_ADD_EVENT = "INSERT INTO events (kind, data, created) VALUES (?, ?, ?)"
_PUT_META = "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"


def _edges(candidate: Candidate) -> list[tuple[str, str, str]]:
    child, brief = candidate.agent.id, candidate.brief
    pairs = [("parent", p) for p in brief.parents] + [("inspiration", i) for i in brief.inspirations]
    return [(parent, child, kind) for kind, parent in pairs if parent != child]


def _insert_agent(
    connection: sqlite3.Connection, row: tuple[Any, ...], edges: list[tuple[str, str, str]]
) -> bool:
    # A known agent gets no new edges: a tuning that comes back to its grandparent would close a circle.
    new = connection.execute(_INSERT_AGENT, row).rowcount == 1
    if new and edges:
        connection.executemany(_INSERT_EDGE, edges)
    return new
