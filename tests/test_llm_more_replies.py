"""More forms of replies, refusals and addresses: what each is, and what was wrong about it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meta_search.llm.addresses import candidates, complaint, normal_url
from meta_search.llm.endpoint import Endpoint
from meta_search.llm.faults import Refused, classify
from meta_search.llm.replies import read, refused
from meta_search.llm.takes import learned
from meta_search.llm.thinking import without_thinking
from tests.kits.failures import failure_of

USED = {"prompt_tokens": 40, "completion_tokens": 9}


def body(message: Any = None, used: Any = USED, **choice: Any) -> bytes:
    told = {"finish_reason": "stop", **({"message": message} if message else {}), **choice}
    return json.dumps({"choices": [told], "usage": used}).encode()


def events(*data: Any) -> bytes:
    return "".join(f"data: {d if isinstance(d, str) else json.dumps(d)}\n\n" for d in data).encode()


def piece(text: str, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": text}, "finish_reason": finish, **more}]}


PLAIN = body({"content": "42"})
IN_TWO_LINES = b'data: {"choices":\ndata: [{"delta": {"content": "42"}, "finish_reason": "stop"}]}\n\n'


@pytest.mark.parametrize(
    "received",
    [
        b"\xef\xbb\xbf" + PLAIN,
        b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n" + PLAIN,
        body({"content": 42}),
        body({"content": {"type": "text", "text": "42"}}),
        body("42"),
        body(delta={"content": "42"}),
        json.dumps(
            {
                "choices": [
                    {"index": 1, "message": {"content": "7"}},
                    {"index": 0, "message": {"content": "42"}},
                ]
            }
        ).encode(),
        IN_TWO_LINES,
        b"data:\n\n" + events(piece("42", "stop")),
        events(piece("42", "stop"), "[DONE]").replace(b"\n", b"\r"),
        events(piece("42"), piece("7", index=1), piece("", "stop", index=0)),
        events(piece("4"), {"choices": [{"message": {"content": "42"}, "finish_reason": "stop"}]}),
    ],
)
def test_an_answer_in_an_odd_form_is_read(received: bytes) -> None:
    assert read(received).text == "42"


@pytest.mark.parametrize(
    ("used", "counts"),
    [
        ({"prompt_tokens": "40", "completion_tokens": "9"}, (40, 9)),
        ({"prompt_tokens": 10**30, "completion_tokens": 9}, (None, 9)),
        ({"prompt_tokens": 10**400, "completion_tokens": -9}, (None, None)),
        ({**USED, "total_tokens": 10**30}, (40, 9)),
        ([40, 9], (None, None)),
    ],
)
def test_counts_that_cannot_be_are_none(used: Any, counts: tuple[int | None, int | None]) -> None:
    answer = read(body({"content": "42"}, used))
    assert (answer.prompt_tokens, answer.completion_tokens) == counts


@pytest.mark.parametrize(
    ("received", "kind", "words"),
    [
        (json.dumps([{"error": {"code": 429, "message": "Quota"}}]).encode(), "limited", "Quota"),
        (b'event: error\ndata: {"message": "overloaded"}\n\n', "transient", "overloaded"),
        (events({"choices": ["?"]}, piece("42", "stop")), "transient", "unknown form"),
        (b"", "transient", "the reply is empty"),
        (b'{"candidates": []}', "transient", "candidates"),
        (body({"content": "The first ha"}, finish_reason="content_filter"), "withheld", "content filter"),
    ],
)
def test_a_failure_with_status_200_is_told_in_its_words(received: bytes, kind: str, words: str) -> None:
    failure = failure_of(received)
    assert failure.kind == kind
    assert words in failure.message


RAW = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
CREDIT = "Your credit balance is too low to access the Anthropic API."


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, CREDIT, "fatal"),
        (400, "API key not valid. Please pass a valid API key.", "fatal"),
        (400, "The model has crashed without additional information. (Exit code: null)", "transient"),
        (403, "Input was flagged", "withheld"),
        (429, "Request too large for gpt-4 on tokens per min (TPM): Limit 1, Requested 2.", "request"),
        (500, "context shift is disabled", "context"),
        (500, "Input prompt is too big compared to KV size.", "context"),
        (400, "The input token count (1200000) exceeds the maximum number of tokens", "context"),
        (422, "`inputs` tokens + `max_new_tokens` must be <= 99. Given: 500 `inputs` tokens", "context"),
        (400, "The decoder prompt (length 5000) is longer than the maximum model length of 4096", "context"),
        (400, "max_tokens=4096 cannot be greater than max_model_len=max_total_tokens=2048.", "cap"),
        (400, "input length and `max_tokens` exceed context limit: 190 + 32 > 200, decrease", "cap"),
        (400, "You passed 3 input tokens. However, the model's context length is only 9 tokens", "cap"),
    ],
)
def test_a_refusal_is_what_its_words_say(status: int, message: str, kind: str) -> None:
    told = refused(status, json.dumps({"error": {"message": message}}).encode(), {"a": "b"})
    assert classify(told, 1.0).kind == kind


def test_what_openrouter_passes_on_is_read() -> None:
    about = {"raw": json.dumps({"error": {"message": RAW}}), "provider_name": "OpenAI"}
    error = {"error": {"message": "Provider returned error", "code": 400, "metadata": about}}
    failure = classify(refused(400, json.dumps(error).encode(), {}), 1.0)
    assert "OpenAI says" in failure.message
    assert learned((), {"max_tokens": 9}, 400, failure.said) == {"limit": "max_completion_tokens"}
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "7"}
    error["error"] = {"message": "Rate limit exceeded", "metadata": {"headers": headers}}
    assert classify(refused(429, json.dumps(error).encode(), {}), 1.0).retry_after == 7


def test_a_field_that_is_named_late_in_a_long_refusal_is_learned() -> None:
    detail = [{"msg": "Extra inputs are not permitted", "input": "x" * 400, "loc": ["body", "seed"]}]
    failure = classify(refused(422, json.dumps({"detail": detail}).encode(), {}), 1.0)
    assert "seed" not in failure.message
    assert learned((), {"seed": 1}, 422, failure.said) == {"seed": False}


@pytest.mark.parametrize(
    "message", ["Jinja Exception: System role not supported", 'messages: Unexpected role "system".']
)
def test_a_system_message_is_left_out_in_whatever_way_it_is_refused(message: str) -> None:
    status = 500 if "Jinja" in message else 400
    assert learned((("system", "x"),), {}, status, message) == {"system": False}


@pytest.mark.parametrize(
    "text",
    [
        "a</think>42",
        "a</think>\n\n42",
        "<think>a<think>b</think>c</think>42",
        "<think >a</think>42",
        "<mm:think>a</mm:think>42",
        "<|thinking|>a<|/thinking|>42",
        "<unused94>thought\na<unused95>42",
        "<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>42<|END_RESPONSE|>",
        "<|begin_of_thought|>a<|end_of_thought|>\n<|begin_of_solution|>42<|end_of_solution|>",
    ],
)
def test_more_ways_to_mark_thinking(text: str) -> None:
    assert without_thinking(text)[0] == "42"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("/var/run/model.sock", "type it as http://HOST:PORT/v1"),
        ("htp://host/v1", "only http:// and https://"),
        ("http://host:99999/v1", "Port out of range"),
        ("http://host v1", "type it as"),
        ("http://", "type it as"),
        ("http://[::1/v1", "Invalid IPv6"),
        ("http://me:secret@host/v1", "holds a password"),
    ],
)
def test_an_address_that_is_none_is_told_with_what_to_type(typed: str, told: str) -> None:
    assert told in complaint(typed)
    assert complaint("host:8000/v1") == ""


def test_where_else_an_api_may_be() -> None:
    assert normal_url("gpu:8000/v1") == "http://gpu:8000/v1"
    assert normal_url("http://host/api/chat") == "http://host"
    assert candidates("http://host/api") == ["http://host/api/v1", "http://host/v1"]
    assert candidates("https://openrouter.ai")[0] == "https://openrouter.ai/api/v1"
    assert candidates("https://me.openai.azure.com")[0] == "https://me.openai.azure.com/openai/v1"
    assert candidates("http://host/v1") == []


def test_no_message_shows_what_headers_hold() -> None:
    endpoint = Endpoint("m", "http://h/v1", "sk-1234", headers=(("x-key", "Bearer abcdef"),))
    error = Refused(401, "Incorrect key sk-1234 or abcdef", {"a": "b"})
    assert classify(error, 1.0, endpoint.secrets).message == "Incorrect key *** or ***"
