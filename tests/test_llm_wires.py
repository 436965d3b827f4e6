"""The ways to an endpoint: what is sent, what is read, and what is loaded for it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest

from meta_search.config import LLMConfig
from meta_search.llm.default_wire import DefaultWire
from meta_search.llm.direct import DirectWire
from meta_search.llm.endpoint import Endpoint, Price
from meta_search.llm.faults import BadAnswer, Refused, classify
from meta_search.llm.replies import Answer
from meta_search.llm.replies import read as _read
from meta_search.testing import CountingEndpoint, Fault
from tests.kits.gateways import ask, gateway
from tests.kits.sqlite_pen import SqlitePen

MESSAGES = (("system", "You solve."), ("user", "Wie groß?"))
SETTINGS: dict[str, Any] = {"temperature": 0.25, "max_tokens": 7, "seed": 3}


@pytest.mark.parametrize("direct", [True, False], ids=["direct", "litellm"])
def test_both_ways_send_and_read_the_same(direct: bool) -> None:
    async def run() -> None:
        with CountingEndpoint(lambda messages, body: "drei", api_key="sk-1") as endpoint:
            wires = DefaultWire(LLMConfig(provider="litellm"), direct)
            place = Endpoint("model", endpoint.base_url, "sk-1")
            await wires.open([place])
            answer = await wires.complete(place, MESSAGES, SETTINGS)
            await wires.close()
        (request,) = endpoint.requests
        assert answer == Answer("drei", "stop", request.prompt_tokens, request.completion_tokens)
        assert request.key == "sk-1"
        assert request.messages == list(MESSAGES)
        assert {name: request.body[name] for name in SETTINGS} == SETTINGS
        assert request.body["model"] == "model"

    asyncio.run(run())


LOADED = """
import asyncio, sys
from meta_search.config import LLMConfig
from meta_search.llm.endpoint import Endpoint
from meta_search.llm.default_wire import DefaultWire

async def run():
    wires = DefaultWire(LLMConfig(provider="litellm"))
    known, unknown = Endpoint("gpt-4o-mini", sys.argv[1]), Endpoint("nobody-s", sys.argv[1])
    prices = await wires.open([known, unknown])
    await wires.close()
    assert prices[known].input == 1.5e-7, prices
    assert prices[unknown] is None
    assert "litellm" not in sys.modules

asyncio.run(run())
"""


def test_litellm_is_not_loaded_for_an_endpoint_with_a_url_but_its_prices_are_known() -> None:
    with CountingEndpoint() as endpoint:
        subprocess.run([sys.executable, "-c", LOADED, endpoint.base_url], check=True)


def test_a_connection_is_used_again_and_a_lost_one_is_not_sent_over_twice() -> None:
    async def run() -> None:
        with CountingEndpoint(faults=[None, None, Fault("reset"), None]) as endpoint:
            wire, place = DirectWire(), Endpoint("model", endpoint.base_url)
            for _ in range(2):
                await wire.complete(place, MESSAGES, SETTINGS)
            with pytest.raises(Exception) as lost:
                await wire.complete(place, MESSAGES, SETTINGS)
            assert endpoint.calls == 3
            assert classify(lost.value, 1.0).unknown_fate
            await wire.complete(place, MESSAGES, SETTINGS)
            await wire.close()

    asyncio.run(run())


def test_a_redirect_is_told_and_not_followed(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(faults=lambda n, _: Fault(status=308)) as endpoint:
            async with gateway(pen, endpoint) as made:
                reply = await made.call(ask())
                assert "redirects" in str(made.fatal)
        assert reply.fault == "llm"
        assert endpoint.calls == 2  # the second one is the gateway's own

    asyncio.run(run())


def _reply(**message: Any) -> dict[str, Any]:
    return {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": 2}}


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (_reply(content="yes"), "yes"),
        (_reply(content=None), ""),
        (_reply(content=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), "ab"),
        (_reply(content=None, refusal="I will not."), "I will not."),
    ],
)
def test_answers_of_all_forms_are_read(reply: dict[str, Any], text: str) -> None:
    answer = _read(json.dumps(reply).encode(), {})
    assert (answer.text, answer.prompt_tokens, answer.completion_tokens) == (text, 2, None)


@pytest.mark.parametrize(
    "received",
    [b"", b"<html>", b"[]", b"null", b"{}", b'{"choices": []}', b'{"choices": [7]}', b'{"choices": [null]}'],
)
def test_what_is_no_answer_is_tried_again(received: bytes) -> None:
    with pytest.raises(BadAnswer) as caught:
        _read(received, {})
    assert classify(caught.value, 1.0).kind == "transient"


def test_a_failure_with_status_200_keeps_its_code() -> None:
    received = json.dumps({"error": {"message": "slow down", "code": 429}}).encode()
    with pytest.raises(Refused) as caught:
        _read(received, {"Retry-After": "3"})
    failure = classify(caught.value, 1.0)
    assert (failure.kind, failure.retry_after) == ("limited", 3.0)


def test_prices_of_the_run_win(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint() as endpoint:
            place = Endpoint("gpt-4o-mini", endpoint.base_url)
            wires = DefaultWire(
                LLMConfig(provider="litellm", prices={"gpt-4o-mini": {"input": 9.0, "output": 1.0}})
            )
            assert await wires.open([place]) == {place: Price(9e-6, 1e-6)}
            await wires.close()

    asyncio.run(run())
