"""The body of a reply, unpacked and read within bounds: an endpoint may be anybody's.

Needs the standard library and `faults` only: exported agents carry both.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterable
from typing import Any

from meta_search.llm.faults import BadAnswer, one_line

__all__ = ["ACCEPTED", "LARGEST", "PACKING", "Body", "collected", "value_of"]

LARGEST = 16 * 2**20  # bytes of a reply, packed or not: a stream of some 50,000 tokens, an event each
MOST_MEMBERS = 1024  # that a packed reply is made of: each may be empty, and takes work all the same
MOST_BRACKETS = 2**18  # of JSON; reading it holds up all threads, and a list of nothing takes 2 bytes
ACCEPTED = "gzip, deflate"  # what may be packed how; asked for by the header `Accept-Encoding`
# Headers of a reply that say nothing of its body once that is unpacked.
PACKING = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class Body:
    """Collects a body.

    Args:
        packing: The header `Content-Encoding`; empty for none.

    Raises:
        BadAnswer: It is packed in a way that nobody asked for.
    """

    def __init__(self, packing: str = "") -> None:
        self._packing = packing.strip().lower()
        if self._packing not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise BadAnswer(f"the reply is packed as {one_line(packing, length=40)}, which nobody asked for")
        self._plain = self._packing in ("", "identity")
        self._unpacker: Any = None
        self._read = self._members = 0
        self._whole = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Add what has come.

        Raises:
            BadAnswer: It is too much, or cannot be unpacked.
        """
        self._read += len(chunk)
        if self._read > LARGEST:
            raise _too_large()
        try:
            self._add(chunk) if self._plain else self._unpack(chunk)
        except zlib.error as error:
            raise BadAnswer(f"the reply cannot be unpacked: {error}") from error

    def whole(self) -> bytes:
        """All of it."""
        return bytes(self._whole)

    def _unpack(self, chunk: bytes) -> None:
        while chunk:
            if self._unpacker is None:
                self._members += 1
                if self._members > MOST_MEMBERS:
                    raise BadAnswer(f"the reply is packed in more than {MOST_MEMBERS} pieces")
                raw = self._packing == "deflate" and chunk[0] & 15 != 8  # as some servers understand it
                self._unpacker = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS | 32)
            self._add(self._unpacker.decompress(chunk, LARGEST + 1 - len(self._whole)))
            chunk = self._unpacker.unused_data  # another member may follow
            if self._unpacker.eof:
                self._unpacker = None

    def _add(self, part: bytes) -> None:
        self._whole += part
        if len(self._whole) > LARGEST:
            raise _too_large()


async def collected(packing: str, chunks: AsyncIterable[bytes]) -> bytes:
    """A whole body; raises as `Body`.

    Args:
        packing: The header `Content-Encoding`; empty for none.
        chunks: As they come, packed.
    """
    body = Body(packing)
    async for chunk in chunks:
        body.feed(chunk)
    return body.whole()


def _too_large() -> BadAnswer:
    return BadAnswer(f"the reply is larger than {LARGEST // 2**20} MB, which no answer is")


def value_of(text: str) -> Any:
    """The value of JSON text that an endpoint wrote.

    Raises:
        ValueError: It is no JSON, or more than can be read in a moment.
        RecursionError: It is too deep.
    """
    if text.count("[") + text.count("{") > MOST_BRACKETS:
        raise ValueError(f"more than {MOST_BRACKETS} brackets are opened")
    return json.loads(text)
