"""What was said on an item, or for a brief, call by call: the ledger's rows beside the trace.

A trace has every call of an item in program order, with its last message; the ledger has requests and replies
whole, but one row for calls that were answered alike. So calls of the trace are looked up in the ledger, with
the agent's own rows first, then with those of its relatives, whose answers `llm.cache` shares on train items.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from archive import codec
from archive.guard import Room, check_types
from archive.items import Reader
from meta_search.types import ToolCall, TraceCall, TranscriptCall

__all__ = ["of_brief", "of_item"]

AGENTS = ("task", "teacher")  # purposes of an agent's own calls
MOST_ROWS = 1_000  # of the ledger that are read for an item or a brief
MOST_SHARED = 400  # of other agents
RELATIVES = 40
MOST_PARTS = 200_000  # of one request
THINKING = "The model's thinking ({n:,} tokens) is not kept."
OF_TRACE = (
    "The ledger has no call of this agent here: its answer was shared with another agent's. What is shown is "
    "its last message, the earlier ones are not known."
)
OF_ANOTHER = "The answer was shared: an equal call of another agent was paid."
UNANSWERED = "Not among the calls that the item is scored by: it was cut off, refused, or asked again."
CUT = re.compile(r"… \[cut: [\d,]+ characters, [0-9a-f]{8}\]$")

COLUMNS = (
    *("purpose", "model", "agent", "split", "repeat", "author", "prompt_tokens", "completion_tokens"),
    *("cost_usd", "latency_s", "attempts", "state", "fault", "request", "reply"),
)
NONE = type(None)
KINDS: tuple[tuple[type, ...], ...] = (
    *((str,), (str,), (str,), (str,), (int,), (str, NONE), (int,), (int,)),
    *((float,), (float, int, NONE), (int,), (str,), (str, NONE), (bytes, NONE), (bytes, NONE)),
)
SELECT = f"SELECT {codec.names(COLUMNS)} FROM calls"
OWN = f"{SELECT} WHERE agent = ? AND item = ? AND split = ? AND repeat = ? ORDER BY rowid LIMIT {MOST_ROWS}"
BRIEF = f"{SELECT} WHERE agent = ? AND purpose = 'meta' ORDER BY rowid LIMIT {MOST_ROWS}"
# The meta agent's calls are many too: an archive of this version has an index by agent.
BY_AGENT = "SELECT 1 FROM sqlite_master WHERE name = 'calls_by_agent_item'"
KIN = f"""
WITH RECURSIVE up(ancestor, far) AS (
  VALUES (?, 0)
  UNION SELECT e.parent, far + 1 FROM up JOIN edges e ON e.child = up.ancestor AND e.kind = 'parent'
  WHERE far < 6
)
SELECT ancestor FROM up WHERE far > 0 GROUP BY ancestor ORDER BY MIN(far) LIMIT {RELATIVES}
"""
FIRST = "SELECT id FROM agents ORDER BY rowid LIMIT 12"  # the seeds


@dataclass(slots=True)
class _Row:
    """A row of the ledger; its texts are unpacked once they are asked for."""

    values: dict[str, Any]
    room: Room
    taken: bool = False
    _asked: dict[str, Any] | None = None
    _came: dict[str, Any] | None = None

    @property
    def asked(self) -> dict[str, Any]:
        if self._asked is None:
            self._asked = _unpacked(self.values["request"], self.room)
        return self._asked

    @property
    def came(self) -> dict[str, Any]:
        if self._came is None:
            self._came = _unpacked(self.values["reply"], self.room)
        return self._came

    @property
    def messages(self) -> tuple[tuple[str, str], ...]:
        found = self.asked.get("messages")
        rows = found if isinstance(found, list) else []
        return tuple((str(row[0]), str(row[1])) for row in rows if isinstance(row, list) and len(row) == 2)

    @property
    def text(self) -> str:
        return str(self.came.get("text", ""))


def of_item(
    read: Reader, room: Room, path: Any, who: tuple[str, str, str, int], trace: Sequence[TraceCall]
) -> list[TranscriptCall]:
    """The calls of one agent on one item, in program order, then those that are not in its trace.

    Args:
        read: Reads the archive.
        room: For requests and replies.
        path: Of the archive.
        who: Agent, split, item, repeat.
        trace: Of the result; empty where there is none.
    """
    agent, split, item, repeat = who
    own = _rows(read(OWN, agent, item, split, repeat), room, path)
    matched = {call.index: _taken(own, call) for call in trace}
    missing = [call for call in trace if matched[call.index] is None]
    if missing and split == "train":
        shared = _rows(_of_relatives(read, agent, item, split, repeat), room, path)
        for call in missing:
            matched[call.index] = _taken(shared, call, again=True)
    found = [_call(call, matched[call.index], agent) for call in trace]
    rest = [row for row in own if not row.taken]
    return [*found, *(_plain(row, n, _why(row)) for n, row in enumerate(rest, len(found) + 1))]


def _why(row: _Row) -> str:
    """Why a call is not in the trace; nothing is to be said of a judge's."""
    return UNANSWERED if row.values["purpose"] in AGENTS else ""


