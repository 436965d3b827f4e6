"""Children that wait for their job: confined, used once, replaced, gone with their zygote. And no leaks."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from meta_search.config import SandboxConfig
from meta_search.sandbox import Sandbox
from meta_search.sandbox.trusted.layers import LAYERS
from meta_search.types import CallReply, CallRequest
from tests.kits.bare_sandbox import BareSandbox, echo, forward, job_of
from tests.kits.processes import children_of, gone, until

ZYGOTES, ITEMS = 8, 12


@pytest.fixture(scope="module")
def bench(runtime: Path) -> Iterator[BareSandbox]:
    with BareSandbox(runtime) as bench:
        yield bench


def spare_of(bench: BareSandbox) -> int:
    """The one child that waits, after an item has ended."""
    bench.body("return ''")
    return waiting(bench.zygote)


def waiting(zygote: int) -> int:
    """The one child of a zygote that runs no item."""
    assert until(lambda: len(children_of(zygote)) == 1)
    return children_of(zygote)[0]


def at_work(bench: BareSandbox, body: str) -> list[list[int]]:
    """The zygote's children at each call of an item, oldest first: the item's own, and the one that waits.

    The next child is forked after a job has been handed over, so that it may come later than the call.
    """
    seen = []

    async def look(request: CallRequest) -> CallReply:
        zygote = bench.zygote_with_numpy if "run_python" in body else bench.zygote
        assert await asyncio.to_thread(until, lambda: len(children_of(zygote)) == 2)
        seen.append(children_of(zygote))
        return await echo(request)

    assert bench.body(body, look).kind == "ok"
    return seen


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_a_child_waits_behind_its_walls_for_one_job(bench: BareSandbox) -> None:
    spare = spare_of(bench)
    assert until(lambda: status_of(spare)["Seccomp"] == "2")
    assert status_of(spare)["NoNewPrivs"] == "1"
    assert at_work(bench, "return self.call('x')")[0][0] == spare, "an item does not wait for a fork"
    assert gone(spare), "a child serves for one item"
    assert at_work(bench, "return self.call('x')")[0][0] != spare


def test_programs_take_waiting_children_too(runtime: Path) -> None:
    with BareSandbox(runtime) as bench:
        body = "self.call('before')\nself.run_python('print(1)')\nreturn self.call('after')"
        assert bench.body(body).kind == "ok"
        spare = waiting(bench.zygote_with_numpy)
        (first, second), (still, third) = at_work(bench, body)
        assert first == still == spare
        assert second != third, "the program took the child that waited, and another took its place"
        assert gone(first)
        assert gone(second)


def test_a_waiting_child_that_was_killed_is_replaced(bench: BareSandbox) -> None:
    spare = spare_of(bench)
    os.kill(spare, signal.SIGKILL)
    assert until(lambda: spare not in children_of(bench.zygote))
    assert bench.body("return 'well'").answer == "well"
    assert until(lambda: len(children_of(bench.zygote)) == 1)


@pytest.mark.parametrize("killed", [False, True])
def test_waiting_children_end_with_their_zygote(runtime: Path, killed: bool) -> None:
    with BareSandbox(runtime) as bench:
        spare = spare_of(bench)
        if killed:
            os.kill(bench.zygote, signal.SIGKILL)
            assert until(lambda: gone(spare))
    assert gone(spare)


def test_waiting_children_hold_nothing_of_an_item(bench: BareSandbox) -> None:
    secret = "s3cr3t-of-an-item"
    bench.body("return self.call(self.job['question'])", question=secret)
    spare = spare_of(bench)
    if os.geteuid() != 0:
        pytest.skip("only root can read another process's memory")
    found = {"run_item": False, secret: False}
    with open(f"/proc/{spare}/mem", "rb", 0) as memory:
        for line in Path(f"/proc/{spare}/maps").read_text().splitlines():
            span, mode = line.split()[:2]
            if mode.startswith("rw"):
                start, end = (int(part, 16) for part in span.split("-"))
                memory.seek(start)
                held = memory.read(end - start)
                found = {word: seen or word.encode() in held for word, seen in found.items()}
    assert found == {"run_item": True, secret: False}


def test_who_stops_waiting_for_a_child_leaves_none(runtime: Path) -> None:
    async def start_and_stop() -> None:
        jobs = [job_of(forward("import time\ntime.sleep(99)"), item=str(n)) for n in range(6)]
        items = [asyncio.create_task(bench.sandbox.run(job, echo)) for job in jobs]
        for _ in range(3):
            await asyncio.sleep(0)
        for item in items:
            item.cancel()
        ended = await asyncio.gather(*items, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended)

    with BareSandbox(runtime) as bench:
        spare_of(bench)
        bench.do(start_and_stop())
        assert until(lambda: len(children_of(bench.zygote)) == 1)


def footprint(pid: int) -> tuple[int, int, int]:
    """Open files, mounts and children of a zygote."""
    mounts = len(Path(f"/proc/{pid}/mounts").read_text().splitlines())
    return len(os.listdir(f"/proc/{pid}/fd")), mounts, len(children_of(pid))


def resident_mb(pid: int | str) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def test_many_items_through_many_zygotes_leak_nothing(runtime: Path) -> None:
    source = forward(
        "open('f', 'w').close()\nreturn self.call(self.run_python('print(1)') + self.job['question'])"
    )

    async def main() -> None:
        sandboxes = [Sandbox(SandboxConfig(), runtime, LAYERS) for _ in range(ZYGOTES)]
        descriptors = len(os.listdir("/proc/self/fd"))

        async def several(sandbox: Sandbox, count: int) -> list[str]:
            jobs = [job_of(source, question=f"{n}") for n in range(count)]
            return [(await sandbox.run(job, echo)).answer for job in jobs]

        await asyncio.gather(*(several(sandbox, 4) for sandbox in sandboxes))
        handles = [
            sandbox._with_numpy for sandbox in sandboxes if sandbox._with_numpy
        ]  # as they run programs
        zygotes, works = (
            [handle._process.pid for handle in handles],
            [Path(handle._work) for handle in handles],
        )
        assert until(lambda: len({footprint(pid)[1] for pid in zygotes}) == 1)
        before = [footprint(pid) for pid in zygotes], len(os.listdir("/proc/self/fd"))
        memory = [resident_mb(pid) for pid in ("self", *zygotes)]
        answers = await asyncio.gather(*(several(sandbox, ITEMS) for sandbox in sandboxes))
        assert answers == [[f"heard 1\n{n}" for n in range(ITEMS)]] * ZYGOTES
        # A folder is made anew after its item has been reported.
        assert until(lambda: [footprint(pid) for pid in zygotes] == before[0])
        assert len(os.listdir("/proc/self/fd")) == before[1]
        for pid, was in zip(("self", *zygotes), memory, strict=True):
            assert resident_mb(pid) < was + 4
        await asyncio.gather(*(sandbox.close() for sandbox in sandboxes))
        assert len(os.listdir("/proc/self/fd")) == descriptors
        assert all(gone(pid) for pid in zygotes)
        assert not any(work.exists() for work in works)

    asyncio.run(main())
