"""The token of a run, and the folder of its Ray, without starting Ray."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from meta_search.config import RayConfig
from meta_search.errors import MetaSearchError
from meta_search.evaluators import ray_folder, ray_start, ray_token
from meta_search.evaluators.ray_certificate import certificate
from meta_search.evaluators.ray_token import TOKEN, too_old
from tests.kits.certificates import certificates


@pytest.mark.parametrize("installed", ["2.9.3", "2.50.0", "2.52.1", "2.53.0", "1.13"])
def test_a_ray_that_lets_strangers_in_is_refused_in_one_line(
    installed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_token, "version", lambda name: installed)
    with pytest.raises(MetaSearchError, match=rf"Ray {installed}.*pip install 'ray>=2\.54'.*inline") as told:
        ray_token.check_version()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("installed", ["2.54.0", "2.60.1", "2.100.0", "3.0.0rc1"])
def test_later_ones_are_taken(installed: str) -> None:
    assert too_old(installed) == ""


def test_the_floor_is_the_package_s(root: Path) -> None:
    floor = ".".join(map(str, ray_token.SINCE))
    assert f'"ray>={floor}",' in (root / "pyproject.toml").read_text()


TWO_RUNS = """
import os
from meta_search.evaluators.ray_token import TOKEN, run_token, settings
from ray._raylet import AuthenticationTokenLoader, get_authentication_mode

loader, tokens = AuthenticationTokenLoader.instance(), []
theirs, mode = dict(os.environ), get_authentication_mode()
for _ in range(2):
    with run_token() as token:
        tokens.append(token)
        with settings({"RAY_USE_TLS": "1", "RAY_TLS_CA_CERT": "/ours"}):
            assert os.environ["RAY_AUTH_MODE"] == "token"
            assert os.environ["RAY_TLS_CA_CERT"] == "/ours"
            assert {TOKEN, "RAY_TLS_SERVER_KEY"}.isdisjoint(os.environ)
        assert theirs == dict(os.environ)
        assert get_authentication_mode() != mode
        assert loader.get_raw_token() == token
    assert get_authentication_mode() == mode
    assert loader.get_raw_token(ignore_auth_mode=True) == "theirs"
assert len({*tokens, "theirs"}) == 3
assert min(map(len, tokens)) == 64
"""
CLUSTERS = {
    "RAY_REDIS_ADDRESS": "127.0.0.1:1",
    "RAY_gcs_storage": "redis",
    "RAY_object_spilling_directory": "/theirs",
    "RAY_grpc_enable_http_proxy": "1",
    "RAY_START_HOOK": "their.hook",
    "RAY_ADDRESS": "auto",
}


SET_ASIDE = """
import os, sys
import ray  # it sets variables of its own
from meta_search.evaluators import ray_token

before = dict(os.environ)
with ray_token.settings({}):
    assert set(sys.argv[1:]).isdisjoint(os.environ), os.environ
    assert os.environ["RAY_DEDUP_LOGS"] == "0"
assert dict(os.environ) == before
"""


def test_nothing_of_the_user_s_clusters_is_in_the_environment_of_ours(root: Path) -> None:
    """A Redis of theirs was given all that Ray keeps of a run. In a process of its own, as below."""
    theirs = os.environ | CLUSTERS | {"RAY_DEDUP_LOGS": "0"}
    command = [sys.executable, "-c", SET_ASIDE, *CLUSTERS]
    done = subprocess.run(command, env=theirs, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_each_run_has_its_own_token_and_the_user_s_settings_are_theirs_again(root: Path) -> None:
    """In a process of its own: Ray keeps token and mode of a whole process."""
    theirs = {"RAY_AUTH_MODE": "disabled", TOKEN: "theirs", "RAY_TLS_SERVER_KEY": "/theirs"}
    done = subprocess.run(
        [sys.executable, "-c", TWO_RUNS], env=os.environ | theirs, cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("openssl", ["", "#!/bin/sh\nexit 1\n"])
def test_that_there_is_no_key_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, openssl: str) -> None:
    import ray

    if openssl:
        (tmp_path / "openssl").write_text(openssl)
        (tmp_path / "openssl").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    up = ray_start._Ray(RayConfig())
    up.has_key = bool(certificate(tmp_path))
    monkeypatch.setattr(ray_start, "_ray", up)
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    (said,) = ray_start.start_ray(RayConfig())
    assert "without TLS, as the command openssl is missing" in said


JOINS = """
import sys
from meta_search.config import RayConfig
from meta_search.errors import MetaSearchError
from meta_search.evaluators.ray_start import start_ray

