"""Traces of train results, read from the archive when an author is to see them.

They are most of the data of a run, so that nobody keeps them. A result is in the archive before the engine
hears of it, whether it was run now, before a resume, or in a replay: so what is read is always the same.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from archive.records import Archive
from meta_search.types import ItemResult, TraceCall, TraceProgram

__all__ = ["Traced", "Traces"]

Traced = tuple[tuple[TraceCall, ...], tuple[TraceProgram, ...]]

KEPT = 256  # traces that are kept, as parents are shown again and again
MOST_KEPT = 32_000  # characters of one of these


class Traces:
    """Reads traces, over one connection that stays open until `close`; for one thread.

    Args:
        path: The archive's file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._archive: Archive | None = None
        self._kept: OrderedDict[tuple[str, str, int], Traced] = OrderedDict()

    def of(self, result: ItemResult) -> Traced:
        """Calls and programs of a train result, empty where the archive has none."""
        key = (result.agent, result.item, result.repeat)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if self._archive is None:
            self._archive = Archive(self._path)
        stored = self._archive.result(result.agent, "train", result.item, result.repeat)
        found: Traced = ((), ()) if stored is None else (stored.trace, stored.programs)
        if _size(found) <= MOST_KEPT:
            self._kept[key] = found
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

    def close(self) -> None:
        """Let go of the archive: no reader may hold up its writer at the end."""
        archive, self._archive = self._archive, None
        if archive is not None:
            archive.close()


def _size(traced: Traced) -> int:
    calls, programs = traced
    of_calls = sum(len(call.prompt) + len(call.text) for call in calls)
    return of_calls + sum(len(program.code) + len(program.output) for program in programs)
