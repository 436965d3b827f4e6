"""Bounds on what litellm's clients read: replies are unpacked here, and none passes that is too large.

What is large is handed on as the answer or the failure that it is, and no more of it: litellm looks through
what it cannot read for many seconds, on the event loop.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from meta_search.llm import replies
from meta_search.llm.bodies import PACKING, collected, value_of
from meta_search.llm.faults import BadAnswer, Refused

if TYPE_CHECKING:
    import httpx

__all__ = ["bound"]

LARGE = 2**14  # bytes of a reply that is read here, and handed on by what it says
STREAMS = re.compile(rb'"stream": ?true')  # in a request
THOUGHT = {"reasoning_content": "…"}


def bound(transport: type) -> None:
    """Have a transport of httpx (`handle_async_request`) hand on bounded replies only."""
    import httpx

    original: Any = vars(transport)["handle_async_request"]
    if hasattr(original, "unbounded"):
        return

    class Whole(httpx.AsyncByteStream):
        """A reply's body, read to its end before any of it is handed on."""

        def __init__(self, response: httpx.Response, request: httpx.Request) -> None:
            self._response, self._request = response, request

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield await _read(self._response, self._request)

        async def aclose(self) -> None:
            await self._response.aclose()

    async def handle(self: Any, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = await original(self, request)
        told = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in PACKING]
        return httpx.Response(
            response.status_code,
            headers=told,
            stream=Whole(response, request),
            request=request,
            extensions=response.extensions,
        )

    handle.unbounded = original  # type: ignore[attr-defined]
    transport.handle_async_request = handle  # type: ignore[attr-defined]


async def _read(response: httpx.Response, request: httpx.Request) -> bytes:
    import httpx

    try:
        stream: Any = response.stream
        whole = await collected(response.headers.get("content-encoding", ""), stream)
        status = response.status_code
        if len(whole) < LARGE or (status < 400 and STREAMS.search(await request.aread())):
            return whole
        chats = request.url.path.endswith("/chat/completions")
        return await asyncio.to_thread(_said, whole, status, response.headers, chats)
    except (BadAnswer, Refused) as error:
        await response.aclose()
        raise httpx.DecodingError(str(error)) from error


def _said(whole: bytes, status: int, headers: Mapping[str, Any], chats: bool) -> bytes:
    """What a large body says: litellm looks through all else as well.

    Args:
        whole: The body.
        status: Its HTTP status.
        headers: Likewise.
        chats: Whether it answers in OpenAI's form; other forms are handed on if they are JSON.

    Raises:
        BadAnswer: Nothing.
        Refused: It tells of a failure, with a status that is none.
    """
    if status >= 400:
        return json.dumps({"error": {"message": str(replies.refused(status, whole, headers))}}).encode()
    if not chats:
        try:
            value_of(whole.decode(errors="replace"))
        except (ValueError, RecursionError):
            raise BadAnswer("the answer is large and not JSON") from None
        return whole
    answer = replies.read(whole, headers)
    message = {"role": "assistant", "content": answer.text} | (THOUGHT if answer.thinks else {})
    told: dict[str, Any] = {"choices": [{"index": 0, "message": message, "finish_reason": answer.finish}]}
    if answer.prompt_tokens is not None and answer.completion_tokens is not None:
        told["usage"] = {
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "total_tokens": answer.prompt_tokens + answer.completion_tokens,
            "completion_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        }
    return json.dumps(told).encode()
