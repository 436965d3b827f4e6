"""What went wrong with an attempt, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from meta_search.llm.waits import asked_wait, reset_wait
from meta_search.text import one_line as without_breaks

__all__ = [
    "GONE",
    "READ",
    "TIMEOUT",
    "WRONG_KEY",
    "BadAnswer",
    "Cap",
    "Failure",
    "Refused",
    "classify",
    "one_line",
    "output_cap",
]

Kind = Literal["transient", "limited", "withheld", "context", "cap", "request", "fatal"]

# A gateway in between may say these after the model has done its work.
UNKNOWN_FATE = frozenset({408, 502, 504})
CONTEXT = re.compile(
    r"context.?(length|size|window)|maximum context|prompt is too long|too many (input )?tokens"
    r"|maximum model length|input token count \(?\d+\)? exceeds|inputs`? (tokens \+|must have less than)"
    r"|context shift|too big compared to KV|input is too large to process",
    re.IGNORECASE,
)
FILTERED = re.compile(
    r"content_?(filter|policy)|content management policy|ResponsibleAI|safety system"
    r"|(input|prompt|content|request) (was |is |has been )?(flagged|blocked)|moderation",
    re.I,
)
NO_CREDIT = re.compile(
    r"credit balance|billing hard limit|billing_hard_limit|insufficient (balance|fund)", re.I
)
WRONG_KEY = re.compile(
    r"(api|access)[ _]?key (is )?(not valid|invalid)|(invalid|incorrect) api[ _]?key|API_KEY_INVALID", re.I
)
# A model's server that tells of its own end as if the request were to blame (LM Studio).
CRASHED = re.compile(r"model (has )?(crashed|been unloaded|unloaded)", re.I)
# More at once than the account may send in a minute: no wait makes it fit.
NEVER_FITS = re.compile(r"request too large", re.I)
OUT_OF_MONEY = re.compile(r"insufficient_quota|insufficient credit|billing|exceeded your current quota", re.I)
RATE = re.compile(r"rate.?limit|quota|too many requests|throttl", re.I)
# What llama.cpp, Ollama, vLLM, TGI and Hugging Face say while they start; no model that failed to load.
LOADING = re.compile(
    r"loading model|loading the model|model[^.]{0,80} is (currently |still |being )*(loading|loaded)\b"
    r"|model[^.]{0,80}\bnot (yet )?ready|(server|model|engine) is (still )?(starting|warming|initiali[sz]ing)"
    r"|warming up|estimated_time",
    re.I,
)
# Statuses with which what stands before a server says that the server is not there.
GONE = frozenset({502, 503, 504, 520, 521, 522, 523, 524, 529, 530})
UNREACHED = re.compile(
    r"connection error|cannot connect|connect(ion)? (refused|reset|timed out)|upstream|overloaded|unavailable"
    r"|bad gateway|server disconnected",
    re.I,
)
LOST = frozenset({"ClientConnectionError", "ConnectionError", "TransportError", "APIConnectionError"})
TIMEOUT = "llm.timeout_s; raise it for a model that reasons"
READ = 4000  # characters of a refusal that are read
SEEN = 16_000  # characters of a text that becomes one short line

# Refusals of `max_tokens` that name the most a model writes: OpenAI, Anthropic, Groq, DeepSeek, Bedrock,
# Gemini (whose range excludes its end), Cohere.
CAPS = (
    (r"supports at most (\d+) completion tokens", 0),
    (r"max_\w{0,24}tokens: \d+ > (\d+)", 0),
    (r"max_\w{0,24}tokens\W{1,3}(?:must|should) be (?:less than or equal to|at most|<=|≤)\W{1,3}(\d+)", 0),
    (r"max tokens must be less than or equal to (\d+)", 0),
    (r"range of max_\w{0,24}tokens is \[\d+, ?(\d+)\]", 0),
    (r"tokens you requested exceeds the model limit of (\d+)", 0),
    (r"supported range is from \d+ \(inclusive\) to (\d+) \(exclusive\)", -1),
    (r"supported range is from \d+ (?:\(inclusive\) )?to (\d+)", 0),
    (r"max_\w{0,24}tokens\W.{0,60}less than or equal to\W{1,3}(\d+)", 0),
    (r"max_\w{0,24}tokens=\d+ cannot be greater than max_model_len=(?:max_total_tokens=)?(\d+)", 0),
    (r"max_\w{0,24}tokens.{0,60}\bmaximum (?:allowed )?(?:value |of )*(?:is )?(\d+)", 0),
)
# Refusals of prompt and answer together: the context, and the prompt's share of it, in either order.
TOGETHER = (
    r"maximum context length is (?P<all>\d+) tokens.*?(?P<prompt>\d+) input tokens",
    r"maximum context length (?:is|of) (?P<all>\d+) tokens.*?(?P<prompt>\d+) (?:tokens from the input|in the "
    r"messages|of text input)",
    r"max_new_tokens` must be <= (?P<all>\d+)\. Given: (?P<prompt>\d+)",
    r"passed (?P<prompt>\d+) input tokens.*?context length is only (?P<all>\d+) tokens",
    r"exceed context limit: (?P<prompt>\d+) \+ \d+ > (?P<all>\d+)",
)
BLAMED = re.compile(r"(?:max_\w{0,24}tokens|maxOutputTokens)\W.{0,40}(?:too large|too high|exceed)", re.I)


@dataclass(frozen=True, slots=True)
class Cap:
    """How long an answer may be at most, by an endpoint's refusal.

    Attributes:
        tokens: The most that may be asked for; 0 where the refusal names none.
        always: Whether that holds for every call; else for this prompt, which leaves no more of the context.
    """

    tokens: int
    always: bool


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
        body: The whole reply, which may say more than the message does (how long to wait).
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, Any], body: str = "") -> None:
        super().__init__(message)
        self.status_code = status
        self.headers = headers
        self.body = body


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt.

    Attributes:
        kind: `transient` (try again), `limited` (429: try again later), `withheld` (by a content
            filter: another try may pass), `context` (the prompt is too long), `cap` (we asked for a longer
            answer than there may be), `request` (the endpoint refuses this request), `fatal` (it will refuse
            every request: key, credit, model).
        unknown_fate: The model may have worked for it: charge the whole reservation.
        retry_after: Seconds that the endpoint asks to wait, or `None`.
        message: One line.
        status: HTTP status, or `None` where there was none.
        gone: Nothing was reached that could have answered: no connection, or a proxy without its server.
        loading: The server is there, and still loads its model.
        cap: Of a refusal of kind `cap`.
        said: All that the endpoint said; the message is cut.
    """

    kind: Kind
    unknown_fate: bool
    message: str
    retry_after: float | None = None
    status: int | None = None
    gone: bool = False
    loading: bool = False
    cap: Cap | None = None
    said: str = ""


