"""CPU that the engine takes per LLM call: the whole of it, its wire, and litellm for the same call."""

from __future__ import annotations

import asyncio
import os
import resource
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from meta_search.config import Config, EvaluateConfig, LLMConfig, RayConfig
from meta_search.llm.default_wire import DefaultWire
from meta_search.llm.endpoint import Endpoint as Place
from meta_search.types import Agent, CallRequest, ItemJob
from tests.bench.endpoint import Endpoint
from tests.bench.gateway import GatewayHost
from tests.bench.row import ROWS, Row, cpu_s, family

IN_FLIGHT, LIMIT_MS, CALLS_PER_ITEM = 64, 3.0, 8
SOURCE = f"""
def forward(self, taskInfo):
    voters = [LLMAgentBase(['thinking', 'answer'], 'Voter') for _ in range({CALLS_PER_ITEM})]
    answers = [voter([taskInfo], 'Think step by step.')[1] for voter in voters]
    return Counter(answer.content for answer in answers).most_common(1)[0][0]
"""


def measure(quick: bool) -> Row:
    """litellm, the wire and the gateway in this process; then everything, in the processes a run has."""
    calls = 800 if quick else 2400
    with tempfile.TemporaryDirectory() as folder, Endpoint(0.05, 0.15) as endpoint:
        litellm, wire, gateway = asyncio.run(_in_process(calls, Path(folder) / "one", endpoint.base_url))
        whole = _whole(calls, Path(folder) / "two", endpoint.base_url)
    return Row(
        *ROWS["call_cpu"],
        figure=f"{whole:.1f} ms in all: wire {wire:.1f}, gateway around it {gateway - wire:.1f}, Ray and "
        f"broker {whole - gateway:.1f}",
        ok=whole <= LIMIT_MS,
        note=f"{calls} calls, {IN_FLIGHT} in flight; litellm's own function takes {litellm:.1f} ms for the "
        "same call, and is used for providers and callbacks only; agents' own processes are not counted (see "
        "the sandbox's row), Ray's are",
    )


async def _in_process(calls: int, folder: Path, base_url: str) -> tuple[float, ...]:
    """CPU milliseconds per call of litellm alone, of our wire alone, and of the gateway with its wire."""
    host = GatewayHost(folder, base_url, IN_FLIGHT)
    await host.start()
    place = Place("scripted", base_url)
    wires = [DefaultWire(LLMConfig(provider="litellm"), direct) for direct in (False, True)]
    for wire in wires:
        await wire.open([place])

    async def by(wire: DefaultWire, n: int) -> None:
        settings = {"temperature": 0.5, "max_tokens": 1024}
        await wire.complete(place, (("user", _question(n)),), settings)

    async def through(n: int) -> None:
        await host.call(CallRequest("task", (("user", _question(n)),), item=str(n)))

    figures = []
    for one in (*(partial(by, wire) for wire in wires), through):
        await _many(one, range(50))
        before = _cpu_s()
        await _many(one, range(100, 100 + calls))
        figures.append((_cpu_s() - before) / calls * 1000)
    await host.close()
    for wire in wires:
        await wire.close()
    return tuple(figures)


def _whole(calls: int, folder: Path, base_url: str) -> float:
    """CPU milliseconds per call of driver, workers, gateway and Ray together."""
    from meta_search.evaluators.ray_pool import RayHost, RayPool, start_ray, stop_ray

    start_ray(RayConfig())
    host = RayHost(GatewayHost, folder, base_url, IN_FLIGHT)
    try:
        host.call("start").result()
        pool = RayPool(Config(evaluate=EvaluateConfig(per_worker=2 * IN_FLIGHT)), host)
        agent = Agent.of("voters", SOURCE)
        for batch in (range(8), range(100, 100 + calls // CALLS_PER_ITEM)):
            before = _engine_s()
            jobs = [ItemJob(agent, "test", str(n), 0, _question(n)) for n in batch]
            results = [future.result() for future in [pool.submit(job) for job in jobs]]
            spent = _engine_s() - before
            assert all(r.kind == "ok" and r.used.calls == CALLS_PER_ITEM for r in results), results[0]
        pool.close()
        host.call("close").result()
    finally:
        host.close()
        stop_ray()
    return spent / calls * 1000


def _engine_s() -> float:
    """CPU seconds so far of this process and those below it, without sandboxes and the endpoint."""
    sandboxed: set[int] = set()
    everyone = family(os.getpid())
    for pid in everyone:
        if _name(pid).startswith("ray::"):
            sandboxed |= set(family(pid))
    counted = [pid for pid in everyone if pid not in sandboxed and "tests.bench.endpoint" not in _name(pid)]
    return cpu_s(os.getpid(), ended=False) + sum(cpu_s(pid, ended=False) for pid in counted)


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _many(one: Callable[[int], Awaitable[None]], numbers: range) -> None:
    room = asyncio.Semaphore(IN_FLIGHT)

    async def when_room(n: int) -> None:
        async with room:
            await one(n)

    await asyncio.gather(*(when_room(n) for n in numbers))


def _question(n: int) -> str:
    """About as long as a prompt of a published agent."""
    return f"Question {n}: " + "a train leaves the station and meets another one half way; " * 12
