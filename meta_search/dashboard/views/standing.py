"""How a run stands: what it does now, in a word and in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from archive import summaries
from archive.records import Archive
from archive.writer import is_being_written
from meta_search.dashboard.views.shared import meta
from meta_search.report.selection import SELECTION
from meta_search.run.steering import limits_in, pause_of, paused
from meta_search.text import one_line

__all__ = ["AT_WORK", "SILENT_S", "State", "goes_on", "state_of", "state_text", "steered_limits"]

State = Literal["searching", "paused", "reporting", "done", "cut short", "stopped", "killed", "damaged"]
AT_WORK: tuple[State, ...] = ("searching", "paused", "reporting")
SILENT_S = 600.0  # without a sign of life, after which a running search is to be looked at
NO_TEST = f"no test yet: {SELECTION}s, not the result"


def goes_on(archive: Archive) -> bool:
    """Whether agents are still written and evaluated; in a final report none is any more."""
    return state_of(archive) in ("searching", "paused")


def steered_limits(archive: Archive) -> dict[str, float]:
    """As `run.steering.steered_limits`; of a long journal by its last events."""
    return limits_in(summaries.last_events(archive, ("steer", "resume")))


def state_of(archive: Archive) -> State:
    """How a run stands now, from what it wrote and from whether anybody holds its lock."""
    status, written = meta(archive, "status"), is_being_written(archive.path)
    if written and not archive.path.with_name(f"{archive.path.name}.lock").exists():
        written = summaries.age(summaries.heartbeat(archive)) < SILENT_S  # a copy of a run: nobody can tell
    if status == "reporting":
        return "reporting" if written else "killed"
    if status in ("done", "cut short"):
        return cast(State, status)
    if not written:
        return "stopped" if status == "stopped" else "killed"
    return "paused" if paused(archive) else "searching"


def state_text(archive: Archive, state: State, kind: str, row: Mapping[str, Any] | None = None) -> str:
    """What is true now, in one sentence.

    Args:
        archive: The run.
        state: As `state_of` has it.
        kind: `search` or `evaluate`.
        row: What is known of it beside: `best`, `heartbeat_at`.
    """
    found = row or {}
    end = meta(archive, "end")
    why = one_line(end.get("text", ""), 300) if isinstance(end, Mapping) else ""
    best = found.get("best")
    untested = f" ({NO_TEST})" if kind == "search" and (best is None or best["selection"]) else ""
    verdict = meta(archive, "verdict")
    match state:
        case "searching":
            quiet = summaries.age(found.get("heartbeat_at"))
            silent = f"; no sign of life for {quiet / 60:.0f} minutes" if SILENT_S < quiet < 1e9 else ""
            return f"{'Searching' if kind == 'search' else 'Evaluating'}{silent}{untested}."
        case "paused":
            pause = pause_of(archive)
            who = f" by {pause[0]}" if pause else ""
            return f"Paused{who}: nothing new is begun{untested}."
        case "reporting":
            return "Final report: finalists and baselines run on fresh test items."
        case "done":
            return "Done: the final report is complete." if verdict else f"Done{untested}."
        case "cut short":
            return f"The final report was cut short{_because(why)}."
        case "stopped":
            return f"Stopped{_because(why)}{untested}."
        case "killed":
            lacks = "a report" if kind == "search" else "its end"
            return f"Ended without {lacks}{untested}: resume goes on with it."
        case _:
            return "The archive cannot be read."


def _because(why: str) -> str:
    return f": {why.removeprefix('stopped ').rstrip('.')}" if why else ""
