"""What keeps an archive that a stranger made from doing anything but being read.

SQLite opens what lies beside a database, follows links there, and runs what a schema says: views, triggers,
generated columns, virtual tables. So the files are looked at before it is, and the schema before any row. Of
views only ours may stand there, whose texts are known to the byte and which nothing of ours reads.
"""

from __future__ import annotations

import re
import sqlite3
import stat
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from math import inf
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from archive.readable import VIEWS
from meta_search.errors import ArchiveError, DamagedError, MetaSearchError
from meta_search.text import error_line, one_line

__all__ = [
    "MOST",
    "Connection",
    "Patience",
    "Refusals",
    "Room",
    "check_files",
    "check_patience",
    "check_schema",
    "check_types",
    "guarded",
    "making_sense",
    "sensible",
]

LONGEST_S = 60.0  # of one statement
EVERY = 50_000  # steps of SQLite's machine between two looks at the clock and at signals: about a millisecond
LARGEST = 64 * 2**20  # bytes of one value, packed or not
SMALL = 2**20  # bytes of one packed value, once many were refused
MOST_REFUSED = 4 * LARGEST  # bytes of refused values, after which only small ones are unpacked
ROOM = 512 * 2**20  # bytes that the packed values of one reading come to
MOST = 1e11  # of any number with a fraction: times are seconds since 1970
FETCHED = 500  # rows at a time
# Rows come to no more than the file has; pages that are linked in circles come to any size.
SLACK, TIMES = 256 * 2**20, 16
BESIDE = ("-wal", "-shm", "-journal", ".lock")

P = ParamSpec("P")
T = TypeVar("T")

TABLES = frozenset(
    "meta agents edges evaluations results calls attempts trials events importance items "
    "_sqlite_migrations sqlite_sequence sqlite_stat1 sqlite_stat4".split()
)
# All words that may stand in the SQL of our tables and indexes: no expression can be written with them.
WORDS = frozenset(
    "create table index unique on if not null primary key without rowid text integer real float blob asc "
    "desc key value id name status author operator generation created thought values space brief plan "
    "source demonstrations parent child kind agent split score low high items calls tokens prompt_tokens "
    "cost_usd seconds paid_calls paid_tokens paid_prompt_tokens paid_usd outcomes complete stopped item "
    "repeat completion_tokens answer detail trace asked occurrence purpose model latency_s attempts state "
    "fault request reply stage message study number params seq data method component replayed feedback "
    "model_free question target public note foreign references agents "
    "migration_set applied_at seq tbl idx stat sample neq nlt ndlt".split()
)
INDEX = re.compile(r"idx_\w+|(agents|edges|evaluations|results|calls|attempts|trials|events)_by_\w+")


class Patience:
    """How long whoever asked will wait, for all statements of a thread: a context manager. Within another
    one both hold.

    `end` may be called from any thread: the statement under way ends within milliseconds, and no other
    begins.

    Args:
        seconds: From now on.
    """

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self._outer: Patience | None = None

    def __enter__(self) -> Patience:
        self._outer, _waiting.patience = _waiting.patience, self
        return self

    def __exit__(self, *exc: object) -> None:
        _waiting.patience = self._outer

    @property
    def is_over(self) -> bool:
        """Whether nobody waits any more, here or around it."""
        return time.monotonic() > self.until or (self._outer is not None and self._outer.is_over)

    def end(self) -> None:
        """Nobody waits any more."""
        self.until = -inf


class _Waiting(threading.local):
    patience: Patience | None = None

    @property
    def is_over(self) -> bool:
        return self.patience is not None and self.patience.is_over


_waiting = _Waiting()


def check_patience() -> None:
    """See that whoever asked still waits.

    Raises:
        TimeoutError: Nobody does.
    """
    if _waiting.is_over:
        raise TimeoutError("nobody waits for the answer any more")


