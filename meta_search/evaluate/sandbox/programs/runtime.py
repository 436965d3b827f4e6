"""The runtime of a sandbox for programs: a job is code and its standard input, the result what it printed."""

from __future__ import annotations

import builtins
import contextlib
import io
import sys
from collections.abc import Mapping
from typing import Any

from meta_search.evaluate.sandbox.child import fault_of

__all__ = ["run_item"]


class _Full(BaseException):
    """The program printed all it may; ends it without being caught by an `except Exception`."""


class _Paper(io.BytesIO):
    """Takes what a program prints, up to a bound."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def write(self, data: Any) -> int:
        room = self._limit - self.tell()
        taken = super().write(bytes(data[:room]))
        if len(data) > room:
            raise _Full
        return taken

    def close(self) -> None:
        """A program may close its output; what it printed stays."""


def run_item(job: Mapping[str, Any], channel: object) -> dict[str, Any]:
    """Run `job["code"]` with `job["stdin"]` as standard input; `output_kb` of what it prints are kept.

    Returns:
        `ok`: whether it ended well. `text`: what it printed, or the error it ended with.
    """
    paper = _Paper(job["output_kb"] * 1024)
    stream = io.TextIOWrapper(paper, "utf-8", "backslashreplace", write_through=True)
    sys.stdout = sys.stderr = stream
    sys.stdin = io.TextIOWrapper(io.BytesIO(job["stdin"].encode("utf-8", "replace")), "utf-8")
    scope = {"__name__": "__main__", "__builtins__": builtins}
    error = None
    try:
        exec(compile(job["code"], "program.py", "exec"), scope)
    except _Full:
        pass
    except SystemExit as end:
        error = None if end.code in (None, 0) else f"SystemExit: {end.code}"
    except BaseException as end:  # noqa: BLE001 - all of them are the program's result
        error = fault_of(end)[1]
    with contextlib.suppress(_Full, ValueError):  # full, or closed by the program
        stream.flush()
    return {
        "ok": error is None,
        "text": paper.getvalue().decode("utf-8", "replace") if error is None else error,
    }
