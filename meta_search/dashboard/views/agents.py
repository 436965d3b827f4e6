"""The table of agents: sorted, filtered, a page at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archive.records import Archive, Record
from meta_search.dashboard.agents_index import FATES, SORTS, index_of
from meta_search.dashboard.views import shared, standing
from meta_search.errors import ConfigError
from meta_search.text import one_line
from meta_search.types import Split, Usage, lines_of

__all__ = ["agent_row", "agents"]

MOST_ROWS = 2_000

Json = dict[str, Any]


def agents(
    folder: Path,
    archive: Archive,
    *,
    sort: str = "score",
    order: str = "desc",
    q: str = "",
    status: str = "",
    author: str = "",
    operator: str = "",
    offset: int = 0,
    limit: int = 200,
) -> Json:
    """A page of the table of agents, as `Agents` of the contract.

    Args:
        folder: Of the run.
        archive: Its archive.
        sort: A column of `agents_index.SORTS`. What is not known comes last in either order; by `score`,
            complete evaluations come before those that were stopped or go on.
        order: `asc` or `desc`.
        q: Words that the name holds, or the beginning of an id.
        status: Statuses or fates that are shown, by commas; `""` shows all.
        author: Authors, likewise.
        operator: Operators, likewise.
        offset: Rows left out at the start.
        limit: Most rows.

    Raises:
        ConfigError: A column or an order that there is not.
    """
    by = next((known for known in SORTS if known == sort), None)
    if by is None:
        raise ConfigError(f"agents cannot be sorted by {sort[:40]!r}: there are {', '.join(SORTS)}")
    if order not in ("asc", "desc"):
        raise ConfigError("order is asc or desc")
    if offset < 0 or not 0 <= limit <= MOST_ROWS:
        raise ConfigError(f"offset is at least 0, limit 0 to {MOST_ROWS}")
    running = standing.goes_on(archive)
    chosen = {"status": _parts(status), "author": _parts(author), "operator": _parts(operator)}
    index = index_of(archive, shared.evaluated_split)
    split = index.columns.split
    with index.lock:
        index.refresh(archive, running)
        places = index.select(archive, by, order == "desc", chosen, q)
        page = places[offset : offset + limit]
        rowids = index.columns["rowid"][page].tolist()
        fates = [FATES[index.fates[place]] for place in page] if index.fates is not None else []
        total, facets = index.columns.n, index.facets()
    records = _records(archive, rowids)
    rows = [
        agent_row(records[row], fate, split)
        for row, fate in zip(rowids, fates, strict=True)
        if row in records
    ]
    return {
        "total": total,
        "matching": len(places),
        "offset": offset,
        "split": split,
        "rows": rows,
        "facets": facets,
    }


def agent_row(record: Record, fate: str, split: Split) -> Json:
    """`AgentRow` of the contract.

    Args:
        record: The agent.
        fate: What became of it.
        split: Of the score.
    """
    found = record.evaluations.get(split)
    n = found.items if found else 0

    def each(value: float) -> float | None:
        return value / n if n else None

    def other(name: Split) -> Json | None:
        evaluation = record.evaluations.get(name)
        return shared.interval(evaluation) if evaluation else None

    used = found.used if found else Usage()
    return {
        **shared.interval(found),
        "agent": record.agent.id,
        "name": shared.shown_name(record.agent.name),
        "fate": fate,
        "status": one_line(record.status, 40),
        "author": one_line(record.author, 40),
        "operator": one_line(record.operator, 40),
        "model": one_line(record.brief.model if record.brief else "", 80),
        "generation": record.generation,
        "created_at": record.created,
        "parents": list(record.parents),
        "validation": other("validation"),
        "test": other("test"),
        "complete": bool(found and found.complete),
        "tokens_per_item": each(used.tokens),
        "calls_per_item": each(used.calls),
        "cost_usd_per_item": each(used.cost_usd),
        "seconds_per_item": each(found.seconds) if found else None,
        "source_lines": len(lines_of(record.agent.source)),
        "stopped": one_line(found.stopped, 300) if found else "",
        "same_as": record.same_as,
    }


def _records(archive: Archive, rowids: list[int]) -> dict[int, Record]:
    """Row number -> agent."""
    ids: dict[int, str] = {}
    for i in range(0, len(rowids), 500):
        part = rowids[i : i + 500]
        marks = ", ".join("?" for _ in part)
        ids.update(archive.select(f"SELECT rowid, id FROM agents WHERE rowid IN ({marks})", *part))
    records = {record.agent.id: record for record in archive.get(ids.values())}
    return {row: records[agent] for row, agent in ids.items() if agent in records}


def _parts(text: str) -> list[str]:
    return [part for part in text.split(",") if part]
