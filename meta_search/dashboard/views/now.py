"""Now: what is being written and evaluated at this moment."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from archive import summaries
from archive.records import Archive, Event
from meta_search.dashboard.views.kept import sensibly
from meta_search.dashboard.views.row_of_run import run_row
from meta_search.dashboard.views.shared import Json, meta, shown_name
from meta_search.dashboard.views.standing import State
from meta_search.text import one_line
from meta_search.types import Split

__all__ = ["now", "under_way"]

WITHIN = 20_000  # last events, among which whatever is under way began
MOST = 200  # of what is under way
CALLS = 400  # last calls, which say who is evaluated where no race does


@sensibly
def now(folder: Path, archive: Archive) -> Json:
    """`Now` of the contract.

    Args:
        folder: Of the run.
        archive: Its archive.
    """
    at, row = time.time(), run_row(folder, archive)
    writing, evaluating = under_way(archive, row["state"], at)
    return {
        "at": at,
        "state": row["state"],
        "state_text": row["state_text"],
        "writing": writing,
        "evaluating": evaluating,
        "last_seq": summaries.last_row(archive, "events"),
    }


def under_way(archive: Archive, state: State, at: float) -> tuple[list[Json], list[Json]]:
    """Briefs that are being written, and agents that are being evaluated, as `Now` of the contract has them.

    Args:
        archive: Of the run.
        state: How it stands.
        at: The time now, in seconds since the epoch.
    """
    if state == "reporting":
        return [], _called(archive, at)[:MOST]
    if state not in ("searching", "paused"):
        return [], []
    events = summaries.last_events(archive, ("ask", "delivery", "race", "stop"), WITHIN)
    evaluating = _racing(archive, events, at) or _called(archive, at)
    return _writing(events, at)[:MOST], evaluating[:MOST]


def _writing(events: list[Event], at: float) -> list[Json]:
    """Briefs that were asked for and are not delivered."""
    asked: dict[int, Event] = {}
    for event in events:
        if event.kind == "ask":
            asked[event.data["brief"]] = event
        elif event.kind == "delivery":
            asked.pop(event.data.get("brief", -1), None)
        elif event.kind == "stop":
            asked.clear()
    return [
        {
            "brief": brief,
            "operator": one_line(event.data["operator"], 40),
            "author": one_line(event.data["author"], 40),
            "parents": [str(parent) for parent in event.data["parents"]],
            "since_s": _since(at, event.created),
        }
        for brief, event in asked.items()
    ]


def _racing(archive: Archive, events: list[Event], at: float) -> list[Json]:
    """Agents whose race goes on; the event of a race says up to which pair it is looked at next."""
    races: dict[tuple[str, Split], tuple[float, int]] = {}
    for event in events:
        if event.kind == "stop":
            races.clear()
        if event.kind != "race":
            continue
        key = event.data["agent"], event.data["split"]
        if "to" in event.data:
            races[key] = races.get(key, (event.created, 0))[0], event.data["to"]
        else:
            races.pop(key, None)
    looks = {agent: to for (agent, _), (_, to) in races.items()}
    return _rows(archive, {key: since for key, (since, _) in races.items()}, at, looks)


def _called(archive: Archive, at: float) -> list[Json]:
    """Who is evaluated, as the last calls tell it."""
    found: dict[tuple[str, Split], float] = {}
    for call in summaries.last_calls(archive, CALLS):
        if call.purpose == "task" and call.state == "reserved" and call.split:
            found[call.agent, call.split] = call.began or at  # type: ignore[index]
    return _rows(archive, found, at, {})


def _rows(
    archive: Archive, since: Mapping[tuple[str, Split], float], at: float, looks: Mapping[str, int]
) -> list[Json]:
    shown = dict(list(since.items())[:MOST])
    names = summaries.names(archive, [agent for agent, _ in shown])
    planned: dict[Split, int] = {split: _planned(archive, split) for _, split in shown}
    found = []
    for (agent, split), began in shown.items():
        done = summaries.results_of(archive, agent, split)
        found.append(
            {
                "agent": agent,
                "name": shown_name(names.get(agent, agent)),
                "split": split,
                "done": done,
                "planned": max(done, planned[split] or looks.get(agent, 0)),
                "since_s": _since(at, began),
            }
        )
    return found


def _planned(archive: Archive, split: Split) -> int:
    """Results of an agent that is through with a split; 0 while nobody is."""
    known = summaries.whole(archive, split)
    if known:
        return known
    digests = meta(archive, "fingerprint")
    items = digests.get("items") if isinstance(digests, Mapping) else None
    own = items.get(split) if isinstance(items, Mapping) else None
    return len(own) if isinstance(own, Mapping) else 0


def _since(at: float, began: float) -> float:
    return round(max(0.0, at - began), 1)
