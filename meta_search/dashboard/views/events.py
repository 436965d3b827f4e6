"""Events: the journal of a search in readable lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archive import summaries
from archive.records import Archive, Event
from meta_search.dashboard.views.kept import sensibly
from meta_search.dashboard.views.shared import Json, shown_name
from meta_search.text import one_line
from meta_search.types import REPAIR, UNSCORED, stopped_line

__all__ = ["events"]

MOST = 1_000  # rows of an answer
LONGEST = 400  # characters of a line
MOST_TEXT = 2_000  # of a text within the data of a row
MOST_PARTS = 200  # of a list or mapping there
WHY = {
    "candidates": "all candidates are written",
    "budget": "its share of the budget is used up",
    "time": "its time is over",
    "report": "what is left is kept for the final report",
    "finish": "a person had it finish",
    "asked": "on_event asked for it",
    "signal": "a signal stopped it",
    "nothing new": "nothing new came any more",
    "patience": "no gain was expected any more",
    "scorer": "the scorer failed",
}


@sensibly
def events(
    folder: Path,
    archive: Archive,
    after: int = 0,
    kind: str = "",
    q: str = "",
    limit: int = 500,
    newest: int = 0,
    before: int = 0,
) -> Json:
    """`Events` of the contract; further `searched_from`, the first event that was looked at.

    Args:
        folder: Of the run.
        archive: Its archive.
        after: Only events with a greater number.
        kind: Only these kinds, with commas between them; all where it is empty.
        q: Only those whose data hold this text, or that are about an agent whose name does.
        limit: Most rows.
        newest: Whether the newest come first, and are kept where there are more than `limit`.
        before: Only events with a smaller number; 0 for all. With `newest`, it leads to the next page.
    """
    kinds = tuple(name for name in kind.split(",") if name)
    found, searched_from = summaries.find_events(
        archive, after, before, kinds, q.strip()[:200], max(1, min(int(limit), MOST)), bool(newest)
    )
    names = summaries.names(archive, _agents(found))
    return {
        "total": summaries.last_row(archive, "events"),
        "kinds": {one_line(name, 40): n for name, n in summaries.event_kinds(archive).items()},
        "searched_from": searched_from,
        "rows": [_row(event, names) for event in found],
    }


def _agents(found: list[Event]) -> set[str]:
    ids: set[str] = set()
    for event in found:
        ids.update(str(event.data[key]) for key in ("agent", "same_as") if event.data.get(key))
        ids.update(map(str, event.data.get("parents", ())))
    return ids


def _row(event: Event, names: Mapping[str, str]) -> Json:
    return {
        "seq": event.seq,
        "at": event.created,
        "kind": one_line(event.kind, 40),
        "text": one_line(_text(event.kind, event.data, names), LONGEST),
        "agent": str(event.data.get("agent") or ""),
        "data": _bounded(event.data),
    }


def _bounded(value: Any, depth: int = 0) -> Any:
    """The data of an event without what is long or deep."""
    if isinstance(value, str):
        return one_line(value, MOST_TEXT)
    if isinstance(value, Mapping | list) and depth > 5:
        return "…"
    if isinstance(value, Mapping):
        return {one_line(k, 200): _bounded(v, depth + 1) for k, v in list(value.items())[:MOST_PARTS]}
    if isinstance(value, list):
        return [_bounded(v, depth + 1) for v in value[:MOST_PARTS]]
    return value


DECISIONS = {  # of those that are so or not
    "end": "the time of the search is over",
    "finish": "the search is to finish: nothing new begins",
    "patience": "no gain is expected any more that is worth the rest of the budget",
}


def _text(kind: str, data: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """An event as a sentence; of a kind, or data, that this version does not know its data."""
    writers = {
        "ask": _asked,
        "delivery": _delivered,
        "race": _raced,
        "tell": _told,
        "steer": _steered,
        "decision": _decided,
    }
    try:
        if kind in writers:
            return writers[kind](data, names)
    except (KeyError, TypeError, ValueError):
        pass
    if kind == "stop":
        return f"the search ended: {WHY.get(str(data.get('why')), data.get('why'))}"
    if kind == "resume":
        return "another session of the run began"
    return json.dumps(_bounded(data), ensure_ascii=False)


def _named(agent: object, names: Mapping[str, str]) -> str:
    return f"«{shown_name(names.get(str(agent), str(agent)[:8]))}»"


def _brief(code: int) -> str:
    repair, number = divmod(int(code), REPAIR)
    return f"brief {number}" + (f", repair {repair}" if repair else "")


def _asked(data: Mapping[str, Any], names: Mapping[str, str]) -> str:
    parents = ", ".join(_named(parent, names) for parent in data["parents"])
    by = f"{data['operator']} by {data['author']}" + (f" ({data['model']})" if data.get("model") else "")
    return f"{_brief(data['brief'])} is asked for: {by}" + (f", from {parents}" if parents else "")


def _delivered(data: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if "brief" in data:
        came = [data["agent"], *data.get("further", ())] if data["agent"] else []
        told = ", ".join(_named(agent, names) for agent in came) or "no agent"
        return f"{_brief(data['brief'])} came to {told}, for {data['tokens']:,} tokens"
    where = f"{_named(data['agent'], names)} on {data['split']}"
    if "item" not in data:
        return f"{where}: a block of which nothing was left to run"
    item = f"{where} item {data['item']}" + (f", repeat {data['repeat']}" if data["repeat"] else "")
    if data["kind"] in UNSCORED:
        return f"{item}: no score ({data['kind']}: {data.get('detail', '')})"
    fault = "" if data["kind"] == "ok" else f" ({data['kind']})"
    calls = "1 call" if data["calls"] == 1 else f"{data['calls']} calls"
    return f"{item}: {float(data['score']):.2f}{fault}, {calls}, {data['tokens']:,} tokens"


def _raced(data: Mapping[str, Any], names: Mapping[str, str]) -> str:
    who = f"{_named(data['agent'], names)} on {data['split']}"
    if "to" in data:
        return f"{who}: goes on to {data['to']} results"
    if data.get("same_as"):
        return f"{who}: behaves as {_named(data['same_as'], names)}"
    if data.get("stopped"):
        return f"{who}: {stopped_line(str(data['stopped']))}"
    return f"{who}: through" + (", goes on to validation" if data.get("validate") else "")


def _told(data: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if data["value"] is None:
        return f"{_brief(data['brief'])} came to nothing, which the guide learnt"
    return f"the guide learnt of {_brief(data['brief'])}: gain per cost {float(data['value']):+.3f}"


def _steered(data: Mapping[str, Any], names: Mapping[str, str]) -> str:
    who = one_line(data.get("who") or "somebody", 80)
    more = {k: v for k, v in data.items() if k not in ("command", "who", "at", "agent", "source", "id")}
    told = ", ".join(f"{k} {one_line(v, 200)}" for k, v in more.items() if v not in (None, "", [], {}))
    about = f" {_named(data['agent'], names)}" if data.get("agent") else ""
    return f"{who}: {data['command']}{about}" + (f" ({told})" if told else "")


def _decided(data: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What was decided once and is recorded, as a replay would not decide it anew."""
    what, value = str(data["what"]), data["value"]
    about, _, which = what.partition("/")
    if about == "design" and isinstance(value, Mapping):
        return f"the surrogate proposes for brief {which}: {_plain(value)}"
    if about == "finalist":
        return f"{_named(which, names)}: what is expected of it decides on its validation, not its score"
    if what in DECISIONS and value is True:
        return DECISIONS[what]
    return f"{what}: {_plain(value)}"


def _plain(value: Any) -> str:
    """A value without the marks of JSON, as far as it is no deeper than two levels."""
    bounded = _bounded(value)
    if isinstance(bounded, Mapping):
        return ", ".join(f"{name} {_plain_one(one)}" for name, one in bounded.items()) or "nothing"
    if isinstance(bounded, list):
        return ", ".join(map(_plain_one, bounded)) or "nothing"
    return _plain_one(bounded)


def _plain_one(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
