"""Views asked in a few threads: bounded in number and time, and given up when nobody waits any more."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from archive.guard import Patience
from archive.readers import stamps
from archive.records import Archive
from archive.schema import FILE_NAME
from meta_search.dashboard import registry
from meta_search.dashboard.access import Refused
from meta_search.dashboard.open_archives import OpenArchives
from meta_search.dashboard.places import run_folder
from meta_search.dashboard.plain_json import plain_json
from meta_search.dashboard.shared_answers import SharedAnswers
from meta_search.errors import ArchiveError, DamagedError, MetaSearchError
from meta_search.text import error_line, one_line, without_passwords

__all__ = ["Asking", "encoded", "packed"]

THREADS = 3
MOST_WAITING = 64  # requests, those at work included
LIMIT_S = 30.0
MOST_LINE = 400  # characters of an error
PACKED_FROM = 8_000  # bytes

Work = Callable[[], bytes]


class Asking:
    """Asks views on behalf of requests. Belongs to one event loop.

    Args:
        root: The folder that is served, resolved.
        limit_s: Seconds after which an answer is given up.
        threads: How many views are at work at once.
    """

    def __init__(self, root: Path, limit_s: float = LIMIT_S, threads: int = THREADS) -> None:
        self.root = root
        self._limit_s = limit_s
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="view")
        self._archives = OpenArchives()
        self._shared = SharedAnswers()
        self._waiting = 0

    def close(self) -> None:
        """Give up what is at work and close the archives."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._archives.close_idle(0.0)

    def close_idle(self) -> None:
        """Close what nobody asks."""
        from meta_search.dashboard import agents_index

        self._archives.close_idle()
        agents_index.forget_idle()

    def lent(self, folder: Path) -> AbstractContextManager[Archive]:
        """The archive of a run folder, for the length of a block."""
        return self._archives.lent(folder)

    async def of_run(
        self, name: str, run: str, query: Mapping[str, list[str]], which: str | None = None
    ) -> bytes:
        """A view of a run as JSON; see `registry.arguments`.

        Raises:
            Refused: It cannot be answered; one line.
        """

        def work() -> bytes:
            folder = run_folder(self.root, run)
            given = registry.arguments(name, query, which)
            with self._archives.lent(folder) as archive:
                return encoded(registry.view(name)(folder, archive, **given))

        asked = tuple((key, tuple(values)) for key, values in sorted(query.items()))
        key = (name, run, which, asked, self._state(run))
        return await self._shared.of(key, lambda: self.answer(work, f"{name} of {run}"))

    def changed(self) -> None:
        """Something has changed that archives do not tell of."""
        self._shared.forget()

    def _state(self, run: str) -> object:
        try:
            return stamps(run_folder(self.root, run) / FILE_NAME)
        except ArchiveError:  # the view says so
            return None

    async def answer(self, work: Work, what: str) -> bytes:
        """Do a piece of work in a thread.

        Args:
            work: Gives the answer.
            what: Of what, for the line on the terminal where it fails.

        Raises:
            Refused: It failed, took too long, or too much waits already; one line.
        """
        if self._waiting >= MOST_WAITING:
            raise Refused(503, "too many requests at once: ask again in a moment")
        patience = Patience(self._limit_s)

        def patiently() -> bytes:
            with patience:
                return self._told(work, what)

        loop = asyncio.get_running_loop()

        def over(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._done)

        self._waiting += 1
        future = self._pool.submit(patiently)
        future.add_done_callback(over)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._limit_s)
        except TimeoutError:
            raise Refused(503, f"this took more than {self._limit_s:g} s and was given up") from None
        finally:
            patience.end()  # also where whoever asked has left
            future.cancel()

    def _done(self) -> None:
        self._waiting -= 1

    def _told(self, work: Work, what: str) -> bytes:
        """What the work gives; its failure as a line that names nothing outside the folder."""
        try:
            return work()
        except (Refused, TimeoutError):
            raise
        except registry.NotBuilt as error:
            raise Refused(503, self._line(error)) from error
        except DamagedError as error:
            raise Refused(503, self._line(error)) from error
        except ArchiveError as error:
            raise Refused(404, self._line(error)) from error
        except MetaSearchError as error:
            raise Refused(400, self._line(error)) from error
        except Exception as error:
            print(one_line(f"meta-search: {what}: {error_line(error, MOST_LINE)}"), file=sys.stderr)
            raise Refused(503, f"cannot make sense of this run ({type(error).__name__})") from error

    def _line(self, error: BaseException) -> str:
        """An error in one line, paths named from the folder that is served on."""
        text = without_passwords(str(error)).replace(f"{self.root}/", "").replace(str(self.root), ".")
        return one_line(text, MOST_LINE)


def encoded(value: Any) -> bytes:
    """A value as JSON, ASCII only; see `plain_json`."""
    return plain_json(value).encode()


def packed(body: bytes, accepts: str) -> tuple[bytes, dict[str, str]]:
    """A body, packed where that is worth it and understood, with the header that says so."""
    if len(body) < PACKED_FROM or "gzip" not in accepts:
        return body, {}
    return gzip.compress(body, 1, mtime=0), {"content-encoding": "gzip", "vary": "accept-encoding"}
