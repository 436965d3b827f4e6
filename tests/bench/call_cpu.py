"""CPU that the engine's own code takes per LLM call, beyond what litellm takes for the same call."""

from __future__ import annotations

import asyncio
import os
import resource
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from meta_search.config import Config, EvaluateConfig, RayConfig
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
    """litellm alone and the gateway in this process; then everything, in the processes a run has."""
    calls = 800 if quick else 2400
    with tempfile.TemporaryDirectory() as folder, Endpoint(0.05, 0.15) as endpoint:
        alone, gateway = asyncio.run(_in_process(calls, Path(folder) / "one", endpoint.base_url))
        whole = _whole(calls, Path(folder) / "two", endpoint.base_url)
    beyond = whole - alone
    return Row(
        *ROWS["call_cpu"],
        figure=f"{beyond:.1f} ms: gateway {gateway - alone:.1f}, Ray and broker {whole - gateway:.1f}",
        ok=beyond <= LIMIT_MS,
        note=f"{calls} calls, {IN_FLIGHT} in flight; litellm takes {alone:.1f} ms; agents' own processes "
        "are not counted (see the sandbox's row), Ray's are",
    )


async def _in_process(calls: int, folder: Path, base_url: str) -> tuple[float, float]:
    """CPU milliseconds per call of litellm alone, and of the gateway around it."""
    host = GatewayHost(folder, base_url, IN_FLIGHT)
    await host.start()
    import litellm

    async def alone(n: int) -> None:
        await litellm.acompletion(
            model="hosted_vllm/scripted",
            messages=[{"role": "user", "content": _question(n)}],
            api_base=base_url,
            api_key="none",
            temperature=0.5,
            max_tokens=1024,
            num_retries=0,
            max_retries=0,
        )

    async def through(n: int) -> None:
        await host.call(CallRequest("task", (("user", _question(n)),), item=str(n)))

    figures = []
    for one in (alone, through):
        await _many(one, range(50))
        before = _cpu_s()
        await _many(one, range(100, 100 + calls))
        figures.append((_cpu_s() - before) / calls * 1000)
    await host.close()
    return figures[0], figures[1]


def _whole(calls: int, folder: Path, base_url: str) -> float:
    """CPU milliseconds per call of driver, workers, gateway and Ray together."""
    from meta_search.evaluate.ray_pool import RayHost, RayPool, start_ray, stop_ray

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
