"""Items as a run keeps them for people; of an archive that keeps none, as far as its traces tell them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from archive import codec, traces
from archive.guard import Room, check_types
from meta_search.text import printable
from meta_search.types import ArchivedItem, Split

__all__ = ["CLEAR", "PUT", "SINCE", "UNKNOWN", "Reader", "items", "row_of"]

SINCE = 7  # schema version from which on there are items
COLUMNS = ("split", "item", "kind", "note", "target", "question", "public")
MOST_PUBLIC = 1_000_000  # characters of JSON, of a stranger's archive
SAMPLED = 40  # agents whose results say which items there are, where the archive does not
UNKNOWN = (
    "This archive does not hold the item: the question is the first prompt that was sent for it, and the "
    "expected answer is not known."
)

CLEAR = "DELETE FROM items"
PUT = f"INSERT OR REPLACE INTO items ({codec.names(COLUMNS)}) VALUES ({codec.marks(COLUMNS)})"
SELECT = f"SELECT {codec.names(COLUMNS)} FROM items WHERE split = ?"
# In the order in which they were written, which is the domain's.
ALL = f"{SELECT} ORDER BY rowid"
ONE = f"{SELECT} AND item = ?"
EVALUATED = (
    "SELECT agent FROM evaluations WHERE split = ? AND complete = ? ORDER BY score DESC, tokens LIMIT ?"
)
SEEN = "SELECT DISTINCT item FROM results WHERE agent = ? AND split = ? ORDER BY item"
TRACED = """
SELECT trace FROM results WHERE agent = ? AND split = ? AND item = ? AND trace IS NOT NULL
ORDER BY repeat LIMIT 1
"""

Reader = Callable[..., list[tuple[Any, ...]]]  # a statement and its values to rows


def row_of(item: ArchivedItem) -> tuple[Any, ...]:
    """A row of `items`, in the order of `COLUMNS`."""
    text = codec.text
    target = None if item.target is None else text(item.target)
    public = codec.dump(dict(item.public)) if item.public else ""
    return (item.split, text(item.item), text(item.kind), item.note, target, text(item.question), public)


def items(
    read: Reader, room: Room, path: Any, split: Split, item: str | None = None, old: bool = False
) -> list[ArchivedItem]:
    """Items of a split, in the domain's order.

    Args:
        read: Reads the archive.
        room: For traces.
        path: Of the archive.
        split: Which split.
        item: This one alone.
        old: Whether the archive has no table of items.
    """
    rows = [] if old else read(ALL, split) if item is None else read(ONE, split, item)
    kinds = ((str,), (str,), (str,), (str,), (str, type(None)), (str,), (str,))
    check_types(rows, kinds, path)
    if rows or not old:
        return [_item_of(row) for row in rows]
    return _of_traces(read, room, split, item)


def _item_of(row: Sequence[Any]) -> ArchivedItem:
    split, item, kind, note, target, question, public = row
    return ArchivedItem(cast(Split, split), item, kind, question, target, _public(public), note)


def _public(stored: str) -> dict[str, Any]:
    """Public data; none of a stranger's that cannot be read."""
    try:
        found = codec.load(stored) if stored and len(stored) <= MOST_PUBLIC else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _of_traces(read: Reader, room: Room, split: Split, item: str | None) -> list[ArchivedItem]:
    """Items that the best agents were run on; of one item its first prompt as well."""
    agents = [agent for whole in (1, 0) for (agent,) in read(EVALUATED, split, whole, SAMPLED)]
    if item is None:
        seen = dict.fromkeys(name for agent in agents for (name,) in read(SEEN, agent, split))
        return [ArchivedItem(split, name, note=UNKNOWN) for name in seen]
    for agent in agents:
        for (trace,) in read(TRACED, agent, split, item):
            calls = traces.unpacked(trace, room)[0] if isinstance(trace, bytes) else ()
            if calls:
                return [ArchivedItem(split, item, question=printable(calls[0].prompt), note=UNKNOWN)]
    found = any(item == name for agent in agents for (name,) in read(SEEN, agent, split))
    return [ArchivedItem(split, item, note=UNKNOWN)] if found else []
