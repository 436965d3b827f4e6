"""The conversation of an author that works in steps, kept within bounds.

What was told long ago is left out once it has grown too long, many messages at a time, so that providers'
caches of prompts hold in between. The same conversation is always shortened in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from meta_search.authors.author import Context
from meta_search.text import passage
from meta_search.types import CallReply, ToolCall
from meta_search.types.tools import CALLING, RESULT, called, calling, result, resulted

__all__ = ["Conversation"]

TOKENS = 24_000  # that a conversation may have behind its opening
CHARACTERS = 3  # per token, at the least
MOST_STEP = 24_000  # characters that all calls of one reply are told
LEAST = 300  # characters that a call is told in any case
KEPT = 4  # messages at the end that are never shortened
MOST_VALUE = 300  # characters of an argument in a message that is shortened
LEFT_OUT = "(left out to save room: call the tool again where you need it)"
SILENT = "(no reply)"  # not every endpoint takes a message without text


class Conversation:
    """Opening and messages.

    Args:
        context: Of the brief: how long a conversation may be.
    """

    def __init__(self, context: Context) -> None:
        tokens = context.config.context or TOKENS
        if context.context_tokens:
            tokens = min(tokens, context.context_tokens // 2)
        self._room = tokens * CHARACTERS
        self._step = min(MOST_STEP, self._room // 2)
        self._first: tuple[tuple[str, str], ...] = ()
        self._said: list[tuple[str, str]] = []

    def open(self, system: str, opening: str) -> None:
        """Begin."""
        self._first = (("system", system), ("user", opening))

    def messages(self) -> tuple[tuple[str, str], ...]:
        """What is asked next, within the room that there is."""
        if self._length() > self._room:
            self._shorten_to(self._room // 2)
        return (*self._first, *self._said)

    def heard(self, reply: CallReply) -> None:
        """The model's reply."""
        self._said.append(calling(reply.text or ("" if reply.tool_calls else SILENT), reply.tool_calls))

    def say(self, text: str) -> None:
        """Something that is no result of a call."""
        if self._said and self._said[-1][0] == "user":  # roles alternate
            text = f"{self._said.pop()[1]}\n\n{text}"
        self._said.append(("user", text.strip()))

    def tell(self, told: Sequence[tuple[ToolCall, str]], end: str) -> None:
        """What came of calls, with a line at the end of the last."""
        left = self._step
        for number, (call, text) in enumerate(told):
            text = text if len(text) <= left else passage(text, max(left, LEAST))
            left -= len(text)
            self._said.append(result(call, text + (end if number == len(told) - 1 else "")))

    def shorten(self) -> bool:
        """Halve it, as the endpoint says that it is too long; whether it became any shorter."""
        before = self._length()
        self._room = before // 2
        self._shorten_to(self._room)
        return self._length() < before

    def _length(self) -> int:
        return sum(len(content) for _, content in self._said)

    def _shorten_to(self, room: int) -> None:
        """Shorten messages, the oldest first, until the rest fits."""
        length = self._length()
        for place in range(len(self._said) - KEPT):
            if length <= room:
                return
            length -= len(self._said[place][1])
            self._said[place] = _shortened(*self._said[place])
            length += len(self._said[place][1])


def _shortened(role: str, content: str) -> tuple[str, str]:
    if role == RESULT:
        id_, name, text = resulted(content)
        return result(ToolCall(id_, name, ""), text if len(text) <= len(LEFT_OUT) else LEFT_OUT)
    if role == CALLING:
        text, calls = called(content)
        short = [ToolCall(c.id, c.name, _arguments(c.arguments)) for c in calls]
        return calling(passage(text, MOST_VALUE), short)
    return role, passage(content, MOST_VALUE)


def _arguments(text: str) -> str:
    """Arguments without their long texts."""
    try:
        given: Any = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return "{}"
    if not isinstance(given, dict):
        return "{}"
    short = {k: LEFT_OUT if isinstance(v, str) and len(v) > MOST_VALUE else v for k, v in given.items()}
    return json.dumps(short, ensure_ascii=False)
