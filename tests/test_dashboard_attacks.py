"""Attacks on the page's server: who holds connections, sends half requests, and exchanges what is served."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.guard import Patience
from archive.records import Archive
from meta_search.dashboard import connections, registry
from meta_search.dashboard.access import LOOPBACK
from meta_search.dashboard.one_file import write_report
from meta_search.dashboard.plain_json import plain_json
from meta_search.dashboard.server import MOST_CONNECTIONS
from meta_search.dashboard.stream import Watcher
from meta_search.dashboard.views import runs as table
from meta_search.errors import DamagedError
from tests.kits.dashboards import Client, serving
from tests.kits.pages import page_answers
from tests.kits.strangers import SEED, alter, config, evil_domain, stranger

TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("attacked") / "runs"
    run = stranger(root / "one", config(), status="done")
    source = "x = '" + "x" * 390_000 + "'\n"
    alter(run, f'UPDATE agents SET source = "{source}"')
    return root


@pytest.fixture(scope="module")
def client(runs: Path) -> Iterator[Client]:
    """A server that is soon through with who says nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "IDLE_S", 0.5)
        patch.setattr(connections, "TAKE_S", 0.5)
        with serving(runs) as found:
            yield found


@contextlib.contextmanager
def raw(client: Client, *parts: bytes) -> Iterator[socket.socket]:
    """A connection on which something was sent."""
    with socket.create_connection((LOOPBACK, client.port), timeout=20) as found:
        for part in parts:
            found.sendall(part)
        yield found


