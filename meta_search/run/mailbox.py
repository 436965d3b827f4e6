"""The mailbox of a run: a folder in which requests wait until the search takes them in.

Whoever may write in the folder of a run could put anything there. So nothing but plain files of the user who
runs the search is read, by the descriptor of the folder and never through a link, of bounded size and number;
what is no request is removed, and said to be.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import secrets
import stat
import time
from collections import deque
from collections.abc import Collection, Iterator
from pathlib import Path

from meta_search.errors import ConfigError
from meta_search.run.steered import Steered
from meta_search.text import error_line
from meta_search.types import bounded_json

__all__ = ["FOLDER", "MOST_WAITING", "Mailbox", "post", "waiting"]

FOLDER = "steer"  # in the folder of a run
NAME = re.compile(r"(\d{20}-[0-9a-f]{8})\.json")
MOST_BYTES = 2 * 2**20  # of a request: the longest source, escaped
MOST_PARTS = 64
MOST_WAITING = 64  # requests that wait for a search
LOOKED_AT = 4_096  # entries of the folder
AT_ONCE = 32  # requests that are read in one look
EVERY_S = 0.25  # between two looks
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Mailbox:
    """The end of the search.

    Args:
        folder: The run's.

    Attributes:
        removed: A line on files that were no requests, for each look that found some.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._looked = folder, 0.0
        self._unread: deque[str] = deque()
        self._seen: set[str] = set()
        self.removed: deque[str] = deque(maxlen=8)

    def forget(self, taken: Collection[str], kinds: Collection[str]) -> list[Steered]:
        """A session begins: what was taken in before it, and what cannot wait for it, goes.

        Args:
            taken: Ids of requests that were taken in.
            kinds: Commands that may have waited.

        Returns:
            What could not wait.
        """
        gone: list[Steered] = []
        with _opened(self._folder) as place:
            if place is None:
                return gone
            for name in _names(place):
                with contextlib.suppress(OSError, ValueError):
                    found = _read(place, name)
                    if found.id in taken or found.command not in kinds:
                        _remove(place, name)
                        gone += [] if found.id in taken else [found]
        return gone

    def next(self) -> Steered | None:
        """The next request in the order in which they came; `None` where none waits, or it is too early to
        look again."""
        if not self._unread and time.monotonic() >= self._looked + EVERY_S:
            self._look()
        while self._unread:
            found = self._take(self._unread.popleft())
            if found is not None:
                return found
        return None

    def done(self, steered: Steered) -> None:
        """A request is in the archive; for any thread."""
        with _opened(self._folder) as place:
            if place is not None and NAME.fullmatch(f"{steered.id}.json"):
                _remove(place, f"{steered.id}.json")

    # -- inside

    def _look(self) -> None:
        self._looked = time.monotonic()
        with _opened(self._folder) as place:
            if place is not None:
                new = (name for name in _names(place) if name not in self._seen)
                self._unread.extend(itertools.islice(new, AT_ONCE))

    def _take(self, name: str) -> Steered | None:
        self._seen.add(name)
        with _opened(self._folder) as place:
            if place is None:
                return None
            try:
                return _read(place, name)
            except (OSError, ValueError) as error:
                _remove(place, name)
                self.removed.append(f"steer: {name} is no request and was removed: {error_line(error, 120)}")
        return None


def post(folder: Path, steered: Steered) -> None:
    """Put a request into the mailbox of a run: all of it or not at all.

    Raises:
        ConfigError: Too many wait already, or it cannot be written; one line.
    """
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder / FOLDER, 0o700)
    with _opened(folder) as place:
        if place is None:
            raise ConfigError(f"{folder / FOLDER} is no folder that you alone can write in: remove it")
        with os.scandir(place) as entries:
            if len(list(itertools.islice(entries, MOST_WAITING))) >= MOST_WAITING:
                raise ConfigError(f"{MOST_WAITING} requests wait in {folder / FOLDER} already")
        part = f".{secrets.token_hex(8)}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(part, flags, 0o600, dir_fd=place), "w", encoding="utf-8") as file:
                json.dump(steered.data(), file)
            os.rename(part, f"{steered.id}.json", src_dir_fd=place, dst_dir_fd=place)
        except BaseException:
            _remove(place, part)
            raise


def waiting(folder: Path) -> list[Steered]:
    """What waits in the mailbox of a run, in the order in which it came; files that are no requests are left
    out."""
    found: list[Steered] = []
    with _opened(folder) as place:
        if place is None:
            return found
        for name in _names(place)[:MOST_WAITING]:
            with contextlib.suppress(OSError, ValueError):
                found.append(_read(place, name))
    return found


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int | None]:
    """The mailbox's descriptor; `None` where there is none, or others could write in it."""
    try:
        place = os.open(folder / FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        yield place if _is_own(os.fstat(place)) else None
    finally:
        os.close(place)


def _is_own(found: os.stat_result) -> bool:
    """Whether it belongs to this user, and nobody else may write to it."""
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _names(place: int) -> list[str]:
    with os.scandir(place) as entries:
        return sorted(e.name for e in itertools.islice(entries, LOOKED_AT) if NAME.fullmatch(e.name))


def _read(place: int, name: str) -> Steered:
    """A request.

    Raises:
        OSError: It cannot be read, or is a link.
        ValueError: It is none.
    """
    with os.fdopen(os.open(name, READ, dir_fd=place), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or not _is_own(found):
            raise ValueError("it is no plain file of this user alone")
        if found.st_size > MOST_BYTES:
            raise ValueError("it is too large")
        data = bounded_json(file.read(MOST_BYTES + 1), MOST_PARTS)
    try:
        steered = Steered.of(data)
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError("it lacks something") from error
    if f"{steered.id}.json" != name:
        raise ValueError("it has another one's id")
    return steered


def _remove(place: int, name: str) -> None:
    with contextlib.suppress(OSError):  # a folder stays; it is not looked at again
        os.unlink(name, dir_fd=place)
