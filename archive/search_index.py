"""Full text of an archive: names, thoughts and code of agents, and answers, by SQLite's FTS5.

The index is a database of its own in the user's cache folder, one a archive, which only its user may read:
nothing is written into a run folder, and no index that came with an archive is ever opened. It grows by what
the archive has got since it was last asked, so that a search that goes on can be searched.

Words are found by the tokenizer unicode61, of which an underscore is part of a word. Code has more than
words in it (`AgentBase` within `LLMAgentBase`, `tune.int(`): where no agent has the words, agents are
searched by trigrams. Answers are not: one of trigrams was 2.6 times as large, took twice as long, and most
answers are too short for it. Both indexes hold no text: what they find is read from the archive, and
checked there. For 100,000 agents and 5,000,000 answers: 60 s of CPU, 213 MB; a query takes 2 to 64 ms of
CPU.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from archive.opened import is_open
from archive.search_terms import Term, excerpt, parse, place_of, trigrams
from meta_search.errors import ArchiveError
from meta_search.fetching.cache import cache_folder
from meta_search.text import one_line
from meta_search.types import PERTURBED, MetaName

__all__ = ["SECONDS", "Hit", "Hits", "find"]

FOLDER = "search"
FORMAT = 1  # of the index: another one is made anew
SECONDS = 20.0  # that an index may grow before it answers
MOST_FILES = 40  # indexes that are kept; the least used go first
MOST_NAME, MOST_THOUGHT, MOST_CODE, MOST_ANSWER = 500, 20_000, 200_000, 4_000  # characters of each
MOST_ROWS = 50_000_000  # results that are indexed of one archive
AGENTS_AT_ONCE, ANSWERS_AT_ONCE = 250, 5_000
MOST_TRIGRAMS = 24
CANDIDATES = 2_000  # agents that may be read to see whether they hold the words
WITHIN = 400  # likewise, whether they hold them within others
HELD_BACK = 5_000  # answers to test items that are passed over before the final report
LEAST_GUARANTEED = 4  # a share of the hits, one in so many, that answers have for sure
BUSY_S = 2.0

Where = Literal["name", "thought", "code", "answer"]
Rows = Callable[..., list[tuple[Any, ...]]]

TABLES = """
CREATE VIRTUAL TABLE agents USING fts5(name, thought, code, content='', tokenize="{words}");
CREATE VIRTUAL TABLE parts USING fts5(text, content='', detail='none', tokenize='trigram');
CREATE VIRTUAL TABLE answers USING fts5(answer, content='', columnsize=0, tokenize="{words}");
CREATE TABLE seen (what TEXT PRIMARY KEY, last INTEGER NOT NULL);
INSERT INTO seen VALUES ('agents', 0), ('results', 0);
""".format(words="unicode61 tokenchars '_'")
TAKEN = ("agents", "results")  # tables of the archive


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where all words of a query stand.

    Attributes:
        agent: Full id.
        name: Its name.
        where: In what of it: `name`, `thought`, `code` or `answer`.
        item: Of an answer the item, else `""`.
        split: Of an answer the split, else `""`.
        excerpt: The line around the first word, printable and short.
    """

    agent: str
    name: str
    where: Where
    item: str
    split: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Hits:
    """What a query found.

    Attributes:
        q: The query.
        hits: Agents first, then answers, the newest first.
        indexed: Rows of the archive that the index has by now, agents and results together.
        of: Rows that the archive has.
    """

    q: str
    hits: tuple[Hit, ...]
    indexed: int
    of: int


class _Archive(Protocol):
    """What is read of an archive."""

    path: Path

    def select(self, sql: str, *values: object) -> list[tuple[Any, ...]]: ...

    def meta(self, key: MetaName) -> Any: ...


def find(archive: _Archive, query: str, most: int = 50, seconds: float = SECONDS) -> Hits:
    """Search an archive, after its index has grown for as long as it may.

    Args:
        archive: It; may be written meanwhile.
        query: Words, "phrases" and beginnings*; all of them have to stand in one agent, or in one answer.
        most: Most hits.
        seconds: How long the index may grow first. What is not indexed yet is not found: see `Hits`.

    Raises:
        ArchiveError: The index cannot be written, or the archive not be read; one line.
    """
    terms = parse(query)
    with contextlib.closing(_opened(archive)) as index:
        index.grow(seconds)
        hits = index.hits(terms, max(0, most)) if terms and most > 0 else []
        indexed, of = index.progress()
    return Hits(query, tuple(hits), indexed, of)


