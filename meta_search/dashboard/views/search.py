"""Full text of a run: names, thoughts, code and answers."""

from __future__ import annotations

import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from archive.records import Archive
from meta_search.errors import MetaSearchError

__all__ = ["MOST", "search"]

MOST = 500  # hits
LONGEST = 500  # characters of a query
GROWS_S = 0.15  # that the index may grow within a request; the rest is done beside it
AT_ONCE_S = 1.0  # that it grows there before it looks whether there is more


def search(folder: Path, archive: Archive, *, q: str = "", limit: int = 50) -> dict[str, Any]:
    """`Found` of the contract.

    A request lets the index grow for a moment, and a thread beside it does the rest: `indexed` and `of` say
    how far it is, and whoever asks again finds more.

    Args:
        folder: Of the run.
        archive: Its archive.
        q: Words, "phrases" and beginnings*; all of them have to stand in one agent, or in one answer.
        limit: Most hits.
    """
    found = archive.find(q[:LONGEST], min(max(0, limit), MOST), 0.0 if _GROWING.at(archive.path) else GROWS_S)
    if found.indexed < found.of:
        _GROWING.begin(archive.path)
    return {
        "q": found.q,
        "indexed": found.indexed,
        "of": found.of,
        "hits": [asdict(hit) for hit in found.hits],
    }


class _Growing:
    """Has the indexes of archives grow, one at a time, on a thread that ends when one is whole."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._path: Path | None = None

    def at(self, path: Path) -> bool:
        """Whether the index of this archive grows."""
        return self._path == path

    def begin(self, path: Path) -> None:
        """Have an index grow, unless one does."""
        with self._lock:
            if self._path is None:
                self._path = path
                threading.Thread(target=self._work, args=(path,), name="search index", daemon=True).start()

    def _work(self, path: Path) -> None:
        try:
            with Archive(path) as archive:
                before = -1
                while True:
                    found = archive.find("", 0, AT_ONCE_S)
                    if found.indexed >= found.of or found.indexed == before:
                        return  # whole, or another process is at it
                    before = found.indexed
        except (MetaSearchError, OSError):
            return  # who asks next is told
        finally:
            self._path = None


_GROWING = _Growing()
