"""Archives that are damaged, or made to harm who reads them: every reading command says so in one line."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import shutil
import signal
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

import meta_search
from archive import guard
from archive.records import Archive
from archive.store import Store
from meta_search import cli
from meta_search.errors import ArchiveError, MetaSearchError
from meta_search.types import MetaName
from tests.kits.strangers import CHILD, SEED, SOURCE, alter, config, stranger

LONGEST_S = 20.0  # of all readings of one archive, on a busy machine
LIST = ("archive", "list", "run", "--json")
READERS = (
    LIST,
    ("archive", "list", "run"),
    ("archive", "show", "run", CHILD.id),
    ("archive", "show", "run", CHILD.id, "--json"),
    ("archive", "diff", "run", SEED.id, CHILD.id),
    ("archive", "lineage", "run", CHILD.id),
    ("archive", "lineage", "run"),
    ("archive", "search", "run", "forward"),
    ("report", "run"),
    ("status", "run"),
    ("export", "run", "--to", "out"),
)
Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stranger(tmp_path_factory.mktemp("honest") / "run", config())


@pytest.fixture
def run(honest: Path, folder: Path) -> Path:
    return Path(shutil.copytree(honest, folder / "run"))


def sql(*statements: str) -> Change:
    return lambda run: alter(run, *statements)


def meta(key: str, text: str) -> Change:
    quoted = text.replace("'", "''")
    return sql(f"INSERT OR REPLACE INTO meta VALUES ('{key}', '{quoted}')")


ONE = "WHERE item = (SELECT min(item) FROM results)"


def packed(begin: bytes, piece: bytes = b"", times: int = 0, end: bytes = b"", where: str = ONE) -> Change:
    """A trace in place of that of one item, or of all of them."""

    def change(run: Path) -> None:
        text = zlib.compress(begin + piece * times + end, 9).hex()
        alter(run, f"UPDATE results SET trace = x'{text}' {where}")

    return change


def answered(data: bytes) -> Change:
    """Calls of a model that thinks, whose replies are added up."""
    row = "'', 'task', 'm', '', '', '', 0, NULL, 1, 1, 0.0, NULL, 1, 'done', NULL, 0.0"
    reply = zlib.compress(data, 9).hex()
    return sql(
        *(f"INSERT INTO calls VALUES ('{n}', {row}, x'{reply}', x'{reply}')" for n in range(40)),
        "INSERT OR REPLACE INTO meta VALUES ('takes', '{\"m\": {\"thinks\": true}}')",
    )


def in_place(table: str, made: str) -> Change:
    return sql(f"DROP TABLE {table}", made)


BY_HAND, PAGE = "UPDATE sqlite_master SET", "SELECT rootpage FROM sqlite_master WHERE name"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
# What a schema can compute with. None may be read at all, whatever is asked.
SCHEMAS: dict[str, Change] = {
    "view": in_place("events", f"CREATE VIEW events AS {ENDLESS} SELECT i seq, i kind, i data FROM n"),
    "view of meta": in_place("meta", f"CREATE VIEW meta AS {ENDLESS} SELECT 'end' key, i value FROM n"),
    "other view": sql(f"CREATE VIEW more AS {ENDLESS} SELECT * FROM n"),
    "trigger": sql("CREATE TRIGGER t AFTER INSERT ON agents BEGIN DELETE FROM meta; END"),
    "generated": sql("ALTER TABLE meta ADD COLUMN more AS (hex(zeroblob(100000000)))"),
    "check": sql("CREATE TABLE importance2 (x CHECK (abs(x)))"),
    "default": sql("ALTER TABLE meta ADD COLUMN asked TEXT DEFAULT 'x'"),
    "expression": sql("CREATE INDEX meta_by_x ON meta (abs(value))"),
    "partial": sql("CREATE INDEX agents_by_x ON agents (name) WHERE abs(name) > 1"),
    "collation": sql("CREATE INDEX agents_by_x ON agents (name COLLATE nocase)"),
    "virtual": in_place("events", "CREATE VIRTUAL TABLE events USING fts5(seq, kind, data, created)"),
    "written by hand": sql(f"{BY_HAND} sql = replace(sql, 'NOT NULL', 'DEFAULT (1)') WHERE name = 'meta'"),
    "malformed": sql("UPDATE sqlite_master SET sql = 'CREATE TABLE meta (' WHERE name = 'meta'"),
    "another's page": sql(f"{BY_HAND} rootpage = ({PAGE} = 'events') WHERE name = 'agents'"),
    "no page": sql("UPDATE sqlite_master SET rootpage = 100000 WHERE name = 'agents'"),
    "a table is missing": sql("DROP TABLE agents"),
    "newer": sql("PRAGMA user_version = 99"),
    "not ours": sql("PRAGMA application_id = 1"),
}  # fmt: skip
PARTS = "[" + "{}," * 600_000 + "{}]"
NOISE = random.Random(0).randbytes(9_000)
FILES: dict[str, Change] = {
    "empty": lambda run: (run / "archive.db").write_bytes(b""),
    "garbage": lambda run: (run / "archive.db").write_bytes(NOISE),
    "text": lambda run: (run / "archive.db").write_text("no database\n" * 99),
    "cut": lambda run: os.truncate(run / "archive.db", 20_000),
    "cut within a page": lambda run: os.truncate(run / "archive.db", 81_000),
    "a log of another": lambda run: (run / "archive.db-wal").write_bytes(NOISE),
    "a journal of another": lambda run: (run / "archive.db-journal").write_bytes(NOISE),
    "no config": lambda run: (run / "config.json").unlink(),
    "nested config": lambda run: (run / "config.json").write_text("[" * 100_000),
    "other config": lambda run: (run / "config.json").write_text('{"llm": 1}'),
    "huge config": lambda run: os.truncate(run / "config.json", 10**9),
}  # fmt: skip
BOMBS = {
    "bomb": (b"[", b" ", 80_000_000, b"]"),
    "bomb of digits": (b'[{"index": ', b"1", 5_000_000, b"}]"),
    "nested": (b"", b"[", 1_000_000),
}
VALUES: dict[str, Change] = {
    "text for bytes": sql("UPDATE agents SET source = x'ff00'"),
    "no UTF-8": sql("UPDATE agents SET name = CAST(x'ff80' AS TEXT)"),
    "text for a number": sql("UPDATE evaluations SET score = 'high'"),
    "infinite": sql("UPDATE evaluations SET score = 9e999"),
    "infinite score": sql("UPDATE results SET score = -9e999"),
    "no time": sql("UPDATE agents SET created = 9e300"),
    "a time before time": sql("UPDATE agents SET created = -9e18"),
    "huge numbers": sql("UPDATE evaluations SET items = 9223372036854775807, tokens = 9223372036854775807"),
    "negative": sql("UPDATE evaluations SET items = -1, calls = -5, low = 7.0, high = -7.0"),
    "huge generation": sql("UPDATE agents SET generation = 9223372036854775807"),
    "sum too large": sql(
        *(
            f"INSERT INTO calls VALUES ('{n}', '', 'task', 'm', '', '', '', 0, NULL, 9223372036854775807, "
            "9223372036854775807, 0.0, NULL, 1, 'done', NULL, NULL, NULL, x'00')"
            for n in "ab"
        ),
        "INSERT OR REPLACE INTO meta VALUES ('takes', '{\"m\": {\"thinks\": true}}')",
    ),
    "a circle of parents": sql(
        f"INSERT OR REPLACE INTO edges VALUES ('{CHILD.id}', '{SEED.id}', 'parent')",
        f"UPDATE agents SET brief = replace(brief, '{SEED.id}', '{CHILD.id}')",
    ),
    "two that are each other": sql(
        f"INSERT INTO edges VALUES ('{CHILD.id}', '{SEED.id}', 'same'), ('{SEED.id}', '{CHILD.id}', 'same')"
    ),
    **{name: packed(*parts) for name, parts in BOMBS.items()},
    "not packed": sql("UPDATE results SET trace = x'00112233'"),
    "cut pack": sql("UPDATE results SET trace = substr(trace, 1, 20)"),
    "other trace": packed(b'{"calls": 3, "networks": {}}'),
    "a blob of zeros": sql("UPDATE agents SET thought = CAST(zeroblob(70000000) AS TEXT)"),
}
SHAPES = ("null", "[]", "{}", "1", "1e999", '"x"', "[[1]]", '{"a": 1}', "[", "[" * 50_000)
COLUMNS = {
    "agents": ("values", "space", "brief", "plan", "demonstrations"),
    "evaluations": ("outcomes",),
    "results": ("space",),
    "events": ("data",),
}
SLOW: dict[str, Change] = {
    **{f"{name}, all over": packed(*parts, where="") for name, parts in BOMBS.items()},
    **{
        f"{table}.{column} {shape[:9]}": sql(f"UPDATE {table} SET \"{column}\" = '{shape}'")
        for table, columns in COLUMNS.items()
        for column in columns
        for shape in SHAPES
    },
    **{f"meta.{key} {shape[:9]}": meta(key, shape) for key in get_args(MetaName) for shape in SHAPES},
    **{
        f"{table}.{column} is {value}": sql(f'UPDATE {table} SET "{column}" = {value}')
        for table, columns in {
            "agents": ("id", "name", "status", "author", "operator", "generation", "created", "thought"),
            "evaluations": ("split", "low", "tokens", "cost_usd", "complete", "stopped", "created"),
            "results": ("item", "repeat", "kind", "tokens", "seconds", "answer", "detail", "asked"),
            "edges": ("parent", "kind"),
        }.items()
        for column in columns
        if (table, column) != ("results", "tokens")
        for value in ("'\u202e[/]\x1b'", "x'00ff'", "1e999", "-3")
        if column not in ("id", "split", "item", "repeat")
    },
}


def read_all(capsys: pytest.CaptureFixture[str], what: str) -> list[int]:
    """Every reading command: it works, or says in one line why not."""
    began, statuses = time.monotonic(), []
    for command in READERS:
        shutil.rmtree("out", ignore_errors=True)
        status = cli.main(list(command))
        out, said = capsys.readouterr()
        assert status in (0, 1, 2), (what, command)
        why = [line for line in said.splitlines() if not line.startswith("left out: ")]  # said once
        assert [line[:13] for line in why] == ["meta-search: "] * (status > 0), (what, command, said)
        assert "\x1b" not in out + said
        assert not (status and Path("out").exists())
        statuses.append(status)
    for call in (_frames, _export):
        with contextlib.suppress(MetaSearchError):
            call()
    assert time.monotonic() - began < LONGEST_S, what
    return statuses


def _frames() -> None:
    with meta_search.open_run("run") as archive:
        archive._repr_html_()
        for table in ("agents", "items", "calls", "briefs"):
            list(archive.rows(table, text=True))  # type: ignore[arg-type]


def _export() -> None:
    shutil.rmtree("out", ignore_errors=True)
    meta_search.export_agent("run", to="out")


def test_an_honest_one_is_read(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(read_all(capsys, "honest")) == {0}
    assert meta_search.write_report("run").is_file()


@pytest.mark.parametrize("name", ["view", "no UTF-8", "infinite", "garbage"])
def test_a_report_from_python_says_so_too(name: str, run: Path) -> None:
    {**SCHEMAS, **FILES, **VALUES}[name](run)
    with pytest.raises(MetaSearchError) as told:
        meta_search.write_report("run")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_that_computes_is_not_read(name: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SCHEMAS[name](run)
    statuses = read_all(capsys, name)
    if name not in ("a table is missing", "another's page", "no page"):  # an export may need no such row
        assert 0 not in statuses
    assert any(statuses)


@pytest.mark.parametrize("name", ["trigger", "view", "generated", "newer"])
def test_nor_is_it_written_to(name: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SCHEMAS[name](run)
    before = (run / "archive.db").read_bytes()
    Path("found.json").write_text(json.dumps([{"code": SOURCE.replace("Answer", "Say")}]))
    assert cli.main(["archive", "import", "run", "found.json"]) in (1, 2)
    assert capsys.readouterr().err.count("\n") == 1
    assert (run / "archive.db").read_bytes() == before


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_archive(name: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    FILES[name](run)
    read_all(capsys, name)


@pytest.mark.parametrize("name", VALUES)
def test_a_value_that_is_none(name: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    VALUES[name](run)
    read_all(capsys, name)


@pytest.mark.parametrize("column", ["values", "plan", "demonstrations"])
def test_no_value_fills_the_memory_with_its_parts(column: str, run: Path) -> None:
    """Three bytes of JSON take sixty in memory."""
    alter(run, f"UPDATE agents SET \"{column}\" = '{PARTS}'")
    with Archive(run) as archive, pytest.raises(ArchiveError, match="more than 500000 parts"):
        archive.agents()


def test_replies_unpack_to_no_more_than_there_is_room_for(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All together: each is small enough."""
    monkeypatch.setattr(guard, "ROOM", 10_000_000)
    answered(b'{"used": [0, 0, 0, 0, 1], "x": "' + b" " * 1_000_000 + b'"}')(run)
    with Archive(run) as archive:
        for read in (archive.usage, lambda: list(archive.rows("calls", text=True))):
            with pytest.raises(ArchiveError, match="unpacks to too much"):
                read()
        assert len(list(archive.rows("calls"))) == 40


