"""What changes in runs, told to whoever listens: server-sent events.

One watcher a run, however many listen, and none where nobody does. It asks SQLite whether another process has
written (`PRAGMA data_version`, a look at shared memory), and only then how far the run has come.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from archive.guard import Patience
from archive.records import Archive
from meta_search.dashboard.access import Refused
from meta_search.dashboard.places import is_run
from meta_search.errors import MetaSearchError

__all__ = ["Streams"]

EVERY_S = 1.0
HEARTBEAT_S = 15.0
MOST_LISTENING = 100
CACHE_KB = 500
GONE = b"event: gone\ndata: {}\n\n"
HEARTBEAT = b": alive\n\n"
RETRY = b"retry: 3000\n\n"

LOOK_S = 5.0  # of a look: one thread looks at all runs

Change = dict[str, Any]
DAMAGED: Change = {"seq": 0, "agents": 0, "calls": 0, "state": "damaged"}


class Watcher:
    """Looks at one archive from time to time. All its methods run in the thread of the watchers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._archive: Archive | None = None
        self._version: int | None = None
        self._file = 0
        self._last: Change | None = None

    def look(self) -> Change | None:
        """How far the run has come, where that is otherwise than at the last look; `None` where nothing is.

        Raises:
            FileNotFoundError: The run is gone.
        """
        if not is_run(self._folder):
            raise FileNotFoundError
        archive = self._opened()
        if archive is None:
            return self._new(DAMAGED)
        try:
            with Patience(LOOK_S):
                return self._looked(archive)
        except TimeoutError:
            return None
        except Exception:  # noqa: BLE001 - a stranger's archive: whatever it holds, others are watched on
            return self._new(DAMAGED)

    def _looked(self, archive: Archive) -> Change | None:
        version = int(archive.select("PRAGMA data_version")[0][0])
        if version == self._version and self._last is not None and self._last["state"] != "searching":
            return None
        counted = version != self._version
        self._version = version
        seq, agents, calls = _counts(archive) if counted or self._last is None else _kept(self._last)
        return self._new({"seq": seq, "agents": agents, "calls": calls, "state": _state(archive)})

    def close(self) -> None:
        """Let go of the archive."""
        if self._archive is not None:
            self._archive.close()
            self._archive = None

    def _opened(self) -> Archive | None:
        """The archive; opened anew where another file has come to stand in its place."""
        try:
            file = (self._folder / "archive.db").lstat().st_ino
            if self._archive is None or file != self._file:
                self.close()
                self._archive, self._file, self._version = Archive(self._folder, CACHE_KB), file, None
        except (OSError, MetaSearchError):
            return None
        return self._archive

    def _new(self, found: Change) -> Change | None:
        if found == self._last:
            return None
        self._last = found
        return found


def _counts(archive: Archive) -> tuple[int, int, int]:
    """Number of the last event, of agents, and of calls in the ledger: each the end of a table."""
    tables = (("events", "seq"), ("agents", "rowid"), ("calls", "rowid"))
    found = [archive.select(f"SELECT MAX({column}) FROM {table}")[0][0] for table, column in tables]
    seq, agents, calls = (int(n or 0) for n in found)
    return seq, agents, calls


def _kept(last: Change) -> tuple[int, int, int]:
    return last["seq"], last["agents"], last["calls"]


def _state(archive: Archive) -> str:
    from meta_search.dashboard.views.standing import state_of

    return state_of(archive)


class _Topic:
    """A run that somebody listens to."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher
        self.listeners: set[asyncio.Queue[bytes]] = set()
        self.last: bytes | None = None
        self.task: asyncio.Task[None] | None = None

    def tell(self, message: bytes) -> None:
        """Tell everybody; who has not heard the last message yet hears only this one."""
        self.last = message
        for queue in self.listeners:
            with contextlib.suppress(asyncio.QueueEmpty):
                queue.get_nowait()
            queue.put_nowait(message)


class Streams:
    """All that listen. Belongs to one event loop.

    Args:
        every_s: Seconds between two looks at a run.
        heartbeat_s: Seconds of silence after which a listener is told that the server lives.
    """

    def __init__(self, every_s: float = EVERY_S, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._every_s, self._heartbeat_s = every_s, heartbeat_s
        self._topics: dict[Path, _Topic] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="watch")
        self._listening = 0
        self._end = asyncio.Event()

    @property
    def watched(self) -> int:
        """Runs that are looked at now."""
        return len(self._topics)

    def close(self) -> None:
        """End all streams."""
        self._end.set()
        for topic in self._topics.values():
            topic.tell(b"")

    def shut(self) -> None:
        """End the thread, once the streams have ended."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def listen(self, folder: Path) -> AsyncIterator[bytes]:
        """Events of a run, from how it stands now on; ends when the run is gone or the server ends.

        Raises:
            Refused: Too many listen already.
        """
        if self._listening >= MOST_LISTENING:
            raise Refused(503, f"{MOST_LISTENING} pages listen already")
        return self._events(folder)

    async def _events(self, folder: Path) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue(1)
        topic = self._topic(folder)
        if topic.last is not None:
            queue.put_nowait(topic.last)  # how it stands
        topic.listeners.add(queue)
        self._listening += 1
        try:
            yield RETRY
            while not self._end.is_set():
                try:
                    message = await asyncio.wait_for(queue.get(), self._heartbeat_s)
                except TimeoutError:
                    message = HEARTBEAT
                if message:
                    yield message
                if message == GONE:
                    return
        finally:
            self._listening -= 1
            topic.listeners.discard(queue)
            if not topic.listeners:
                self._drop(folder, topic)

    def _topic(self, folder: Path) -> _Topic:
        topic = self._topics.get(folder)
        if topic is None:
            topic = self._topics[folder] = _Topic(Watcher(folder))
            topic.task = asyncio.get_running_loop().create_task(self._watch(folder, topic))
        return topic

    def _drop(self, folder: Path, topic: _Topic) -> None:
        if self._topics.get(folder) is topic:
            del self._topics[folder]
        if topic.task is not None:
            topic.task.cancel()

    async def _watch(self, folder: Path, topic: _Topic) -> None:
        try:
            while True:
                try:
                    change = await self._in_thread(topic.watcher.look)
                except FileNotFoundError:
                    self._topics.pop(folder, None)
                    topic.tell(GONE)
                    return
                if change is not None:
                    topic.tell(f"event: change\ndata: {json.dumps(change)}\n\n".encode())
                await asyncio.sleep(self._every_s)
        finally:
            with contextlib.suppress(RuntimeError):  # the thread has ended
                self._pool.submit(topic.watcher.close)

    async def _in_thread(self, work: Callable[[], Change | None]) -> Change | None:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)
