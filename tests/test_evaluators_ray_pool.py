"""Ray workers, the host process, and what becomes of them when something dies.

Most tests put a stand-in where the sandbox is, because they are about the processes around it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

from meta_search.config import Config, EvaluateConfig, LLMConfig, SandboxConfig
from meta_search.errors import ConfigError, MetaSearchError, SandboxError
from meta_search.evaluators import ray_pool
from meta_search.evaluators.ray_pool import RayHost, RayPool
from tests.hostile.processes_left import below
from tests.kits.certificates import certificates
from tests.kits.processes import gone, until
from tests.kits.ray_stand_ins import AGENT, PATIENCE_S, Echo, StandIn, job

pytestmark = pytest.mark.ray


def config(**evaluate: Any) -> Config:
    return Config(evaluate=EvaluateConfig(**({"workers": 1, "per_worker": 4} | evaluate)))


@pytest.fixture(scope="module")
def pool(host: RayHost) -> Iterator[RayPool]:
    made = RayPool(config(workers=2), host, StandIn)
    yield made
    made.close()


def survivors(pids: list[int]) -> list[int]:
    """Those that are still alive after some patience."""
    until(lambda: all(map(gone, pids)), PATIENCE_S)
    return [pid for pid in pids if not gone(pid)]


def test_items_reach_the_host_and_come_back(pool: RayPool, host: RayHost) -> None:
    before = host.call("count").result(PATIENCE_S)
    futures = [pool.submit(job(f"call {n}", str(n))) for n in range(40)]
    assert [f.result(PATIENCE_S).answer for f in futures] == [f"echo: {n}" for n in range(40)]
    assert host.call("count").result(PATIENCE_S) == before + 40


def both(pool: RayPool) -> set[int]:
    """Process ids of the pool's two workers, once both are up."""
    pids: set[int] = set()
    deadline = time.monotonic() + PATIENCE_S
    while len(pids) < 2 and time.monotonic() < deadline:
        pids |= {int(f.result(PATIENCE_S).answer) for f in [pool.submit(job("pid")) for _ in range(8)]}
    return pids


def test_items_are_spread_over_the_workers(pool: RayPool) -> None:
    pids = both(pool)
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_a_killed_worker_is_replaced_and_its_items_run_again(pool: RayPool) -> None:
    victims = both(pool)
    asleep = [pool.submit(job("sleep")) for _ in range(4)]
    more = [pool.submit(job(f"call {n}")) for n in range(8)]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    assert [f.result(PATIENCE_S).answer for f in more] == [f"echo: {n}" for n in range(8)]
    assert not any(f.done() for f in asleep), "still being run, by the new workers"
    assert all(f.cancel() for f in asleep)
    assert int(pool.submit(job("pid")).result(PATIENCE_S).answer) not in victims


def test_an_item_that_kills_its_workers_is_a_fault_of_the_system(pool: RayPool) -> None:
    with pytest.raises(MetaSearchError, match=rf"workers died while running agent {AGENT.id}.*item poison"):
        pool.submit(job("die", "poison")).result(PATIENCE_S)
    assert pool.submit(job("call on")).result(PATIENCE_S).answer == "echo: on"


def test_a_fault_in_a_worker_is_one_line(pool: RayPool) -> None:
    with pytest.raises(MetaSearchError, match="ZeroDivisionError: in the broker") as caught:
        pool.submit(job("fault")).result(PATIENCE_S)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("calls", "workers", "items"), [(64, 1, 128), (64, 4, 32), (8, 16, 4)])
def test_twice_as_many_items_as_calls_are_in_flight(calls: int, workers: int, items: int) -> None:
    wanted = Config(llm=LLMConfig(max_concurrency=calls))
    assert ray_pool._concurrency(wanted, workers) == items
    assert ray_pool._concurrency(config(per_worker=7), workers) == 7


def test_cancelled_items_make_room(pool: RayPool) -> None:
    asleep = [pool.submit(job("sleep")) for _ in range(20)]
    behind = pool.submit(job("call me"))
    for future in asleep:
        future.cancel()
    assert behind.result(PATIENCE_S).answer == "echo: me"


