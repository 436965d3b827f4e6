"""The scripted LLM and the counting endpoint, by plain HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from meta_search.testing import CountingEndpoint, EndpointFeatures, Fault, ScriptedLLM, count_tokens
from meta_search.types import CallReply, CallRequest, Usage


def post(endpoint: CountingEndpoint, text: str = "hello", **more: Any) -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], "max_tokens": 50, **more}
    headers = {"Authorization": "Bearer key"}
    return httpx.post(f"{endpoint.base_url}/chat/completions", json=body, headers=headers, timeout=0.5)


def test_scripted_llm_answers_and_counts() -> None:
    llm = ScriptedLLM(lambda request: request.messages[-1][1].upper())
    reply = asyncio.run(llm(CallRequest("task", (("system", "s"), ("user", "shout")))))
    assert reply == CallReply("SHOUT", Usage(1, 3, 2), Usage(1, 3, 2))
    assert llm.calls == 1
    assert llm.requests[0].model == "task"


def test_scripted_llm_can_fail() -> None:
    llm = ScriptedLLM(lambda request: CallReply("", fault="llm", message="down"))
    assert asyncio.run(llm(CallRequest("task", ()))).fault == "llm"


def test_endpoint_answers_and_keeps_what_it_saw() -> None:
    with CountingEndpoint(lambda messages, body: f"{messages[-1]['content']}!") as endpoint:
        reply = post(endpoint, "héllo", seed=3).json()
    assert reply["choices"][0]["message"] == {"role": "assistant", "content": "héllo!"}
    assert reply["usage"] == {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}
    (request,) = endpoint.requests
    assert (request.body["seed"], request.key, request.outcome) == (3, "key", "ok")
    assert request.messages == [("user", "héllo")]
    assert (endpoint.calls, endpoint.in_flight, endpoint.max_in_flight) == (1, 0, 1)
    assert (endpoint.prompt_tokens, endpoint.completion_tokens) == (2, 2)


def test_default_answer_satisfies_a_schema() -> None:
    wanted = {"json_schema": {"schema": {"properties": {"answer": {}, "thinking": {}}}}}
    with CountingEndpoint() as endpoint:
        text = post(endpoint, response_format=wanted).json()["choices"][0]["message"]["content"]
        assert post(endpoint).json()["choices"][0]["message"]["content"] == "ok"
    assert json.loads(text).keys() == {"answer", "thinking"}


def test_answers_are_cut_at_max_tokens() -> None:
    with CountingEndpoint(lambda messages, body: "word " * 100) as endpoint:
        choice = post(endpoint, max_tokens=5).json()["choices"][0]
    assert choice["finish_reason"] == "length"
    assert count_tokens(choice["message"]["content"]) == 5


def test_latency() -> None:
    with CountingEndpoint(latency_s=lambda index: 0.05 if index else 0.0) as endpoint:
        post(endpoint)
        start = time.monotonic()
        post(endpoint)
        assert time.monotonic() - start >= 0.05
    assert endpoint.requests[1].end - endpoint.requests[1].start >= 0.05


def test_refusals() -> None:
    with CountingEndpoint(api_key="other") as endpoint:
        assert post(endpoint).status_code == 401
        assert httpx.get(f"{endpoint.base_url}/models").status_code == 401
    with CountingEndpoint(features=EndpointFeatures(context=3, schema=False)) as endpoint:
        assert post(endpoint, "long " * 10).json()["error"]["code"] == "context_length_exceeded"
        assert post(endpoint, response_format={}).status_code == 400
        assert httpx.get(f"{endpoint.base_url}/models").status_code == 200
    assert [r.outcome for r in endpoint.requests] == ["400", "400"]
    assert endpoint.prompt_tokens == 0


def test_faults_come_in_order_and_are_counted() -> None:
    faults = [Fault(status=429, retry_after=2), Fault("bad_json"), Fault("truncated"), Fault("empty"), None]
    with CountingEndpoint(faults=faults) as endpoint:
        limited = post(endpoint)
        assert (limited.status_code, limited.headers["Retry-After"]) == (429, "2")
        for _ in range(2):
            with pytest.raises(json.JSONDecodeError):
                post(endpoint).json()
        assert post(endpoint).json()["choices"] == []
        assert post(endpoint).status_code == 200
        assert post(endpoint).status_code == 200  # exhausted: no faults
    assert [r.outcome for r in endpoint.requests] == ["status", "bad_json", "truncated", "empty", "ok", "ok"]


def test_faults_of_the_connection() -> None:
    kinds = [Fault("reset"), Fault("hang"), Fault("filter")]
    with CountingEndpoint(faults=lambda index, body: kinds[index]) as endpoint:
        with pytest.raises(httpx.RemoteProtocolError):
            post(endpoint)
        with pytest.raises(httpx.ReadTimeout):
            post(endpoint)
        choice = post(endpoint).json()["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("content_filter", None)
    assert endpoint.calls == 3


def test_leaving_does_not_wait_for_those_that_hang() -> None:
    with CountingEndpoint(faults=lambda index, body: Fault("hang")) as endpoint:
        with pytest.raises(httpx.ReadTimeout):
            post(endpoint)
        start = time.monotonic()
    assert time.monotonic() - start < 5


def test_waiting_for_requests() -> None:
    with CountingEndpoint() as endpoint:
        post(endpoint)
        endpoint.wait_for(1, timeout_s=1)
        with pytest.raises(TimeoutError, match="1 of 2"):
            endpoint.wait_for(2, timeout_s=0.01)
