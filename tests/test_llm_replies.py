"""Replies as endpoints sent them, read as what they are; and thinking told apart from answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meta_search.llm.replies import Answer, read
from meta_search.llm.thinking import without_thinking
from tests.kits.failures import failure_of

USAGE = {"prompt_tokens": 12, "completion_tokens": 30, "total_tokens": 42}


def recorded(
    message: dict[str, Any], finish: str | None = "stop", usage: Any = USAGE, **choice: Any
) -> bytes:
    told = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish, **choice}
    return json.dumps({"id": "x", "object": "chat.completion", "choices": [told], "usage": usage}).encode()


THOUGHT = USAGE | {"completion_tokens_details": {"reasoning_tokens": 25}}
CALL = {"id": "c", "type": "function", "function": {"name": "final", "arguments": '{"answer": "42"}'}}
STREAM = """event: message
data: {"choices":[{"delta":{"role":"assistant","reasoning_content":"Let me"}}]}

data: {"choices":[{"delta":{"reasoning_content":" see."}}]}

data: {"choices":[{"delta":{"content":"4"}}]}

data: {"choices":[{"delta":{"content":"2"},"finish_reason":"stop"}],"usage":null}

data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":30}}

data: [DONE]
"""

REPLIES = {
    "OpenAI, thinking counted": (
        recorded({"content": "42"}, usage=THOUGHT),
        Answer("42", "stop", 12, 30, 25, True),
    ),
    "OpenAI, all of it thinking": (
        recorded({"content": ""}, "length", USAGE | {"completion_tokens_details": {"reasoning_tokens": 30}}),
        Answer("", "length", 12, 30, 30, True),
    ),
    "OpenAI, a refusal": (
        recorded({"content": None, "refusal": "I cannot help."}),
        Answer("I cannot help.", "stop", 12, 30),
    ),
    "DeepSeek": (
        recorded({"content": "42", "reasoning_content": "x" * 8}, usage=THOUGHT),
        Answer("42", "stop", 12, 30, 25, True),
    ),
    "OpenRouter": (
        recorded({"content": "42", "reasoning": "Six times seven"}, usage=THOUGHT),
        Answer("42", "stop", 12, 30, 25, True),
    ),
    "Gemini, thinking beside the rest": (
        recorded({"content": "42"}, usage=USAGE | {"total_tokens": 67}),
        Answer("42", "stop", 12, 55, 25, True),
    ),
    "xAI, thinking beside the rest": (
        recorded(
            {"content": "42"},
            usage={"prompt_tokens": 12, "completion_tokens": 2}
            | {"completion_tokens_details": {"reasoning_tokens": 28}},
        ),
        Answer("42", "stop", 12, 30, 28, True),
    ),
    "Mistral, parts": (
        recorded(
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "ab"}]},
                    {"type": "text", "text": "42"},
                ]
            }
        ),
        Answer("42", "stop", 12, 30, 15, True),
    ),
    "vLLM without a parser": (
        recorded({"content": "<think>\nabcd</think>\n\nabcde"}),
        Answer("abcde", "stop", 12, 30, 15, True),
    ),
    "vLLM, an answer by schema taken for thinking": (
        recorded({"content": None, "reasoning_content": '{"answer": "42"}'}),
        Answer('{"answer": "42"}', "stop", 12, 30, 15, True),
    ),
    "Ollama, cut in its thinking": (
        recorded({"content": "<think>abcd"}, "length"),
        Answer("", "length", 12, 30, 30, True),
    ),
    "a tool that nobody offered": (
        recorded({"content": None, "tool_calls": [CALL]}, "tool_calls"),
        Answer('{"answer": "42"}', "tool_calls", 12, 30, calls=(("c", "final", '{"answer": "42"}'),)),
    ),
    "floats": (
        recorded({"content": "42"}, usage={"prompt_tokens": 12.0, "completion_tokens": 29.5}),
        Answer("42", "stop", 12, 30),
    ),
    "no usage": (recorded({"content": "42"}, usage=None), Answer("42", "stop", None, None)),
    "Gemini's word for a cut": (recorded({"content": "4"}, "MAX_TOKENS"), Answer("4", "length", 12, 30)),
    "a stream": (STREAM.encode(), Answer("42", "stop", 12, 30, 25, True)),
}


@pytest.mark.parametrize("name", REPLIES)
def test_a_recorded_reply_is_read_as_what_it_is(name: str) -> None:
    received, answer = REPLIES[name]
    assert read(received) == answer


FAILURES: dict[str, tuple[bytes, str, str]] = {
    "in the choice": (
        recorded({"content": ""}, "error", None, error={"code": 502, "message": "Upstream disconnected"}),
        "transient",
        "Upstream disconnected",
    ),
    "nothing at all": (recorded({"content": None}, "stop", None), "transient", "empty"),
    "flat": (
        b'{"code": "rate_limit_daily", "message": "daily limit of 50 requests reached"}',
        "fatal",
        "an answer without choices: daily limit of 50 requests reached",
    ),
    "flat, for a minute": (b'{"message": "too many requests"}', "limited", "too many requests"),
    "flat with a status": (b'{"code": 401, "message": "no such key"}', "fatal", "no such key"),
    "withheld": (recorded({"content": None}, "content_filter"), "withheld", "content filter"),
    "a web page": (b"<!DOCTYPE html><title>Sign in</title>", "transient", "a web page, not JSON"),
    "in a stream": (b'data: {"error": {"code": 429, "message": "slow down"}}', "limited", "slow down"),
    "a stream that broke off": (b'data: {"choices":[{"delta":{"content":"4"}}]}', "transient", "broke off"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_within_status_200_is_no_answer(name: str) -> None:
    received, kind, words = FAILURES[name]
    failure = failure_of(received)
    assert failure.kind == kind
    assert words in failure.message


ANALYSIS = "<|channel|>analysis<|message|>a"
CODE = 'import re\ntext = re.sub("<think>.*?</think>", "", text)'


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>a</think>42", "42"),
        ("<thinking>a\n</thinking>\n42", "42"),
        ("<Thought>a</Thought> 42", "42"),
        ("<reasoning>a</reasoning>42", "42"),
        ("◁think▷a◁/think▷42", "42"),
        ("[THINK]a[/THINK]42", "42"),
        ("<seed:think>a</seed:think>42", "42"),
        ("<think>a</think><think>b</think>42", "42"),
        (
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>42<|return|>",
            "42",
        ),
        ("analysisThe user asks.assistantfinal42", "42"),
        ("<think>a", ""),
        (ANALYSIS, ""),
        ("a thought without its beginning\n</think>\n\n42", "42"),
        ('a thought\n</think>\n{"answer": "42"}', '{"answer": "42"}'),
        ("  as it is \n", "  as it is \n"),
        (CODE, CODE),
        ("Use the tag `</think>` at the end.", "Use the tag `</think>` at the end."),
        ("The tags <think> and </think> mark thinking.", "The tags <think> and </think> mark thinking."),
        ('{"thinking": "a</think> b", "answer": "42"}', '{"thinking": "a</think> b", "answer": "42"}'),
        ("<b>42</b>", "<b>42</b>"),
        ("[1, 2]", "[1, 2]"),
    ],
)
def test_thinking_is_taken_out_and_nothing_else(text: str, answer: str) -> None:
    assert without_thinking(text)[0] == answer
