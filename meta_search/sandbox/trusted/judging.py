"""Calls of a judge model that a confined scorer asks for; what it sends may be an answer's doing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from meta_search.sandbox.trusted.message_fields import ProtocolError, number
from meta_search.sandbox.trusted.requests import read_turns
from meta_search.types import CallReply, CallRequest

__all__ = ["MAX_ASKS", "Ask", "JudgeFault", "Judging", "reply_text"]

Ask = Callable[[CallRequest], "Future[CallReply]"]

MAX_ASKS = 32  # calls for one answer
MAX_TOKENS = 16_384  # of one reply
MODELS = ("judge", "meta", "task")


class JudgeFault(Exception):
    """A call of the judge got no answer.

    Args:
        kind: As `CallReply.fault`.
        message: One line.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


class Judging:
    """The calls for one answer.

    Args:
        ask: Makes them.
        clock: The answer's time, which stands still while a model is waited for.
        tokens: Most tokens that they may use; `None` is no limit.
    """

    def __init__(self, ask: Ask, clock: asyncio.Timeout, tokens: int | None = None) -> None:
        self._ask, self._clock, self._tokens = ask, clock, tokens
        self._used = 0
        self._asked: Counter[CallRequest] = Counter()

    async def ask(self, message: Mapping[str, Any]) -> str:
        """One call, as a child asks for it.

        Raises:
            JudgeFault: It got no answer.
            ProtocolError: There is no such request, or there are too many.
        """
        request = _request(message)
        occurrence = self._asked[request]
        self._asked[request] += 1
        if self._asked.total() > MAX_ASKS or (self._tokens is not None and self._used > self._tokens):
            raise ProtocolError("too many calls of the judge")
        now, until = asyncio.get_running_loop().time, self._clock.when()
        left = None if until is None else until - now()
        self._clock.reschedule(None)
        named = CallRequest(
            request.model,
            request.messages,
            request.temperature,
            request.max_tokens,
            occurrence=f"judge-{occurrence}",
            purpose="judge",
            author="judge",
        )
        reply = await asyncio.wrap_future(self._ask(named))
        self._clock.reschedule(None if left is None else now() + left)
        self._used += reply.used.tokens
        return reply_text(reply)


def reply_text(reply: CallReply) -> str:
    """What a judge said. One that was cut has said something: a scorer may ask for few tokens.

    Raises:
        JudgeFault: It said nothing.
    """
    if reply.fault is None or (reply.fault == "cut" and reply.text.strip()):
        return reply.text
    hint = "; give ask(…, max_tokens=…) more room" if reply.fault == "cut" else ""
    raise JudgeFault(reply.fault, f"the judge got no answer: {reply.message}{hint}")


def _request(message: Mapping[str, Any]) -> CallRequest:
    """The request of a child; hashable, without its ordinal."""
    if message.get("model") not in MODELS:
        raise ProtocolError("ask")
    found = read_turns(message.get("messages"))
    most = None if message.get("max_tokens") is None else int(number(message, "max_tokens"))
    warm = number(message, "temperature")
    if not 0 <= warm <= 2 or (most is not None and not 1 <= most <= MAX_TOKENS):
        raise ProtocolError("temperature or max_tokens")
    return CallRequest(str(message["model"]), found, warm, most)
