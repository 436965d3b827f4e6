"""Lanes: when calls were under way, packed into as few lines as held them at a time."""

from __future__ import annotations

import heapq
import time
from pathlib import Path

from archive import summaries
from archive.records import Archive
from archive.summaries import CallRow
from meta_search.dashboard.views.kept import sensibly
from meta_search.dashboard.views.shared import Json
from meta_search.dashboard.views.standing import AT_WORK, state_of

__all__ = ["lanes"]

MOST_SPANS = 2_000
MOST_LANES = 256


@sensibly
def lanes(folder: Path, archive: Archive) -> Json:
    """`Lanes` of the contract: the last calls of the run, those under way up to now.

    Args:
        folder: Of the run.
        archive: Its archive.
    """
    calls = [call for call in summaries.last_calls(archive, MOST_SPANS) if call.began]
    running = state_of(archive) in AT_WORK
    spans = sorted((call.began or 0.0, _end(call, running), n) for n, call in enumerate(calls))
    from_at = spans[0][0] if spans else 0.0
    to_at = max((end for _, end, _ in spans), default=0.0)
    found: list[list[Json]] = []
    free: list[tuple[float, int]] = []  # when each lane is free again, the soonest first
    left_out = max(0, summaries.last_row(archive, "calls") - len(calls))
    for begin, end, n in spans:
        if free and free[0][0] <= begin:
            _, lane = heapq.heappop(free)
        elif len(found) < MOST_LANES:
            lane = len(found)
            found.append([])
        else:
            left_out += 1
            continue
        heapq.heappush(free, (end, lane))
        found[lane].append(_span(calls[n], begin - from_at, end - from_at))
    return {
        "from_at": from_at,
        "to_at": to_at,
        "lanes": [{"name": f"{place}", "spans": spans_of} for place, spans_of in enumerate(found, 1)],
        "left_out": left_out,
    }


def _end(call: CallRow, running: bool) -> float:
    """When a call was answered; of one under way now, of one whose fate nobody knows when it began."""
    if call.latency_s is not None:
        return (call.began or 0.0) + max(0.0, call.latency_s)
    return time.time() if running and call.state == "reserved" else (call.began or 0.0)


def _span(call: CallRow, from_s: float, to_s: float) -> Json:
    return {
        "from_s": round(from_s, 3),
        "to_s": round(to_s, 3),
        "kind": call.purpose,
        "agent": call.agent,
        "item": call.item,
        "split": call.split,
        "state": call.state,
    }
