"""Archives that are kept open between requests: few, within bounded memory, closed when nobody asks."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from archive.readers import database_path
from archive.records import Archive

__all__ = ["OpenArchives"]

MOST = 4
CACHE_KB = 8_000  # of pages, for each archive and thread
IDLE_S = 120.0


@dataclass(slots=True, eq=False)
class _Held:
    archive: Archive
    file: tuple[int, int]  # device and inode: another file may come to stand in its place
    users: int = 0
    stale: bool = False
    used: float = field(default=0.0)


class OpenArchives:
    """Lends archives by their folder; safe to use from any thread.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: OrderedDict[Path, _Held] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def lent(self, folder: Path) -> Iterator[Archive]:
        """The archive of a run folder, for the length of a block.

        Raises:
            ArchiveError: It cannot be read; one line.
        """
        held = self._take(folder)
        try:
            yield held.archive
        finally:
            with self._lock:
                held.users -= 1
                held.used = self._clock()
                done = held.stale and not held.users
            if done:
                held.archive.close()

    def close_idle(self, idle_s: float = IDLE_S) -> None:
        """Close those that nobody has asked for some time; all with 0."""
        now = self._clock()
        with self._lock:
            old = [p for p, h in self._held.items() if not h.users and now - h.used >= idle_s]
            held = [self._held.pop(path) for path in old]
        for one in held:
            one.archive.close()

    def _take(self, folder: Path) -> _Held:
        file = _identity(folder)
        dropped: list[_Held] = []
        with self._lock:
            held = self._held.get(folder)
            if held is None or held.file != file:
                if held is not None:
                    dropped.append(self._drop(folder))
                held = self._held[folder] = _Held(Archive(folder, cache_kb=CACHE_KB), file)
            self._held.move_to_end(folder)
            held.users += 1
            while len(self._held) > MOST:
                dropped.append(self._drop(next(iter(self._held))))
        for one in dropped:
            if not one.users:
                one.archive.close()
        return held

    def _drop(self, folder: Path) -> _Held:
        held = self._held.pop(folder)
        held.stale = True
        return held


def _identity(folder: Path) -> tuple[int, int]:
    try:
        found = database_path(folder).lstat()
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino
