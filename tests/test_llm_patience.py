"""What the gateway does about endpoints that are down, and waits that are longer than the time left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from meta_search.config import BudgetConfig
from meta_search.llm import patience
from meta_search.llm.gateway import Gateway
from meta_search.testing import CountingEndpoint, Fault
from tests.kits.gateways import ask, both, gateway, last_message
from tests.kits.sqlite_pen import SqlitePen

ANSWERED = 4


def asks(count: int) -> list[Any]:
    return [ask(f"q{n}", item=str(n)) for n in range(count)]


def fails_until(up: Callable[[], bool], fault: Fault) -> Callable[[int, Any], Fault | None]:
    """An endpoint that answers a few calls, and then none until it is up again."""
    return lambda n, _: None if n < ANSWERED or up() else fault


async def _eventually(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LONGEST_PAUSE_S", 0.02)


@pytest.mark.parametrize(
    "fault",
    [*(Fault(status=status) for status in (503, 502, 500, 429)), Fault("reset"), Fault("hang")],
    ids=lambda f: f"{f.kind}-{f.status}",
)
def test_calls_wait_for_an_endpoint_that_is_down_and_one_of_them_probes(pen: SqlitePen, fault: Fault) -> None:
    up = asyncio.Event()

    async def run() -> None:
        with CountingEndpoint(last_message, faults=fails_until(up.is_set, fault)) as endpoint:
            changes: dict[str, Any] = {"max_retries": 1, "max_concurrency": 8, "timeout_s": 0.3}
            async with gateway(pen, endpoint, **changes) as made:
                assert [r.fault for r in await both(made, *asks(ANSWERED))] == [None] * ANSWERED
                calls = asyncio.gather(*(made.call(request) for request in asks(40)[ANSWERED:]))
                await _eventually(lambda: any("llm.patience_s" in note for note in made.status().notes))
                before = endpoint.calls
                await asyncio.sleep(0.1)
                assert endpoint.max_in_flight <= 8
                assert endpoint.calls - before <= 20  # one probes, and all the others wait
                up.set()
                replies = await calls
                assert {reply.fault for reply in replies} == {None}
                notes = made.status().notes
        assert len(notes) == 2
        assert "model at http" in notes[0]
        assert "answers again after " in notes[1]

    asyncio.run(run())


def test_patience_ends(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(faults=lambda n, _: Fault(status=503) if n >= ANSWERED else None) as endpoint:
            async with gateway(pen, endpoint, max_retries=1, patience_s=0.2) as made:
                await both(made, *asks(ANSWERED))
                replies = await both(made, *asks(30)[ANSWERED:])
                assert {reply.fault for reply in replies} == {"llm"}
                assert "has been down for 0 s" in str(made.fatal)
                assert "meta-search resume" in str(made.fatal)

    asyncio.run(run())


def test_one_request_that_the_endpoint_cannot_answer_is_no_outage(pen: SqlitePen) -> None:
    def faults(n: int, body: Any) -> Fault | None:
        return Fault(status=500) if body["messages"][-1]["content"] == "poison" else None

    async def run() -> None:
        with CountingEndpoint(last_message, faults=faults) as endpoint:
            async with gateway(pen, endpoint, max_retries=2) as made:
                await made.call(ask("good"))
                assert (await made.call(ask("poison"))).fault == "declined"
                assert (await made.call(ask("better"))).text == "re: better"
                assert made.fatal is None
                assert made.status().notes == ()

    asyncio.run(run())


def test_a_request_that_brings_its_server_down_is_given_up_and_the_others_are_answered(
    pen: SqlitePen,
) -> None:
    def faults(n: int, body: Any) -> Fault | None:
        return Fault("reset") if body["messages"][-1]["content"] == "poison" else None

    async def run() -> None:
        with CountingEndpoint(last_message, faults=faults) as endpoint:
            async with gateway(pen, endpoint, max_retries=1, max_concurrency=2) as made:
                await made.call(ask("good"))
                poison = asyncio.create_task(made.call(ask("poison")))
                for n in range(40):
                    assert (await made.call(ask(f"q{n}", item=str(n)))).fault is None
                    await asyncio.sleep(0.01)
                assert (await poison).fault == "declined"
                assert made.fatal is None

    asyncio.run(run())


def test_a_model_that_loads_at_the_very_start_is_waited_for(pen: SqlitePen) -> None:
    loading = Fault(status=503, message="Loading model")

    async def run() -> None:
        with CountingEndpoint(last_message, faults=[loading] * 12) as endpoint:
            async with gateway(pen, endpoint, max_retries=1) as made:
                replies = await both(made, *asks(6))
                notes = made.status().notes
        assert {reply.fault for reply in replies} == {None}
        assert "is loading its model, waiting up to 300 s" in notes[0]
        assert "has loaded its model after" in notes[1]

    asyncio.run(run())


@pytest.mark.parametrize("wall_s", [60.0, None])
def test_no_wait_that_an_endpoint_asks_for_outlives_the_gateway(pen: SqlitePen, wall_s: float | None) -> None:
    async def run() -> None:
        with CountingEndpoint(faults=lambda n, _: Fault(status=429, retry_after=40.0)) as endpoint:
            began = time.monotonic()
            async with gateway(pen, endpoint, BudgetConfig(wall_s=wall_s, final_share=0.0)) as made:
                calls = [asyncio.create_task(made.call(request)) for request in asks(50)]
                await _eventually(lambda: endpoint.calls > 0 and made.status().waiting > 0)
            replies = await asyncio.gather(*calls)
            assert time.monotonic() - began < 15
            assert {reply.message for reply in replies} == {"the gateway is closed"}

    asyncio.run(run())


@pytest.mark.parametrize(("wall_s", "patience_s"), [(20.0, 1800.0), (None, 60.0)])
def test_a_wait_longer_than_the_time_left_ends_the_calls_at_once(
    pen: SqlitePen, wall_s: float | None, patience_s: float
) -> None:
    async def run() -> None:
        with CountingEndpoint(
            faults=lambda n, _: Fault(status=429, retry_after=432, message="daily limit")
        ) as endpoint:
            began, budget = time.monotonic(), BudgetConfig(wall_s=wall_s, final_share=0.0)
            async with gateway(pen, endpoint, budget, patience_s=patience_s, max_concurrency=2) as made:
                replies = await both(made, *asks(50))
                later = await made.call(ask("later"))
                notes = made.status().notes
            assert time.monotonic() - began < 15
        assert {reply.fault for reply in (*replies, later)} == {"budget"}
        assert endpoint.calls <= 5  # one of them a probe
        longer = "longer than the 20 s left" if wall_s else "longer than llm.patience_s=60"
        assert [note.partition(" asks ")[2] for note in notes] == [f"to wait 432 s, {longer}: daily limit"]

    asyncio.run(run())


def test_the_next_phase_wakes_what_waits_for_the_search(pen: SqlitePen) -> None:
    async def run(made: Gateway) -> None:
        calls = asyncio.gather(*(made.call(request) for request in asks(20)))
        await _eventually(lambda: bool(made.status().notes) and made.status().waiting > 0)
        began = time.monotonic()
        made.set_phase("final")  # once those in flight were asked to wait, and a probe with them
        assert {reply.fault for reply in await calls} == {"budget"}
        assert time.monotonic() - began < 10

    async def main() -> None:
        with CountingEndpoint(faults=lambda n, _: Fault(status=429, retry_after=30)) as endpoint:
            async with gateway(pen, endpoint, BudgetConfig(wall_s=60), max_concurrency=2) as made:
                await run(made)

    asyncio.run(main())


def test_a_longest_answer_is_learned_and_kept(pen: SqlitePen) -> None:
    def faults(n: int, body: Any) -> Fault | None:
        words = "max_tokens is too large: 50. This model supports at most 20 completion tokens"
        return Fault(status=400, message=words) if body["max_tokens"] > 20 else None

    async def run() -> None:
        with CountingEndpoint(last_message, faults=faults) as endpoint:
            async with gateway(pen, endpoint) as made:
                assert (await made.call(ask("one"))).text == "re: one"
                assert endpoint.calls == 4  # two of them a probe, before and after
                assert (await made.call(ask("two"))).text == "re: two"
                assert endpoint.calls == 5
                assert made.fatal is None
                assert "writes at most 20 tokens" in made.status().notes[0]

    asyncio.run(run())


def test_a_limit_of_ours_that_nobody_can_correct_is_named(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(
            faults=lambda n, _: Fault(status=400, message="max_tokens is too large")
        ) as endpoint:
            async with gateway(pen, endpoint) as made:
                assert (await made.call(ask())).fault == "llm"
                assert "lower llm.max_tokens (or author.max_tokens" in str(made.fatal)
        assert endpoint.calls == 2  # the second one is the gateway's own

    asyncio.run(run())


def test_an_endpoint_that_only_refuses_is_told_once_while_it_is_asked_on(
    pen: SqlitePen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "TOLD_S", 0.0)

    async def run() -> None:
        with CountingEndpoint(last_message, faults=lambda n, _: Fault(status=429)) as endpoint:
            async with gateway(pen, endpoint, max_retries=2) as made:
                await both(made, *asks(2))
                notes = [note for note in made.status().notes if "has answered no call for" in note]
                assert len(notes) == 1, made.status().notes

    asyncio.run(run())