def classify(
    error: BaseException, timeout_s: float, secret: str | Sequence[str] | None = None, limit: str = TIMEOUT
) -> Failure:
    """Read an exception of a wire as a `Failure`.

    litellm maps a lost connection to status 500 as well; only a real reply has response headers.

    Args:
        error: What the attempt raised.
        timeout_s: The timeout that applied, for the message.
        secret: A key that must not appear in the message, or several.
        limit: What set the timeout, for the message.
    """
    if isinstance(error, BadAnswer):
        return Failure(
            "withheld" if error.withheld else "transient", True, one_line(str(error), secret), status=200
        )
    if isinstance(error, TimeoutError):
        return Failure("transient", True, f"no answer within {timeout_s:g} s ({limit})")
    headers: Mapping[str, Any] | None = getattr(error, "litellm_response_headers", None)
    if isinstance(error, Refused):
        headers = error.headers
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        status = None
    message = one_line(str(error), secret) or type(error).__name__
    text = f"{error}\n{getattr(error, 'body', '')}"[:READ]
    wait = asked_wait(headers or {}, text)
    cap = output_cap(text) if status in (400, 413, 422, 500) else None
    kind = "cap" if cap is not None else _kind(error, status, text, wait)
    sent_back = bool(headers) and status not in UNKNOWN_FATE and status != 200
    # aiohttp had no connection to send it over.
    unsent = _is_a(error, {"ClientConnectorError"})
    definite = sent_back or unsent or kind in ("context", "cap", "request", "fatal", "limited")
    if kind == "limited" and wait is None:
        wait = reset_wait(headers or {})
    return Failure(
        kind,
        not definite,
        message,
        wait if kind in ("limited", "transient") else None,
        status,
        gone=kind == "transient" and _gone(error, status, headers, text),
        loading=kind == "transient" and (status or 0) >= 500 and bool(LOADING.search(text)),
        cap=cap,
        said=text,
    )


def output_cap(text: str) -> Cap | None:
    """What a refusal says of how long an answer may be; `None` where it is about something else.

    A prompt that leaves nothing of the context is something else: that is the prompt's fault.

    Args:
        text: What the endpoint said.
    """
    for pattern in TOGETHER:
        if found := re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            room = _tokens(found["all"]) - _tokens(found["prompt"])
            return Cap(room, always=False) if room > 0 else None
    for pattern, correction in CAPS:
        if found := re.search(pattern, text, re.IGNORECASE):
            return Cap(_tokens(found[1]) + correction, always=True)
    return Cap(0, always=True) if BLAMED.search(text) else None


def _tokens(digits: str) -> int:
    return int(digits[:12])


def one_line(text: str, secret: str | Sequence[str] | None = None, length: int = 300) -> str:
    """Text without line breaks, long tails and secrets."""
    for hidden in (secret,) if isinstance(secret, str) else secret or ():
        text = text.replace(hidden, "***") if hidden else text
    return without_breaks(text[:SEEN], length)


def _is_a(error: BaseException, names: Collection[str]) -> bool:
    """Whether an error is of a class of such a name; nothing heavy is imported to find out."""
    return any(cls.__name__ in names for cls in type(error).__mro__)


def _gone(error: BaseException, status: int | None, headers: Mapping[str, Any] | None, text: str) -> bool:
    if _is_a(error, LOST):
        return True
    answered = status is not None and bool(headers)  # litellm has status 500 for a lost connection
    if status == 500 and not answered:
        return True
    return status in GONE or (status == 500 and bool(UNREACHED.search(text)))


def _kind(error: BaseException, status: int | None, message: str, wait: float | None) -> Kind:
    name = type(error).__name__
    if name == "ContextWindowExceededError":
        return "context"
    if name == "ContentPolicyViolationError":
        return "withheld"
    if status in (400, 413, 422, 500) and CONTEXT.search(message):
        return "context"
    if status in (400, 403) and FILTERED.search(message):
        return "withheld"
    if status == 403 and wait is not None and RATE.search(message):
        return "limited"
    if status == 400 and (NO_CREDIT.search(message) or WRONG_KEY.search(message)):
        return "fatal"
    if status == 400 and CRASHED.search(message):
        return "transient"
    if status in (401, 402, 403, 404) or (status is not None and 300 <= status < 400):
        return "fatal"
    if status == 429 and wait is None and NEVER_FITS.search(message):
        return "request"
    if status == 429:
        # Google calls a limit per minute an exceeded quota, too: who names a time will answer again.
        return "fatal" if wait is None and OUT_OF_MONEY.search(message) else "limited"
    if status is not None and 400 <= status < 500 and status not in (408, 409, 425):
        return "request"
    return "transient"
