"""An archive as plain rows, for tables and data frames: agents, scored items, calls and briefs.

Rows are read page by page, so that memory stays small however long a run was; `Archive.rows` documents their
columns.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from archive.values import Event, Record
from meta_search.errors import ArchiveError
from meta_search.types import REPAIR, Evaluation, Split, Usage

if TYPE_CHECKING:
    import pandas

__all__ = ["TABLES", "Source", "Table", "frame", "rows"]

Table = Literal["agents", "items", "calls", "briefs"]
Row = dict[str, Any]

TABLES: tuple[Table, ...] = ("agents", "items", "calls", "briefs")
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
PAGE = 500

ITEMS = """
SELECT r.rowid, r.agent, a.name, r.split, r.item, r.repeat, r.kind, r.score, r.calls, r.prompt_tokens,
  r.completion_tokens, r.cost_usd, r.seconds, r.created, r.answer, r.detail
FROM results r LEFT JOIN agents a ON a.id = r.agent WHERE r.rowid > ? ORDER BY r.rowid LIMIT ?
"""
CALLS = """
SELECT rowid, key, purpose, model, agent, split, item, repeat, attempts, prompt_tokens, completion_tokens,
  cost_usd, latency_s, state, fault, created
FROM calls WHERE rowid > ? ORDER BY rowid LIMIT ?
"""
CALLS_WITH_TEXT = CALLS.replace("created\n", "created, request, reply\n")


class Source(Protocol):
    """What rows are made of; `archive.records.Archive` satisfies it."""

    def scan(self) -> Iterator[Record]: ...
    def events(self, kind: str | None = None, after: int = 0) -> list[Event]: ...
    def writing(self) -> dict[int, Usage]: ...


Read = Callable[..., list[tuple[Any, ...]]]  # a statement and its values to rows


def rows(source: Source, read: Read, table: Table, text: bool = False) -> Iterator[Row]:
    """The rows of a table; see `archive.records.Archive.rows`."""
    match table:
        case "agents":
            return _agents(source, text)
        case "items":
            return _items(read)
        case "calls":
            return _calls(read, text)
        case "briefs":
            return _briefs(source)
    raise ArchiveError(f"no table is called {table!r}: choose from {', '.join(TABLES)}")


def frame(found: Iterable[Row], table: Table) -> pandas.DataFrame:
    """Rows as a data frame; see `archive.records.Archive.to_frame`."""
    try:
        import pandas
    except ImportError as error:
        raise ArchiveError(
            f"pandas is not installed: pip install pandas, or take archive.rows({table!r})"
        ) from error
    columns: dict[str, list[Any]] = {}
    for row in found:  # column by column: a dict a row takes several times as much
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return pandas.DataFrame(columns)


def _agents(source: Source, text: bool) -> Iterator[Row]:
    for record in source.scan():
        agent = record.agent
        row: Row = {
            "agent": agent.id,
            "name": agent.name,
            "operator": record.operator,
            "author": record.author,
            "generation": record.generation,
            "parents": " ".join(record.parents),
            "status": record.status,
            "created": _time(record.created),
        }
        for split in SPLITS:
            row |= _evaluation(split, record.evaluations.get(split))
        yield row | ({"thought": record.thought, "source": agent.source} if text else {})


def _evaluation(split: Split, e: Evaluation | None) -> Row:
    """An evaluation as columns that begin with its split."""
    items = e.items if e else 0
    return {
        f"{split}_score": e.score if e else None,
        f"{split}_low": e.low if e else None,
        f"{split}_high": e.high if e else None,
        f"{split}_items": items,
        f"{split}_complete": bool(e and e.complete),
        f"{split}_calls_per_item": e.used.calls / items if e and items else None,
        f"{split}_tokens_per_item": e.used.tokens / items if e and items else None,
        f"{split}_usd_per_item": e.used.cost_usd / items if e and items else None,
    }


def _items(read: Read) -> Iterator[Row]:
    for row in _paged(read, ITEMS):
        agent, name, split, item, repeat, outcome, score, calls, prompt, completion, usd, seconds, *rest = row
        created, answer, detail = rest
        yield {
            "agent": agent,
            "name": name,
            "split": split,
            "item": item,
            "repeat": repeat,
            "outcome": outcome,
            "score": score,
            "right": score is not None and score >= 1,
            "calls": calls,
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "cost_usd": usd,
            "seconds": seconds,
            "created": _time(created),
            "answer": answer,
            "detail": detail,
        }


def _calls(read: Read, text: bool) -> Iterator[Row]:
    for row in _paged(read, CALLS_WITH_TEXT if text else CALLS):
        key, purpose, model, agent, split, item, repeat, attempts, prompt, completion, usd, *rest = row
        latency, state, fault, created, *texts = rest
        found = {
            "call": key,
            "purpose": purpose,
            "model": model,
            "agent": agent,
            "split": split,
            "item": item,
            "repeat": repeat,
            "attempts": attempts,
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "cost_usd": usd,
            "latency_s": latency,
            "state": state,
            "fault": fault or "",
            "created": _time(created),
        }
        yield found | (_texts(*texts) if text else {})


def _texts(request: bytes | None, reply: bytes | None) -> Row:
    """What was sent and what came: the ledger keeps both as compressed JSON."""
    asked = json.loads(zlib.decompress(request)) if request else {}
    came = json.loads(zlib.decompress(reply)) if reply else {}
    messages = [{"role": role, "content": content} for role, content in asked.get("messages", ())]
    return {"request": messages, "reply": came.get("text")}


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
        yield {
            "brief": number,
            "repair": repair,
            "operator": event.data["operator"],
            "author": event.data["author"],
            "parents": " ".join(event.data["parents"]),
            "created": _time(event.created),
            "done": code in came,
            "agent": agent,
            "name": record.agent.name if record else None,
            "train_score": train.score if train else None,
            "train_complete": bool(train and train.complete),
            "gain_per_cost": told.get(code),
            "writing_calls": used.calls,
            "writing_tokens": used.tokens,
            "writing_usd": used.cost_usd,
        }


def _paged(read: Read, sql: str) -> Iterator[tuple[Any, ...]]:
    """Rows of a statement without their row numbers, which come first."""
    last = 0
    while page := read(sql, last, PAGE):
        for row in page:
            yield row[1:]
        last = page[-1][0]


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
