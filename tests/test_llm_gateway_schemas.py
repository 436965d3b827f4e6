"""Structured answers, whatever the endpoint makes of schemas."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from meta_search.testing import CountingEndpoint, EndpointFeatures, Fault
from tests.kits.gateways import SCHEMA, ask, both, gateway
from tests.kits.sqlite_pen import SqlitePen


def test_a_schema_is_sent_where_the_endpoint_takes_it(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint() as endpoint:
            async with gateway(pen, endpoint) as made:
                replies = await both(made, *(ask(schema=SCHEMA, item=str(n)) for n in range(5)))
        assert [json.loads(r.text) for r in replies] == [{"answer": "ok"}] * 5
        assert endpoint.calls == 5
        assert all("response_format" in r.body for r in endpoint.requests)

    asyncio.run(run())


def test_an_endpoint_without_schemas_is_asked_once_and_then_told_in_words(pen: SqlitePen) -> None:
    def answer(messages: Any, body: Any) -> str:
        return "Of course: {'answer': 'yes'}" if "JSON schema" in messages[-1]["content"] else "no"

    async def run() -> None:
        with CountingEndpoint(answer, features=EndpointFeatures(schema=False)) as endpoint:
            async with gateway(pen, endpoint) as made:
                replies = await both(made, *(ask(schema=SCHEMA, item=str(n)) for n in range(5)))
        assert [json.loads(r.text) for r in replies] == [{"answer": "yes"}] * 5
        assert endpoint.calls == 8  # two of them a probe, with the schema and without
        assert sum("response_format" in r.body for r in endpoint.requests) == 2

    asyncio.run(run())


def test_one_bad_request_does_not_tell_about_schemas(pen: SqlitePen) -> None:
    def faults(n: int, body: Any) -> Fault | None:
        bad = "bad" in body["messages"][-1]["content"]
        return Fault(status=400, message="bad words") if bad else None

    async def run() -> None:
        with CountingEndpoint(faults=faults) as endpoint:
            async with gateway(pen, endpoint) as made:
                bad = await made.call(ask("bad", schema=SCHEMA))
                good = await made.call(ask(schema=SCHEMA, item="i2"))
        assert bad.fault == "declined"
        assert "bad words" in bad.message
        assert good.text == '{"answer": "ok"}'
        assert "response_format" in endpoint.requests[-1].body

    asyncio.run(run())


def test_an_endpoint_that_ignores_schemas_is_told_in_words_too(pen: SqlitePen) -> None:
    def answer(messages: Any, body: Any) -> str:
        return '{"answer": "yes"}' if "JSON schema" in messages[-1]["content"] else "It is yes."

    async def run() -> None:
        with CountingEndpoint(answer) as endpoint:
            async with gateway(pen, endpoint) as made:
                replies = await both(made, *(ask(schema=SCHEMA, item=str(n)) for n in range(3)))
        assert [json.loads(r.text) for r in replies] == [{"answer": "yes"}] * 3
        assert endpoint.calls == 6  # two of them a probe

    asyncio.run(run())


def test_the_others_wait_for_the_first_answer_and_not_for_each_other(pen: SqlitePen) -> None:
    async def run() -> None:
        # Long enough for a busy machine to send all the others.
        with CountingEndpoint(latency_s=lambda index: 1.0 if index else 0.1) as endpoint:
            async with gateway(pen, endpoint) as made:
                await both(made, *(ask(schema=SCHEMA, item=str(n)) for n in range(20)))
        first, *others = sorted(endpoint.requests, key=lambda r: r.index)
        assert all(request.start >= first.end for request in others)
        assert endpoint.max_in_flight == len(others) == 19

    asyncio.run(run())
