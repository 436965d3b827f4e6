"""How the endpoint fails, and what it saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["EndpointRequest", "Fault"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way for the endpoint to fail.

    Attributes:
        kind: `status` (an HTTP error), `hang` (accepts and never answers), `reset` (drops the
            connection), `bad_json` (a body that is not JSON), `truncated` (JSON cut in the middle),
            `empty` (no choices), `filter` (an answer withheld by a content filter), `cut` (the connection is
            dropped in the middle of the answer).
        status: HTTP status of kind `status`. retry_after: its header, in seconds.
        message: Error message of the body.
    """

    kind: Literal["status", "hang", "reset", "bad_json", "truncated", "empty", "filter", "cut"] = "status"
    status: int = 500
    retry_after: float | None = None
    message: str = "scripted fault"


@dataclass(frozen=True, slots=True)
class EndpointRequest:
    """A request as the endpoint saw it.

    Attributes:
        index: Ordinal of arrival. body: The request's JSON. key: Bearer token.
        outcome: `ok`, a fault's kind, or the status of a refusal (`401`, `400`).
        prompt_tokens, completion_tokens: As counted by `count_tokens`; 0 where nothing was answered.
        start, end: Seconds of `time.monotonic`.
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
        return [(m["role"], m["content"]) for m in self.body["messages"]]
