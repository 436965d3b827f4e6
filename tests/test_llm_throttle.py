"""Limits, fairness between lanes, adaptation to 429s, rates per minute."""

from __future__ import annotations

import asyncio
import time

from meta_search.llm.throttle import Throttle


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_no_more_in_flight_than_the_limit() -> None:
    async def run() -> None:
        gate, most = Throttle(3), 0

        async def one() -> None:
            nonlocal most
            await gate.acquire()
            most = max(most, gate.in_flight)
            await asyncio.sleep(0)
            gate.release()

        await asyncio.gather(*(one() for _ in range(50)))
        assert most == 3
        assert gate.in_flight == 0

    asyncio.run(run())


def test_an_author_does_not_queue_behind_the_tasks() -> None:
    async def run() -> None:
        gate, order = Throttle(1), []

        async def one(lane: str) -> None:
            await gate.acquire(lane)
            order.append(lane)
            await asyncio.sleep(0)
            gate.release()

        tasks = [asyncio.create_task(one("task")) for _ in range(20)]
        await settle()
        tasks += [asyncio.create_task(one("meta")) for _ in range(2)]
        await asyncio.gather(*tasks)
        first, second = (i for i, lane in enumerate(order) if lane == "meta")
        assert first <= 6
        assert second == first + 2  # in turn: neither starves the other

    asyncio.run(run())


def test_many_429s_lower_the_limit_once_and_answers_raise_it_again() -> None:
    async def run() -> None:
        gate = Throttle(10)
        sent = time.monotonic()
        gate.limited(sent)
        assert gate.limit == 10  # a stray one
        for _ in range(5):  # many that were out together
            gate.limited(sent)
        assert gate.limit == 7
        for _ in range(40):
            gate.answered()
        assert gate.limit == 10

    asyncio.run(run())


def test_retry_after_holds_everything_back() -> None:
    async def run() -> None:
        gate = Throttle(10)
        gate.hold(0.05)
        start = time.monotonic()
        await gate.acquire()
        assert time.monotonic() - start >= 0.045

    asyncio.run(run())


def test_requests_per_minute() -> None:
    async def run() -> None:
        gate = Throttle(1000, requests_per_minute=6000)
        start = time.monotonic()
        for _ in range(110):
            await gate.acquire()
        assert 0.05 <= time.monotonic() - start < 5

    asyncio.run(run())


def test_tokens_per_minute_corrected_by_the_truth() -> None:
    async def run() -> None:
        gate = Throttle(10, tokens_per_minute=60_000)  # 1000 a second
        await gate.acquire(tokens=1000)
        gate.answered(correction=-950)  # it took only 50
        start = time.monotonic()
        await gate.acquire(tokens=1050)
        assert time.monotonic() - start < 0.5  # without the correction 0.95
        start = time.monotonic()
        await gate.acquire(tokens=1)  # pays the debt of the one before
        assert time.monotonic() - start >= 0.04

    asyncio.run(run())


def test_one_who_stops_waiting_takes_no_slot() -> None:
    async def run() -> None:
        gate = Throttle(1)
        await gate.acquire()
        gone = asyncio.create_task(gate.acquire())
        await settle()
        gone.cancel()
        await settle()
        assert gate.waiting == 0
        granted = asyncio.create_task(gate.acquire())
        await settle()
        gate.release()  # granted ...
        granted.cancel()  # ... and cancelled before it could know
        await asyncio.gather(granted, gone, return_exceptions=True)
        assert gate.in_flight == 0

    asyncio.run(run())
