"""An archive as plain rows, for tables and data frames: agents, scored items, calls and briefs.

Rows are read page by page, so that memory stays small however long a run was; `Archive.rows` documents their
columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from archive import codec
from archive.guard import MOST, Room
from archive.values import Event, Record
from meta_search.errors import ArchiveError
from meta_search.text import passage
from meta_search.types import REPAIR, SCORED, Evaluation, ToolCall, Usage, for_people, with_calls

if TYPE_CHECKING:
    import pandas

__all__ = ["COLUMNS", "TEXTS", "Source", "Table", "frame", "rows"]

Table = Literal["agents", "items", "calls", "briefs"]
Row = dict[str, Any]

PAGE = 500

OF_SPLIT = (
    *("score", "low", "high", "items", "left_out", "complete"),
    *("calls_per_item", "tokens_per_item", "usd_per_item", "model_free"),
)
COLUMNS: Mapping[Table, tuple[str, ...]] = {
    "agents": (
        *("agent", "name", "operator", "author", "generation", "parents", "status", "created"),
        *(f"{split}_{column}" for split in SCORED for column in OF_SPLIT),
    ),
    "items": (
        *("agent", "name", "split", "item", "repeat", "outcome", "score", "right", "calls", "prompt_tokens"),
        *("completion_tokens", "cost_usd", "seconds", "created", "answer", "detail", "feedback"),
    ),
    "calls": (
        *("call", "purpose", "model", "agent", "split", "item", "repeat", "attempts", "prompt_tokens"),
        *("completion_tokens", "cost_usd", "latency_s", "state", "fault", "created"),
    ),
    "briefs": (
        *("brief", "repair", "operator", "author", "parents", "created", "done", "agent", "name"),
        *(
            "train_score",
            "train_model_free",
            "train_complete",
            "gain_per_cost",
            "writing_calls",
            "writing_tokens",
            "writing_usd",
            "model",
        ),
    ),
}
TEXTS: Mapping[Table, tuple[str, ...]] = {"agents": ("thought", "source"), "calls": ("request", "reply")}

ITEMS = """
SELECT r.rowid, r.agent, a.name, r.split, r.item, r.repeat, r.kind, r.score,
  r.score IS NOT NULL AND r.score >= 1, r.calls, r.prompt_tokens, r.completion_tokens, r.cost_usd, r.seconds,
  r.created, r.answer,
  CASE WHEN r.kind = 'ok' AND r.feedback IS NULL THEN '' ELSE r.detail END,
  COALESCE(r.feedback, CASE r.kind WHEN 'ok' THEN r.detail ELSE '' END)
FROM results r LEFT JOIN agents a ON a.id = r.agent WHERE r.rowid > ? ORDER BY r.rowid LIMIT ?
"""
CALLS = """
SELECT rowid, key, purpose, model, agent, split, item, repeat, attempts, prompt_tokens, completion_tokens,
  cost_usd, latency_s, state, COALESCE(fault, ''), created
