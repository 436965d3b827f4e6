"""Answers that are kept until their run has written something more."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

from archive import summaries
from archive.guard import making_sense
from archive.records import Archive

__all__ = ["kept", "moment_of", "sensibly"]

MOST = 24  # answers, each of bounded size
Json = dict[str, Any]
P = ParamSpec("P")

_lock = threading.Lock()
_answers: OrderedDict[Hashable, tuple[Hashable, Json]] = OrderedDict()


def moment_of(archive: Archive) -> Hashable:
    """What changes with whatever a run writes, and costs next to nothing to ask."""
    rows = [summaries.last_row(archive, name) for name in ("agents", "results", "events", "attempts")]
    known = [str(archive.meta(key)) for key in ("elapsed_s", "status", "best")]
    found = archive.path.stat()
    return found.st_ino, *rows, *known


def sensibly(view: Callable[P, Json]) -> Callable[P, Json]:
    """A view of a folder and an archive, for which whatever makes no sense there is a `DamagedError`."""

    @wraps(view)
    def answer(*args: P.args, **query: P.kwargs) -> Json:
        archive: Any = args[1]
        with making_sense(archive.path):
            return view(*args, **query)

    return answer


def kept(view: Callable[..., Json]) -> Callable[..., Json]:
    """A view whose answers are kept; whoever gets one must not change it."""

    @wraps(view)
    def answer(folder: Path, archive: Archive, **query: Hashable) -> Json:
        key = (view.__module__, view.__name__, str(archive.path.resolve()), *sorted(query.items()))
        moment = moment_of(archive)
        with _lock:
            before = _answers.get(key)
        if before is not None and before[0] == moment:
            return before[1]
        found = view(folder, archive, **query)
        with _lock:
            _answers[key] = (moment, found)
            _answers.move_to_end(key)
            while len(_answers) > MOST:
                _answers.popitem(last=False)
        return found

    return answer
