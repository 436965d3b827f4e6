"""What somebody else on this machine gets of a Ray that runs for us: nothing, by any way in."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meta_search.config import Config, EvaluateConfig, RayConfig
from meta_search.evaluators.ray_pool import RayHost, RayPool, start_ray, stop_ray
from meta_search.evaluators.ray_ports import Port, below, listening, reply
from meta_search.evaluators.ray_start import folder_of_ray
from meta_search.evaluators.ray_token import TOKEN
from tests.hostile.nobody import NOBODY, checkout, run_as_nobody, why_not
from tests.kits.ray_stand_ins import PATIENCE_S, StandIn, job, real_job

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def token(host: RayHost) -> Iterator[str]:
    """This run's token, as a worker has it; the worker stays while tests look around."""
    pool = RayPool(Config(evaluate=EvaluateConfig(workers=1)), host, StandIn)
    environment = pool.submit(job("environment")).result(PATIENCE_S).answer
    (found,) = set(re.findall(rf"\b{TOKEN}'?[=:]\W*([0-9a-f]{{64}})\b", environment))
    yield found
    pool.close()


@pytest.fixture(scope="module")
def key(token: str) -> ssl.SSLContext:
    """The run's certificate, as whoever may read its folder has it."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl: Ray has no key here")
    folder = folder_of_ray()
    assert folder is not None
    context = ssl.create_default_context(cafile=folder / "certificate.pem")
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


@pytest.fixture(scope="module")
def ports(token: str) -> list[Port]:
    return listening(below(os.getpid()))


def got_by_nobody(ports: list[Port], **more: str) -> dict[str, Any]:
    """What another account gets; see `tests/kits/ray_outsider.py`."""
    if reason := why_not():
        pytest.skip(reason)
    scene = {
        "ports": [(port.address, port.number) for port in ports],
        "pids": below(os.getpid()),
        "folder": str(folder_of_ray()),
        "homes": [str(Path.home()), "/root"],
    }
    with checkout() as copy:
        done = run_as_nobody(copy, ["-m", "tests.kits.ray_outsider", json.dumps(scene | more)])
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told.pop("uid") == NOBODY
    return told


def test_all_of_ray_listens_on_loopback_alone(ports: list[Port]) -> None:
    processes = {port.process.split("::")[0] for port in ports}
    assert {"gcs_server", "raylet", "ray"} <= processes, ports
    assert [port for port in ports if not port.loopback] == []


def test_ports_serve_whoever_has_key_and_token_and_nobody_else(
    ports: list[Port], token: str, key: ssl.SSLContext
) -> None:
    served = {port for port in ports if reply(port.address, port.number, token, tls=key).startswith("open")}
    assert {"gcs_server", "raylet"} < {port.process for port in served}
    assert len(served) >= 5
    for port in served:
        assert reply(port.address, port.number, tls=key) == "refused", "the key alone is not enough"
        assert reply(port.address, port.number, token) == "hangs up", "nor the token"
    assert {reply(port.address, port.number) for port in ports} <= {"refused", "hangs up"}


def test_no_call_of_a_stranger_ends_a_server(ports: list[Port], token: str, key: ssl.SSLContext) -> None:
    """`StartSync` ended gcs_server and raylet before they looked for a token."""
    for port in ports:
        assert reply(port.address, port.number, methods=["syncer.RaySyncer/StartSync"]) != "unreachable"
    servers = [port for port in ports if port.process in ("gcs_server", "raylet")]
    assert len(servers) >= 2
    assert all(reply(port.address, port.number, token, tls=key).startswith("open") for port in servers)


def test_neither_client_server_nor_dashboard_nor_jobs_are_there(ports: list[Port]) -> None:
    assert {10001, 8265, 52365}.isdisjoint(port.number for port in ports)
    assert [port for port in ports if "dashboard" in port.process.lower()] == []


@pytest.mark.parametrize("joining", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_another_account_gets_nothing(ports: list[Port], token: str, joining: bool) -> None:
    import ray

    more = {"gcs": ray.get_runtime_context().gcs_address} if joining else {}
    got = got_by_nobody(ports, **more)
    assert token not in json.dumps(got)
    assert {*got.pop("ports").values()} <= {"refused", "hangs up"}
    assert any(got.pop("command lines").values())  # these are everybody's to read
    assert {way: what for way, what in got.items() if what} == {}


def test_the_token_is_written_nowhere(token: str, host: RayHost) -> None:
    folder = folder_of_ray()
    assert folder is not None
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    theirs = Path.home() / ".ray" / "auth_token"
    assert not theirs.exists() or token not in theirs.read_text()
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert any("logs" in path.parts for path in files)
    assert [path for path in files if token.encode() in path.read_bytes()] == []
    assert all(token.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in below(os.getpid()))
    assert token not in repr(dict(os.environ))
    assert host.call("environment", TOKEN).result(PATIENCE_S) is None


def test_an_agent_does_not_see_it(host: RayHost, token: str) -> None:
    pool = RayPool(Config(evaluate=EvaluateConfig(workers=1)), host)
    try:
        seen = pool.submit(real_job("look")).result(PATIENCE_S)
    finally:
        pool.close()
    assert seen.kind == "ok", seen
    assert "TOKEN" not in seen.answer
    assert token not in seen.answer


def test_a_ray_that_is_up_is_left_as_it_is(ray_cluster: None) -> None:
    folder = folder_of_ray()
    assert start_ray(RayConfig()) == []
    assert folder_of_ray() == folder
    stop_ray()  # of this user: the others go on with it
    assert folder_of_ray() == folder
