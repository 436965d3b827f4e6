"""A program of the user's at work in a folder, which can be ended with everything that it has started."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from meta_search.errors import ConfigError
from meta_search.run import guard

__all__ = ["MANUAL", "Program", "check_program"]

MANUAL = "manual"  # in place of a command: a person writes
PLAIN = re.compile(r"[\w./+-]+")  # a word that a shell takes as it is

CLOSING_S = guard.MOST_S + 5.0  # that the guard may take to end everything


def check_program(command: str) -> None:
    """See that a shell would find the program of a command, as far as its first word tells.

    Raises:
        ConfigError: It would not; one line.
    """
    word = command.split()[0] if command.split() else ""
    if command == MANUAL or not PLAIN.fullmatch(word):
        return
    if "/" in word and not word.startswith("/"):
        raise ConfigError(
            f"author.command={word}…: the program runs in the folder of its brief; name the path as "
            f"$META_SEARCH_CWD/{word.removeprefix('./')}, which is the folder where the search was started"
        )
    found = subprocess.run(
        ["/bin/sh", "-c", 'command -v "$1"', "sh", word], stdin=subprocess.DEVNULL, capture_output=True
    )
    if found.returncode:
        raise ConfigError(f"author.command: there is no program {word}; install it, or name its full path")


class Program:
    """A command that a shell runs, below a `guard`: nothing of it outlives this process, however that ends.

    It is in a session of its own, so that it has no terminal, and Ctrl-C does not reach it.

    Args:
        command: As a shell takes it.
        folder: Where it works.
        environment: What it sees.
        output: Files for what it prints, standard output and errors; each is bounded.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(
        self, command: str, folder: Path, environment: Mapping[str, str], output: tuple[Path, Path]
    ) -> None:
        self._closing = threading.Lock()
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(guard.__file__)), command, *map(str, output)],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wait(self, seconds: float) -> int | None:
        """Wait for its end.

        Returns:
            Its exit status, 128 and more after a signal; `None` where it is still at work.
        """
        try:
            status = self._guard.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return None
        self.end()  # closes our end of its input
        return status

    def end(self) -> None:
        """End it, and all that it has started; does not wait for that. From any thread."""
        with self._closing:
            if self._guard.stdin is not None and not self._guard.stdin.closed:
                with contextlib.suppress(OSError):
                    self._guard.stdin.close()

    def close(self) -> None:
        """End it, and wait until nothing of it is left."""
        self.end()
        if self.wait(CLOSING_S) is None:
            with contextlib.suppress(OSError):
                os.kill(self._guard.pid, 9)
            self.wait(1.0)
