"""Cost of the sandbox per item, one by one and many at once; and whether a thousand items leave anything."""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_search.config import SandboxConfig
from meta_search.types import Agent, ItemJob
from tests.bench.row import ROWS, Row, cpu_s, family, percentile, spread

if TYPE_CHECKING:
    from meta_search.sandbox import Sandbox

SOURCE = """
def forward(self, taskInfo):
    thinker = LLMAgentBase(['thinking', 'answer'], 'Thinker')
    thinking, answer = thinker([taskInfo], 'Think step by step.')
    judge = LLMAgentBase(['answer'], 'Judge')
    return judge([taskInfo, thinking, answer], 'Give the final answer.')[0]
"""
LIMIT_MS = 5.0
WARM_UP = 10
TOGETHER = 8
ZYGOTES = 8
LEAK_MB = 4.0
SETTLE_S = 0.1


def measure(quick: bool) -> Row:
    """One item after the other against an LLM that answers at once; then many at once; then eight zygotes."""
    took, one_by_one = asyncio.run(_one_by_one(100 if quick else 500))
    per_second, together = asyncio.run(_together(100 if quick else 500))
    items = 200 if quick else 1000
    left = asyncio.run(_left_by(items))
    what, target = ROWS["sandbox"]
    note = (
        f"{len(took)} items one by one, sandbox.level=strict, CPU {one_by_one}; {TOGETHER} at a time: "
        f"{per_second:.0f} items/s, CPU {together}; {items} items through {ZYGOTES} zygotes left "
        f"{', '.join(left) or 'no process, descriptor, mount, folder or memory'}"
    )
    median, high = percentile(took, 0.5), percentile(took, 0.99)
    return Row(what, target, spread(took), median <= LIMIT_MS and high <= LIMIT_MS and not left, note)


class _Runner:
    """Runs the items of one sandbox."""

    def __init__(self) -> None:
        from meta_search.sandbox import Sandbox
        from meta_search.testing import ScriptedLLM

        self.sandbox: Sandbox = Sandbox(SandboxConfig())
        self._llm = ScriptedLLM(lambda request: '{"thinking": "It is plain.", "answer": "42"}')
        self._agent = Agent.of("two calls", SOURCE)

    async def run(self, number: int) -> float:
        """Run one item; how many milliseconds it took."""
        started = time.perf_counter()
        job = ItemJob(agent=self._agent, split="train", item=str(number), repeat=0, question="What is 6 × 7?")
        result = await self.sandbox.run(job, self._llm)
        assert (result.kind, result.answer, result.used.calls) == ("ok", "42", 2), result
        return (time.perf_counter() - started) * 1000

    async def run_many(self, count: int) -> list[float]:
        return [await self.run(number) for number in range(count)]

    @property
    def zygote(self) -> Any:
        handle = self.sandbox._zygote
        assert handle is not None
        return handle


class _Spent:
    """CPU time of this process, and of a zygote with its children, since it was made."""

    def __init__(self, zygote: int) -> None:
        self._zygote, self._before = zygote, (time.process_time(), cpu_s(zygote))

    def per_item(self, items: int) -> str:
        now = time.process_time(), cpu_s(self._zygote)
        here, there = ((a - b) * 1000 / items for a, b in zip(now, self._before, strict=True))
        return f"{here + there:.1f} ms each, {here:.1f} of it on the trusted side"


async def _one_by_one(count: int) -> tuple[list[float], str]:
    runner = _Runner()
    await runner.run_many(WARM_UP)
    spent = _Spent(runner.zygote._process.pid)
    took = await runner.run_many(count)
    cpu = spent.per_item(count)
    await runner.sandbox.close()
    return took, cpu


async def _together(count: int) -> tuple[float, str]:
    """Items per second, and their CPU time."""
    runner = _Runner()
    await runner.run_many(WARM_UP)
    spent, started = _Spent(runner.zygote._process.pid), time.perf_counter()
    await asyncio.gather(*(runner.run_many(count // TOGETHER) for _ in range(TOGETHER)))
    done = count // TOGETHER * TOGETHER
    seconds, cpu = time.perf_counter() - started, spent.per_item(done)
    await runner.sandbox.close()
    return done / seconds, cpu


@dataclass(frozen=True, slots=True)
class _Footprint:
    """What this process and its zygotes hold."""

    processes: int
    descriptors: int
    mounts: int
    resident_mb: tuple[float, ...]

    @classmethod
    def of(cls, zygotes: Sequence[int]) -> _Footprint:
        everyone = [os.getpid(), *zygotes]
        return cls(
            len(family(os.getpid())),
            sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in everyone),
            sum(len(Path(f"/proc/{pid}/mounts").read_text().splitlines()) for pid in everyone),
            tuple(_resident_mb(pid) for pid in everyone),
        )

    def since(self, before: _Footprint) -> list[str]:
        """What there is more of than before, in words."""
        grown = {
            "processes": self.processes - before.processes,
            "descriptors": self.descriptors - before.descriptors,
            "mounts": self.mounts - before.mounts,
        }
        found = [f"{more} {name}" for name, more in grown.items() if more]
        most = max(now - was for now, was in zip(self.resident_mb, before.resident_mb, strict=True))
        return [*found, f"{most:.1f} MB in one process"] if most > LEAK_MB else found


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def _left_by(items: int) -> list[str]:
    """What items leave behind in eight zygotes at work, and what those leave when they are closed."""
    nothing = _Footprint.of([])
    runners = [_Runner() for _ in range(ZYGOTES)]
    await asyncio.gather(*(runner.run_many(WARM_UP) for runner in runners))
    zygotes = [runner.zygote._process.pid for runner in runners]
    folders = [Path(runner.zygote._work) for runner in runners]
    await asyncio.sleep(SETTLE_S)  # a folder is made anew after its item has been reported
    before = _Footprint.of(zygotes)
    await asyncio.gather(*(runner.run_many(items // ZYGOTES) for runner in runners))
    await asyncio.sleep(SETTLE_S)
    left = _Footprint.of(zygotes).since(before)
    await asyncio.gather(*(runner.sandbox.close() for runner in runners))
    left += [f"{part} after the end" for part in _Footprint.of([]).since(nothing)]
    return left + [f"the folder {folder}" for folder in folders if folder.exists()]