def of_brief(read: Reader, room: Room, path: Any, codes: Iterable[int]) -> list[TranscriptCall]:
    """The calls of the meta agent for briefs, in the order in which they were made.

    Args:
        read: Reads the archive.
        room: For requests and replies.
        path: Of the archive.
        codes: `Brief.code` of each.
    """
    sql = BRIEF.replace("AND purpose", "AND +purpose") if read(BY_AGENT) else BRIEF
    rows = [row for code in codes for row in _rows(read(sql, f"brief-{code}"), room, path)]
    return [_plain(row, n) for n, row in enumerate(rows, 1)]


def _rows(found: list[tuple[Any, ...]], room: Room, path: Any) -> list[_Row]:
    check_types(found, KINDS, path)
    return [_Row(dict(zip(COLUMNS, row, strict=True)), room) for row in found]


def _of_relatives(read: Reader, agent: str, item: str, split: str, repeat: int) -> list[tuple[Any, ...]]:
    """Rows of the ledger on the same item of ancestors and seeds."""
    names = [name for (name,) in (*read(KIN, agent), *read(FIRST)) if isinstance(name, str)]
    kin = [name for name in dict.fromkeys(names) if name != agent]
    rows: list[tuple[Any, ...]] = []
    for name in kin:
        rows += read(OWN, name, item, split, repeat)
        if len(rows) >= MOST_SHARED:
            break
    return rows


def _taken(rows: Sequence[_Row], call: TraceCall, again: bool = False) -> _Row | None:
    """The row that is a call's: of those with its last message the one with its reply, else the first."""
    fits = [row for row in rows if (again or not row.taken) and _is_asked(row, call)]
    exact = [row for row in fits if _same(row.text, call.text)]
    found = next(iter(exact or fits), None)
    if found is not None:
        found.taken = True
    return found


def _is_asked(row: _Row, call: TraceCall) -> bool:
    return row.values["purpose"] in AGENTS and bool(row.messages and _same(row.messages[-1][1], call.prompt))


def _same(whole: str, kept: str) -> bool:
    """Whether a text is that of a trace, which may be cut."""
    if whole == kept or codec.text(whole) == kept:
        return True
    cut = CUT.search(kept)
    return cut is not None and whole.startswith(kept[: cut.start()])


def _call(call: TraceCall, row: _Row | None, agent: str) -> TranscriptCall:
    """A call of a trace, with what the ledger has of it."""
    base = {
        "index": call.index,
        "component": call.component or call.author,
        "role": call.role,
        "fields": call.fields,
        "inputs": tuple(sorted({i for i in (*call.inputs, *call.pasted) if i < call.index})),
        "final": call.final,
    }
    if row is None:
        return TranscriptCall(
            **cast(dict[str, Any], base),
            messages=(("user", call.prompt),),
            reply=call.text,
            completion_tokens=call.tokens,
            latency_s=call.latency_s,
            left_out=OF_TRACE,
        )
    shared = row.values["agent"] != agent
    told = _told(row, OF_ANOTHER if shared else "")
    if shared:
        told["attempts"] = 0
    return TranscriptCall(**{**told, **base, "latency_s": call.latency_s})


def _plain(row: _Row, index: int, note: str = "") -> TranscriptCall:
    return TranscriptCall(**{**_told(row, note), "index": index})


def _told(row: _Row, note: str) -> dict[str, Any]:
    """What the ledger says of a call, as fields of a `TranscriptCall`."""
    values, used = row.values, _used(row)
    thought = int(used[4]) if len(used) > 4 else 0
    notes = [note] if note else []
    notes += [THINKING.format(n=thought)] if thought else []
    if values["state"] == "reserved":
        notes.append("It was under way when this was read, or when the run ended: nothing came back.")
    return {
        "component": values["author"] or values["purpose"],
        "model": values["model"],
        "messages": row.messages,
        "reply": row.text,
        "tool_calls": _tool_calls(row.came.get("calls")),
        "prompt_tokens": int(used[1]),
        "completion_tokens": int(used[2]),
        "cost_usd": float(used[3]),
        "latency_s": values["latency_s"],
        "attempts": values["attempts"],
        "fault": values["fault"] or "",
        "purpose": values["purpose"],
        "left_out": " ".join(notes),
    }


def _used(row: _Row) -> Sequence[float]:
    """What the answer used; what was charged where there is no answer."""
    used, values = row.came.get("used"), row.values
    if isinstance(used, list) and len(used) >= 4 and all(isinstance(n, int | float) for n in used):
        return used
    return values["attempts"], values["prompt_tokens"], values["completion_tokens"], values["cost_usd"]


def _tool_calls(stored: Any) -> tuple[ToolCall, ...]:
    rows = stored if isinstance(stored, list) else []
    return tuple(ToolCall(*map(str, row)) for row in rows if isinstance(row, list) and len(row) == 3)


def _unpacked(stored: bytes | None, room: Room) -> dict[str, Any]:
    """A request or a reply; nothing where a stranger's cannot be read."""
    if not stored:
        return {}
    try:
        found = codec.load(room.unpacked(stored), MOST_PARTS)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
