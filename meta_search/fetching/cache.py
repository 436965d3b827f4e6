"""The folder of what was fetched."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["cache_folder", "locked"]


def cache_folder(name: str) -> Path:
    """Where files of a kind lie: `$META_SEARCH_CACHE/NAME`, else under the user's cache folder."""
    own = os.environ.get("META_SEARCH_CACHE")
    if own:
        return Path(own).expanduser() / name
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "meta-search" / name


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time; the lock goes with the process that holds it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
