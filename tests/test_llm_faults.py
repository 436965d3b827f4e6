"""What a failed attempt means."""

from __future__ import annotations

import email.utils
import time

import pytest

from meta_search.llm.faults import BadAnswer, classify, one_line


class StatusError(Exception):
    """As litellm raises them: a status, and headers where a reply came."""

    def __init__(self, status: int, message: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status_code = status
        self.litellm_response_headers = headers


HEADERS = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("error", "kind", "unknown"),
    [
        (TimeoutError(), "transient", True),
        (StatusError(500, "lost connection"), "transient", True),  # litellm's own 500
        (StatusError(500, "oops", HEADERS), "transient", False),
        (StatusError(502, "oops", HEADERS), "transient", True),
        (StatusError(504, "oops", HEADERS), "transient", True),
        (StatusError(200, "Unable to get json", HEADERS), "transient", True),
        (StatusError(429, "slow down", HEADERS), "limited", False),
        (StatusError(429, "insufficient_quota", HEADERS), "fatal", False),
        (StatusError(401, "who?", HEADERS), "fatal", False),
        (StatusError(404, "no such model", HEADERS), "fatal", False),
        (StatusError(400, "maximum context length is 8", HEADERS), "context", False),
        (
            StatusError(400, "request (9 tokens) exceeds the available context size", HEADERS),
            "context",
            False,
        ),
        (StatusError(400, "bad field", HEADERS), "request", False),
        (BadAnswer("empty"), "transient", True),
        (BadAnswer("filtered", withheld=True), "withheld", True),
        (KeyError("inside litellm"), "transient", True),
    ],
)
def test_kinds(error: Exception, kind: str, unknown: bool) -> None:
    failure = classify(error, 5.0)
    assert (failure.kind, failure.unknown_fate) == (kind, unknown)


def test_retry_after_in_seconds_or_as_a_date() -> None:
    def wait(value: str) -> float | None:
        return classify(StatusError(429, "", {"Retry-After": value}), 5.0).retry_after

    assert wait("2.5") == 2.5
    assert wait("-1") == 0.0
    assert wait("86400") == 86400.0  # the circuit knows that this is too long
    assert wait("soon") is None
    date = wait(email.utils.formatdate(time.time() + 30, usegmt=True))
    assert date is not None
    assert 25 < date <= 30


def test_messages_are_one_line_and_keep_secrets() -> None:
    text = one_line("first\nsecond sk-1234 " + "x" * 400, "sk-1234")
    assert "\n" not in text
    assert "sk-1234" not in text
    assert len(text) == 300
