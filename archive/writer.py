"""The one connection that writes an archive: one thread, one queue, commits in batches."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from archive.guard import check_files, check_schema, making_sense
from archive.readers import BUSY_S
from archive.schema import migrate, version
from meta_search.errors import ArchiveError

__all__ = ["Writer", "is_being_written"]

T = TypeVar("T")

CACHE_KB = 32_000
# Pages of the log before it is folded into the file (32 MB): ids are hashes, so that the same pages of an
# index are written again and again, and folded in once.
LOG_PAGES = 8_000
# Rows that wait at most. Whoever is faster than the disk waits with them, and memory stays bounded.
QUEUE = 8_000
# Commits of `at_once` until the thread folds the log into the file: each writes some five pages, and whoever
# calls `at_once` must not be the one who reaches `LOG_PAGES` and waits for the disk.
AT_ONCE = 1_000
FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(slots=True, eq=False)
class _Write(Generic[T]):
    """A write on its way: done as a whole or not at all, and its Future resolved after the commit."""

    work: Callable[[sqlite3.Connection], T]
    future: Future[T]
    statements: int
    value: T | None = None
    error: BaseException | None = None

    def resolve(self) -> None:
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.value)  # type: ignore[arg-type]


class Writer:
    """Does what it is handed in the order of the calls. Safe to use from any thread.

    Args:
        path: The archive's file. A lock beside it keeps out every other writer for as long as this one, or
            its process, lives.
        at_end: Called in the writer's thread after the last write. Readers that close there leave the
            clearing of the log to the writer, which can do it.

    Raises:
        ArchiveError: Another writer has it, it is no archive, a newer version wrote it, or it cannot be
            written.
    """

    def __init__(self, path: Path, at_end: Callable[[], None] = lambda: None) -> None:
        self.path = path
        self._at_end = at_end
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            check_files(path)
            self._lock = _acquire(path)
        except OSError as error:
            raise ArchiveError(f"cannot write {path}: {error.strerror or error}") from error
        try:
            with making_sense(path):
                self._connection = _connect(path)
        except BaseException:
            os.close(self._lock)
            raise
        self._queue: list[_Write[Any]] = []
        self._waiting = 0  # statements in the queue
        self._changed = threading.Condition()
        self._using = threading.Lock()  # the connection
        self._at_once = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"archive {path.name}", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[sqlite3.Connection], T], statements: int = 1) -> Future[T]:
        """Queue a write; its Future resolves once it is committed.

        Args:
            work: Gets the connection within a transaction; what it returns, the Future gives.
            statements: How many it executes: several are done all or none.
        """
        write = _Write(work, Future(), statements)
        write.future.set_running_or_notify_cancel()  # from here on it cannot be cancelled
        with self._changed:
            # A callback of a Future runs in the writer's thread, which must not wait for itself.
            while self._waiting >= QUEUE and threading.current_thread() is not self._thread:
                self._changed.wait()
            if self._closing:
                raise ArchiveError(f"{self.path} is closed")
            self._queue.append(write)
            self._waiting += statements
            if len(self._queue) == 1:
                self._changed.notify_all()
        return write.future

    def at_once(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """As `submit` for one statement, but committed by the calling thread where nothing else is waiting.

        A commit takes 40 µs; waking the thread, and the caller by its Future, takes several times that, and
        in a process that is busy with Python, milliseconds. The Future is then resolved on return.
        """
        if not self._using.acquire(blocking=False):
            return self.submit(work)
        try:
            with self._changed:
                idle = not self._queue and not self._closing
            if idle and self._at_once < AT_ONCE:
                self._at_once += 1
                write = _Write(work, Future(), 1)
                write.future.set_running_or_notify_cancel()
                _commit(self._connection, [write], self.path)
                return write.future
        finally:
            self._using.release()
        return self.submit(work)

    def close(self) -> None:
        """Write what is waiting, fold the log into the file, and let others write. May be called twice."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._closing:
                    self._changed.wait()
            with self._using:  # before the queue is taken: `at_once` overtakes nothing
                with self._changed:
                    batch, self._queue, self._waiting = self._queue, [], 0
                    self._changed.notify_all()
                if not batch:
                    break
                _commit(self._connection, batch, self.path)
                if self._at_once >= AT_ONCE:
                    self._at_once = 0
                    self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        try:
            self._at_end()
            self._connection.execute("PRAGMA busy_timeout = 1000")  # someone else may be reading for long
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error:
            pass  # the next to open the file folds the log in
        finally:
            self._connection.close()
            os.close(self._lock)


def _acquire(file: Path) -> int:
    """Take the archive's lock, which the system lets go of when this process dies, however it dies."""
    # Beside the real file: a run folder may be reached by several names.
    lock = os.open(os.path.realpath(file) + ".lock", FLAGS, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise ArchiveError(
            f"{file} is being written by another run (process {holder}): wait for it to end or stop it"
        ) from None
    except OSError:
        os.close(lock)
        raise
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def is_being_written(file: Path) -> bool:
    """Whether a process writes an archive now; yes where that cannot be told, as of another user's run."""
    try:
        lock = os.open(os.path.realpath(file) + ".lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)  # and with it the lock
    return False


def _connect(file: Path) -> sqlite3.Connection:
    try:
        os.close(os.open(file, FLAGS, 0o600))  # prompts and answers are their owner's; SQLite asks the umask
        connection = sqlite3.connect(file, isolation_level=None, timeout=BUSY_S, check_same_thread=False)
    except (sqlite3.Error, OSError) as error:
        raise ArchiveError(f"cannot write {file}: {error}") from error
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        if version(connection, file):
            check_schema(connection, file)  # before a trigger of theirs could run
        migrate(connection, file)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise ArchiveError(f"cannot write {file}: {error}") from error
        raise
    return connection


def _commit(connection: sqlite3.Connection, batch: list[_Write[Any]], path: Path) -> None:
    """Do a batch in one transaction, each write whole or not at all, and resolve the Futures after it."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        for write in batch:
            _attempt(connection, write, path)
            if not connection.in_transaction:  # a full disk: SQLite has given up the whole transaction
                raise write.error or ArchiveError(f"cannot write {path}: the transaction was lost")
        connection.execute("COMMIT")
    except Exception as error:  # noqa: BLE001 - it goes to whoever waits for a Future
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        for write in batch:
            write.error = write.error or _readable(error, path)
    for write in batch:
        write.resolve()


def _attempt(connection: sqlite3.Connection, write: _Write[Any], path: Path) -> None:
    whole = write.statements > 1  # SQLite undoes a single statement that fails by itself
    try:
        if whole:
            connection.execute("SAVEPOINT one")
        write.value = write.work(connection)
    except Exception as error:  # noqa: BLE001 - it goes to whoever waits for the Future
        write.error = _readable(error, path)
        if whole and connection.in_transaction:
            connection.execute("ROLLBACK TO one")
    if whole and connection.in_transaction:
        connection.execute("RELEASE one")


def _readable(error: BaseException, path: Path) -> BaseException:
    if not isinstance(error, sqlite3.Error):
        return error
    wrapped = ArchiveError(f"cannot write {path}: {error}")
    wrapped.__cause__ = error
    return wrapped