def _opened(archive: _Archive) -> _Index:
    """The index of an archive; one that is damaged is made anew.

    Raises:
        ArchiveError: It cannot be written.
    """
    path = _place(archive)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for last in (False, True):
            _make_private(path)
            try:
                return _Index(archive, path)
            except sqlite3.DatabaseError:
                if last:
                    raise
                _remove(path)
    except (OSError, sqlite3.Error) as error:
        raise ArchiveError(
            f"cannot write the index of texts {path}: {error}; $META_SEARCH_CACHE names another folder"
        ) from error
    raise AssertionError("not reached")


def _place(archive: _Archive) -> Path:
    """Where the index of an archive lies: by its path, the file that stands there, and its first agent."""
    path = archive.path.resolve()
    file = path.stat()
    first = archive.select("SELECT id, created FROM agents ORDER BY rowid LIMIT 1")
    schema = archive.select("PRAGMA user_version")  # a migration may number rows anew
    told = repr((FORMAT, str(path), file.st_dev, file.st_ino, first, schema))
    digest = hashlib.sha256(told.encode(errors="surrogateescape")).hexdigest()
    return cache_folder(FOLDER) / f"{digest[:32]}.db"


def _make_private(path: Path) -> None:
    """See that an index is a plain file of the user's that nobody else reads."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_RDWR, 0o600))
        _make_room(path.parent)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise
        if stat.S_IMODE(found.st_mode) & 0o077:
            path.chmod(0o600)
    os.utime(path)


def _make_room(folder: Path) -> None:
    """Remove the indexes that were used longest ago, where there are too many."""
    files = sorted(folder.glob("*.db"), key=lambda file: file.lstat().st_mtime, reverse=True)
    for file in files[MOST_FILES:]:
        _remove(file)


def _remove(path: Path) -> None:
    for beside in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + beside).unlink(missing_ok=True)


class _Index:
    """An open index."""

    def __init__(self, archive: _Archive, path: Path) -> None:
        self._archive = archive
        self._db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)
        try:
            for pragma in ("journal_mode = WAL", "synchronous = OFF", "cache_size = -32000"):
                self._db.execute(f"PRAGMA {pragma}")
            if not self._db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
                self._db.executescript(f"BEGIN IMMEDIATE;{TABLES}COMMIT;")
            self._db.execute("SELECT last FROM seen").fetchall()
        except sqlite3.Error:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    def grow(self, seconds: float) -> None:
        """Take in what the archive has got since, for at most so long; agents first. Another process that is
        at it already is left to it."""
        until = time.monotonic() + seconds
        for take in (self._take_agents, self._take_answers):
            while time.monotonic() < until:
                try:
                    self._db.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    return
                try:
                    more = take()
                    self._db.execute("COMMIT")
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                if not more:
                    break

    def progress(self) -> tuple[int, int]:
        """Rows that the index has, and rows that there are; by their numbers, as counting takes long."""
        ends = {what: self._archive.select(f"SELECT MAX(rowid) FROM {what}")[0][0] or 0 for what in TAKEN}
        return sum(min(self._last(what), end) for what, end in ends.items()), sum(ends.values())

    def hits(self, terms: Sequence[Term], most: int) -> list[Hit]:
        """Where all terms stand."""
        kept = max(1, most // LEAST_GUARANTEED)
        answers = list(self._of_answers(terms, most))
        agents = []
        for hit in self._of_agents(terms):
            agents.append(hit)
            if len(agents) >= most - min(len(answers), kept):
                break
        return [*agents, *answers[: most - len(agents)]]

    def _last(self, what: str) -> int:
        return int(self._db.execute("SELECT last FROM seen WHERE what = ?", (what,)).fetchone()[0])

    def _took(self, what: str, last: int) -> None:
        self._db.execute("UPDATE seen SET last = ? WHERE what = ?", (last, what))

    def _take_agents(self) -> bool:
        rows = self._archive.select(
            "SELECT rowid, name, thought, source FROM agents WHERE rowid > ? ORDER BY rowid LIMIT ?",
            *(self._last("agents"), AGENTS_AT_ONCE),
        )
        cut = [(n, a[:MOST_NAME], b[:MOST_THOUGHT], c[:MOST_CODE]) for n, a, b, c in rows]
        self._db.executemany("INSERT INTO agents (rowid, name, thought, code) VALUES (?, ?, ?, ?)", cut)
        self._db.executemany(
            "INSERT INTO parts (rowid, text) VALUES (?, ?)", ((n, f"{a}\n{b}\n{c}") for n, a, b, c in cut)
        )
        if rows:
            self._took("agents", rows[-1][0])
        return len(rows) == AGENTS_AT_ONCE

    def _take_answers(self) -> bool:
        last = self._last("results")
        if last >= MOST_ROWS:
            return False
        rows = self._archive.select(
            "SELECT rowid, substr(answer, 1, ?) FROM results WHERE rowid > ? ORDER BY rowid LIMIT ?",
            *(MOST_ANSWER, last, ANSWERS_AT_ONCE),
        )
        self._db.executemany("INSERT INTO answers (rowid, answer) VALUES (?, ?)", (r for r in rows if r[1]))
        if rows:
            self._took("results", rows[-1][0])
        return len(rows) == ANSWERS_AT_ONCE

    def _matching(self, table: str, match: str, most: int) -> list[int]:
        sql = f"SELECT rowid FROM {table} WHERE {table} MATCH ? ORDER BY rowid DESC LIMIT ?"
        return [row for (row,) in self._db.execute(sql, (match, most))]

    def _of_agents(self, terms: Sequence[Term]) -> Iterator[Hit]:
        """Agents by words; where there are none, those that hold the terms within words."""
        found = self._matching("agents", " AND ".join(t.match for t in terms), CANDIDATES)
        told = False
        for hit in self._read_agents(found, terms):
            told = True
            yield hit
        if told:
            return
        parts = [part for term in terms for part in trigrams(term.text)][:MOST_TRIGRAMS]
        if parts:
            within = self._matching("parts", " AND ".join(parts), WITHIN)
            yield from self._read_agents(within, terms, literal=True)

    def _read_agents(
        self, rows: Sequence[int], terms: Sequence[Term], literal: bool = False
    ) -> Iterator[Hit]:
        for start in range(0, len(rows), AGENTS_AT_ONCE):
            part = rows[start : start + AGENTS_AT_ONCE]
            marks = ", ".join("?" * len(part))
            sql = f"SELECT id, name, thought, source FROM agents WHERE rowid IN ({marks}) ORDER BY rowid DESC"
            for agent, name, thought, source in self._archive.select(sql, *part):
                texts: dict[Where, str] = {"name": name, "thought": thought, "code": source}
                held = {
                    where: [place_of(text, term, literal) for term in terms] for where, text in texts.items()
                }
                if not all(any(place[n] >= 0 for place in held.values()) for n in range(len(terms))):
                    continue
                where = max(texts, key=lambda where: sum(place >= 0 for place in held[where]))
                yield Hit(agent, _shown(name), where, "", "", excerpt(texts[where], held[where]))

    def _of_answers(self, terms: Sequence[Term], most: int) -> Iterator[Hit]:
        closed = [split for split in ("test", PERTURBED) if not is_open(self._archive, split)]
        # What is left out, the newest of all, leaves room for others.
        rows = self._matching("answers", " AND ".join(t.match for t in terms), most + len(closed) * HELD_BACK)
        left = most
        for start in range(0, len(rows), AGENTS_AT_ONCE):
            part = rows[start : start + AGENTS_AT_ONCE]
            marks = ", ".join("?" * len(part))
            sql = (
                "SELECT r.agent, a.name, r.item, r.split, substr(r.answer, 1, ?) FROM results r "
                f"JOIN agents a ON a.id = r.agent WHERE r.rowid IN ({marks}) ORDER BY r.rowid DESC"
            )
            for agent, name, item, split, answer in self._archive.select(sql, MOST_ANSWER, *part):
                if split in closed or left <= 0:
                    continue
                left -= 1
                places = [place_of(answer, term) for term in terms]
                if all(place >= 0 for place in places):  # else the row was written anew since
                    yield Hit(agent, _shown(name), "answer", item, split, excerpt(answer, places))


def _shown(name: str) -> str:
    return one_line(name, 200)
