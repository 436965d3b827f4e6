"""Read-only connections to an archive, one for each thread that reads."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

from archive.guard import Connection, check_files, check_schema, guarded, making_sense
from archive.schema import FILE_NAME, version
from meta_search.errors import ArchiveError

__all__ = ["BUSY_S", "CACHE_KB", "Readers", "database_path", "has_rows", "stamps"]

BUSY_S = 30.0  # seconds to wait for a lock that a foreign program holds
CACHE_KB = 32_000


def database_path(path: Path | str) -> Path:
    """The archive's file, from itself or from the run folder that holds it."""
    given = Path(path)
    return given / FILE_NAME if given.is_dir() else given


def stamps(file: Path) -> tuple[tuple[int, int, int], ...]:
    """What a write changes, by looks from outside: inode, time in ns and bytes of an archive's file, and of
    its log; zeros for one that is not there. Two writes within a tick of the clock of files may look alike.

    Args:
        file: The archive's.
    """
    return tuple(_stamp(path) for path in (file, file.with_name(f"{file.name}-wal")))


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.lstat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size


def has_rows(path: Path | str, tables: Sequence[str]) -> bool:
    """Whether an archive holds a row in any of these tables; one that cannot be read may.

    Args:
        path: Its file, or the run folder.
        tables: Their names; those that it does not have are empty.
    """
    file = database_path(path)
    try:
        check_files(file)
        uri = f"{file.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, factory=Connection)) as connection:
            guarded(connection, file)
            check_schema(connection, file)
            known = {name for (name,) in connection.rows("SELECT name FROM sqlite_master")}
            return any(name in known and connection.rows(f"SELECT 1 FROM {name} LIMIT 1") for name in tables)
    except (sqlite3.Error, ArchiveError, OSError, ValueError):
        return True


class Readers:
    """Connections that see what is committed and can change nothing. Safe to use from any thread.

    A thread's connection is closed with its thread, and all of them by `close`.

    Args:
        path: The archive's file.
        cache_kb: Most memory for pages of it, of each connection.
    """

    def __init__(self, path: Path, cache_kb: int = CACHE_KB) -> None:
        self.path = path
        self._cache_kb = cache_kb
        self._local = threading.local()
        self._open: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._lock = threading.Lock()

    def get(self) -> Connection:
        """The calling thread's connection. Every statement sees the newest committed state.

        Raises:
            ArchiveError: There is no archive, or it cannot be read.
        """
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with making_sense(self.path):
                connection = self._connect()
            self._local.connection = connection
            with self._lock:
                self._open.add(connection)
        return connection

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for connection in list(self._open):
                connection.close()
        self._local = threading.local()

    def _connect(self) -> Connection:
        check_files(self.path)
        if not self.path.is_file():
            raise ArchiveError(f"no archive at {self.path}: give a run folder that holds {FILE_NAME}")
        try:
            connection = self._try("mode=ro")
        except sqlite3.OperationalError as error:
            # A folder that may not be written to cannot hold the index of a write-ahead log. Without a
            # log nobody is writing, and the file can be read as it stands.
            log = self.path.with_name(self.path.name + "-wal")
            if log.exists() and log.stat().st_size:
                raise ArchiveError(f"cannot read {self.path}: {error}") from error
            connection = self._try("immutable=1")
        try:
            if version(connection, self.path) == 0:
                raise ArchiveError(f"{self.path} is empty: the run ended before it wrote anything")
            check_schema(connection, self.path)
        except ArchiveError:
            connection.close()
            raise
        connection.execute(f"PRAGMA cache_size = -{self._cache_kb}")
        return connection

    def _try(self, mode: str) -> Connection:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{mode}",
            uri=True,
            factory=Connection,
            isolation_level=None,  # no transaction stays open, so that the writer's log can be cleared
            timeout=BUSY_S,
            check_same_thread=False,  # `close` may be called by another thread
        )
        try:
            guarded(connection, self.path)
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            raise
        except sqlite3.DatabaseError as error:
            connection.close()
            raise ArchiveError(f"{self.path} is not a meta-search archive: {error}") from error
        return connection
