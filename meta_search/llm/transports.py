"""Bounds on what litellm's clients read: replies are unpacked here, and none passes that is too large.

What is large and no JSON goes no further either: litellm looks through it for many seconds.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from meta_search.llm.bodies import PACKING, Body
from meta_search.llm.faults import BadAnswer

if TYPE_CHECKING:
    import httpx

__all__ = ["bound"]

LARGE = 2**14  # bytes of a reply that are looked at before they are handed on
SHOWN = 2**11  # of a refusal that is large and no JSON


def bound(transport: type) -> None:
    """Have a transport of httpx (`handle_async_request`) hand on bounded replies only."""
    import httpx

    original: Any = vars(transport)["handle_async_request"]
    if hasattr(original, "unbounded"):
        return

    class Whole(httpx.AsyncByteStream):
        """A reply's body, read to its end before any of it is handed on."""

        def __init__(self, response: httpx.Response) -> None:
            self._response = response

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield await _read(self._response)

        async def aclose(self) -> None:
            await self._response.aclose()

    async def handle(self: Any, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = await original(self, request)
        told = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in PACKING]
        return httpx.Response(
            response.status_code,
            headers=told,
            stream=Whole(response),
            request=request,
            extensions=response.extensions,
        )

    handle.unbounded = original  # type: ignore[attr-defined]
    transport.handle_async_request = handle  # type: ignore[attr-defined]


async def _read(response: httpx.Response) -> bytes:
    import httpx

    try:
        body = Body(response.headers.get("content-encoding", ""))
        stream: Any = response.stream
        async for chunk in stream:
            body.feed(chunk)
        whole = body.whole()
        return whole if len(whole) < LARGE else _looked_at(whole, response)
    except BadAnswer as error:
        await response.aclose()
        raise httpx.DecodingError(str(error)) from error


def _looked_at(whole: bytes, response: httpx.Response) -> bytes:
    """A large body, where it is what its header says."""
    if response.status_code < 400 and "json" not in response.headers.get("content-type", "json"):
        return whole  # a stream
    try:
        json.loads(whole)
    except (ValueError, RecursionError):
        if response.status_code >= 400:
            return whole[:SHOWN]
        raise BadAnswer("the answer is large and not JSON") from None
    return whole
