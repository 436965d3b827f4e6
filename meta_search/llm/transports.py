"""Bounds on what litellm's clients read: replies are unpacked here, and none passes that is too large.

What is large and no answer goes no further either: litellm looks through it for many seconds.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from meta_search.llm.bodies import PACKING, Body, value_of
from meta_search.llm.faults import BadAnswer

if TYPE_CHECKING:
    import httpx

__all__ = ["bound"]

LARGE = 2**14  # bytes of a reply that are looked at before they are handed on
SHOWN = 2**11  # of a refusal that is large and no JSON
STREAMS = re.compile(rb'"stream": ?true')  # in a request


def bound(transport: type) -> None:
    """Have a transport of httpx (`handle_async_request`) hand on bounded replies only."""
    import httpx

    original: Any = vars(transport)["handle_async_request"]
    if hasattr(original, "unbounded"):
        return

    class Whole(httpx.AsyncByteStream):
        """A reply's body, read to its end before any of it is handed on."""

        def __init__(self, response: httpx.Response, streams: bool) -> None:
            self._response, self._streams = response, streams

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield await _read(self._response, self._streams)

        async def aclose(self) -> None:
            await self._response.aclose()

    async def handle(self: Any, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = await original(self, request)
        told = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in PACKING]
        streams = bool(STREAMS.search(await request.aread()))
        return httpx.Response(
            response.status_code,
            headers=told,
            stream=Whole(response, streams),
            request=request,
            extensions=response.extensions,
        )

    handle.unbounded = original  # type: ignore[attr-defined]
    transport.handle_async_request = handle  # type: ignore[attr-defined]


async def _read(response: httpx.Response, streams: bool) -> bytes:
    import httpx

    try:
        body = Body(response.headers.get("content-encoding", ""))
        stream: Any = response.stream
        async for chunk in stream:
            body.feed(chunk)
        whole = body.whole()
        if len(whole) < LARGE or (streams and response.status_code < 400):
            return whole
        return await asyncio.to_thread(_looked_at, whole, response.status_code)
    except BadAnswer as error:
        await response.aclose()
        raise httpx.DecodingError(str(error)) from error


def _looked_at(whole: bytes, status: int) -> bytes:
    """A large body that should be JSON."""
    try:
        value_of(whole.decode(errors="replace"))
    except (ValueError, RecursionError):
        if status >= 400:
            return whole[:SHOWN]
        raise BadAnswer("the answer is large and not JSON") from None
    return whole
