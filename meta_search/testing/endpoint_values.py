"""What a `CountingEndpoint` can do, how it fails, and what it received."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["EndpointFeatures", "EndpointRequest", "Fault", "ToolReply"]


@dataclass(frozen=True, slots=True)
class EndpointFeatures:
    """What the endpoint and its model can do.

    Attributes:
        context: Longest prompt in tokens; a longer one is refused as OpenAI does. `None`: no limit.
        schema: Whether `response_format` with a JSON schema is supported; if not, it is refused (400).
        usage: Whether answers report their token usage.
        tools: Whether `tools` may be offered; if not, such a request is refused (400).
        ignores_tools: Whether offered tools are taken and dropped without a word.
    """

    context: int | None = None
    schema: bool = True
    usage: bool = True
    tools: bool = True
    ignores_tools: bool = False


@dataclass(frozen=True, slots=True)
class ToolReply:
    """An answer that calls tools.

    Attributes:
        calls: (name, arguments) of each; arguments as text are sent as they are, JSON or not.
        text: What the model says beside them.
        ids: Of the calls; empty numbers them.
        more: Further fields of the message, such as `reasoning_content`.
    """

    calls: tuple[tuple[str, Mapping[str, Any] | str], ...]
    text: str = ""
    ids: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    def message(self) -> dict[str, Any]:
        """As the endpoint's JSON has it."""
        made = []
        for number, (name, given) in enumerate(self.calls):
            arguments = given if isinstance(given, str) else json.dumps(given)
            id_ = self.ids[number] if number < len(self.ids) else f"call_{number}"
            made.append({"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}})
        return {"role": "assistant", "content": self.text or None, "tool_calls": made, **self.more}


@dataclass(frozen=True, slots=True)
class Fault:
    """One way for the endpoint to fail.

    Attributes:
        kind: `status` (an HTTP error), `hang` (accepts and never answers), `reset` (drops the
            connection), `bad_json` (a body that is not JSON), `truncated` (JSON cut in the middle),
            `empty` (no choices), `filter` (an answer withheld by a content filter), `cut` (the connection is
            dropped in the middle of the answer).
        status: HTTP status of kind `status`.
        retry_after: Seconds in its `Retry-After` header; `None` sends none.
        message: Error message of the body.
    """

    kind: Literal["status", "hang", "reset", "bad_json", "truncated", "empty", "filter", "cut"] = "status"
    status: int = 500
    retry_after: float | None = None
    message: str = "scripted fault"


@dataclass(frozen=True, slots=True)
class EndpointRequest:
    """A request as the endpoint received it.

    Attributes:
        index: Ordinal of arrival.
        body: The request's JSON.
        key: Bearer token.
        outcome: `ok`, a fault's kind, or the status of a refusal (`401`, `400`).
        prompt_tokens: Tokens as counted by `count_tokens`; 0 if nothing was answered.
        completion_tokens: Tokens as counted by `count_tokens`; 0 if nothing was answered.
        start: Seconds of `time.monotonic` at its arrival.
        end: Seconds of `time.monotonic` when it was answered.
    """

    index: int
    body: Mapping[str, Any]
    key: str
    outcome: str
    prompt_tokens: int
    completion_tokens: int
    start: float
    end: float

    @property
    def messages(self) -> list[tuple[str, str]]:
        """Chat messages, pairs (role, content)."""
        return [(m["role"], m["content"] or "") for m in self.body["messages"]]
