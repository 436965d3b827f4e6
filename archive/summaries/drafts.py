"""Drafts that did not become candidates, and trials: the last of each."""

from __future__ import annotations

from archive import codec
from archive.guard import check_types, making_sense
from archive.records import Archive
from archive.summaries.reading import read
from archive.values import Trial, trial_of
from meta_search.types import Attempt

__all__ = ["attempts_by_stage", "last_attempts", "last_trials"]


def last_attempts(archive: Archive, n: int) -> list[Attempt]:
    """The last drafts that did not become candidates, in order."""
    columns = codec.names(codec.ATTEMPT_COLUMNS)
    rows = read(archive, f"SELECT {columns} FROM attempts ORDER BY id DESC LIMIT ?", n)
    check_types(rows, codec.kinds("attempts", codec.ATTEMPT_COLUMNS), archive.path)
    return [Attempt(*row) for row in reversed(rows)]


def attempts_by_stage(archive: Archive) -> dict[str, int]:
    """Stage of failed drafts -> how many."""
    return dict(read(archive, "SELECT stage, COUNT(*) FROM attempts GROUP BY stage"))


def last_trials(archive: Archive, study: str, n: int) -> list[Trial]:
    """The last trials of a study, by number."""
    columns = codec.TRIAL_COLUMNS
    sql = f"SELECT {codec.names(columns)} FROM trials WHERE study = ? ORDER BY number DESC LIMIT ?"
    rows = read(archive, sql, study, n)
    check_types(rows, codec.kinds("trials", columns), archive.path)
    with making_sense(archive.path):
        return [trial_of(dict(zip(columns, row, strict=True))) for row in reversed(rows)]
