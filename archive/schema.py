"""The tables of `archive.db` as numbered migrations of sqlite-utils. Applied ones are never edited.

The file says what it is in two numbers of its header, so that a reader needs no query and no library:
`application_id` marks it as an archive of ours, `user_version` counts the migrations applied.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.readable import VIEWS, refer
from meta_search.errors import ArchiveError

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

__all__ = ["APPLICATION_ID", "FILE_NAME", "MIGRATIONS", "SCHEMA_VERSION", "migrate", "migrations", "version"]

FILE_NAME = "archive.db"
APPLICATION_ID = 0x4D534152  # "MSAR"

TYPES: dict[str, Any] = {"TEXT": str, "INTEGER": int, "REAL": float, "BLOB": bytes}


def m0001_tables(db: Database) -> None:
    """All tables. Large columns stand last, as SQLite reads a row up to the last column asked for."""
    used = "calls INTEGER, tokens INTEGER, prompt_tokens INTEGER, cost_usd REAL, seconds REAL, "
    paid = "paid_calls INTEGER, paid_tokens INTEGER, paid_prompt_tokens INTEGER, paid_usd REAL, "
    _create(db, "meta", "key TEXT, value TEXT", "key")
    _create(
        db,
        "agents",
        "id TEXT, name TEXT, status TEXT, author TEXT, operator TEXT, generation INTEGER, created REAL, "
        "thought TEXT, values TEXT, space TEXT, brief TEXT, plan TEXT?, source TEXT, demonstrations TEXT",
        "id",
    )
    _create(db, "edges", "parent TEXT, child TEXT, kind TEXT", ("parent", "child", "kind"), small=True)
    _create(
        db,
        "evaluations",
        "agent TEXT, split TEXT, score REAL, low REAL, high REAL, items INTEGER, "
        f"{used}{paid}outcomes TEXT, complete INTEGER, stopped TEXT, created REAL",
        ("agent", "split"),
        small=True,
    )
    _create(
        db,
        "results",
        "agent TEXT, split TEXT, item TEXT, repeat INTEGER, kind TEXT, score REAL?, calls INTEGER, "
        f"prompt_tokens INTEGER, completion_tokens INTEGER, cost_usd REAL, {paid}"
        "seconds REAL, created REAL, answer TEXT, detail TEXT, space TEXT?, trace BLOB?",
        ("agent", "split", "item", "repeat"),
    )
    # The ledger owns the rows of `calls`: only what every row has is demanded here.
    _create(
        db,
        "calls",
        "key TEXT, occurrence TEXT, purpose TEXT, model TEXT, agent TEXT, split TEXT, item TEXT, "
        "repeat INTEGER, author TEXT?, prompt_tokens INTEGER, completion_tokens INTEGER, cost_usd REAL, "
        "latency_s REAL?, attempts INTEGER, state TEXT, fault TEXT?, created REAL?, "
        "request BLOB?, reply BLOB?",
        "key",
    )
    _create(
        db,
        "attempts",
        "id INTEGER, brief INTEGER, author TEXT, operator TEXT, stage TEXT, message TEXT, created REAL, "
        "source TEXT",
        "id",
    )
    _create(
        db,
        "trials",
        "study TEXT, number INTEGER, params TEXT, values TEXT?, state TEXT, agent TEXT?, created REAL",
        ("study", "number"),
    )
    _create(db, "events", "seq INTEGER, kind TEXT, data TEXT, created REAL", "seq")


def m0002_indexes(db: Database) -> None:
    """What a million agents need: names, lineages upwards, the best of a split, sums over the ledger."""
    from sqlite_utils.db import DescIndex

    _index(db, "agents", ["name"])
    _index(db, "edges", ["child", "kind", "parent"])
    _index(db, "evaluations", ["split", "complete", DescIndex("score"), "tokens", "agent"])
    _index(db, "calls", ["purpose", "attempts", "prompt_tokens", "completion_tokens", "cost_usd"])


def m0003_importance(db: Database) -> None:
    """What the components of agents are worth, by method."""
    _create(
        db,
        "importance",
        "agent TEXT, method TEXT, component TEXT, value REAL, items INTEGER, calls REAL, tokens REAL, "
        "replayed INTEGER, asked INTEGER, created REAL",
        ("agent", "method", "component"),
        small=True,
    )


def m0004_asked(db: Database) -> None:
    """What each item asked, as a digest by which agents that behave alike are known."""
    db.table("results").add_column("asked", str)


def m0005_feedback(db: Database) -> None:
    """What scorers say of answers; rows of before have it in `detail`, where it was one line."""
    db.table("results").add_column("feedback", str)


def m0006_model_free(db: Database) -> None:
    """How many of an evaluation's items were answered without any LLM call."""
    db.table("evaluations").add_column("model_free", int)
    db.execute(
        "UPDATE evaluations SET model_free = (SELECT COUNT(*) FROM results r "
        "WHERE r.agent = evaluations.agent AND r.split = evaluations.split AND r.calls = 0 AND r.kind = 'ok')"
    )


