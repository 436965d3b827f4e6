"""The table of runs below a folder: those that need attention first."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from archive import summaries
from archive.guard import Patience, check_patience
from archive.readers import stamps
from archive.records import Archive
from archive.schema import FILE_NAME
from meta_search import __version__
from meta_search.dashboard.places import MOST_RUNS, run_folders, run_id
from meta_search.dashboard.views import row_of_run, shared
from meta_search.dashboard.views.standing import AT_WORK
from meta_search.errors import MetaSearchError
from meta_search.report import alarms
from meta_search.text import one_line

__all__ = ["run_row", "runs"]

AGAIN_S = 5.0  # so long a row of a run at work is taken as it is: it is written many times a second
QUIET_S = 1800.0  # a search that found nothing better for so long is to be looked at
FEW_AGENTS = 150
ALARMS_S = 60.0  # so long the alarms of a run at work are taken as they are
URGENT = ("cut", "declined", "empty", "scorer", "raised", "targets", "leaks")
CACHE_KB = 1_000
MOST_KEPT = 2 * MOST_RUNS
ROW_S = 5.0
SLOW_AGAIN_S = 120.0
TOO_LONG = f"looking at it took more than {ROW_S:g} s"
SLOW = f"It cannot be read: {TOO_LONG}"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Kept:
    stamps: tuple[Any, ...]
    at: float
    row: Json
    until: float = inf  # the monotonic time at which it is read again


_rows: OrderedDict[Path, _Kept] = OrderedDict()
_alarms: dict[Path, tuple[float, list[str]]] = {}
_lock = threading.Lock()


def runs(folder: Path, steer: bool = False) -> Json:
    """All runs at or below a folder, as `Runs` of the contract.

    Args:
        folder: The one that is served, resolved.
        steer: Whether the server steers.
    """
    rows = [run_row(run, run_id(folder, run)) for run in run_folders(folder)]
    return {
        "folder": one_line(folder.name, 80),
        "version": __version__,
        "steer": steer,
        "runs": sorted(rows, key=_urgency),
    }


def run_row(folder: Path, run: str) -> Json:
    """A row of the table of runs; of an archive that cannot be read, one that says so."""
    seen, now = stamps(folder / FILE_NAME), time.monotonic()
    with _lock:
        kept = _rows.get(folder)
    if kept is not None and _holds(kept, seen, now):
        return {**kept.row, "id": run}
    row, until = _read(folder, run), inf
    if row["state_text"] == SLOW:
        until = now + SLOW_AGAIN_S
    with _lock:
        _rows[folder] = _Kept(seen, now, row, until)
        _rows.move_to_end(folder)
        while len(_rows) > MOST_KEPT:
            _rows.popitem(last=False)
    return row


def _holds(kept: _Kept, seen: tuple[Any, ...], now: float) -> bool:
    """Whether a row is still true: of a run at work it ages though nothing is written."""
    if now - kept.at < AGAIN_S and kept.row["state"] in AT_WORK:
        return True
    return kept.stamps == seen and kept.row["state"] not in AT_WORK and now < kept.until


def _read(folder: Path, run: str) -> Json:
    waits = Patience(ROW_S)  # an archive made to be slow takes no time from the others
    try:
        with waits, Archive(folder, CACHE_KB) as archive:
            row = row_of_run.run_row(folder, archive, run)
            row["attention"] = [*row["attention"], *_quiet(archive, row), *_alarming(archive, row)]
            return row
    except TimeoutError:
        check_patience()
        return {**_damaged(folder, run, TOO_LONG), "state_text": SLOW}
    except (MetaSearchError, OSError) as error:
        return _damaged(folder, run, str(error))
    except Exception as error:  # noqa: BLE001 - a stranger's archive; the other rows are shown
        return _damaged(folder, run, f"its rows make no sense ({type(error).__name__})")


def _quiet(archive: Archive, row: Json) -> list[str]:
    """A search that goes on and has found nothing better for long."""
    if row["state"] != "searching" or row["kind"] != "search" or not row["best"]:
        return []
    best = row["best"]
    evaluation = summaries.evaluations_of(archive, [best["agent"]])[best["agent"]].get(best["split"])
    rows = archive.select(
        "SELECT created FROM evaluations WHERE agent = ? AND split = ?", best["agent"], best["split"]
    )
    age = summaries.age(float(rows[0][0])) if rows and evaluation else 0.0
    if age < QUIET_S:
        return []
    return [f"nothing better found for {age / 60:.0f} minutes"]


def _alarming(archive: Archive, row: Json) -> list[str]:
    """Alarms on what a person can mend now; of a small run, as they look at every result. Those on items and
    on how alike agents are stand on the run's own page."""
    if row["agents"] > FEW_AGENTS:
        return []
    now = time.monotonic()
    kept = _alarms.get(archive.path)
    if kept is None or row["state"] not in AT_WORK or now - kept[0] > ALARMS_S:
        lines = [f"alarm: {one_line(a.line, 300)}" for a in alarms.of_archive(archive) if a.kind in URGENT]
        kept = _alarms[archive.path] = (now, lines)
        while len(_alarms) > MOST_KEPT:
            del _alarms[next(iter(_alarms))]
    return kept[1]


def _damaged(folder: Path, run: str, why: str) -> Json:
    line = one_line(why.replace(f"{folder}/", "").replace(str(folder), folder.name), 300)
    return {
        "id": run,
        "name": shared.shown_name(folder.name),
        "kind": "search",
        "domain": "",
        "task_models": [],
        "meta_models": [],
        "state": "damaged",
        "state_text": f"It cannot be read: {line}",
        "attention": [f"damaged: {line}"],
        "started_at": None,
        "heartbeat_at": None,
        "elapsed_s": 0.0,
        "agents": 0,
        "best": None,
        "spent": {"calls": 0, "tokens": 0, "cost_usd": 0.0},
        "limits": {"calls": None, "tokens": None, "usd": None, "wall_s": None},
        "verdict": None,
        "fork_of": None,
    }


def _urgency(row: Json) -> tuple[Any, ...]:
    """Runs at work that need attention, then others that do, then those at work, each the newest first."""
    at_work = row["state"] in AT_WORK
    return not row["attention"], not at_work, -(row["heartbeat_at"] or row["started_at"] or 0.0)
