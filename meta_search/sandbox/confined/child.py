"""What a child of the zygote does once it is confined: run an agent on its item, or a program.

Nothing here is trusted: candidate code shares this process and can change all of it. The other end of
the pipe (`broker`) believes nothing that comes out of it but a plain answer.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from meta_search.sandbox.confined.confine import Slot

__all__ = ["PIPE", "Channel", "enter_files", "fault_of", "run_code", "run_one"]

MAX_DETAIL = 500
PIPE = 3  # the child's end of its socket


def enter_files(slot: Slot) -> None:
    """Leave a child its pipe, /dev/null as standard streams, and its ruleset until that is entered."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    keep = PIPE
    if slot.ruleset >= 0:
        keep = PIPE + 1
        slot.ruleset = os.dup2(slot.ruleset, keep, inheritable=False)
    os.closerange(keep + 1, 2**16)


class Channel:
    """Line-JSON over a file descriptor. `send` may be called by any thread, `recv` by one at a time."""

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
        """Wait for the next message. The end of the pipe ends the process: nobody is left to answer to."""
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
        """Send the last message and wait to be killed: closing the pipe with answers unread would lose it."""
        self.send(message)
        while os.read(self._descriptor, 65536):
            pass
        os._exit(0)


class _Paper(io.RawIOBase):
    """Takes what a program prints, up to a bound; `full` is called by the byte that is too many."""

    def __init__(self, limit: int, full: Callable[[], object], keep: bool) -> None:
        self.limit, self.full, self.keep = limit, full, keep
        self.size = 0
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        room, taken = self.limit - self.size, len(data)
        if self.keep and room > 0:
            self.parts.append(bytes(data[:room]))
        self.size += taken
        if taken > room:
            self.full()
        return taken

    def text(self) -> str:
        return b"".join(self.parts).decode("utf-8", "replace")


class _Full(BaseException):
    """The program printed all it may; ends it without being caught by an `except Exception`."""


def _print_to(paper: _Paper) -> io.TextIOWrapper:
    stream = io.TextIOWrapper(io.BufferedWriter(paper, 1), "utf-8", "backslashreplace", write_through=True)
    sys.stdout = sys.stderr = stream
    return stream


def run_one(
    channel: Channel, run: Callable[[dict[str, Any], Channel], dict[str, Any]], output_kb: int
) -> NoReturn:
    """Wait for the one message that says what to do: a program of an agent, or a job for `run`."""
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
    """Run a job with `agent.runtime.run_item`, and send the final message."""

    def too_much() -> None:
        detail = f"printed more than {output_kb} KB"
        channel.finish({"op": "fault", "kind": "output", "detail": detail, "space": []})

    _print_to(_Paper(output_kb * 1024, too_much, keep=False))
    final: dict[str, Any]
    try:
        final = run(job, channel)
    except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt are outcomes too
        kind, detail = fault_of(error)
        final = {"op": "fault", "kind": kind, "detail": detail, "space": []}
    channel.finish(final)


def run_code(code: str, output_kb: int) -> dict[str, Any]:
    """Run a program in this process; `output_kb` of what it prints are kept.

    Returns:
        `ok`: whether it ended well. `text`: what it printed, or the error it ended with.
    """

    def too_much() -> None:
        raise _Full

    paper = _Paper(output_kb * 1024, too_much, keep=True)
    stream = _print_to(paper)
    error = None
    try:
        exec(compile(code, "program.py", "exec"), {"__name__": "__main__", "__builtins__": builtins})
    except _Full:
        pass
    except SystemExit as end:
        error = None if end.code in (None, 0) else f"SystemExit: {end.code}"
    except BaseException as end:  # noqa: BLE001 - all of them are the program's result
        error = fault_of(end)[1]
    with contextlib.suppress(_Full, ValueError):  # full, or closed by the program
        stream.flush()
    return {"ok": error is None, "text": paper.text() if error is None else error}


def fault_of(error: BaseException) -> tuple[str, str]:
    """Outcome kind and one line for an exception that ended an agent or a program."""
    kind = "crash"
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
