"""How long an endpoint asks to wait, in the many ways in which endpoints say so."""

from __future__ import annotations

import datetime
import email.utils
import re
import time
from collections.abc import Mapping
from typing import Any

__all__ = ["asked_wait", "reset_wait"]

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
PART = (
    r"\d+(?:\.\d+)?\s*(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-z])"
)
# "Please retry in 2.4s" (Google), "try again in 1m3.5s" (OpenAI), "retry after 22 seconds" (Azure).
SAID = re.compile(
    r"(?:\b(?:re)?try(?:ing)?(?: your request| the request)?(?: again)?|\bwait(?:ing)?(?: for)?)"
    rf"\s*(?:in|after)?:?\s*(?:about|approximately|at least|another)?\s*((?:{PART}(?:,| and)?\s*)+)",
    re.IGNORECASE,
)
# Google's `"retryDelay": "2s"`, Hugging Face's `"estimated_time": 20.0`, and others' `"retry_after": 3`.
FIELD = re.compile(
    r"\b(retry_?delay|retry_?after(?:_ms|_seconds)?|estimated_time)[\"']?\s*[:=]\s*[\"']?(\d+(?:\.\d+)?)(m?s)?\b",
    re.IGNORECASE,
)
RESET = re.compile(r"^(?:x-|anthropic-)?ratelimit-(?:reset(?:-.+)?|.+-reset)$")
LONGEST = 100  # characters of a header that are read
MOST_S = 366 * 86400.0  # what asks to wait longer than a year asks as much
EPOCH_S, EPOCH_MS = 1e9, 1e12  # numbers above these are dates


def asked_wait(headers: Mapping[str, Any], text: str = "") -> float | None:
    """Seconds that a refusal asks to wait, or `None` where it asks for nothing.

    Args:
        headers: Of the reply; `Retry-After` may hold seconds, a duration or a date.
        text: The reply's body, or what was made of it.
    """
    lower = _lower(headers)
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (milliseconds := _number(lower.get(name, ""))) is not None:
            return _bounded(milliseconds / 1000)
    if "retry-after" in lower and (told := _moment(lower["retry-after"])) is not None:
        return told
    if found := FIELD.search(text):
        return _bounded(float(found[2]) * (0.001 if "ms" in (found[3], found[1][-2:].lower()) else 1.0))
    found = SAID.search(text)
    return _duration(found[1]) if found else None


def reset_wait(headers: Mapping[str, Any]) -> float | None:
    """Seconds until the limits that are used up are open again, by `x-ratelimit-reset-…` and its kin.

    These headers come with every answer, so they say something only where a call was refused; a limit with
    something left is not what refused it.
    """
    lower = _lower(headers)
    waits = []
    for name, value in lower.items():
        if not RESET.match(name):
            continue
        left = _number(lower.get(name.replace("reset", "remaining"), ""))
        wait = _moment(value)
        if wait is not None and not left:
            waits.append(wait)
    return max(waits, default=None)


def _lower(headers: Mapping[str, Any]) -> dict[str, str]:
    return {str(name).lower(): str(value).strip()[:LONGEST] for name, value in headers.items()}


def _moment(value: str) -> float | None:
    """Seconds from now to a moment that is written as seconds, a duration, an epoch or a date."""
    number = _number(value)
    if number is not None:
        if number >= EPOCH_S:
            number = (number / 1000 if number >= EPOCH_MS else number) - time.time()
        return _bounded(number)
    if (duration := _duration(value)) is not None:
        return duration
    for read in (email.utils.parsedate_to_datetime, datetime.datetime.fromisoformat):
        try:
            return _bounded(read(value).timestamp() - time.time())
        except (TypeError, ValueError, ArithmeticError, OSError):
            continue
    return None


def _duration(text: str) -> float | None:
    """Seconds of a duration such as `2.4s`, `1m3.5s`, `6 minutes and 2 seconds`."""
    if not re.fullmatch(rf"(?:{PART}(?:,| and)?\s*)+", text.strip(), re.IGNORECASE):
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(ms|milli|[smhd])", text.lower())
    return _bounded(sum(float(number) * UNITS["ms" if unit == "milli" else unit] for number, unit in parts))


def _bounded(seconds: float) -> float:
    return min(max(0.0, seconds), MOST_S)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None
