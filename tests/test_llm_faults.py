"""What a failed attempt means."""

from __future__ import annotations

import email.utils
import time

import pytest

from meta_search.llm.faults import BadAnswer, Refused, classify, one_line, output_cap
from meta_search.llm.waits import asked_wait, reset_wait


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


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("You exceeded your current quota, please check your plan. Please retry in 2.4s.", 2.4),
        ("Rate limit reached. Please try again in 1m3.5s. Visit …", 63.5),
        ("Please try again in 6ms.", 0.006),
        ("Please retry after 22 seconds.", 22.0),
        ('{"error": {"details": [{"retryDelay": "2s"}]}}', 2.0),
        ('{"error": "Model x is currently loading", "estimated_time": 20.0}', 20.0),
        ("retry_after_ms: 300", 0.3),
        ("Please try again in 1 hour and 5 minutes", 3900.0),
        ("Please try again later", None),
        ("It took 20 s", None),
    ],
)
def test_waits_that_are_asked_for_in_words(words: str, seconds: float | None) -> None:
    assert asked_wait({}, words) == seconds
    failure = classify(StatusError(429, words, HEADERS), 5.0)
    assert (failure.kind, failure.retry_after) == ("limited", seconds)


def test_waits_that_are_asked_for_in_headers() -> None:
    assert asked_wait({"Retry-After-Ms": "300", "Retry-After": "1"}) == 0.3
    assert asked_wait({"retry-after": "1m3.5s"}) == 63.5
    assert asked_wait({"retry-after": "nan"}) is None
    used_up = {"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "0"}
    open_ = {"x-ratelimit-reset-requests": "1h", "x-ratelimit-remaining-requests": "10"}
    assert reset_wait({**used_up, **open_}) == 360.0
    assert reset_wait(open_) is None
    epoch = reset_wait({"X-RateLimit-Reset": f"{(time.time() + 50) * 1000:.0f}"})
    assert epoch is not None
    assert 45 < epoch < 51
    assert classify(StatusError(429, "slow down", {**HEADERS, **used_up}), 5.0).retry_after == 360.0


def test_a_hint_to_retry_wins_over_the_word_quota() -> None:
    quota = "You exceeded your current quota, please check your plan and billing details."
    assert classify(StatusError(429, quota, HEADERS), 5.0).kind == "fatal"
    assert classify(StatusError(429, quota, {**HEADERS, "retry-after": "2"}), 5.0).kind == "limited"
    in_body = Refused(429, quota, HEADERS, '{"details": [{"retryDelay": "2.5s"}]}')
    failure = classify(in_body, 5.0)
    assert (failure.kind, failure.retry_after) == ("limited", 2.5)


@pytest.mark.parametrize(
    ("words", "cap"),
    [
        ("max_tokens is too large: 16384. This model supports at most 4096 completion tokens", (4096, True)),
        ("max_tokens: 200000 > 8192, which is the maximum allowed number of output tokens", (8192, True)),
        ("`max_tokens` must be less than or equal to `8192`, the maximum value for it", (8192, True)),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", (8192, True)),
        ("The maximum tokens you requested exceeds the model limit of 4096. Try again", (4096, True)),
        (
            "it has a maxOutputTokens value of 100000 but the supported range is from 1 (inclusive) to 8193"
            " (exclusive).",
            (8192, True),
        ),
        ("max_tokens is too large", (0, True)),
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context length"
            " is 4096 tokens and your request has 100 input tokens (5000 > 4096 - 100).",
            (3996, False),
        ),
        (
            "This model's maximum context length is 4097 tokens. However, you requested 5000 tokens (100 in"
            " the messages, 4900 in the completion).",
            (3997, False),
        ),
        (
            "Requested token count exceeds the model's maximum context length of 8192 tokens. You requested"
            " a total of 9000 tokens: 1000 tokens from the input messages and 8000 for the completion.",
            (7192, False),
        ),
        (
            "`inputs` tokens + `max_new_tokens` must be <= 4097. Given: 100 `inputs` tokens and 4096"
            " `max_new_tokens`",
            (3997, False),
        ),
        # The prompt alone is too long, or it is about something else.
        (
            "This model's maximum context length is 4097 tokens. However, you requested 5000 tokens (4900 in"
            " the messages, 100 in the completion).",
            None,
        ),
        ("This model's maximum context length is 10 tokens, got 50", None),
        ("Unsupported parameter: 'max_tokens' is not supported with this model.", None),
        ("max_tokens must be at least 1", None),
    ],
)
def test_refusals_of_the_limit_of_an_answer(words: str, cap: tuple[int, bool] | None) -> None:
    found = output_cap(words)
    assert (None if found is None else (found.tokens, found.always)) == cap
    kind = classify(StatusError(400, words, HEADERS), 5.0).kind
    assert (kind == "cap") == (cap is not None)


@pytest.mark.parametrize(
    ("error", "gone", "loading"),
    [
        (StatusError(503, "Loading model", HEADERS), True, True),
        (StatusError(503, "Model acme/x is currently loading", HEADERS), True, True),
        (StatusError(500, "model failed to load", HEADERS), False, False),
        (StatusError(502, "Bad Gateway", HEADERS), True, False),
        (StatusError(529, "Overloaded", HEADERS), True, False),
        (StatusError(500, "Connection error.", HEADERS), True, False),
        (StatusError(500, "oops", HEADERS), False, False),
        (StatusError(500, "lost connection"), True, False),  # litellm's own 500
        (ConnectionResetError("reset by peer"), True, False),
        (TimeoutError(), False, False),
        (StatusError(404, "no such model is loading", HEADERS), False, False),
    ],
)
def test_endpoints_that_are_gone_or_load(error: Exception, gone: bool, loading: bool) -> None:
    failure = classify(error, 5.0)
    assert (failure.gone, failure.loading) == (gone, loading)


def test_the_timeout_is_named() -> None:
    assert "no answer within 5 s (llm.timeout_s" in classify(TimeoutError(), 5.0).message
