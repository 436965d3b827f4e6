"""A brief in a folder, for a program or a person to carry out (`author=command`), and what they hand in.

Their files are read as a stranger's: plain ones of bounded size, whatever the program put there. What is
handed in is recorded with the brief, and a replay takes it from there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from meta_search.config import Config
from meta_search.report.files import write_whole
from meta_search.run.program import MANUAL, Program
from meta_search.run.withheld import environment
from meta_search.text import one_line, shell_path
from meta_search.types import Agent, Brief, HandedIn

__all__ = ["FOLDER", "HandOver", "Unusable", "folder_of", "read_handed_in"]

FOLDER = "briefs"  # in the run's folder
AGENT, THOUGHT, DONE = "agent.py", "thought.md", "done"
ARCHIVE = "archive"  # folder of the brief with what can be had again
OUTPUT = ("stdout.txt", "stderr.txt")
MOST = {AGENT: 128 * 1024, THOUGHT: 32 * 1024}  # bytes
MOST_SAID = 200  # characters of the last thing that a program said
STEP_S = 0.25  # between two looks
REMIND_S = 300.0  # between two lines on what a person is waited for
ENDED = "the search has ended"


class Unusable(Exception):
    """Why what was handed in cannot be used, in one line."""


def folder_of(run: Path, brief: Brief) -> Path:
    """The folder of a brief, absolute."""
    repair = f"-repair-{brief.repair}" if brief.repair else ""
    return run.resolve() / FOLDER / f"{brief.number}{repair}"


class HandOver:
    """The folder of one brief, and who works in it.

    Args:
        config: Of the run.
        run: The run's folder.
        brief: The brief.
        leak: Agent -> id of a scored item that it carries, or `""`.
        say: Gets a line for the user; from any thread.
    """

    def __init__(
        self,
        config: Config,
        run: Path,
        brief: Brief,
        leak: Callable[[Agent], str],
        say: Callable[[str], None],
    ) -> None:
        self._config, self._leak, self._say = config, leak, say
        self._brief, self.folder = brief, folder_of(run, brief)
        self._closed, self._lock = threading.Event(), threading.Lock()
        self._program: Program | None = None
        self._began = 0.0
        self._rounds = 0

    @property
    def doing(self) -> str:
        """What is waited for, in a few words; `""` where nothing is."""
        if not self._began or self._closed.is_set():
            return ""
        who = "you write" if self._config.author.command == MANUAL else "author.command writes"
        left = max(0, round(self._left()))
        return f"{who} in {one_line(shell_path(self.folder), 120)}, {left} s left"

    def close(self) -> None:
        """The search is over: whoever is at work is ended. From any thread."""
        self._closed.set()
        with self._lock:
            if self._program is not None:
                self._program.end()

    def finish(self) -> None:
        """The brief is delivered: its copy of the archive goes, which would be larger with every brief."""
        archive = self.folder / ARCHIVE
        if not archive.is_symlink():
            shutil.rmtree(archive, ignore_errors=True)

    def __call__(self, files: Mapping[str, str]) -> HandedIn:
        """Put files there, have an agent written, and read it.

        The first call clears the folder; the time that the calls may take in all is `author.command_s`.

        Args:
            files: Path in the folder -> text.
        """
        if not self._rounds:
            self._began = time.monotonic()
        self._rounds += 1
        try:
            self._lay_out(files)
            manual = self._config.author.command == MANUAL
            late = self._wait_for_person() if manual else self._run()
        except OSError as error:
            return HandedIn(fault=f"{self.folder}: {one_line(error.strerror or error)}", final=True)
        except Unusable as fault:
            return HandedIn(fault=str(fault), final=self._over())
        if self._closed.is_set():
            return HandedIn(fault=ENDED, final=True)
        return replace(self._handed_in(late), final=late or self._over())

    # -- inside

    def _left(self) -> float:
        return self._began + self._config.author.command_s - time.monotonic()

    def _over(self) -> bool:
        return self._closed.is_set() or self._left() <= 0

    def _lay_out(self, files: Mapping[str, str]) -> None:
        if self._rounds == 1:
            _clear(self.folder)
            self.folder.mkdir(mode=0o700, parents=True)
        with contextlib.suppress(FileNotFoundError):
            (self.folder / DONE).unlink()
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, text, 0o400)

    def _run(self) -> bool:
        """Run the program to its end.

        Returns:
            Whether its time was over first.

        Raises:
            OSError: It cannot be started.
            Unusable: It failed.
        """
        told = {"META_SEARCH_BRIEF": str(self.folder), "META_SEARCH_CWD": os.getcwd()}
        output = (self.folder / OUTPUT[0], self.folder / OUTPUT[1])
        for path in output:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
        given = environment(self._config, os.environ) | told
        with self._lock:
            if self._closed.is_set():
                return True
            program = self._program = Program(self._config.author.command or "", self.folder, given, output)
        status = program.wait(self._left())
        program.close()
        if status is None or self._closed.is_set():
            return True
        if status:
            raise Unusable(f"the program of author.command ended with status {status}{_last_words(output)}")
        return False

    def _wait_for_person(self) -> bool:
        """Wait until a person says that the agent is there.

        Returns:
            Whether the time was over first.
        """
        shown = shell_path(self.folder)
        what = "see problem.md, mend agent.py" if self._rounds > 1 else "write agent.py and thought.md"
        self._say(
            f"brief {self._brief.number} waits for you: read brief.md in {shown}, {what}, then "
            f"`touch {shell_path(self.folder / DONE)}` ({max(0, round(self._left()))} s left)"
        )
        reminded = time.monotonic()
        while not self._closed.wait(STEP_S):
            if os.path.lexists(self.folder / DONE):
                return False
            if self._left() <= 0:
                return True
            if time.monotonic() - reminded > REMIND_S:
                reminded = time.monotonic()
                self._say(f"still waiting for {shown}/{DONE}, {round(self._left())} s left")
        return True

    def _handed_in(self, late: bool) -> HandedIn:
        try:
            if late and not os.path.lexists(self.folder / AGENT):
                limit = self._config.author.command_s
                raise Unusable(f"no {AGENT} within {limit:g} s (author.command_s)")
            source = read_handed_in(self.folder / AGENT)
            thought = read_handed_in(self.folder / THOUGHT)
        except Unusable as fault:
            return HandedIn(fault=str(fault))
        leak = self._leak(Agent.of("", source))
        told = f"{AGENT} carries the question of scored item {leak}; leave it out" if leak else ""
        return HandedIn(source, thought, told)


def read_handed_in(path: Path) -> str:
    """The text of a file that was handed in.

    Raises:
        Unusable: There is none, or it is empty, too large, no plain file, or no text in UTF-8; one line.
    """
    name, most = path.name, MOST[path.name]
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(path, flags)
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, handle)
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Unusable(f"{name} is no plain file")
            data = stack.enter_context(os.fdopen(handle, "rb", closefd=False)).read(most + 1)
    except FileNotFoundError:
        raise Unusable(f"there is no {name}") from None
    except OSError as error:
        if path.is_symlink():
            raise Unusable(f"{name} is a symbolic link; write a plain file") from None
        raise Unusable(f"{name} cannot be read: {one_line(error.strerror or error)}") from None
    if len(data) > most:
        raise Unusable(f"{name} is larger than {most // 1024} KB")
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Unusable(f"{name} is no text in UTF-8 (byte {error.start})") from None
    if not text.strip():
        raise Unusable(f"{name} is empty")
    return text


def _last_words(output: tuple[Path, Path]) -> str:
    """The last line of what a program said, errors first, behind a colon; `""` where it said nothing."""
    for path in reversed(output):
        with contextlib.suppress(OSError):
            lines = path.read_bytes()[-4096:].decode("utf-8", "replace").split("\n")
            said = [line for line in map(one_line, lines) if line]
            if said:
                return f": {one_line(said[-1], MOST_SAID)}"
    return ""


def _clear(folder: Path) -> None:
    """Remove what an earlier session left there; a link is removed, not followed."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        for parent, names, _ in os.walk(folder):
            for name in (".", *names):
                with contextlib.suppress(OSError):
                    if not os.path.islink(os.path.join(parent, name)):
                        os.chmod(os.path.join(parent, name), 0o700)
        shutil.rmtree(folder)
