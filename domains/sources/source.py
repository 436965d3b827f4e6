"""What a source of rows is, and how `domain.path` becomes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from domains.sources.files import open_local
from meta_search.errors import DomainError

__all__ = ["HUB", "WHEEL", "Source", "is_local", "is_pinned", "open_source"]

HUB, WHEEL = "hf:", "wheel:"


class Source(Protocol):
    """Rows from somewhere. They are read while one goes through them, never all at once.

    Attributes:
        name: Short, for messages.
        parts: The hub's splits, or the files of a folder: train, test, …; empty where there is one alone.
        pinned: The path that means this source and no later state of it: with the revision, or the hash.
        notes: Lines for the user on how it was read; all are there when it was read to its end.
    """

    @property
    def name(self) -> str: ...
    @property
    def parts(self) -> tuple[str, ...]: ...
    @property
    def pinned(self) -> str: ...
    @property
    def notes(self) -> tuple[str, ...]: ...

    def records(self, part: str = "") -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Line or ordinal, from 1, and row, of a part or of all; may be called again.

        Values are as JSON has them, numbers as `values.Written`, what is missing as `None`.

        Raises:
            DomainError: What cannot be read; one line with its place.
        """
        ...

    def place(self, part: str, line: int) -> str:
        """Where a row stands, for errors, as `questions.csv, line 7`."""
        ...


def is_local(path: str) -> bool:
    """Whether `domain.path` names a file or a folder."""
    return not path.startswith((HUB, WHEEL))


def is_pinned(pinned: str, path: str) -> bool:
    """Whether a path is another one with its revision or hash."""
    return not is_local(path) and pinned.startswith((f"{path}@", f"{path}#sha256="))


def open_source(path: str, wanted: Sequence[str] = ()) -> Source:
    """The source that `domain.path` names.

    Args:
        path: A file or a folder, `hf:owner/name[:config][@revision]`, or `wheel:NAME==VERSION/path/in/wheel`.
        wanted: Columns that are asked for: one that differs in case and space only gets the name that is
            asked for, and they tell how a table is written.

    Raises:
        DomainError: It is not there, cannot be had, or is of no kind that is known; one line.
    """
    if path.startswith(HUB):
        from domains.sources.hub import open_hub

        return open_hub(path, wanted)
    if path.startswith(WHEEL):
        from domains.sources.wheel import open_wheel

        return open_wheel(path, wanted)
    if "://" in path:
        raise DomainError(
            f"domain.path={path}: addresses are not read: download the file, or name hf:owner/name"
        )
    return open_local(Path(path).expanduser(), wanted)
