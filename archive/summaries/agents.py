"""Agents without their source, and the edges between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archive import codec
from archive.guard import check_types
from archive.records import Archive
from archive.summaries.memory import grown, remembered
from archive.summaries.reading import chunks, read

__all__ = [
    "AgentRow",
    "agent_rows",
    "drawn_ids",
    "edges",
    "how_many_agents",
    "names",
    "newest",
    "oldest",
    "same_as",
    "some_rows",
    "source_lines",
]

AGENT = ("id", "name", "status", "author", "operator", "generation", "created")


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent without its source; see `archive.values.Record`."""

    id: str
    name: str
    status: str
    author: str
    operator: str
    generation: int
    created: float


def how_many_agents(archive: Archive) -> int:
    """As `len(archive)`, without counting again those that were there before: agents stay."""

    def more(after: int, last: int, known: int | None) -> int:
        sql = "SELECT COUNT(*) FROM agents WHERE rowid > ? AND rowid <= ?"
        return (known or 0) + int(read(archive, sql, after, last)[0][0])

    return grown(archive, "agents", more, "agents")


def agent_rows(archive: Archive) -> list[AgentRow]:
    """All agents in the order in which they came in, without thought and source."""
    rows = read(archive, f"SELECT {codec.names(AGENT)} FROM agents ORDER BY rowid")
    check_types(rows, codec.kinds("agents", AGENT), archive.path)
    return [AgentRow(*row) for row in rows]


def some_rows(archive: Archive, ids: Iterable[str]) -> dict[str, AgentRow]:
    """Id -> agent, of those that there are."""
    found: dict[str, AgentRow] = {}
    for part in chunks(list(dict.fromkeys(ids))):
        sql = f"SELECT {codec.names(AGENT)} FROM agents WHERE id IN ({codec.marks(part)})"
        rows = read(archive, sql, *part)
        check_types(rows, codec.kinds("agents", AGENT), archive.path)
        found.update((row[0], AgentRow(*row)) for row in rows)
    return found


def source_lines(archive: Archive, ids: Sequence[str]) -> dict[str, int]:
    """Agent -> lines of its source, counted by SQLite."""
    found: dict[str, int] = {}
    for part in chunks(list(ids)):
        count = "1 + LENGTH(source) - LENGTH(REPLACE(source, CHAR(10), ''))"
        found.update(
            read(archive, f"SELECT id, {count} FROM agents WHERE id IN ({codec.marks(part)})", *part)
        )
    return found


def names(archive: Archive, ids: Iterable[str]) -> dict[str, str]:
    """Id -> name, of those that there are."""
    return {agent: row.name for agent, row in some_rows(archive, ids).items()}


def newest(archive: Archive, n: int) -> list[str]:
    """Ids of the newest agents, the newest first."""
    return [agent for (agent,) in read(archive, "SELECT id FROM agents ORDER BY rowid DESC LIMIT ?", n)]


def oldest(archive: Archive, n: int) -> list[str]:
    """Ids of the agents that came first: the seeds are among them."""
    return [agent for (agent,) in read(archive, "SELECT id FROM agents ORDER BY rowid LIMIT ?", n)]


def drawn_ids(archive: Archive, n: int, of: int) -> list[str]:
    """Ids of about `n` of `of` agents: those whose id, which is a digest, begins low."""
    below = format(min(0xFFFFFFFF, int(0xFFFFFFFF * n / max(1, of))), "08x")
    return [str(agent) for (agent,) in read(archive, "SELECT id FROM agents WHERE id < ? LIMIT ?", below, n)]


def edges(
    archive: Archive, of: Sequence[str], kind: str = "parent", up: bool = True
) -> list[tuple[str, str]]:
    """(parent, child) of edges of a kind.

    Args:
        archive: The run.
        of: Ids: of the children where it goes `up`, else of the parents.
        kind: parent, inspiration or same.
        up: Which end is given.
    """
    found: list[tuple[str, str]] = []
    for part in chunks(list(of)):
        end = "child" if up else "parent"
        sql = f"SELECT parent, child FROM edges WHERE kind = ? AND {end} IN ({codec.marks(part)})"
        rows = read(archive, sql, kind, *part)
        check_types(rows, ((str,), (str,)), archive.path)
        found += [(str(parent), str(child)) for parent, child in rows]
    return found


def same_as(archive: Archive) -> dict[str, str]:
    """Agent -> the one that it behaves as, of all that do."""
    sql = "SELECT child, parent FROM edges WHERE kind = 'same'"
    rows = remembered(archive, "same_as", lambda: read(archive, sql))
    check_types(rows, ((str,), (str,)), archive.path)
    return dict(rows)