for address in sys.argv[1:]:
    try:
        start_ray(RayConfig(address=address))
    except MetaSearchError as error:
        print(error)
"""


def test_a_cluster_that_cannot_be_joined_is_told_at_once(root: Path, tmp_path: Path) -> None:
    """Where nothing listens, where TLS is spoken to those with a certificate, where a token is asked for."""
    with answering(b"") as mute, answering(b"HTTP/1.1 401 Unauthorized\r\n\r\n") as asking:
        joining = ["127.0.0.1:9", "no.such.host:6379", mute, asking]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
        done = subprocess.run(
            [sys.executable, "-c", JOINS, *joining],
            env=environment | {"HOME": str(tmp_path), "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
        )
    lines = done.stdout.splitlines()
    words = ["nothing listens", "nothing listens", "set RAY_USE_TLS=1", "set RAY_AUTH_MODE=token"]
    assert len(lines) == 4, done.stderr
    for line, address, word in zip(lines, joining, words, strict=True):
        assert line.startswith(f"Ray cannot join the cluster at {address}: ")
        assert word in line


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes certificates")
def test_what_keeps_us_out_of_a_cluster_with_tls_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in certificates(tmp_path, "127.0.0.1").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("ray.is_initialized", lambda: False)  # whatever other tests have up
    with answering(b"no TLS") as plain, pytest.raises(MetaSearchError, match="no TLS, or a certificate of"):
        ray_start.start_ray(RayConfig(address=plain))
    monkeypatch.setattr(ray_start.ray_ports, "reply", lambda *_, tls: "refused" if tls else "hangs up")
    monkeypatch.setattr(ray_start, "has_token", lambda: False)
    with pytest.raises(MetaSearchError, match="asks for a token"):
        ray_start.start_ray(RayConfig(address="127.0.0.1:9"))


@contextmanager
def answering(said: bytes) -> Iterator[str]:
    """A server that answers all the same, and hangs up; its address."""

    def answer() -> None:
        for _ in range(3):
            with server.accept()[0] as connection:
                connection.recv(4096)
                connection.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files with a short path, as sockets need it."""
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def test_the_folder_is_this_account_s_whatever_ray_does_within(place: Path) -> None:
    with ray_folder.made(keep=False) as folder:
        folder.chmod(0o777)  # as Ray does
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
        assert folder.parent.parent == place
        assert len(f"{folder}{ray_folder.SOCKET}") <= 107


def test_a_path_too_long_for_sockets_is_not_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = place / ("x" * 60)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with ray_folder.made(keep=True) as folder:
        assert folder.parent.parent == Path("/tmp")
    folder.rmdir()
    folder.parent.rmdir()


def test_only_what_a_dead_driver_left_is_swept_away(place: Path) -> None:
    dead, living, kept, making = (place / f"{ray_folder.PREFIX}{n}" for n in ("dead", "live", "kept", "new"))
    for folder in (dead, living, kept, making):
        (folder / "r" / "session").mkdir(parents=True)
    (dead / "lock").touch()
    (making / "lock.new").touch()
    (place / f"{ray_folder.PREFIX}link").symlink_to(kept)
    (place / "another").mkdir()
    (place / "another" / "lock").touch()
    with (living / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with ray_folder.made(keep=False) as mine:
            ray_folder.sweep(place)
            assert mine.is_dir()
    assert not dead.exists()
    assert all(folder.is_dir() for folder in (living, kept, making, place / "another"))


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder away")
def test_folders_of_other_accounts_are_left(place: Path) -> None:
    folder = place / f"{ray_folder.PREFIX}theirs"
    folder.mkdir()
    (folder / "lock").touch()
    os.chown(folder, 65534, 65534)
    ray_folder.sweep(place)
    assert folder.is_dir()
