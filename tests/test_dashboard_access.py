"""Who may ask the page's server: tokens, rebinding, other sites, names, and the command that starts it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from meta_search import cli
from meta_search.commands.dashboard import wants_browser
from meta_search.dashboard.access import granted
from meta_search.errors import ConfigError
from tests.kits.dashboards import Client, serving
from tests.kits.searches import command
from tests.kits.strangers import config, stranger

TOKEN = "a-token-that-is-long"
JSON = {"command": "pause"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    stranger(folder / "one", config())
    return folder


@pytest.fixture(scope="module")
def loopback(runs: Path) -> Iterator[Client]:
    with serving(runs) as client:
        yield client


@pytest.fixture(scope="module")
def guarded(runs: Path) -> Iterator[Client]:
    with serving(runs, TOKEN, steer=True) as client:
        yield client


def bearer(token: str = TOKEN) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# -- rebinding and other sites


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "a b", "@"]
)
def test_a_name_that_is_not_the_servers_is_refused(loopback: Client, host: str) -> None:
    answer = loopback.ask("/api/runs", Host=host)
    assert answer.status in (400, 403)
    assert b"one" not in answer.body
    assert loopback.ask("/", Host=host).status in (400, 403)


@pytest.mark.parametrize("host", ["localhost:9", "127.0.0.1", "[::1]:80", "LOCALHOST", "127.1.2.3"])
def test_loopback_by_any_name_and_port_is_answered(loopback: Client, host: str) -> None:
    assert loopback.ask("/api/runs", Host=host).status == 200  # as through `ssh -L`


def test_an_address_is_a_name_only_where_the_server_listens_outside(loopback: Client, runs: Path) -> None:
    assert loopback.ask("/api/runs", Host="192.0.2.7").status == 403
    with serving(runs, TOKEN, host="0.0.0.0") as outside:
        assert outside.ask("/api/runs", Host="192.0.2.7", **bearer()).status == 200
        assert outside.ask("/api/runs", Host="evil.example", **bearer()).status == 403
        assert outside.ask("/api/runs", Host=socket.gethostname(), **bearer()).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_pages_of_other_sites_get_nothing_and_post_nothing(guarded: Client, headers: dict[str, str]) -> None:
    assert guarded.ask("/api/runs", **bearer(), **headers).status == 403
    cookie = {"Cookie": f"{guarded.access.cookie}={TOKEN}"}
    for carried in (bearer(), cookie):
        posted = guarded.ask("/api/run/one/steer", "POST", JSON, **carried, **headers)
        assert posted.status == 403
        assert "another site" in posted.error


def test_a_post_by_a_cookie_names_where_it_comes_from(guarded: Client) -> None:
    cookie = {"Cookie": f"{guarded.access.cookie}={TOKEN}"}
    path, origin = "/api/run/one/steer", f"http://127.0.0.1:{guarded.port}"
    assert guarded.ask(path, "POST", JSON, **cookie).status == 403
    taken = guarded.ask(path, "POST", b"[]", Origin=origin, **cookie)
    assert (taken.status, taken.error) == (400, 'the body is an object with a "command"')


# -- tokens


def test_without_the_token_nothing_is_said(guarded: Client) -> None:
    for path in ("/", "/api/runs", "/api/run/one/agents", "/api/run/one/stream", "/app.js", "/nothing"):
        answer = guarded.ask(path)
        assert answer.status == 401, path
        assert "token" in answer.error
    for wrong in ("", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "\xff"):
        assert guarded.ask("/api/runs", **bearer(wrong)).status == 401
        assert guarded.ask("/api/runs", Cookie=f"{guarded.access.cookie}={wrong}").status == 401
    assert guarded.ask("/api/runs", Cookie=f"other={TOKEN}").status == 401
    assert guarded.ask("/api/runs", Authorization=f"Basic {TOKEN}").status == 401
    assert (
        guarded.ask("/api/run/one/steer", "POST", JSON, Origin=f"http://127.0.0.1:{guarded.port}").status
        == 401
    )
    assert guarded.ask(f"/api/run/one/steer?token={TOKEN}", "POST", JSON, Sec_Fetch_Site="none").status == 401


def test_the_link_leaves_a_cookie_and_a_clean_address(guarded: Client) -> None:
    first = guarded.ask(f"/?token={TOKEN}&a=%22%3E%3Cscript%3E")
    assert first.status == 200
    cookie = first.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert TOKEN.encode() not in first.body
    assert b"<script" not in first.body
    assert b'url=/?a=%22%3E%3Cscript%3E"' in first.body
    assert guarded.ask("/api/runs", Cookie=cookie.partition(";")[0]).status == 200
    assert guarded.ask("/?token=wrong").status == 401


def test_a_token_in_a_header_is_enough(guarded: Client) -> None:
    assert guarded.get("/api/runs", **bearer())["steer"] is True


def test_loopback_reads_without_a_token_and_steers_never(loopback: Client) -> None:
    assert loopback.get("/api/runs")["steer"] is False
    refused = loopback.ask("/api/run/one/steer", "POST", JSON, Sec_Fetch_Site="same-origin")
    assert refused.status == 403
    assert "--steer" in refused.error


def test_a_token_is_made_where_one_is_needed() -> None:
    assert granted("127.0.0.1", 1, None, steer=False).token is None
    made = [
        granted("127.0.0.1", 1, None, True),
        granted("0.0.0.0", 1, None, False),
        granted("::", 1, None, False),
    ]
    assert len({access.token for access in made}) == 3
    assert all(access.token and len(access.token) >= 32 for access in made)
    for bad in ("short", "x" * 15, "with space and more", "semi;colon;semi;colon", "é" * 20):
        with pytest.raises(ConfigError, match="--token needs at least 16"):
            granted("127.0.0.1", 1, bad, False)


# -- what every answer says


def test_every_answer_closes_what_browsers_leave_open(guarded: Client, loopback: Client) -> None:
    answers = [loopback.ask(path) for path in ("/", "/api/runs", "/nothing", "/api/x", "/api/run/one/agents")]
    answers += [guarded.ask("/"), guarded.ask(f"/?token={TOKEN}"), loopback.ask("/", "PUT")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'; base-uri 'none'; form-action 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers


# -- the command


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["dashboard", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_what_is_wrong_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no such folder" in complaint(capsys)
    Path("runs").mkdir()
    Path("file").touch()
    assert "is not a folder that can be read" in complaint(capsys, "file")
    assert "at least 16" in complaint(capsys, "--token", "short")
    assert "cannot listen on" in complaint(capsys, "--host", "no-such-host.invalid")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} of 127.0.0.1 is in use" in complaint(capsys, "--port", str(port))


def test_without_the_extra_it_names_it(folder: Path) -> None:
    Path("runs").mkdir()
    code = (
        "import sys\n"
        "sys.modules['starlette'] = None\n"
        "from meta_search import cli\n"
        "sys.exit(cli.main(['dashboard']))\n"
    )
    root = Path(cli.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'meta-search[dashboard]'" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_and_ends_cleanly(folder: Path, number: signal.Signals) -> None:
    stranger(folder / "runs/one", config())
    with command(folder, "dashboard", "--steer", "--no-browser") as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        link = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]{32,})\n", first)
        assert link, first
        client = Client(int(link[1]), granted("127.0.0.1", int(link[1]), link[2], True))
        assert client.ask("/api/runs").status == 401
        assert [run["id"] for run in client.get("/api/runs", **bearer(link[2]))["runs"]] == ["one"]
        process.send_signal(number)
        rest = process.stdout.read()
        assert process.wait(20) == 0, rest
        assert "Traceback" not in rest
        assert "Ctrl-C ends it" in rest


def test_no_browser_where_nobody_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSH_CONNECTION", "1 2 3 4")
    assert not wants_browser()
