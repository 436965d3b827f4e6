"""Reserve, wait, refuse, settle: never over."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_search.config import BudgetConfig
from meta_search.errors import BudgetError
from meta_search.llm.budget import Budget
from meta_search.types import Usage
from tests.kits.clock import Clock


def usage(tokens: int, usd: float = 0.0) -> Usage:
    return Usage(1, tokens, 0, usd)


def whole(**limits: float) -> BudgetConfig:
    return BudgetConfig(final_share=0.0, **limits)  # type: ignore[arg-type]


async def refused(budget: Budget, estimate: Usage) -> str:
    with pytest.raises(BudgetError) as caught:
        await budget.reserve(estimate)
    return str(caught.value)


def test_reserves_the_bound_and_settles_the_truth() -> None:
    async def run() -> None:
        budget = Budget(whole(tokens=100, calls=10, usd=1.0))
        ticket = await budget.reserve(usage(60, 0.5))
        assert (budget.left().tokens, budget.left().calls, budget.left().usd) == (40, 9, 0.5)
        budget.settle(ticket, usage(10, 0.1))
        assert (budget.left().tokens, budget.left().calls, budget.left().usd) == (90, 9, 0.9)
        assert budget.spent == usage(10, 0.1)

    asyncio.run(run())


def test_waits_while_another_may_give_back() -> None:
    async def run() -> None:
        budget = Budget(whole(tokens=100))
        first = await budget.reserve(usage(80))
        second = asyncio.create_task(budget.reserve(usage(50)))
        await asyncio.sleep(0)
        assert budget.waiting == 1
        assert not second.done()
        budget.settle(first, usage(20))
        assert (await second).estimate == usage(50)
        assert budget.left().tokens == 30

    asyncio.run(run())


def test_refuses_what_can_never_fit_at_once_even_with_others_in_flight() -> None:
    async def run() -> None:
        budget = Budget(whole(tokens=100))
        first = await budget.reserve(usage(10))
        assert "budget.tokens=100" in await refused(budget, usage(101))
        waiting = asyncio.create_task(refused(budget, usage(95)))
        await asyncio.sleep(0)
        assert not waiting.done()  # the first may turn out to be free
        budget.settle(first, usage(10))
        assert "10 of 100 tokens" in await waiting

    asyncio.run(run())


def test_small_requests_do_not_overtake_a_large_one_for_ever() -> None:
    async def run() -> None:
        budget = Budget(whole(tokens=100))
        first = await budget.reserve(usage(50))
        large = asyncio.create_task(budget.reserve(usage(60)))
        await asyncio.sleep(0)
        small = asyncio.create_task(budget.reserve(usage(1)))
        await asyncio.sleep(0)
        assert not large.done()
        assert not small.done()
        budget.settle(first, usage(0))
        await asyncio.gather(large, small)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("limits", "word"), [({"calls": 3}, "calls"), ({"tokens": 30}, "tokens"), ({"usd": 0.3}, "usd")]
)
def test_each_limit_binds_and_is_named(limits: dict[str, float], word: str) -> None:
    async def run() -> None:
        budget = Budget(whole(**limits))
        for _ in range(3):
            budget.settle(await budget.reserve(usage(10, 0.1)), usage(10, 0.1))
        assert f"budget.{word}=" in await refused(budget, usage(10, 0.1))

    asyncio.run(run())


def test_earlier_sessions_count() -> None:
    async def run() -> None:
        clock = Clock()
        budget = Budget(whole(calls=5, wall_s=60), Usage(calls=4), elapsed_s=50, clock=clock)
        budget.settle(await budget.reserve(usage(1)), usage(1))
        assert "5 attempts" in await refused(budget, usage(1))
        assert budget.elapsed_s == 50
        assert budget.remaining_s == 10

    asyncio.run(run())


def test_the_clock_ends_the_run() -> None:
    async def run() -> None:
        clock = Clock()
        budget = Budget(whole(wall_s=60), clock=clock)
        budget.settle(await budget.reserve(usage(1)), usage(1))
        clock.now += 60
        assert "budget.wall_s=60" in await refused(budget, usage(1))

    asyncio.run(run())


def test_the_final_report_has_its_share() -> None:
    async def run() -> None:
        clock = Clock()
        budget = Budget(BudgetConfig(calls=8, wall_s=100, final_share=0.25), clock=clock)
        for _ in range(6):
            budget.settle(await budget.reserve(usage(1)), usage(1))
        assert "in phase search" in await refused(budget, usage(1))
        clock.now += 80
        budget.phase = "final"
        for _ in range(2):
            budget.settle(await budget.reserve(usage(1)), usage(1))
        assert "budget.calls=8" in await refused(budget, usage(1))

    asyncio.run(run())


def test_the_change_of_phase_serves_those_who_wait() -> None:
    async def run() -> None:
        budget = Budget(BudgetConfig(calls=4, final_share=0.5))
        await budget.reserve(usage(1))
        await budget.reserve(usage(1))
        waiting = asyncio.create_task(budget.reserve(usage(1)))
        await asyncio.sleep(0)
        budget.phase = "final"
        await asyncio.wait_for(waiting, 1)

    asyncio.run(run())


def test_one_who_stops_waiting_leaves_nothing_behind() -> None:
    async def run() -> None:
        budget = Budget(whole(tokens=100))
        first = await budget.reserve(usage(90))
        gone = asyncio.create_task(budget.reserve(usage(50)))
        later = asyncio.create_task(budget.reserve(usage(10)))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait_for(later, 1)  # no longer behind the one that left
        budget.settle(first, usage(0))
        assert budget.left().tokens == 90

        budget = Budget(whole(tokens=100))
        first = await budget.reserve(usage(90))
        gone = asyncio.create_task(budget.reserve(usage(50)))
        await asyncio.sleep(0)
        budget.settle(first, usage(0))  # granted ...
        gone.cancel()  # ... and cancelled before it could know
        await asyncio.gather(gone, return_exceptions=True)
        assert budget.left().tokens == 100

    asyncio.run(run())


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    limit=st.integers(50, 400),
    calls=st.integers(1, 60),
    share=st.sampled_from([0.0, 0.25]),
)
def test_never_over_whatever_the_order(seed: int, limit: int, calls: int, share: float) -> None:
    rng = random.Random(seed)
    budget = Budget(BudgetConfig(tokens=limit, calls=calls, final_share=share))
    most, cap = [0], limit * (1 - share)

    async def worker() -> None:
        bound = rng.randint(1, 40)
        try:
            ticket = await budget.reserve(usage(bound))
        except BudgetError:
            return
        most[0] = max(most[0], budget.spent.tokens + budget.reserved.tokens)
        for _ in range(rng.randint(0, 3)):
            await asyncio.sleep(0)
        budget.settle(ticket, usage(rng.randint(0, bound)))

    async def run() -> None:
        await asyncio.wait_for(asyncio.gather(*(worker() for _ in range(60))), 10)

    asyncio.run(run())
    assert most[0] <= cap
    assert budget.spent.calls <= calls * (1 - share)
    assert budget.reserved == Usage()
