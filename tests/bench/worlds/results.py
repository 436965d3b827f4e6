"""Results of searches as lines of JSON: what was done is not done again."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.worlds.searching import Result, Task, search

__all__ = ["Results", "folder"]


def folder() -> Path:
    """Where results are kept: `META_SEARCH_BENCH_RUNS`, else `runs`; `worlds` in it."""
    return Path(os.environ.get("META_SEARCH_BENCH_RUNS", "runs")) / "worlds"


class Results:
    """A file of results.

    Args:
        path: Is made with the first result. A line that was cut, as by a kill, counts for nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.known: dict[tuple[object, ...], Result] = {r.task.key(): r for r in self._read()}

    def _read(self) -> Iterator[Result]:
        if not self._path.exists():
            return
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                yield Result.of(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue

    def complete(self, tasks: Sequence[Task], processes: int = 1) -> Iterator[Result]:
        """Carry out what is missing, in the order of the tasks, and keep each result as it comes."""
        missing = [task for task in tasks if task.key() not in self.known]
        if processes < 2:
            yield from map(self._keep, map(search, missing))
            return
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            yield from map(self._keep, pool.imap_unordered(search, missing))

    def of(self, tasks: Sequence[Task]) -> list[Result]:
        """The results of tasks, as far as they are there."""
        return [self.known[task.key()] for task in tasks if task.key() in self.known]

    def _keep(self, result: Result) -> Result:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        cut = self._path.exists() and not self._path.read_bytes().endswith(b"\n")
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write(("\n" if cut else "") + json.dumps(result.to_mapping()) + "\n")
        self.known[result.task.key()] = result
        return result