def m0007_items(db: Database) -> None:
    """What items ask and what was expected, for people; references and views, for viewers of SQLite."""
    _create(
        db,
        "items",
        "split TEXT, item TEXT, kind TEXT, note TEXT, target TEXT?, question TEXT, public TEXT",
        ("split", "item"),
    )
    # Whoever looks at one item reads its calls; hashes of keys lie all over the table.
    _index(db, "calls", ["agent", "item"])
    refer(db.conn)
    for view in VIEWS.values():
        db.execute(view)


MIGRATIONS: tuple[Callable[[Database], None], ...] = (
    m0001_tables,
    m0002_indexes,
    m0003_importance,
    m0004_asked,
    m0005_feedback,
    m0006_model_free,
    m0007_items,
)
SCHEMA_VERSION = len(MIGRATIONS)


@cache
def migrations() -> Migrations:
    """The migrations as sqlite-utils runs them: each in a transaction, with its number in the header."""
    from sqlite_utils import Migrations

    known = Migrations("meta-search archive")
    for number, step in enumerate(MIGRATIONS, start=1):
        known(name=step.__name__)(_numbered(step, number))
    return known


def version(connection: sqlite3.Connection, path: Path) -> int:
    """Schema version of an open file; 0 for an empty one.

    Raises:
        ArchiveError: It is no archive of ours, or a newer version wrote it.
    """
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        raise ArchiveError(f"{path} is not a meta-search archive: {error}") from error
    if application == 0 and tables == 0:
        return 0
    if application != APPLICATION_ID:
        raise ArchiveError(f"{path} is a SQLite file, but not a meta-search archive")
    if found > SCHEMA_VERSION:
        raise ArchiveError(
            f"{path} was written by a newer meta-search (schema {found}, this one knows {SCHEMA_VERSION}):"
            " upgrade meta-search to read it"
        )
    return int(found)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring an archive up to `SCHEMA_VERSION`; costs nothing where it is there already.

    Raises:
        ArchiveError: As `version`.
    """
    if version(connection, path) < SCHEMA_VERSION:
        from sqlite_utils import Database

        # No plugins: what a user installed for the sqlite-utils command has no business in a run.
        migrations().apply(Database(connection, execute_plugins=False))


def _numbered(step: Callable[[Database], None], number: int) -> Callable[[Database], None]:
    def run(db: Database) -> None:
        step(db)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {number}")

    run.__name__ = step.__name__
    return run


def _create(db: Database, name: str, columns: str, key: str | tuple[str, ...], small: bool = False) -> None:
    """Create a table from `name TYPE, …`; a type that ends in `?` may be NULL.

    `small` rows lie in the tree of their key itself: one random page less to write for each.
    """
    pairs = [column.split() for column in columns.split(", ")]
    # A whole number that is the key is SQLite's row number, and given out by it.
    filled = [c for c, kind in pairs if not kind.endswith("?") and (c, kind) != (key, "INTEGER")]
    types = {c: TYPES[kind.rstrip("?")] for c, kind in pairs}
    sql = db.create_table_sql(name, types, pk=key, not_null=filled).rstrip("; \n")
    db.execute(f"{sql} WITHOUT ROWID" if small else sql)


def _index(db: Database, table: str, columns: list[str]) -> None:
    db.table(table).create_index(columns, index_name=f"{table}_by_{'_'.join(map(str, columns[:2]))}")
