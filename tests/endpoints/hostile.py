"""Endpoints that mean harm: bombs, floods, drips, figures that no machine holds, garbage.

Those of `ANSWERS` answer all the same, and a search through them comes to the scores of the plain one; those
of `NEVER` never do, and a search ends with one line.
"""

from __future__ import annotations

import functools
import json
import threading
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from tests.endpoints.server import Asked, OddEndpoint, Reply, completion, refusal

__all__ = ["ANSWERS", "NEVER"]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
EVENT = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'
ZEROS = b" " * 2**20
HUGE: tuple[Any, ...] = (
    10**30,
    -5,
    float("nan"),
    float("inf"),
    "9" * 400,
    "²",
    [1],
    {"n": 1},
    True,
    1e308,
    None,
)


class Figures(OddEndpoint):
    """Counts tokens as no machine can hold them, and says so with waits and costs."""

    def respond(self, asked: Asked) -> Reply:
        figure = HUGE[asked.number % len(HUGE)]
        names = ("prompt_tokens", "completion_tokens", "total_tokens", "cost", "reasoning_tokens")
        used = {**dict.fromkeys(names, figure), "completion_tokens_details": {"reasoning_tokens": figure}}
        body = completion(self.said(asked.body, asked.number), usage=used)
        headers = {"Retry-After": "1e30", "x-ratelimit-reset": str(10**30)}
        return Reply(200, {**body, "created": figure}, headers)


class Waits(OddEndpoint):
    """Refuses now and then, with waits that are none."""

    waits = (
        "-5",
        "nan",
        "-1e30",
        "Mon, 01 Jan 0001 00:00:00 GMT",
        "Mon, 99 Foo 99999 99:99:99",
        "²",
        "0001-01-01",
    )

    def respond(self, asked: Asked) -> Reply:
        if asked.number % 4 != 3:
            return self.ok(asked)
        return refusal(429, "slow down", {"Retry-After": self.waits[asked.number // 4 % len(self.waits)]})


class Mutters(OddEndpoint):
    """Every fourth reply is deep, garbled, or full of marks."""

    words = (
        *("{" * 190_000, '{"' * 90_000, "[" * 10**6, '{"a":' * 10**5, '{"' + "\\u" * 90_000, "\ud800" * 9),
        *("data: {\n" * 50_000, "<title" * 10**5, ": \n" * 10**5, '{"error":' + "[" * 900 + "]" * 900 + "}"),
    )

    def respond(self, asked: Asked) -> Reply:
        if asked.number % 4 != 3:
            return self.ok(asked)
        return Reply(200, self.words[asked.number // 4 % len(self.words)].encode("utf-8", "surrogatepass"))


class Redirects(OddEndpoint):
    """Every fourth request is sent elsewhere by a 500 with a Location, which nobody follows."""

    def respond(self, asked: Asked) -> Reply:
        if asked.number % 4 != 3:
            return self.ok(asked)
        return refusal(500, "moved\x1b[2J\r\nX: y", {"Location": "http://127.0.0.1:9/v1"})


class Bomb(OddEndpoint):
    """Every fourth reply is 40 KB that unpack to 40 MB."""

    packing, form = "gzip", zlib.MAX_WBITS | 16

    @classmethod
    @functools.cache
    def packed(cls) -> bytes:
        """40 MB of blanks, without ever holding them."""
        packer = zlib.compressobj(9, wbits=cls.form)
        return b"".join([packer.compress(ZEROS) for _ in range(40)]) + packer.flush()

    def respond(self, asked: Asked) -> Reply:
        if asked.number % 4 != 3:
            return self.ok(asked)
        return Reply(200, self.packed(), {"Content-Encoding": self.packing})


class Deflated(Bomb):
    packing, form = "deflate", zlib.MAX_WBITS


class Brotli(Bomb):
    """Packed as nobody asked for."""

    packing = "br"

    @classmethod
    def packed(cls) -> bytes:
        return b"\x1b" * 1000


class Written(OddEndpoint):
    """Every fourth reply is written byte for byte, head included."""

    def write(self, file: BinaryIO) -> None:
        raise NotImplementedError

    def respond(self, asked: Asked) -> Reply:
        return Reply(200, self.write) if asked.number % 4 == 3 else self.ok(asked)


class Endless(Written):
    """A body without length that never ends."""

    head, piece = HEAD, ZEROS

    def write(self, file: BinaryIO) -> None:
        file.write(self.head + b"Connection: close\r\n\r\n")
        while True:
            file.write(self.piece)


class EndlessStream(Endless):
    head, piece = STREAM, EVENT * 4000


class EndlessHeaders(Written):
    def write(self, file: BinaryIO) -> None:
        file.write(HEAD)
        while True:
            file.write(b"X-More: " + b"x" * 1000 + b"\r\n")


class Chunks(Written):
    """Chunks whose lengths are none."""

    def write(self, file: BinaryIO) -> None:
        file.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n-5\r\n")


class Status(Written):
    """Control characters in the status line."""

    def write(self, file: BinaryIO) -> None:
        file.write(b"HTTP/1.1 200 \x1b[2J\x1b]0;owned\x07\x00OK\r\nContent-Length: 2\r\n\r\n{}")


class Utf16(Written):
    """JSON in UTF-16, with lone surrogates."""

    def write(self, file: BinaryIO) -> None:
        body = json.dumps(completion("7")).encode("utf-16") + b"\x00\xd8" * 99
        file.write(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)


class Drips(OddEndpoint):
    """A byte now and then, for ever."""

    head, every_s = HEAD, 0.05

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def __exit__(self, *exception: object) -> None:
        self.let_go.set()
        super().__exit__(*exception)

    def write(self, file: BinaryIO) -> None:
        file.write(self.head)
        while not self.let_go.wait(self.every_s):
            file.write(b" ")
            file.flush()

    def respond(self, asked: Asked) -> Reply:
        return Reply(200, self.write)


class DripsBody(Drips):
    head = HEAD + b"Content-Length: 1000000\r\n\r\n"


class DripsHead(Drips):
    head = HEAD + b"X-Slow: "


ANSWERS: dict[str, type[OddEndpoint]] = {
    cls.__name__: cls
    for cls in (
        *(Figures, Waits, Mutters, Redirects, Bomb, Deflated, Brotli),
        *(Endless, EndlessStream, EndlessHeaders, Chunks, Status, Utf16),
    )
}
NEVER: dict[str, Callable[[], Drips]] = {cls.__name__: cls for cls in (DripsBody, DripsHead)}