FROM calls WHERE rowid > ? ORDER BY rowid LIMIT ?
"""
CALLS_WITH_TEXT = CALLS.replace("created\n", "created, request, reply\n")


class Source(Protocol):
    """What rows are made of; `archive.records.Archive` satisfies it."""

    def scan(self) -> Iterator[Record]: ...
    def events(self, kind: str | None = None, after: int = 0) -> list[Event]: ...
    def writing(self) -> dict[int, Usage]: ...


Read = Callable[..., list[tuple[Any, ...]]]  # a statement and its values to rows


def rows(
    source: Source, read: Read, table: Table, room: Room | None = None, missing: Sequence[str] = ()
) -> Iterator[Row]:
    """The rows of a table, its texts where there is room; see `archive.records.Archive.rows`.

    Args:
        source: Of agents and events.
        read: Of the other tables.
        table: Which.
        room: For the texts; `None` leaves them out.
        missing: Columns of results that an older archive does not have.
    """
    match table:
        case "agents":
            return _agents(source, room is not None)
        case "items":
            return _items(read, missing)
        case "calls":
            return _calls(read, room)
        case "briefs":
            return _briefs(source)
    raise ArchiveError(f"no table is called {table!r}: choose from {', '.join(COLUMNS)}")


def frame(found: Iterable[Row], table: Table, text: bool = False) -> pandas.DataFrame:
    """Rows as a data frame; see `archive.records.Archive.to_frame`."""
    try:
        import pandas
    except ImportError as error:
        raise ArchiveError(
            f"pandas is not installed: pip install pandas, or take archive.rows({table!r})"
        ) from error
    names = (*COLUMNS[table], *(TEXTS.get(table, ()) if text else ()))
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for row in found:  # column by column: a dict a row takes several times as much
        for name, value in row.items():
            columns[name].append(value)
    return pandas.DataFrame(columns)


def _agents(source: Source, text: bool) -> Iterator[Row]:
    for record in source.scan():
        agent = record.agent
        who = agent.id, agent.name, record.operator, record.author, record.generation
        more = " ".join(record.parents), record.status, _time(record.created)
        scores = (cell for split in SCORED for cell in _evaluation(record.evaluations.get(split)))
        row = dict(zip(COLUMNS["agents"], (*who, *more, *scores), strict=True))
        yield row | ({"thought": record.thought, "source": agent.source} if text else {})


def _evaluation(e: Evaluation | None) -> tuple[Any, ...]:
    """An evaluation in the order of `OF_SPLIT`."""
    if e is None:
        return None, None, None, 0, 0, False, None, None, None, None
    used = (e.used.calls, e.used.tokens, e.used.cost_usd) if e.items else (None, None, None)
    per_item = (None if n is None else n / e.items for n in used)
    free = e.free_share if e.items else None
    return e.score, e.low, e.high, e.items, e.left_out, e.complete, *per_item, free


def _items(read: Read, missing: Sequence[str]) -> Iterator[Row]:
    sql = ITEMS.replace("r.feedback", "NULL") if "feedback" in missing else ITEMS
    for values in _paged(read, sql):
        row = dict(zip(COLUMNS["items"], values, strict=True))
        told = {"right": bool(row["right"]), "created": _time(row["created"])}
        yield row | told | {"feedback": passage(row["feedback"])}


def _calls(read: Read, room: Room | None) -> Iterator[Row]:
    names = COLUMNS["calls"]
    for values in _paged(read, CALLS_WITH_TEXT if room else CALLS):
        row = dict(zip(names, values, strict=False))  # the texts stand behind
        row["created"] = _time(row["created"])
        yield row | (_texts(room, *values[len(names) :]) if room else {})


def _texts(room: Room, request: bytes | None, reply: bytes | None) -> Row:
    """What was sent and what came: the ledger keeps both as compressed JSON."""
    asked = codec.load(room.unpacked(request)) if request else {}
    came = codec.load(room.unpacked(reply)) if reply else {}
    pairs = (for_people(role, content) for role, content in asked.get("messages", ()))
    messages = [{"role": role, "content": content} for role, content in pairs]
    calls = tuple(ToolCall(*call) for call in came.get("calls", ()))
    return {"request": messages, "reply": with_calls(came["text"], calls) if calls else came.get("text")}


def _briefs(source: Source) -> Iterator[Row]:
    by_id = {record.agent.id: record for record in source.scan()}
    came = {e.data["brief"]: e.data for e in source.events("delivery") if "brief" in e.data}
    told = {e.data["brief"]: e.data["value"] for e in source.events("tell")}
    writing = source.writing()
    for event in source.events("ask"):
        code = event.data["brief"]
        repair, number = divmod(code, REPAIR)
        agent = came.get(code, {}).get("agent")
        record, used = by_id.get(agent or ""), writing.get(code, Usage())
        train = record.evaluations.get("train") if record else None
        asked = number, repair, event.data["operator"], event.data["author"], " ".join(event.data["parents"])
        scored = (train.score, train.free_share) if train else (None, None)
        came_of_it = agent, record.agent.name if record else None, *scored
        learnt = bool(train and train.complete), told.get(code)
        writing_used = used.calls, used.tokens, used.cost_usd
        model = event.data.get("model") or None
        cells = (*asked, _time(event.created), code in came, *came_of_it, *learnt, *writing_used, model)
        yield dict(zip(COLUMNS["briefs"], cells, strict=True))


def _paged(read: Read, sql: str) -> Iterator[tuple[Any, ...]]:
    """Rows of a statement without their row numbers, which come first."""
    last = 0
    while page := read(sql, last, PAGE):
        for row in page:
            yield row[1:]
        if page[-1][0] <= last:
            raise ValueError("rows out of order")
        last = page[-1][0]


def _time(seconds: float | None) -> datetime | None:
    if seconds is not None and not -MOST <= seconds <= MOST:
        raise ValueError(f"{seconds} is no time")
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