def test_after_many_bombs_only_small_values_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "LARGEST", 4 * guard.SMALL)
    monkeypatch.setattr(guard, "MOST_REFUSED", 16 * guard.SMALL)
    large, bomb = (zlib.compress(b" " * (n * guard.SMALL)) for n in (2, 9))
    refusals, refused = guard.Refusals(), 0
    while refusals.bytes <= guard.MOST_REFUSED:
        assert len(guard.Room(0, refusals).unpacked(large)) == 2 * guard.SMALL
        with pytest.raises(ValueError, match="unpacks to too much"):
            guard.Room(0, refusals).unpacked(bomb)
        refused += 1
    assert refused == 4
    with pytest.raises(ValueError, match="unpacks to too much"):
        guard.Room(0, refusals).unpacked(large)
    assert guard.Room(0, refusals).unpacked(zlib.compress(b"small")) == b"small"
    assert len(guard.Room(0, guard.Refusals()).unpacked(large)) == 2 * guard.SMALL


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_a_value_of_another_shape(name: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SLOW[name](run)
    read_all(capsys, name)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_bytes_that_were_turned(seed: int, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw, file = random.Random(seed), run / "archive.db"
    data = bytearray(file.read_bytes())
    for _ in range(draw.choice((1, 10, 100))):
        data[draw.randrange(100, len(data))] = draw.randrange(256)
    file.write_bytes(data)
    read_all(capsys, f"seed {seed}")


def test_a_statement_ends(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = f"{ENDLESS} SELECT count(*) FROM n"
    with Archive(run) as archive:
        monkeypatch.setattr(guard, "LONGEST_S", 0.2)
        with pytest.raises(ArchiveError, match=r"a statement took more than 0\.2 s"):
            archive._rows(endless)
        monkeypatch.setattr(guard, "LONGEST_S", 60.0)
        archive._readers.get().most = 2**20
        with pytest.raises(ArchiveError, match="round in circles"):
            archive._rows(f"{ENDLESS} SELECT i FROM n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(number: signal.Signals, run: Path) -> None:
    from meta_search.cli import _interrupt
    from meta_search.run.signals import signals

    timer = threading.Timer(0.2, functools.partial(os.kill, os.getpid(), number))
    with Archive(run) as archive, signals(_interrupt, [signal.SIGTERM]):
        timer.start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            archive._rows(f"{ENDLESS} SELECT count(*) FROM n")
    assert time.monotonic() - began < guard.LONGEST_S / 2


def test_rows_that_go_backwards_are_no_endless_list(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Archive(run) as archive:
        rows = archive._rows("SELECT * FROM agents")
        page = [(1, *row) for row in rows]
        whole = archive._rows

        def again(text: str, *values: object) -> list[tuple[object, ...]]:
            return page if "rowid >" in text else whole(text, *values)  # type: ignore[return-value]

        monkeypatch.setattr(archive, "_rows", again)
        with pytest.raises(ArchiveError):
            list(archive.scan())


def test_an_archive_is_its_owners_alone(folder: Path) -> None:
    mask = os.umask(0o022)
    try:
        with Store.open(folder / "archive.db") as store:
            store.set_meta("version", "1").result()
            modes = {p.name: p.stat().st_mode & 0o777 for p in folder.iterdir()}
    finally:
        os.umask(mask)
    assert modes.keys() >= {"archive.db", "archive.db-wal", "archive.db.lock"}
    assert set(modes.values()) == {0o600}


def test_readers_of_one_file_wait_for_nobody(run: Path) -> None:
    """Another program's lock does not make it hang for long."""
    with sqlite3.connect(run / "archive.db") as other:
        other.execute("BEGIN IMMEDIATE")
        assert cli.main(list(LIST)) == 0
    other.close()
