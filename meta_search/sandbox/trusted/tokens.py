"""The tokens of one item: what its calls have used, and what those in flight may use at the most."""

from __future__ import annotations

import asyncio
import json
from collections import deque

from meta_search.sandbox.trusted.messages import Call

__all__ = ["TokenMeter", "most_tokens"]

OVERHEAD = 64  # tokens that a chat template and an answer's schema add
PER_MESSAGE = 16


def most_tokens(call: Call, answer: int) -> int:
    """Upper bound of what a call uses if its answer is not cut: no text has more tokens than bytes.

    Args:
        call: The call.
        answer: Most tokens of an answer (`llm.max_tokens`), whatever the agent asks for.
    """
    prompt = sum(len(content.encode("utf-8", "replace")) + PER_MESSAGE for _, content in call.messages)
    schema = call.schema
    asked = 0 if schema is None else len(json.dumps(schema))
    return prompt + asked + OVERHEAD + min(call.max_tokens or answer, answer)


class TokenMeter:
    """Counts the tokens of one item, and holds calls back that could pass its limit together.

    A call's upper bound is mostly a multiple of what it uses, so none is refused for it: it waits until those
    in flight have told what they used, and goes alone where it still does not fit. So an item passes its
    limit by one call at the most, and by what calls use that are asked again with more room. An agent of
    ordinary size never waits.

    Args:
        limit: Most tokens of the item; `None` is no limit.

    Attributes:
        used: Tokens of the calls that have ended.
    """

    def __init__(self, limit: int | None) -> None:
        self.used = 0
        self._limit = limit
        self._reserved = 0
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def over(self) -> bool:
        """Whether the limit is passed."""
        return self._limit is not None and self.used > self._limit

    async def reserve(self, most: int) -> None:
        """Wait until a call may be sent. What is cancelled while it waits was never sent."""
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((most, granted))
        self._serve()
        await granted

    def settle(self, most: int, used: int) -> None:
        """A call has ended; arguments are what was reserved for it and what it used."""
        self._reserved -= most
        self.used += used
        self._serve()

    def close(self) -> None:
        """The item has ended: what waits is cancelled."""
        for _, granted in self._queue:
            granted.cancel()
        self._queue.clear()

    def _serve(self) -> None:
        """Let calls go in order of arrival."""
        while self._queue and not self.over:
            most, granted = self._queue[0]
            if self._reserved and self._limit is not None and self.used + self._reserved + most > self._limit:
                return
            self._queue.popleft()
            if not granted.done():
                self._reserved += most
                granted.set_result(None)
