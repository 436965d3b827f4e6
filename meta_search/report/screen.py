"""Where a run tells what happens: an output that may go away while it works, and a log that stays."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from meta_search.report.files import open_to_append
from meta_search.text import ESCAPES, printable, without_passwords

__all__ = ["LastingStream", "RunLog", "Stamps", "lasting", "logged", "silence"]

MOST_LOGGED = 200_000  # characters of a screen


def silence(stream: Any) -> None:
    """Have a stream whose reader is gone write nowhere from now on: what follows must not fail either."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def lasting(stream: Any) -> Iterator[None]:
    """Print to a stream that may have no reader any more: a terminal was lost, a pipe was closed."""
    try:
        yield
        stream.flush()
    except OSError:
        silence(stream)


class LastingStream:
    """A text stream that never fails: once its reader is gone, what is written to it is lost.

    Args:
        stream: Where to write.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what the stream's encoding has, `?` for the rest."""
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
        except (OSError, ValueError):  # the reader went away, or the stream was closed
            silence(self._stream)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            silence(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Stamps:
    """Puts the time of day before lines, and the date on a line of its own before the first of each day.

    Args:
        now: The local time.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now().astimezone()) -> None:
        self._now = now
        self._day = ""

    def __call__(self, line: str) -> str:
        """The line with its time, and a line with the date before it where the day is new."""
        now = self._now()
        day, self._day = self._day, f"{now:%Y-%m-%d}"
        return ("" if day == self._day else f"{self._day}\n") + f"{now:%H:%M:%S} {line}"


class RunLog:
    """The lines of a run in its folder; sessions follow one another.

    Args:
        path: The file; it is made with the first line.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._stamps = path, Stamps()

    def write(self, line: str) -> None:
        """Add a line with its time; a disk that is full costs the line, not the run."""
        with contextlib.suppress(OSError), open_to_append(self._path) as file:
            file.write(self._stamps(without_passwords(line)) + "\n")


class _Copied:
    """A text stream that keeps what is written to it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.kept: list[str] = []

    def write(self, text: str) -> int:
        self.kept.append(text)
        return int(self._stream.write(text) or 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def logged(path: Path) -> Iterator[None]:
    """Have the lines that are printed within the block stand in a run's log as well.

    Args:
        path: Of the log.
    """
    copied = _Copied(sys.stdout)
    try:
        with contextlib.redirect_stdout(copied):
            yield
    finally:
        log = RunLog(path)
        for line in ESCAPES.sub("", "".join(copied.kept))[:MOST_LOGGED].splitlines():
            if line.strip():
                log.write(printable(line.rstrip()))
