"""Run folders below the folder that is served: which there are, and the one that is meant. No link is
followed, and nothing outside is reached."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from archive.readers import stamps
from archive.schema import FILE_NAME
from meta_search.errors import ArchiveError

__all__ = ["DEPTH", "MOST_RUNS", "is_run", "run_folder", "run_folders", "run_id"]

DEPTH = 3  # folders below the one that is served
MOST_RUNS = 1_000
MOST_ENTRIES = 50_000  # that are looked at
MOST_NAME = 255  # bytes of a file's name
SELF = "."  # id of the run that the folder itself is


def run_folders(root: Path) -> list[Path]:
    """Run folders at or below a folder, those that were written last first; at most `MOST_RUNS`."""
    found = [(_written(folder), folder) for folder in _walk(root)]
    return [folder for _, folder in sorted(found, key=lambda pair: (-pair[0], str(pair[1])))][:MOST_RUNS]


def run_id(root: Path, folder: Path) -> str:
    """A run's id: its path below the folder that is served; `.` where that is itself the run."""
    return folder.relative_to(root).as_posix()


def run_folder(root: Path, run: str) -> Path:
    """The folder of a run.

    Args:
        root: The folder that is served.
        run: Its id.

    Raises:
        ArchiveError: There is none, or it is reached only by a link, or outside; one line.
    """
    parts = [] if run == SELF else run.split("/")
    if len(parts) > DEPTH or not all(map(_is_plain, parts)):
        raise ArchiveError("no such run")
    folder = root
    for part in parts:
        folder = folder / part
        if not _is(folder, stat.S_ISDIR):
            raise ArchiveError("no such run")
    if not is_run(folder):
        raise ArchiveError("no such run")
    return folder


def is_run(folder: Path) -> bool:
    """Whether a folder holds an archive, as a plain file."""
    return _is(folder / FILE_NAME, stat.S_ISREG)


def _is_plain(name: str) -> bool:
    """Whether it can be a name of a folder that is shown: neither hidden nor above."""
    if not name or name.startswith(".") or "\0" in name or "/" in name:
        return False
    try:
        return len(name.encode()) <= MOST_NAME
    except UnicodeEncodeError:
        return False


def _is(path: Path, kind: object) -> bool:
    try:
        return bool(kind(path.lstat().st_mode))  # type: ignore[operator]
    except (OSError, ValueError):
        return False


def _walk(root: Path) -> Iterator[Path]:
    """Folders with an archive, from above; what lies within a run is looked at as well: a table of
    evaluations has its cells there."""
    left, folders = MOST_ENTRIES, [(root, 0)]
    while folders and left > 0:
        folder, depth = folders.pop()
        if is_run(folder):
            yield folder
        if depth == DEPTH:
            continue
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    left -= 1
                    if left <= 0:
                        break
                    if _is_plain(entry.name) and entry.is_dir(follow_symlinks=False):
                        folders.append((Path(entry.path), depth + 1))
        except OSError:
            continue


def _written(folder: Path) -> int:
    """When an archive was last written to, in ns: its log is, while it is being written."""
    return max(at for _, at, _ in stamps(folder / FILE_NAME))
