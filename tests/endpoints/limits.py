"""Endpoints with limits: quotas, a day's end, a restart, a model that loads, a longest answer."""

from __future__ import annotations

import time
from typing import Any

from tests.endpoints.server import Asked, OddEndpoint, Reply, refusal

__all__ = ["LIMITS", "Capped", "Daily", "Down", "Loading", "Quota", "QuotaOver", "SmallContext"]


class Quota(OddEndpoint):
    """Every sixth request meets a limit per minute, in Google's words: a list, with `retryDelay` inside."""

    words = "You exceeded your current quota, please check your plan and billing. Please retry in 0.2s."

    def respond(self, asked: Asked) -> Reply:
        if asked.number % 6 != 5:
            return self.ok(asked)
        details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.2s"}]
        error = {"code": 429, "message": self.words, "status": "RESOURCE_EXHAUSTED", "details": details}
        return Reply(429, [{"error": error}])


class QuotaOver(OddEndpoint):
    """After seven requests there is no more credit, and nobody says when there will be."""

    def respond(self, asked: Asked) -> Reply:
        words = "You exceeded your current quota, please check your plan and billing details."
        return refusal(429, words, code="insufficient_quota") if asked.number >= 7 else self.ok(asked)


class Daily(OddEndpoint):
    """After seven requests the day's limit is reached."""

    wait_s = 432

    def respond(self, asked: Asked) -> Reply:
        if asked.number < 7:
            return self.ok(asked)
        return refusal(429, "Rate limit reached for requests per day", {"Retry-After": str(self.wait_s)})


class Down(OddEndpoint):
    """Is restarted after some requests: what stands before it says 502 for a while.

    Attributes:
        refused: Requests that came meanwhile.
    """

    first, seconds = 6, 0.7

    def __init__(self) -> None:
        super().__init__()
        self.refused = 0
        self._until: float | None = None

    def respond(self, asked: Asked) -> Reply:
        if asked.number == self.first:
            self._until = time.monotonic() + self.seconds
        if not self._is_down():
            return self.ok(asked)
        self.refused += 1
        return self.refusal()

    def models(self, asked: Asked) -> Reply:
        return self.refusal() if self._is_down() else super().models(asked)

    def refusal(self) -> Reply:
        """What is said meanwhile."""
        return Reply(502, "<html><h1>502 Bad Gateway</h1></html>", {"Content-Type": "text/html"})

    def _is_down(self) -> bool:
        return self._until is not None and time.monotonic() < self._until


class Loading(Down):
    """llama.cpp that still loads its model as the run starts."""

    first = 0

    def refusal(self) -> Reply:
        return refusal(503, "Loading model", code=503, type="unavailable_error")


class Capped(OddEndpoint):
    """A model that writes at most 100 tokens, and says so."""

    most = 100

    def respond(self, asked: Asked) -> Reply:
        wanted: Any = asked.body["max_tokens"]
        if wanted <= self.most:
            return self.ok(asked)
        words = (
            f"max_tokens is too large: {wanted}. This model supports at most {self.most} completion tokens"
        )
        return refusal(400, f"{words}, whereas you provided {wanted}.", code="invalid_value")


class SmallContext(OddEndpoint):
    """vLLM, whose context prompt and `max_tokens` must fit together."""

    context, prompt = 900, 400

    def respond(self, asked: Asked) -> Reply:
        wanted: Any = asked.body["max_tokens"]
        if wanted + self.prompt <= self.context:
            return self.ok(asked)
        return refusal(
            400,
            f"'max_tokens' or 'max_completion_tokens' is too large: {wanted}. This model's maximum context"
            f" length is {self.context} tokens and your request has {self.prompt} input tokens ({wanted} >"
            f" {self.context} - {self.prompt}).",
        )


LIMITS = (Quota, Down, Loading, Capped, SmallContext)
"""Those through which a search comes to the same end as ever."""