class Connection(sqlite3.Connection):
    """A connection whose statements end; it can be referred to weakly, so that it goes with its thread."""

    until = inf  # the monotonic time at which the statement under way has taken too long
    most = inf  # bytes that a statement may come to

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a statement.

        Raises:
            Error: It cannot be read; of `sqlite3`.
            TimeoutError: Nobody waits for it any more, see `Patience`.
            KeyboardInterrupt: A signal came meanwhile.
        """
        check_patience()
        self.until, size = time.monotonic() + LONGEST_S, 0
        try:
            cursor, found = self.execute(sql, values), []
            while part := cursor.fetchmany(FETCHED):
                found += part
                size += 16 * len(part) + sum(map(_length, zip(*part, strict=True)))
                if size > self.most:
                    raise sqlite3.DatabaseError("its pages go round in circles")
            return found
        except UnicodeDecodeError as error:  # of the very message that says what is wrong
            raise sqlite3.DatabaseError("what it holds is no UTF-8") from error
        except sqlite3.OperationalError as error:
            if "interrupted" not in str(error):
                raise
            if _waiting.is_over:
                raise TimeoutError("nobody waits for the answer any more") from None
            if time.monotonic() < self.until:  # the handler of a signal raised, within SQLite
                raise KeyboardInterrupt from None
            raise sqlite3.DatabaseError(f"a statement took more than {LONGEST_S:g} s") from error
        finally:
            self.until = inf


def _length(column: tuple[Any, ...]) -> int:
    """Characters and bytes of a column; column by column, as rows are many and columns of one kind."""
    kinds = set(map(type, column))
    if kinds == {str} or kinds == {bytes}:
        return sum(map(len, column))
    return sum(len(c) for c in column if isinstance(c, str | bytes)) if str in kinds or bytes in kinds else 0


def check_files(path: Path) -> None:
    """See that an archive, and what SQLite opens beside it, are plain files: it writes to some of them, and
    would follow links.

    Raises:
        ArchiveError: One is something else; one line.
    """
    for beside in ("", *BESIDE):
        file = path.with_name(path.name + beside)
        try:
            mode = file.lstat().st_mode
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise ArchiveError(f"cannot read {file}: {getattr(error, 'strerror', None) or error}") from error
        if not stat.S_ISREG(mode):
            what = "a link" if stat.S_ISLNK(mode) else "no plain file"
            raise ArchiveError(f"{file} is {what}: an archive and what lies beside it must be plain files")


def guarded(connection: Connection, path: Path) -> None:
    """Bound what a connection may do: nothing of the schema is trusted, values are of bounded size, and
    signals are taken while a statement goes on."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "query_only = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.most = SLACK + TIMES * path.stat().st_size
    # Python runs the handlers of signals here; what they raise ends the statement as well.
    connection.set_progress_handler(lambda: time.monotonic() > connection.until or _waiting.is_over, EVERY)


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """See that a database holds our tables, indexes and views, and nothing else that computes.

    Raises:
        DamagedError: It holds anything else; one line.
    """
    try:
        rows = connection.execute("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master").fetchall()
    except sqlite3.Error as error:
        raise ArchiveError(f"{path} is not a meta-search archive: {error}") from error
    for kind, name, table, page, sql in rows:
        if not _is_ours(kind, str(name), str(table), page, sql):
            what = one_line(f"{kind} {name}", 80)
            raise DamagedError(f"{path} holds what no archive of meta-search does ({what}): it is not read")


def _is_ours(kind: Any, name: str, table: str, page: Any, sql: Any) -> bool:
    if kind == "view":
        return table == name and page == 0 and name in VIEWS and sql == VIEWS[name]
    if kind not in ("table", "index") or table not in TABLES or not isinstance(page, int) or page < 2:
        return False
    if sql is None:  # SQLite's own, of a key
        return bool(kind == "index" and name.startswith("sqlite_autoindex_"))
    words = re.findall(r"\w+|[^\s\w]", str(sql).lower())
    names = {name.lower(), table.lower()}
    if kind == "table" and name != table:
        return False
    if kind == "index" and not INDEX.fullmatch(name):
        return False
    return all(word in WORDS or word in names or word in "()[],\"';" for word in words)


def check_types(rows: list[tuple[Any, ...]], kinds: Sequence[tuple[type, ...]], path: Path) -> None:
    """See that cells are of the types of their columns, and numbers numbers.

    Args:
        rows: As they come from a table.
        kinds: The types that each column may have, in order.
        path: Of the archive.

    Raises:
        DamagedError: One is not; one line.
    """
    for column, allowed in zip(zip(*rows, strict=True), kinds, strict=bool(rows)):
        found = set(map(type, column))
        if wrong := found.difference(allowed):
            raise DamagedError(
                f"{path} is damaged: it holds {wrong.pop().__name__} where {allowed[0].__name__} belongs"
            )
        if float in found:
            numbers = column if len(found) == 1 else [cell for cell in column if cell is not None]
            if not (min(numbers) >= -MOST and max(numbers) <= MOST):
                raise DamagedError(f"{path} is damaged: it holds a number that is none")


@dataclass(slots=True)
class Refusals:
    """What packed values of an archive came to before they were refused: of bombs, each takes a fifth of a
    second, and every view meets them anew.

    Attributes:
        bytes: Of all.
    """

    bytes: int = 0


class Room:
    """What the packed values of one reading may come to: a few kilobytes unpack to gigabytes.

    Args:
        file: Size of the archive in bytes: what a long run wrote is packed to a good part of its own size.
        refusals: Of the archive; after some, only small values are unpacked. None are known if not given.
    """

    def __init__(self, file: int = 0, refusals: Refusals | None = None) -> None:
        self._left = max(ROOM, TIMES * file)
        self._refusals = refusals or Refusals()

    def unpacked(self, packed: bytes) -> bytes:
        """What was packed.

        Raises:
            ValueError: It is too much, or was not packed.
        """
        most = min(SMALL if self._refusals.bytes > MOST_REFUSED else LARGEST, self._left)
        stream = zlib.decompressobj()
        try:
            plain = stream.decompress(packed, most + 1)
        except zlib.error as error:
            raise ValueError(f"packed text that cannot be read ({error})") from error
        self._left = max(0, self._left - len(plain))  # what is refused has taken its time as well
        if len(plain) > most or not stream.eof:
            self._refusals.bytes += len(plain)
            raise ValueError("packed text that is cut, or unpacks to too much")
        return plain


@contextmanager
def making_sense(path: Path | str) -> Iterator[None]:
    """Have whatever rows of an archive make no sense as be a `DamagedError`, in one line."""
    try:
        yield
    except (MetaSearchError, OSError):
        raise
    except Exception as error:
        raise DamagedError(f"cannot make sense of {path}: {error_line(error, 200)}") from error


def sensible(method: Callable[P, T]) -> Callable[P, T]:
    """A method of what has a `path`, within `making_sense` of it."""

    @wraps(method)
    def read(*args: P.args, **kwargs: P.kwargs) -> T:
        held: Any = args[0]
        with making_sense(held.path):
            return method(*args, **kwargs)

    return read
