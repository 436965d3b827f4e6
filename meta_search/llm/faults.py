"""What went wrong with an attempt, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from meta_search.text import one_line as without_breaks

__all__ = ["BadAnswer", "Failure", "Refused", "classify", "one_line"]

Kind = Literal["transient", "limited", "withheld", "context", "request", "fatal"]

# A gateway in between may say these after the model has done its work.
UNKNOWN_FATE = frozenset({408, 502, 504})
CONTEXT = re.compile(
    r"context.?(length|size|window)|maximum context|prompt is too long|too many (input )?tokens",
    re.IGNORECASE,
)
FILTERED = re.compile(r"content_?(filter|policy)|content management policy|ResponsibleAI|safety system", re.I)
OUT_OF_MONEY = re.compile(r"insufficient_quota|insufficient credit|billing|exceeded your current quota", re.I)
LONGEST_WAIT_S = 600.0


class BadAnswer(Exception):
    """A reply with status 200 that holds no usable answer.

    Args:
        message: One line.
        withheld: Whether a content filter withheld it.
    """

    def __init__(self, message: str, withheld: bool = False) -> None:
        super().__init__(message)
        self.withheld = withheld


class Refused(Exception):
    """A reply with an error status.

    Args:
        status: HTTP status.
        message: What the endpoint said.
        headers: Of the reply.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.status_code = status
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt.

    Attributes:
        kind: `transient` (try again), `limited` (429: try again later), `withheld` (by a content
            filter: another try may pass), `context` (the prompt is too long), `request` (the endpoint
            refuses this request), `fatal` (it will refuse every request: key, credit, model).
        unknown_fate: The model may have worked for it: charge the whole reservation.
        retry_after: Seconds that the endpoint asks to wait, or `None`.
        message: One line.
        status: HTTP status, or `None` where there was none.
    """

    kind: Kind
    unknown_fate: bool
    message: str
    retry_after: float | None = None
    status: int | None = None


def classify(error: BaseException, timeout_s: float, secret: str | None = None) -> Failure:
    """Read an exception of a wire as a `Failure`.

    litellm maps a lost connection to status 500 as well; only a real reply has response headers.

    Args:
        error: What the attempt raised.
        timeout_s: The timeout that applied, for the message.
        secret: A key that must not appear in the message.
    """
    if isinstance(error, BadAnswer):
        return Failure(
            "withheld" if error.withheld else "transient", True, one_line(str(error), secret), status=200
        )
    if isinstance(error, TimeoutError):
        return Failure("transient", True, f"no answer within {timeout_s:g} s")
    headers: Mapping[str, Any] | None = getattr(error, "litellm_response_headers", None)
    if isinstance(error, Refused):
        headers = error.headers
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        status = None
    message = one_line(str(error), secret) or type(error).__name__
    kind = _kind(error, status, message)
    sent_back = bool(headers) and status not in UNKNOWN_FATE and status != 200
    # aiohttp had no connection to send it over.
    unsent = any(cls.__name__ == "ClientConnectorError" for cls in type(error).__mro__)
    definite = sent_back or unsent or kind in ("context", "request", "fatal", "limited")
    wait = _retry_after(headers or {}) if kind in ("limited", "transient") else None
    return Failure(kind, not definite, message, wait, status)


def one_line(text: str, secret: str | None = None, length: int = 300) -> str:
    """Text without line breaks, long tails and a secret."""
    if secret:
        text = text.replace(secret, "***")
    return without_breaks(text, length)


def _kind(error: BaseException, status: int | None, message: str) -> Kind:
    name = type(error).__name__
    if name == "ContextWindowExceededError":
        return "context"
    if name == "ContentPolicyViolationError":
        return "withheld"
    if status in (400, 413, 422, 500) and CONTEXT.search(message):
        return "context"
    if status in (400, 403) and FILTERED.search(message):
        return "withheld"
    if status in (401, 402, 403, 404) or (status is not None and 300 <= status < 400):
        return "fatal"
    if status == 429:
        return "fatal" if OUT_OF_MONEY.search(message) else "limited"
    if status is not None and 400 <= status < 500 and status not in (408, 409, 425):
        return "request"
    return "transient"


def _retry_after(headers: Mapping[str, Any]) -> float | None:
    """Seconds of a `Retry-After` header; HTTP dates are read as well."""
    value = next((str(v) for k, v in headers.items() if str(k).lower() == "retry-after"), None)
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        import email.utils
        import time

        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return min(max(0.0, seconds), LONGEST_WAIT_S)
