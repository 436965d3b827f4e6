"""Which items people may look at: those of test, and answers to them, once the final report is made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from archive.guard import making_sense
from meta_search.types import PERTURBED, SPLITS, MetaName

__all__ = ["WITHHELD", "is_open"]

WITHHELD = "Test items are shown once the final report is made, so that nobody tunes by them."
SINCE = 7  # schema version from which on an archive keeps items


class _Archive(Protocol):
    @property
    def path(self) -> Path: ...

    def select(self, sql: str, *values: object) -> Sequence[tuple[Any, ...]]: ...

    def meta(self, key: MetaName) -> Any: ...


def is_open(archive: _Archive, split: str) -> bool:
    """Whether people may look at the items of a split: at those of test once the final report is made."""
    if split not in ("test", PERTURBED):
        return split in SPLITS
    if archive.meta("kind") == "evaluate":
        return True
    with making_sense(archive.path):
        ((schema,),) = archive.select("PRAGMA user_version")
        if schema < SINCE or not archive.select("SELECT 1 FROM items LIMIT 1"):
            return archive.meta("final") is not None  # of an earlier version, which keeps no items
        return bool(archive.select("SELECT 1 FROM items WHERE split = 'test' LIMIT 1"))
