"""The page's server: its routes, what it refuses, a stranger's archives, and bounds of size and time."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.guard import Patience
from archive.records import Archive
from meta_search.dashboard import registry
from meta_search.dashboard.access import Refused
from meta_search.dashboard.asking import MOST_WAITING, PACKED_FROM, Asking, encoded, packed
from meta_search.dashboard.open_archives import OpenArchives
from meta_search.dashboard.places import run_folder, run_folders
from meta_search.errors import ArchiveError
from meta_search.types import Agent
from tests.data import record_run
from tests.kits.dashboards import Answer, Client, serving
from tests.kits.list_archive import HOSTILE
from tests.kits.strangers import CHILD, SOURCE, alter, config, evil_domain, stranger

KEY = "sk-not-for-pages"
ODD = "ein Lauf, é 100% #1?&=+"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs at several depths, one that is damaged, links, and what is no run."""
    outside = tmp_path_factory.mktemp("outside")
    stranger(outside / "secret", config())
    folder = tmp_path_factory.mktemp("runs")
    (record_run.unpack(folder)).rename(folder / "recorded")
    stranger(folder / "one", config(), version="9")
    stranger(folder / "group/deep/two", config())
    stranger(folder / "a/b/c/too-deep", config())
    stranger(folder / ODD, config())
    stranger(folder / ".hidden", config())
    stranger(folder / "agent", config())  # called as a view is
    alter(stranger(folder / "foreign", config()), "CREATE VIEW v AS SELECT * FROM agents")
    (folder / "damaged").mkdir()
    (folder / "damaged/archive.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4000)
    (folder / "empty").mkdir()
    (folder / "linked").symlink_to(outside / "secret")
    (folder / "by-file").mkdir()
    (folder / "by-file/archive.db").symlink_to(outside / "secret/archive.db")
    (folder / "loop").symlink_to(folder)
    return folder


@pytest.fixture(scope="module")
def client(runs: Path) -> Iterator[Client]:
    with serving(runs) as client:
        yield client


# -- which runs there are


def test_all_runs_are_listed_and_no_link_is_followed(client: Client) -> None:
    rows = {row["id"]: row for row in client.get("/api/runs")["runs"]}
    plain = {"recorded", "one", "group/deep/two", ODD, "agent"}
    assert set(rows) == plain | {"foreign", "damaged"}
    for name in ("foreign", "damaged"):
        assert rows[name]["state"] == "damaged"
        (line,) = rows[name]["attention"]
        assert line.startswith("damaged: ")
        assert str(os.sep) + "runs" not in line
    assert rows["recorded"]["state"] == "done"
    assert rows["recorded"]["agents"] == 11
    assert rows["recorded"]["best"]["split"] == "test"


def test_runs_that_need_attention_come_first(client: Client) -> None:
    rows = client.get("/api/runs")["runs"]
    needs = [bool(row["attention"]) for row in rows]
    assert needs == sorted(needs, reverse=True)
    assert {True, False} == set(needs)


def test_a_row_changes_when_its_archive_does(tmp_path: Path) -> None:
    run = stranger(tmp_path / "one", config(), status="done")
    with serving(tmp_path) as client:
        assert client.get("/api/runs")["runs"][0]["agents"] == 2
        alter(run, "DELETE FROM agents WHERE name = 'Voter'")
        assert client.get("/api/runs")["runs"][0]["agents"] == 1


def test_a_run_folder_itself_is_served(runs: Path) -> None:
    with serving(runs / "recorded") as client:
        assert [row["id"] for row in client.get("/api/runs")["runs"]] == ["."]
        for path in ("/api/run/./agents", "/api/run/agents"):  # browsers leave the dot out
            assert client.get(path)["total"] == 11


# -- which run is meant


@pytest.mark.parametrize(
    "run",
    [
        *("one", "group/deep/two", "recorded", "agent", "ein%20Lauf,%20%C3%A9%20100%25%20%231%3F%26=+"),
        "%6fne",
    ],
)
def test_a_run_is_found_by_its_id(client: Client, run: str) -> None:
    assert client.get(f"/api/run/{run}/agents")["total"] in (2, 11)


@pytest.mark.parametrize(
    "run",
    [
        *("nope", "empty", "linked", "by-file", "loop", "loop/one", ".hidden", "a/b/c/too-deep", "one/"),
        *("one/archive.db", "one/../one", "%2e%2e/runs/one", "..", "..%2fone", "group%2fdeep%2ftwo"),
        *("/one", "one%00", "one%5C..", "%ff", "x" * 300, "//etc", "one//", "~", "%2Fetc", "....//one"),
        *("one;x", "*"),
    ],
)
def test_anything_else_is_refused(client: Client, run: str) -> None:
    answer = client.ask(f"/api/run/{run}/agents")
    assert answer.status in (400, 404), answer.body[:200]
    assert len(answer.error) < 200


def test_a_run_called_as_a_view_is_reached_and_so_is_a_view(client: Client, runs: Path) -> None:
    assert client.get("/api/run/agent/agents")["total"] == 2
    stranger(runs / "agent/item", config())
    assert client.get("/api/run/agent/item/agents")["total"] == 2


def test_an_id_behind_a_view_may_hold_anything(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def item(folder: Path, archive: Archive, item: str, *, split: str = "train", repeat: int = 0) -> object:
        return [folder.name, len(archive), item, split, repeat]

    monkeypatch.setattr(registry, "view", lambda name: item)
    found = client.get("/api/run/group/deep/two/item/a%2Fb%20%3Cc%3E%25?split=test&repeat=2")
    assert found == ["two", 2, "a/b <c>%", "test", 2]
    assert client.ask("/api/run/one/item/a%0Ab").status == 400
    assert "whole number" in client.ask("/api/run/one/item/a?repeat=x").error
    assert "there are split, repeat" in client.ask("/api/run/one/item/a?no=1").error
    assert "longer than" in client.ask("/api/run/one/item/a?split=" + "x" * 9000).error


# -- strangers


def test_looking_runs_nothing_and_tells_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    path, mark = evil_domain(tmp_path)
    stranger(tmp_path / "runs/evil", config(path=path), Agent.of(HOSTILE, SOURCE))
    with serving(tmp_path / "runs") as client:
        answers = [client.ask(f"/api/{name}") for name in ("runs", "compare?run=evil", "run/evil/agents")]
        answers += [client.ask(f"/api/run/evil/{name}") for name in sorted(registry.OF_A_RUN)]
        answers += [client.ask(f"/api/run/evil/{name}/{CHILD.id}") for name in sorted(registry.ABOUT_ONE)]
    assert not mark.exists()
    for answer in answers:
        assert answer.headers["content-type"] == "application/json"
        assert KEY.encode() not in answer.body
        assert str(tmp_path).encode() not in answer.body
        assert b"\x1b" not in answer.body
    rows = answers[2].json["rows"]
    assert any("<script>" in row["name"] for row in rows)  # as text: the page has text nodes only
    assert "Traceback" not in capfd.readouterr().err


def test_an_archive_that_makes_no_sense_is_one_line(client: Client, tmp_path: Path) -> None:
    for run in ("foreign", "damaged"):
        answer = client.ask(f"/api/run/{run}/agents")
        assert answer.status in (404, 503)
        assert answer.error
    stranger(tmp_path / "one", config())
    alter(tmp_path / "one", "UPDATE agents SET created = 'never', generation = 'x'")
    alter(tmp_path / "one", "UPDATE evaluations SET score = 'much'")
    with serving(tmp_path) as other:
        assert other.ask("/api/run/one/agents").status == 503
        assert other.ask("/api/run/one/agents").error


# -- form


def test_what_there_is_not_is_said(client: Client) -> None:
    for path in ("/api/nothing", "/api/", "/api/run/one", "/api/run/one/nothing", "/nothing.js"):
        answer = client.ask(path)
        assert answer.status == 404, path
        assert answer.error
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert client.ask("/api/runs", method).status == 400
    assert client.ask("/api/compare").status == 400
    assert client.ask("/api/compare?" + "&".join(f"run=r{n}" for n in range(13))).status == 400
    assert client.ask("/api/compare?run=../x").status == 404
    assert client.ask("/api/runs?" + "a" * 20_000).status == 400
    assert client.ask("/" + "a" * 5_000).status == 400
    assert client.ask("/api/runs", "HEAD").body == b""


def test_large_answers_are_packed_for_who_understands(client: Client) -> None:
    body = encoded(["text"] * PACKED_FROM)
    assert packed(b"[]", "gzip") == (b"[]", {})
    assert packed(body, "br") == (body, {})
    found, headers = packed(body, "br, gzip")
    assert gzip.decompress(found) == body
    assert headers["content-encoding"] == "gzip"
    plain, small = (client.ask("/api/runs", Accept_Encoding=name) for name in ("identity", "gzip"))
    assert json.loads(plain.body) == json.loads(_unpacked(small))


def _unpacked(answer: Answer) -> bytes:
    return gzip.decompress(answer.body) if "content-encoding" in answer.headers else answer.body


def test_json_has_neither_half_surrogates_nor_numbers_of_its_own() -> None:
    text, most = "half \ud800", float("inf")
    found = encoded({"text": text, "n": [float("nan"), most, 1.5], "x": {"y": -most}}).decode("ascii")
    assert json.loads(found) == {"text": text, "n": [None, None, 1.5], "x": {"y": None}}


def test_a_post_is_bounded_and_of_one_form(runs: Path) -> None:
    token = "a-token-that-is-long"
    with serving(runs, token, steer=True) as client:
        bearer = {"Authorization": f"Bearer {token}"}

        def post(body: object, path: str = "/api/run/one/steer", **more: str) -> tuple[int, str]:
            answer = client.ask(path, "POST", body, **bearer, **more)
            return answer.status, answer.error

        assert post(b"x" * 700_000)[0] == 400
        for body in (b"", b"{", b"[" * 100_000, b"[]", b'{"command": 1}', b"\xff\xfe"):
            assert post(body)[0] == 400
        assert "no such key" in post({"command": "stop", "run": "x"})[1]
        assert "value must be a number" in post({"command": "limit", "value": True})[1]
        assert "text must be a text" in post({"command": "note", "text": ["a"]})[1]
        assert post({"command": "stop"}, Content_Type="text/plain")[0] == 400
        assert post({"command": "stop"}, "/api/run/nope/steer") == (404, "no such run")
        assert post({"command": "stop"}, "/api/run/one/agents")[0] == 404
        assert post({"command": "stop"}, "/api/runs")[0] == 404


# -- bounds


class Slow:
    """A view that counts until it is told to end."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.began, self.ended = threading.Event(), threading.Event()

    def work(self) -> bytes:
        self.began.set()
        try:
            endless = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n"
            self.archive.select(endless)
        finally:
            self.ended.set()
        return b"never"


def test_a_slow_view_is_given_up_after_its_time(runs: Path) -> None:
    async def ask(slow: Slow) -> None:
        asking = Asking(runs, limit_s=0.3)
        with pytest.raises(Refused, match=r"more than 0\.3 s") as refused:
            await asking.answer(slow.work, "slow")
        assert refused.value.status == 503
        asking.close()

    with Archive(runs / "one") as archive:
        slow = Slow(archive)
        asyncio.run(ask(slow))
        assert slow.ended.wait(5)


def test_a_view_ends_when_whoever_asked_leaves(
    client: Client, monkeypatch: pytest.MonkeyPatch, runs: Path
) -> None:
    with Archive(runs / "one") as archive:
        slow = Slow(archive)

        def overview(folder: Path, archive: Archive) -> object:
            return slow.work().decode()

        monkeypatch.setattr(registry, "view", lambda name: overview)
        connection = http.client.HTTPConnection("127.0.0.1", client.port)
        connection.request("GET", "/api/run/one/overview")
        assert slow.began.wait(5)
        assert not slow.ended.is_set()
        connection.close()
        assert slow.ended.wait(5)


def test_no_more_wait_than_can_be_served(runs: Path) -> None:
    async def ask() -> list[object]:
        asking, go = Asking(runs), threading.Event()

        def work() -> bytes:
            go.wait(10)
            return b"done"

        tasks = [asyncio.ensure_future(asking.answer(work, "x")) for _ in range(MOST_WAITING + 3)]
        await asyncio.sleep(0)
        go.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert await asking.answer(lambda: b"again", "x") == b"again"
        asking.close()
        return found

    found = asyncio.run(ask())
    assert found.count(b"done") == MOST_WAITING
    assert [error.status for error in found if isinstance(error, Refused)] == [503] * 3


def test_patience_is_a_threads_own_and_ends_with_its_block(runs: Path) -> None:
    with Archive(runs / "one") as archive:
        with Patience(-1.0), pytest.raises(TimeoutError):
            archive.select("SELECT 1")
        assert archive.select("SELECT 1") == [(1,)]
        patience = Patience(60.0)
        with patience:
            assert len(archive) == 2
            patience.end()
            with pytest.raises(TimeoutError):
                len(archive)
        assert len(archive) == 2


def test_few_archives_are_kept_open_and_none_that_nobody_asks(tmp_path: Path) -> None:
    now = [0.0]
    folders = [stranger(tmp_path / f"run{n}", config()) for n in range(6)]
    kept = OpenArchives(lambda: now[0])
    seen = []
    for folder in folders:
        with kept.lent(folder) as archive:
            assert len(archive) == 2
            seen.append(archive)
    with kept.lent(folders[-1]) as again:
        assert again is seen[-1]
        now[0] = 500.0
        kept.close_idle()
        assert len(again) == 2  # it is lent
    with kept.lent(folders[0]) as other:
        assert other is not seen[0]
    os.replace(folders[1] / "archive.db", folders[0] / "archive.db")
    with kept.lent(folders[0]) as moved:
        assert moved is not other  # another file stands there
    kept.close_idle(0.0)


def test_folders_are_found_within_bounds(tmp_path: Path) -> None:
    for name in ("b", "a/x", "a/x/y"):
        stranger(tmp_path / name, config())
    old = time.time() - 1000
    os.utime(tmp_path / "b/archive.db", (old, old))
    assert [folder.name for folder in run_folders(tmp_path)][-1] == "b"
    assert len(run_folders(tmp_path)) == 3
    assert run_folder(tmp_path, "a/x/y") == tmp_path / "a/x/y"
    for bad in ("", "a", "a/", "/", "a//x", "a\0", "\ud800", ".", "..", "a/../b"):
        with pytest.raises(ArchiveError, match="no such run"):
            run_folder(tmp_path, bad)
