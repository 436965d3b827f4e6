"""The family: endpoints that speak dialects, think, stream, or hide their API behind another path.

Each ends the small search of `tests/test_endpoints.py` with the scores of the plain one.
"""

from __future__ import annotations

import json
from typing import Any

from tests.endpoints.server import Asked, OddEndpoint, Reply, completion, refusal

__all__ = ["FAMILY"]

UNSUPPORTED = "Unsupported parameter: '{}' is not supported with this model."


class Plain(OddEndpoint):
    pass


class Reasoning(OddEndpoint):
    """As OpenAI's reasoning models: another name for the limit, no temperature; each told apart from the
    other, while many calls are under way."""

    def respond(self, asked: Asked) -> Reply:
        if "max_tokens" in asked.body:
            return refusal(400, UNSUPPORTED.format("max_tokens") + " Use 'max_completion_tokens' instead.")
        if asked.body.get("temperature", 1) != 1:
            text = (
                "Unsupported value: 'temperature' does not support 0.1 with this model. Only the default (1)"
            )
            return refusal(400, f"{text} value is supported.")
        return self.ok(asked)


class NoSeed(OddEndpoint):
    """Refuses fields that it does not know, as FastAPI does."""

    def respond(self, asked: Asked) -> Reply:
        if "seed" in asked.body:
            detail = {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs not permitted"}
            return Reply(422, {"detail": [detail]})
        return self.ok(asked)


class NoSystem(OddEndpoint):
    def respond(self, asked: Asked) -> Reply:
        if any(m["role"] == "system" for m in asked.body["messages"]):
            return refusal(400, "System role not supported")
        return self.ok(asked)


class NoFormat(OddEndpoint):
    """As OpenRouter, where no provider of the model takes a schema."""

    def respond(self, asked: Asked) -> Reply:
        if "response_format" in asked.body:
            return refusal(404, "No endpoints found that can handle the requested parameters.")
        return self.ok(asked)


class ObjectOnly(OddEndpoint):
    """JSON mode, without schemas."""

    def respond(self, asked: Asked) -> Reply:
        kind = (asked.body.get("response_format") or {}).get("type", "json_object")
        if kind != "json_object":
            return refusal(400, "response_format.type must be one of 'text', 'json_object'")
        return self.ok(asked)

    def said(self, body: Any, number: int = 0) -> str:
        text = super().said(body, number)
        return json.dumps({"answer": text}) if "response_format" in body else text


class OutputCap(OddEndpoint):
    def respond(self, asked: Asked) -> Reply:
        most, wanted = 4096, asked.body["max_tokens"]
        if wanted > most:
            told = f"max_tokens is too large: {wanted}. This model supports at most {most} completion tokens"
            return refusal(400, f"{told}, whereas you provided {wanted}.")
        return self.ok(asked)


class SmallContext(OddEndpoint):
    """Refuses a prompt and a limit that are too much together, though the prompt fits."""

    def respond(self, asked: Asked) -> Reply:
        wanted = asked.body["max_tokens"]
        if wanted + 700 > 8192:
            told = (
                f"This model's maximum context length is 8192 tokens. However, you requested {wanted + 700}"
            )
            return refusal(400, f"{told} tokens (700 in the messages, {wanted} in the completion).")
        return self.ok(asked)


class StreamsOnly(OddEndpoint):
    def respond(self, asked: Asked) -> Reply:
        if not asked.body.get("stream"):
            return refusal(400, "This model only support stream mode, please enable the stream parameter.")
        return streamed(self.said(asked.body, asked.number))


class StreamsAnyway(OddEndpoint):
    def respond(self, asked: Asked) -> Reply:
        return streamed(self.said(asked.body, asked.number))


def streamed(text: str) -> Reply:
    """An answer in three events, its usage in a fourth."""
    third = len(text) // 3 + 1
    pieces = [text[i : i + third] for i in range(0, len(text), third)]
    events: list[dict[str, Any]] = [{"choices": [{"delta": {"role": "assistant", "content": ""}}]}]
    events += [{"choices": [{"delta": {"content": piece}, "finish_reason": None}]} for piece in pieces]
    events += [{"choices": [{"delta": {}, "finish_reason": "stop"}]}]
    events += [{"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 9}}]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return Reply(200, f": keep alive\n\n{body}data: [DONE]\n\n", {"Content-Type": "text/event-stream"})


class ThinksAloud(OddEndpoint):
    """Thinking within the text, with what looks like an answer in it."""

    def respond(self, asked: Asked) -> Reply:
        thinking = 'Hm.\n```python\ndef draft(): pass\n```\n{"answer": "0"}? The answer is 12345? No.\n'
        return Reply(200, completion(f"<think>\n{thinking}</think>\n\n{self.said(asked.body, asked.number)}"))


class ThinksApart(OddEndpoint):
    """Thinking in a field of its own, counted apart."""

    def respond(self, asked: Asked) -> Reply:
        used = {"prompt_tokens": 40, "completion_tokens": 59}
        used |= {"completion_tokens_details": {"reasoning_tokens": 50}}  # type: ignore[dict-item]
        thought = {"reasoning_content": "The answer is 12345? No."}
        return Reply(200, completion(self.said(asked.body, asked.number), usage=used, message=thought))


class ThinksLong(OddEndpoint):
    """Uses up to 1,500 tokens for its thinking: what is less is cut, with nothing said."""

    def respond(self, asked: Asked) -> Reply:
        if asked.body["max_tokens"] <= 1500:
            details = {"completion_tokens_details": {"reasoning_tokens": asked.body["max_tokens"]}}
            used = {"prompt_tokens": 40, "completion_tokens": asked.body["max_tokens"], **details}
            return Reply(200, completion("", "length", usage=used))
        return self.ok(asked)


class Parts(OddEndpoint):
    """Content as a list of parts, one of them thinking."""

    def respond(self, asked: Asked) -> Reply:
        said = {"type": "text", "text": self.said(asked.body, asked.number)}
        thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Perhaps 12345."}]}
        body = completion(None)
        body["choices"][0]["message"]["content"] = [thought, said]
        return Reply(200, body)


class CallsTools(OddEndpoint):
    """Answers by schema through a tool that nobody offered."""

    def respond(self, asked: Asked) -> Reply:
        text = self.said(asked.body, asked.number)
        if not text.startswith("{"):
            return self.ok(asked)
        call = {"id": "1", "type": "function", "function": {"name": "answer", "arguments": text}}
        return Reply(200, completion(None, "tool_calls", message={"tool_calls": [call]}))


class NoUsage(OddEndpoint):
    def respond(self, asked: Asked) -> Reply:
        body = completion(self.said(asked.body, asked.number))
        return Reply(200, {**body, "usage": None})


class FloatUsage(OddEndpoint):
    def respond(self, asked: Asked) -> Reply:
        used = {"prompt_tokens": 40.0, "completion_tokens": 8.5}
        return Reply(200, completion(self.said(asked.body, asked.number), usage=used))


class DiesNowAndThen(OddEndpoint):
    """Every fifth answer is a failure of the model's server, with status 200."""

    def respond(self, asked: Asked) -> Reply:
        if asked.number % 5 == 2:
            error = {"code": 502, "message": "Upstream disconnected"}
            return Reply(200, {**completion("", "error", error=error), "usage": None})
        return self.ok(asked)


class SaysNothingNowAndThen(OddEndpoint):
    def respond(self, asked: Asked) -> Reply:
        if asked.number % 5 == 2:
            return Reply(200, {**completion(None), "usage": None})
        return self.ok(asked)


class Azure(OddEndpoint):
    """Deployments, a version in the query, the key in a header of its own, no list of models."""

    prefix = "/openai/deployments/solver"

    @property
    def base_url(self) -> str:
        return f"{self.root}{self.prefix}?api-version=2024-10-21"

    def models(self, asked: Asked) -> Reply:
        return refusal(404, "Resource not found")

    def respond(self, asked: Asked) -> Reply:
        if "api-version=2024-10-21" not in asked.path:
            return refusal(404, "Resource not found")
        if asked.headers.get("api-key") != "sk-azure" or "authorization" in asked.headers:
            return refusal(401, "Access denied due to invalid subscription key.")
        return self.ok(asked)


class KeyInHeader(OddEndpoint):
    """The key in a header that only `llm.extra_headers` can name."""

    def respond(self, asked: Asked) -> Reply:
        return self.ok(asked) if asked.headers.get("x-key") == "sk-x" else refusal(401, "no key")


class WithoutVersion(OddEndpoint):
    """The user leaves out `/v1`; what is there is a web page."""

    @property
    def base_url(self) -> str:
        return f"{self.root}/"

    def route(self, method: str, asked: Asked) -> Reply:
        if asked.path.startswith("/v1/"):
            return super().route(method, asked)
        return Reply(200, "<!doctype html><title>Dashboard</title>", {"Content-Type": "text/html"})


class WholePath(OddEndpoint):
    """The user pastes the path of a call, with a slash and a blank."""

    @property
    def base_url(self) -> str:
        return f" {self.root}/v1/chat/completions/ "


FAMILY: dict[str, type[OddEndpoint]] = {
    cls.__name__: cls
    for cls in (
        *(Plain, Reasoning, NoSeed, NoSystem, NoFormat, ObjectOnly, OutputCap, SmallContext),
        *(StreamsOnly, StreamsAnyway, ThinksAloud, ThinksApart, ThinksLong, Parts, CallsTools),
        *(NoUsage, FloatUsage, DiesNowAndThen, SaysNothingNowAndThen),
        *(Azure, KeyInHeader, WithoutVersion, WholePath),
    )
}
