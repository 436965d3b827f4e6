"""What a child of the zygote does once it is confined: run an agent on its item, or a program.

Nothing here is trusted: candidate code shares this process and can change all of it. So the other end of the
pipe (`trusted.broker`) checks every message.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import fcntl
import io
import json
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from meta_search.sandbox.confined.fences import without_fence

if TYPE_CHECKING:  # the zygote loads no more than it needs
    from meta_search.types import OutcomeKind

__all__ = ["PIPE", "Channel", "enter_files", "fault_of", "run_code", "run_one", "take_control"]

MAX_DETAIL = 500
PIPE = 3  # the child's end of its socket


def take_control(descriptor: int) -> socket.socket:
    """The control socket, moved to a high descriptor; the low ones of a child's files stay reserved."""
    control = socket.socket(fileno=fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 16))
    os.close(descriptor)
    for low in (PIPE, PIPE + 1):
        with contextlib.suppress(OSError):  # EINVAL: it lies there already
            os.dup2(os.open(os.devnull, os.O_RDWR), low, inheritable=False)
    return control


def enter_files(kept: Iterable[int]) -> None:
    """Close all files but the child's pipe and some others; standard streams become /dev/null.

    Args:
        kept: Descriptors that stay open for now; those of 0 to 3 are replaced anyway.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    start = PIPE + 1
    for descriptor in sorted(kept):
        os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, 2**16)


class Channel:
    """JSON objects, one a line, over a file descriptor.

    `send` may be called by any thread, `recv` by one at a time.

    Args:
        descriptor: A connected socket.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._sending = threading.Lock()
        self._buffer = b""

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message."""
        data = memoryview(json.dumps(message).encode() + b"\n")
        with self._sending:
            while data:
                data = data[os.write(self._descriptor, data) :]

    def recv(self) -> dict[str, Any]:
        """Block until the next message. If the pipe is closed, the process ends: nobody needs its result."""
        parts = [self._buffer]
        while b"\n" not in parts[-1]:
            data = os.read(self._descriptor, 65536)
            if not data:
                os._exit(1)
            parts.append(data)
        line, _, self._buffer = b"".join(parts).partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def finish(self, message: Mapping[str, Any]) -> NoReturn:
        """Send the last message and wait to be killed: closing a pipe with unread answers would lose it."""
        self.send(message)
        while os.read(self._descriptor, 65536):
            pass
        os._exit(0)


class _BoundedOutput(io.RawIOBase):
    """A file for what a program prints.

    Args:
        limit: Most bytes.
        on_overflow: Called when more are written.
        keep: Whether `text` is needed.
    """

    def __init__(self, limit: int, on_overflow: Callable[[], object], keep: bool) -> None:
        self.limit, self.on_overflow, self.keep = limit, on_overflow, keep
        self.size = 0
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        left, size = self.limit - self.size, len(data)
        if self.keep and left > 0:
            self.parts.append(bytes(data[:left]))
        self.size += size
        if size > left:
            self.on_overflow()
        return size

    def text(self) -> str:
        return b"".join(self.parts).decode("utf-8", "replace")


class _OutputFull(BaseException):
    """Ends a program that printed all it may. No `Exception`, so that the program does not catch it."""


def _print_to(output: _BoundedOutput) -> io.TextIOWrapper:
    stream = io.TextIOWrapper(io.BufferedWriter(output, 1), "utf-8", "backslashreplace", write_through=True)
    sys.stdout = sys.stderr = stream
    return stream


def run_one(
    channel: Channel, run: Callable[[dict[str, Any], Channel], dict[str, Any]], output_kb: int
) -> NoReturn:
    """Wait for the only job of this process and do it.

    Args:
        channel: Pipe to the trusted side.
        run: (job, channel) -> the final message; called unless the job is a program of an agent.
        output_kb: Most KB that may be printed.
    """
    job = channel.recv()
    if "program" in job:
        channel.finish(run_code(str(job["program"]), output_kb))
    _run_item(channel, job, run, output_kb)


def _run_item(
    channel: Channel,
    job: dict[str, Any],
    run: Callable[[dict[str, Any], Channel], dict[str, Any]],
    output_kb: int,
) -> NoReturn:
    """Run a job with `run`, and send the final message."""

    def fail() -> None:
        detail = f"printed more than {output_kb} KB"
        channel.finish({"op": "fault", "kind": "output", "detail": detail, "space": []})

    _print_to(_BoundedOutput(output_kb * 1024, fail, keep=False))
    try:
        final = run(job, channel)
    except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt are outcomes too
        kind, detail = fault_of(error)
        final = {"op": "fault", "kind": kind, "detail": detail, "space": []}
    channel.finish(final)


def run_code(code: str, output_kb: int) -> dict[str, Any]:
    """Run a program in this process.

    Args:
        code: Its source, also in a Markdown fence.
        output_kb: KB of its output that are kept; it is ended when it prints more.

    Returns:
        `ok`: whether it ended without an error. `text`: what it printed, or the error.
    """

    def stop() -> None:
        raise _OutputFull

    output = _BoundedOutput(output_kb * 1024, stop, keep=True)
    stream = _print_to(output)
    error = None
    try:
        exec(
            compile(without_fence(code), "program.py", "exec"),
            {"__name__": "__main__", "__builtins__": builtins},
        )
    except _OutputFull:
        pass
    except SystemExit as end:
        error = None if end.code in (None, 0) else f"SystemExit: {end.code}"
    except BaseException as end:  # noqa: BLE001 - all of them are the program's result
        error = fault_of(end)[1]
    with contextlib.suppress(_OutputFull, ValueError):  # full, or closed by the program
        stream.flush()
    return {"ok": error is None, "text": output.text() if error is None else error}


def fault_of(error: BaseException) -> tuple[OutcomeKind, str]:
    """Outcome kind and one line for an exception that ended an agent or a program."""
    kind: OutcomeKind = "crash"
    if isinstance(error, MemoryError):
        kind = "memory"
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
        kind = "disk"
    elif isinstance(error, PermissionError):
        kind = "refused"
    try:
        line = " ".join(traceback.format_exception_only(error)[-1].split())
    except Exception:  # noqa: BLE001 - an exception whose __str__ fails
        line = type(error).__name__
    return kind, line[:MAX_DETAIL]