def test_workers_get_no_keys_but_the_host_does(
    pool: RayPool, host: RayHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    # conftest's Ray started with this process's environment, into which the driver test below puts a real
    # key; here: what a host made later sees is the driver's environment of that moment.
    monkeypatch.setenv("META_SEARCH_TEST_KEY", "sk-secret")
    late = RayHost(Echo, "")
    assert late.call("environment", "META_SEARCH_TEST_KEY").result(PATIENCE_S) == "sk-secret"
    late.close()
    assert "sk-secret" not in pool.submit(job("environment")).result(PATIENCE_S).answer


def test_faults_of_the_hosted_object_are_ours(host: RayHost) -> None:
    with pytest.raises(MetaSearchError, match="ZeroDivisionError: the gateway's own fault"):
        host.call("fail").result(PATIENCE_S)
    with pytest.raises(ConfigError, match=r"no key in \$NAME"):
        host.call("refuse").result(PATIENCE_S)


def test_a_dead_host_is_told_to_callers_and_items() -> None:
    doomed = RayHost(Echo, "")
    pool = RayPool(config(), doomed, StandIn)
    os.kill(doomed.pid, signal.SIGKILL)
    with pytest.raises(MetaSearchError, match=r"gateway's process died.*meta-search resume"):
        doomed.call("count").result(PATIENCE_S)
    with pytest.raises(MetaSearchError, match="gateway's process"):
        pool.submit(job("call x")).result(PATIENCE_S)
    pool.close()
    doomed.close()


def test_a_sandbox_that_refuses_is_reported_at_once(host: RayHost) -> None:
    refusing = Config(evaluate=EvaluateConfig(workers=1), sandbox=SandboxConfig(level="process"))
    with pytest.raises(SandboxError, match="refused for the test"):
        RayPool(refusing, host, StandIn)


def test_close_with_items_in_flight_ends_the_processes(host: RayHost) -> None:
    closing = RayPool(config(per_worker=2), host, StandIn)
    pid = int(closing.submit(job("pid")).result(PATIENCE_S).answer)
    futures = [closing.submit(job("sleep")) for _ in range(5)]
    closing.close()
    closing.close()
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(PATIENCE_S)
    assert survivors([pid]) == []


DRIVER = """
    import json, os, sys
    from meta_search.config import Config, EvaluateConfig, RayConfig
    from meta_search.evaluators.ray_pool import RayHost, RayPool, start_ray
    from tests.kits.ray_stand_ins import Echo, StandIn, job, real_job

    start_ray(RayConfig())
    host = RayHost(Echo, "echo: ")
    standing = RayPool(Config(evaluate=EvaluateConfig(workers=1)), host, StandIn)
    told = {
        "host": host.pid,
        "worker": int(standing.submit(job("pid")).result().answer),
        "environment": standing.submit(job("environment")).result().answer,
        "key": host.call("environment", "META_SEARCH_TEST_KEY").result(),
        "mine": os.environ.get("META_SEARCH_TEST_KEY"),
    }
    pool = RayPool(Config(evaluate=EvaluateConfig(workers=1)), host)
    told["real"] = pool.submit(real_job("call")).result().answer
    pool.submit(real_job("wait"))
    pool.submit(real_job("spin"))
    print(json.dumps(told), flush=True)
    sys.stdin.read()
"""


def sandboxed(pids: list[int]) -> list[int]:
    """Those that are zygotes or forks of one: Python without its site-packages."""
    found = []
    for pid in pids:
        try:
            if "-S" in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
                found.append(pid)
        except OSError:
            continue
    return found


def test_a_killed_driver_leaves_nothing_behind_and_foreign_folders_do_no_harm(
    tmp_path: Path, root: Path
) -> None:
    for name in ("conf", "archive", "domains"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('a foreign package was imported')")
    (tmp_path / "driver.py").write_text(textwrap.dedent(DRIVER))
    # The installation comes before the working directory, as it does for the console script.
    driver = subprocess.Popen(
        [sys.executable, "-P", "driver.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root), "META_SEARCH_TEST_KEY": "sk-secret"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert driver.stdout is not None
        told = json.loads(driver.stdout.readline() or "{}")
        family = below(driver.pid)
        deadline = time.monotonic() + PATIENCE_S
        while len(sandbox_processes := sandboxed(family)) < 3 and time.monotonic() < deadline:
            family = below(driver.pid)
    finally:
        driver.kill()
        _, errors = driver.communicate()
    assert told, errors
    assert errors == "", "Ray is quiet"
    assert told["key"] == told["mine"] == "sk-secret"
    assert "sk-secret" not in told["environment"]
    assert told["real"].startswith("echo: What is it?")
    assert {told["host"], told["worker"]} <= set(family)
    assert len(sandbox_processes) >= 3, "the zygote, an item that sleeps, an item that spins"
    assert survivors(family) == []


CLUSTER = """
    import os, sys, time
    from ray.cluster_utils import Cluster
    from meta_search.config import Config, EvaluateConfig, RayConfig
    from meta_search.evaluators.ray_pool import RayHost, RayPool, start_ray, stop_ray
    from tests.kits.ray_stand_ins import PATIENCE_S, Echo, StandIn, job

    here = {"node_ip_address": "127.0.0.2"}  # not taken for loopback, but reached everywhere
    cluster = Cluster(True, head_node_args={"num_cpus": 2, "include_dashboard": False, **here})
    second = cluster.add_node(num_cpus=4, **here)
    print(*start_ray(RayConfig(address=cluster.address)))
    host = RayHost(Echo, "echo: ")
    pool = RayPool(Config(evaluate=EvaluateConfig(workers=0, per_worker=4)), host, StandIn)

    pids, deadline = set(), time.monotonic() + PATIENCE_S
    while len(pids) < 3 and time.monotonic() < deadline:
        pids |= {f.result(PATIENCE_S).answer for f in [pool.submit(job("pid")) for _ in range(16)]}
    assert len(pids) == 3, "one worker per two cores"

    asleep = [pool.submit(job("sleep")) for _ in range(12)]
    cluster.remove_node(second)
    behind = [pool.submit(job(f"call {n}")) for n in range(20)]
    for future in asleep:
        future.cancel()
    assert [f.result(PATIENCE_S).answer for f in behind] == [f"echo: {n}" for n in range(20)]
    pool.close()
    host.close()
    stop_ray()
    cluster.shutdown()
    print("done")
"""


@pytest.mark.slow
@pytest.mark.parametrize("closed", [False, True], ids=["open", "token and TLS"])
def test_a_cluster_is_used_by_its_nodes_sizes_and_may_lose_one(
    tmp_path: Path, root: Path, closed: bool
) -> None:
    (tmp_path / "driver.py").write_text(textwrap.dedent(CLUSTER))
    settings = {"RAY_AUTH_MODE": "disabled"}
    if closed:
        settings = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": "t" * 64,
            **certificates(tmp_path, "127.0.0.2"),
        }
    done = subprocess.run(
        [sys.executable, "driver.py"],
        cwd=tmp_path,
        env=os.environ | settings | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE_S,
    )
    assert done.stdout.endswith("done\n"), done.stderr
    warned = re.match(r"warning: \S+:\d+ asks for no token.*RAY_AUTH_MODE=token", done.stdout)
    assert bool(warned) != closed, done.stdout
