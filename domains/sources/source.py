"""Files and folders of rows, until the package of sources is here (issue 17): the agreed interface alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meta_search.errors import DomainError

__all__ = ["Source", "open_source"]


@dataclass(frozen=True)
class Source:
    """Records of a file, or of a folder's files.

    Attributes:
        name: Short, for messages.
        parts: The folder's files without their endings; empty for a file.
    """

    path: Path
    name: str
    parts: tuple[str, ...] = ()

    def records(self, part: str = "") -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Lines or rows from 1, each with its record."""
        from domains.table_file import records_of

        if not part:
            yield from records_of(self.path)
            return
        for file in sorted(self.path.iterdir()):
            if file.stem == part:
                yield from records_of(file)


def open_source(path: str) -> Source:
    """What a path names.

    Raises:
        DomainError: It names nothing that can be read here.
    """
    if path.startswith("hf:"):
        raise DomainError(f"domain.path={path}: cannot be had here: name a file of it with domain.path=FILE")
    file = Path(path).expanduser()
    parts: tuple[str, ...] = ()
    if file.is_dir():
        kinds = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
        parts = tuple(sorted({each.stem for each in file.iterdir() if each.suffix.lower() in kinds}))
    return Source(file, file.name, parts)
