"""Ray's temporary folder: sockets and logs of one run, for nobody but this account.

Ray opens the folder that it is given to everybody (mode 0777), so it is given one within a folder of ours.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from meta_search.errors import MetaSearchError

__all__ = ["made", "sweep"]

PREFIX, WITHIN, LOCK = "ms-ray-", "r", "lock"
SOCKET = "/session_2026-11-29_15-23-41_920326_4194304/sockets/plasma_store.1"
ROOM = 107 - len(SOCKET) - len(f"/{PREFIX}12345678/{WITHIN}")  # Linux: 107 bytes for a socket's path


@contextlib.contextmanager
def made(keep: bool) -> Iterator[Path]:
    """A new folder for Ray, below one that only this account may enter.

    It is left to the reaper, which outlives Ray's processes. What a reaper could not remove goes now: its
    driver's lock is free.

    Args:
        keep: Leave it for good.

    Raises:
        MetaSearchError: There is no place for it.
    """
    place = _place()
    sweep(place)
    outer = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))  # 0700
    inner = outer / WITHIN
    inner.mkdir()
    lock = None if keep else _locked(outer)
    try:
        yield inner
    finally:
        if lock is not None:
            os.close(lock)


def _place() -> Path:
    """Where temporary files go, unless the path is too long for a socket's."""
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        if len(os.fsencode(place)) <= ROOM and os.access(place, os.W_OK | os.X_OK):
            return Path(place)
    raise MetaSearchError(f"Ray needs a folder for sockets with a path of {ROOM} bytes at most: set TMPDIR")


def _locked(outer: Path) -> int:
    """Hold the folder's lock as long as this process lives."""
    new = outer / f"{LOCK}.new"
    held = os.open(new, os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    new.rename(outer / LOCK)  # never there without being held
    return held


def sweep(place: Path) -> None:
    """Remove the folders of drivers that have died together with their reapers."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(place):
            if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False) and _abandoned(entry):
                shutil.rmtree(entry.path, ignore_errors=True)


def _abandoned(entry: os.DirEntry[str]) -> bool:
    """Whether a folder is ours and was locked by a process that is gone."""
    if entry.stat(follow_symlinks=False).st_uid != os.geteuid():
        return False
    try:
        lock = os.open(Path(entry.path, LOCK), os.O_RDWR | os.O_NOFOLLOW)
    except OSError:  # just being made, or kept
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(lock)
