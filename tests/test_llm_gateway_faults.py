"""What the gateway makes of endpoints that fail, by either way of sending."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from meta_search.llm.endpoint import bound_tokens
from meta_search.testing import CountingEndpoint, EndpointFeatures, Fault
from meta_search.types import Usage
from tests.kits.gateways import KEY, ask, both, gateway, last_message
from tests.kits.sqlite_pen import SqlitePen

STORM = (
    Fault(status=429, retry_after=0.01),
    Fault(status=429),
    Fault(status=500),
    Fault(status=502),
    Fault(status=503),
    Fault("hang"),
    Fault("reset"),
    Fault("bad_json"),
    Fault("truncated"),
    Fault("empty"),
    Fault("filter"),
    Fault("cut"),
)

BOTH = pytest.mark.parametrize("direct", [True, False], ids=["direct", "litellm"])


@pytest.mark.slow
@BOTH
def test_a_storm_of_faults_changes_no_answer_and_hides_no_attempt(pen: SqlitePen, direct: bool) -> None:
    kinds = itertools.cycle(STORM)

    def faults(index: int, body: Any) -> Fault | None:
        return next(kinds) if index % 10 in (1, 4, 8) else None

    async def run() -> None:
        with CountingEndpoint(last_message, faults=faults) as endpoint:
            # litellm needs a while before it sends anything: an attempt must not be over by then.
            timeout = 0.5 if direct else 3.0
            async with gateway(pen, endpoint, direct=direct, timeout_s=timeout, max_retries=8) as made:
                replies = await both(made, *(ask(f"q{n}") for n in range(80)))
                status = made.status()
        assert [r.text for r in replies] == [f"re: q{n}" for n in range(80)]
        assert status.paid["task"].calls == endpoint.calls > 80
        assert status.retries == endpoint.calls - 80
        assert sum(attempts for (attempts,) in pen.rows("attempts")) == endpoint.calls

    asyncio.run(run())


@BOTH
@pytest.mark.parametrize("fault", STORM, ids=lambda f: f"{f.kind}-{f.status}-{f.retry_after}")
def test_every_fault_is_one_attempt_and_unknown_fates_are_charged_in_full(
    pen: SqlitePen, fault: Fault, direct: bool
) -> None:
    async def run() -> None:
        with CountingEndpoint(last_message, faults=[fault]) as endpoint:
            async with gateway(pen, endpoint, direct=direct, timeout_s=0.3 if direct else 2.0) as made:
                reply = await made.call(ask())
        assert reply.text == "re: hello"
        assert reply.used == Usage(1, 2, 3)
        assert reply.paid.calls == endpoint.calls == 2
        refused = fault.kind == "status" and fault.status != 502
        bound = 0 if refused else bound_tokens((("user", "hello"),)) + 50
        assert reply.paid.tokens == reply.used.tokens + bound

    asyncio.run(run())


def test_429_waits_as_long_as_it_is_told(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(faults=[Fault(status=429, retry_after=0.3)]) as endpoint:
            async with gateway(pen, endpoint) as made:
                await made.call(ask())
        first, second = sorted(endpoint.requests, key=lambda r: r.index)
        assert second.start - first.end >= 0.29

    asyncio.run(run())


def test_retries_end(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(faults=lambda n, _: Fault(message="boom")) as endpoint:
            async with gateway(pen, endpoint, max_retries=2) as made:
                reply = await made.call(ask())
                assert endpoint.calls == 5  # two of them probes
                assert (reply.fault, reply.text) == ("llm", "")
                assert "boom" in reply.message
                await made.call(ask())  # a failed row may be sent again
                assert endpoint.calls == 10

    asyncio.run(run())


def test_an_endpoint_that_is_down_stops_the_run(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(faults=lambda n, _: Fault(status=503)) as endpoint:
            async with gateway(pen, endpoint, max_retries=1, max_concurrency=4) as made:
                replies = await both(made, *(ask(item=str(n)) for n in range(100)))
                assert endpoint.calls < 100  # of 120
                assert {r.fault for r in replies} == {"llm"}
                assert "meta-search resume" in str(made.fatal)
                assert made.status().fatal == str(made.fatal)

    asyncio.run(run())


@BOTH
def test_a_key_that_is_refused_stops_the_run_at_once(pen: SqlitePen, direct: bool) -> None:
    async def run() -> None:
        with CountingEndpoint(faults=lambda n, _: Fault(status=401, message=f"bad {KEY}")) as endpoint:
            changes: dict[str, Any] = {"api_key_env": "MY_KEY", "max_concurrency": 2}
            async with gateway(pen, endpoint, direct=direct, **changes) as made:
                replies = await both(made, *(ask(item=str(n)) for n in range(30)))
                assert endpoint.calls <= 10  # what went out until the gateway's own was refused as well
                assert "MY_KEY" in str(made.fatal)
                assert KEY not in str(made.fatal) + replies[0].message
                assert {r.fault for r in replies} == {"llm"}

    asyncio.run(run())


@BOTH
def test_a_prompt_too_long_is_a_kind_of_its_own_and_not_sent_twice(pen: SqlitePen, direct: bool) -> None:
    async def run() -> None:
        with CountingEndpoint(features=EndpointFeatures(context=10)) as endpoint:
            async with gateway(pen, endpoint, direct=direct) as made:
                long = ask("word " * 50)
                reply = await made.call(long)
                again = await made.call(long)
        assert reply.fault == again.fault == "context"
        assert endpoint.calls == 1

    asyncio.run(run())


@BOTH
def test_what_a_content_filter_refuses_is_tried_again_and_then_ends_the_item_only(
    pen: SqlitePen, direct: bool
) -> None:
    def faults(index: int, body: Any) -> Fault | None:
        bad = "bad" in body["messages"][-1]["content"]
        words = "The response was filtered due to the prompt triggering our content management policy"
        return Fault(status=400, message=words) if bad else None

    async def run() -> None:
        with CountingEndpoint(last_message, faults=faults) as endpoint:
            async with gateway(pen, endpoint, direct=direct, max_retries=1) as made:
                bad, again = await made.call(ask("bad")), await made.call(ask("bad"))
                good = await made.call(ask("good"))
                assert made.fatal is None
        assert (bad.fault, again.fault, good.text) == ("declined", "declined", "re: good")
        assert "content" in bad.message
        assert endpoint.calls == 4  # twice, and a probe; then its row says so

    asyncio.run(run())


def test_an_endpoint_that_hangs_for_ever_stops_the_run_in_good_order(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(
            last_message, faults=lambda n, _: Fault("hang") if n >= 5 else None
        ) as endpoint:
            changes = {"timeout_s": 0.05, "max_retries": 1, "max_concurrency": 5, "patience_s": 0.3}
            async with gateway(pen, endpoint, **changes) as made:
                replies = await both(made, *(ask(item=str(n)) for n in range(60)))
                assert "meta-search resume" in str(made.fatal)
                assert "no answer within" in str(made.fatal)
        assert endpoint.calls < 100  # of 120
        assert [r.fault for r in replies].count(None) == 5
        with CountingEndpoint(last_message) as sound:  # the run is resumed once it is up again
            async with gateway(pen, sound) as made:
                resumed = await both(made, *(ask(item=str(n)) for n in range(60)))
        assert all(r.fault is None for r in resumed)
        assert sound.calls == 55  # the five that were answered are not sent again

    asyncio.run(run())