def ended(held: socket.socket) -> bool:
    """Whether the other end hung up."""
    try:
        while held.recv(65_536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


HEAD = b"GET /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.mark.parametrize("sent", [b"", b"GET /", HEAD, HEAD + b"Content-Length: 9\r\n\r\n"])
def test_half_a_request_is_not_waited_for(client: Client, sent: bytes) -> None:
    with raw(client, sent) as held:
        assert ended(held)


@pytest.mark.slow
def test_whoever_takes_nothing_is_let_go(client: Client) -> None:
    one = b"GET /api/run/one/source/Voter HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with raw(client) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        held.sendall(one * 40)
        until, got = time.monotonic() + 3.0, 0
        while time.monotonic() < until:
            assert client.ask("/api/runs").status == 200  # others are answered meanwhile
        with contextlib.suppress(ConnectionError):
            while part := held.recv(65_536):
                got += len(part)
    assert got < 30 * 390_000


def test_connections_that_say_nothing_keep_nobody_out(runs: Path) -> None:
    with serving(runs) as client, contextlib.ExitStack() as stack:
        for _ in range(MOST_CONNECTIONS + 20):
            stack.enter_context(raw(client))
        assert client.ask("/api/runs").status == 200


@pytest.mark.parametrize(
    "head",
    [
        b"GET /api/runs HTTP/1.1\r\nHost: evil.test\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /api/runs HTTP/1.1\r\n\r\n",
        b"GET /api/runs HTTP/1.0\r\n\r\n",
        b"GET http://evil.test/api/runs HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        b"GET /api/runs HTTP/1.1\r\nHost: 127.0.0.1@evil.test\r\n\r\n",
        b"GET /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\rSet-Cookie: b\r\n\x00\r\n\r\n",
        b"CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"TRACE /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"POST /api/run/one/steer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_no_request_of_a_browser_gets_nothing(
    client: Client, head: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with raw(client, head) as held:
        answer = b""
        with contextlib.suppress(ConnectionError):
            while part := held.recv(65_536):
                answer += part
        assert not answer.startswith(b"HTTP/1.1 200"), answer[:200]
        assert b"Set-Cookie" not in answer
        assert client.ask("/api/runs").status == 200
    assert "Traceback" not in capfd.readouterr().err


def test_an_upgrade_is_answered_as_any_request(client: Client) -> None:
    for to in ("websocket", "h2c"):
        more = {"Connection": "Upgrade", "Upgrade": to, "Sec_WebSocket_Key": "x" * 22 + "=="}
        assert client.ask("/api/runs", **more).status == 200
        assert client.ask("/api/runs", Host="evil.test", **more).status == 403


def test_the_link_never_leads_to_another_server(runs: Path) -> None:
    with serving(runs, token=TOKEN) as client:
        for path in ("//evil.test/", "///evil.test", "/%2Fevil.test", "/%2f%2fevil.test//", "/%09/evil.test"):
            answer = client.ask(f"{path}?token={TOKEN}")
            place = answer.body.partition(b"url=")[2].partition(b'"')[0]
            assert not place.startswith(b"//"), (path, answer.body)
            assert b"\t" not in answer.body
            assert b"\n" not in answer.body


# -- what is served changes


def test_what_comes_to_stand_in_an_archives_place_is_not_read(tmp_path: Path) -> None:
    secret = stranger(tmp_path / "secret", config()) / "archive.db"
    run = stranger(tmp_path / "runs/one", config())
    file, kept = run / "archive.db", tmp_path / "kept"

    def fifo() -> None:
        os.mkfifo(file)

    def sparse() -> None:
        with file.open("wb") as made:
            made.write(kept.read_bytes()[:100])
            made.truncate(10 * 2**30)

    def beside() -> None:  # SQLite would follow it
        shutil.copy(kept, file)
        (run / "archive.db-wal").symlink_to(tmp_path / "elsewhere")

    swaps = [lambda: file.symlink_to(secret), fifo, sparse, file.mkdir, lambda: None, beside]
    with serving(tmp_path / "runs") as client:
        for swap in swaps:
            shutil.copy(file, kept) if not kept.exists() else None
            assert client.ask("/api/run/one/agents").status == 200
            file.unlink()
            swap()
            for path in ("/api/run/one/agents", "/api/run/one/overview", "/api/run/one/search?q=one"):
                answer = client.ask(path)
                assert answer.status in (404, 503), (swap, path, answer.body[:100])
                assert str(tmp_path).encode() not in answer.body
            assert client.ask("/api/runs").status == 200
            (run / "archive.db-wal").unlink(missing_ok=True)
            file.rmdir() if file.is_dir() else file.unlink(missing_ok=True)
            shutil.copy(kept, file)
        shutil.rmtree(run)
        assert client.ask("/api/run/one/agents").status == 404
        run.symlink_to(secret.parent)
        assert client.ask("/api/run/one/agents").status == 404
    assert not (tmp_path / "elsewhere").exists()


def test_an_archive_that_takes_long_takes_no_time_from_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger(tmp_path / "one", config())
    monkeypatch.setattr(table, "ROW_S", -1.0)
    (row,) = table.runs(tmp_path)["runs"]
    assert row["state"] == "damaged"
    assert "took more than" in row["state_text"]
    with Patience(-1.0), Patience(9.0), Archive(tmp_path / "one") as archive, pytest.raises(TimeoutError):
        archive.agents()


@pytest.mark.parametrize("key", ["status", "steered", "end", "final", "elapsed_s", "best", "domain", "fork"])
def test_a_watcher_outlives_whatever_an_archive_says(tmp_path: Path, key: str) -> None:
    run = stranger(tmp_path / "one", config())
    for value in ("[1]", '{"a": [1], "who": [], "paused": {"who": 1}}', "1e999", "nonsense{", '"\\ud800"'):
        alter(run, f"INSERT OR REPLACE INTO meta VALUES ('{key}', '{value}')")
        watcher = Watcher(run)
        watcher.look()
        watcher.close()


# -- what is shown


def test_json_holds_nothing_that_terminals_obey_or_that_turns_writing() -> None:
    for ascii_only in (True, False):
        for code in (*range(0x300), *range(0x2000, 0x2070), 0xD800, 0xFEFF):
            bad = (code < 32 and chr(code) not in "\t\n\r") or 127 <= code < 160
            bad |= code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
            told = json.loads(plain_json({f"k{chr(code)}": f"a\\{chr(code)}\\u202e\\b"}, ascii_only))
            shown = "?" if bad else chr(code)
            assert told == {f"k{shown}": f"a\\{shown}\\u202e\\b"}, hex(code)
    assert plain_json([float("inf"), float("nan")], ascii_only=False) == "[null,null]"


MARK = "\u202eMARK\x1b[2J\u2066</script><!--<script>\x9b\u200f"


def test_ids_kinds_and_numbers_of_strangers_break_out_of_nothing(tmp_path: Path) -> None:
    run = stranger(tmp_path / "one", config(), final={"finalists": [MARK], "baselines": [7, None]})
    with sqlite3.connect(run / "archive.db") as database:
        for column in ("id", "status", "author", "operator", "name", "thought"):
            database.execute(f"UPDATE agents SET {column} = {column} || ?", (MARK,))
        database.execute("UPDATE results SET item = item || ?1, kind = ?1, agent = agent || ?1", (MARK,))
        database.execute("UPDATE evaluations SET agent = agent || ?1, stopped = ?1", (MARK,))
        database.execute("UPDATE events SET kind = ?", (MARK,))
        rows = [("race", '{"agent": "x", "split": "train", "to": Infinity}'), ("ask", '{"brief": Infinity}')]
        rows += [("delivery", '{"brief": NaN, "agent": "x"}'), ("steer", '{"command": ["x"], "agent": 7}')]
        database.executemany("INSERT INTO events (kind, data, created) VALUES (?, ?, 1.0)", rows)
    database.close()
    with serving(tmp_path) as client:
        names = [f"run/one/{name}" for name in sorted(registry.OF_A_RUN)]
        names += [f"run/one/{name}/{SEED.id}" for name in ("agent", "source", "attempts")]
        for name in ("runs", "compare?run=one", *names):
            answer = client.ask(f"/api/{name}")
            assert answer.status in (200, 404, 503), (name, answer.body[:200])
            text = json.dumps(answer.json, ensure_ascii=False)
            assert not {"\u202e", "\u2066", "\x9b", "\u200f"} & set(text), name
            assert "\\u001b" not in text, name
    with Archive(run) as archive:
        try:
            path = write_report(archive, None, tmp_path / "report.html")
        except DamagedError:
            return
    text = json.dumps(page_answers(path), allow_nan=False, ensure_ascii=False)
    assert not {"\u202e", "\u2066", "\x9b"} & set(text)
    assert "<!--<script>" not in path.read_text(encoding="utf-8").partition("<script>")[0]


SECRET = "TOPSECRETVALUE"


def test_no_key_of_a_strangers_configuration_is_shown(tmp_path: Path) -> None:
    """Runs of ours hold none (`run.secrets`); those of others may."""
    told = config()
    told["llm"]["api_key"] = SECRET
    told["llm"]["extra_headers"] = {
        "Authorization": f"Bearer {SECRET}",
        "X-Api-Key": SECRET,
        "X-T": f"sk-{SECRET}",
    }
    told["llm"]["base_url"] = f"http://me:{SECRET}@host/v1?api_key={SECRET}"
    told["run"]["notify"] = (
        f"curl -H 'Authorization: Bearer {SECRET}' https://u:{SECRET}@hook/?token={SECRET}"
    )
    told["run"]["tracking"] = f"mlflow:http://u:{SECRET}@host"
    told["author"]["command"] = f"prog --key sk-{SECRET} --say $KEY"
    run = stranger(tmp_path / "one", told, status="done", overrides=[f"llm.api_key={SECRET}"])
    with serving(tmp_path) as client:
        for name in ("runs", "compare?run=one", *(f"run/one/{name}" for name in sorted(registry.OF_A_RUN))):
            assert SECRET not in client.ask(f"/api/{name}").body.decode(), name
        text = client.get("/api/run/one/overview")["config"]
    assert "prog --key … --say $KEY" in text
    assert "max_tokens" in text
    with Archive(run) as archive:
        path = write_report(archive, None, tmp_path / "report.html")
    assert SECRET not in json.dumps(page_answers(path))


CANARY = "open({mark!r}, 'a').write(__file__ + chr(10))\n"
LOOKS = """
import sys
import time
from meta_search import cli
for words in (
    ["status", "."], ["archive", "list", "."], ["archive", "show", ".", "Voter"], ["report", "."],
    ["archive", "show", ".", "Voter", "--item", "i7"], ["archive", "diff", ".", "Voter", "Direct"],
    ["archive", "search", ".", "Voter"], ["archive", "lineage", ".", "Voter"],
    ["archive", "list", ".", "--json"], ["export", ".", "--as", "optuna", "j"], ["dashboard", "--no"],
):
    print(words, cli.main(words))
assert "evil_domain" not in sys.modules
"""


def test_looking_from_within_a_strangers_folder_runs_nothing_of_it(tmp_path: Path) -> None:
    path, mark = evil_domain(tmp_path)
    run = stranger(tmp_path / "run", config(path=path), status="done")
    evil = CANARY.format(mark=str(mark))
    modules = ("sitecustomize", "usercustomize", "conf", "domains", "archive", "meta_search", "json", "code")
    for name in (*modules, "evil_domain", "conftest", "numpy", "optuna", "hydra_plugins"):
        (run / f"{name}.py").write_text(evil)
    for name in ("conf", "hydra_plugins/x", "meta_search_plugins", ".hydra"):
        (run / name).mkdir(parents=True, exist_ok=True)
        (run / name / "__init__.py").write_text(evil)
        (run / name / "config.yaml").write_text("hydra: {searchpath: [file:///evil]}")
    (run / "evil.pth").write_text(f"import builtins; open({str(mark)!r}, 'w')")
    (run / ".env").write_text(f"PYTHONSTARTUP={run}/sitecustomize.py")
    (run / "steer").mkdir()
    (run / "steer" / ("0" * 20 + "-00000000.json")).write_text('{"command": "stop"}')
    script = tmp_path / "bin" / "meta-search"
    script.parent.mkdir()
    script.write_text(LOOKS)
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file()}
    done = subprocess.run(
        [sys.executable, str(script)], cwd=run, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert not mark.exists(), mark.read_text()
    assert "['archive', 'list', '.'] 0" in done.stdout
    assert {p for p, at in before.items() if not p.exists() or p.stat().st_mtime_ns != at} <= {
        run / "report.html"
    }
