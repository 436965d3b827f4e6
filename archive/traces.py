"""How an agent came to its answer on an item, as packed JSON and back: calls, teams' networks, programs."""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from archive.guard import Room
from meta_search.types import MOST_PROGRAMS, ItemResult, TeamNetwork, TraceCall, TraceProgram, bounded_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["MAX_PARTS", "Traced", "packed", "unpacked", "valid"]

MAX_PARTS = 500_000  # of a value's JSON, see `bounded_json`

T = TypeVar("T")

Traced = tuple[tuple[TraceCall, ...], tuple[TeamNetwork, ...], tuple[TraceProgram, ...]]


def packed(result: ItemResult) -> bytes | None:
    """The calls, and with them the networks of teams and the programs where there are any."""
    beside: dict[str, Iterable[DataclassInstance]] = {
        "networks": result.networks,
        "programs": result.programs,
    }
    more = {name: [asdict(each) for each in found] for name, found in beside.items() if found}
    calls = [asdict(c) for c in result.trace]
    if not calls and not more:
        return None
    stored = {"calls": calls, **more} if more else calls
    return zlib.compress(json.dumps(stored, separators=(",", ":")).encode(), 1)


def unpacked(stored: bytes, room: Room) -> Traced:
    """Calls, networks and programs of an item, but for what is none."""
    try:
        traced = bounded_json(room.unpacked(stored), MAX_PARTS, str)
    except ValueError:
        traced = None
    said = traced if isinstance(traced, dict) else {"calls": traced}
    calls = valid(TraceCall.of, said.get("calls"), "calls of traces")
    numbers = [call.index for call in calls]
    if numbers != sorted(set(numbers)):  # drawings follow the numbers
        calls = valid(TraceCall.of, None, "calls of traces")
    networks = valid(TeamNetwork.of, said.get("networks", []), "networks of teams")
    programs = valid(TraceProgram.of, said.get("programs", []), "programs of traces")
    return calls, networks, programs[:MOST_PROGRAMS]


def valid(of: Callable[[Any], T], rows: Any, what: str) -> tuple[T, ...]:
    """Values of the rows that are such."""
    found = []
    for row in rows if isinstance(rows, list) else (None,):
        try:
            found.append(of(row))
        except ValueError:
            _left_out(what)
    return tuple(found)


@cache
def _left_out(what: str) -> None:
    """Say once that something is left out."""
    logging.getLogger("meta_search").warning("left out: %s that the archive holds and nobody can read", what)
