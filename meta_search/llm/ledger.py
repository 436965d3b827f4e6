"""The record of every call: paid once, never repeated, never lost. Owns the SQL of the table `calls`."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
import zlib
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast

from meta_search.llm.tools import named
from meta_search.types import CallRequest, FaultKind, ToolCall, Usage

__all__ = ["Entry", "Ledger", "Pen", "State", "call_key", "find_entry", "find_searched"]

State = Literal["reserved", "done", "failed"]


class Pen(Protocol):
    """The one writer of `archive.db`. Safe to use from any thread."""

    def execute(self, sql: str, parameters: Sequence[Any]) -> Future[None]:
        """Queue a statement; resolved once it is committed, so that a `kill -9` no longer loses it."""
        ...

    def reader(self) -> sqlite3.Connection:
        """A read-only connection of the calling thread, which sees what was committed."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the ledger.

    Attributes:
        state: `reserved` (sent, fate unknown: charged in full), `done` (never sent again), `failed` (the
            endpoint failed it; may be sent again).
        text: The model's words, as they came.
        used: What the call costs as if nothing were shared or repeated.
        charged: All that was ever charged for it: every attempt of every session.
        latency_s: Seconds of the attempt that was answered.
        fault: Outcome kind where it has no answer.
        message: One line on the fault.
        calls: What the model called.
    """

    state: State
    text: str = ""
    used: Usage = field(default_factory=Usage)
    charged: Usage = field(default_factory=Usage)
    latency_s: float = 0.0
    fault: FaultKind | None = None
    message: str = ""
    calls: tuple[ToolCall, ...] = ()


def call_key(request: CallRequest, model: str, max_tokens: int, shared: bool) -> str:
    """Identity of a call: equal keys are answered alike.

    Args:
        request: The call.
        model: As resolved by the gateway.
        max_tokens: As resolved by the gateway.
        shared: Whether `llm.cache` lets agents share answers. Even then only train items share: on
            validation and test an agent must not profit from another's lucky draw, and two answers of
            the meta agent must not be one.
    """
    free = shared and request.split == "train" and request.purpose != "meta"
    identity: list[Any] = [
        model,
        request.messages,
        request.temperature,
        max_tokens,
        request.schema,
        request.seed,
        request.item,
        request.repeat,
        request.occurrence,
        "" if free else request.agent,
        *([named(request.tools)] if request.tools else ()),
    ]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


class Ledger:
    """The table `calls`, through the archive's pen.

    The columns of tokens, cost and attempts hold what was *charged* (so that a sum over the table is what
    the run has paid, calls killed in flight included, in full); what the answer *used* lies with it in
    `reply`. `request` and `reply` are JSON, compressed by zlib.
    """

    def __init__(self, pen: Pen) -> None:
        self._pen = pen

    def find(self, key: str) -> Entry | None:
        """The row of a key, or `None`."""
        return find_entry(self._pen.reader(), key)

    def reserve(
        self, key: str, request: CallRequest, model: str, max_tokens: int, charged: Usage
    ) -> Future[None]:
        """Write down that an attempt is about to be sent. A row that is done is left alone.

        Args:
            key: `call_key`.
            request: What is asked.
            model: As resolved by the gateway.
            max_tokens: As resolved by the gateway.
            charged: Everything charged so far and the upper bound of this attempt.
        """
        asked = {
            "messages": request.messages,
            "temperature": request.temperature,
            "max_tokens": max_tokens,
            "schema": request.schema,
            "seed": request.seed,
            **({"tools": named(request.tools)} if request.tools else {}),
        }
        row = (
            key,
            request.occurrence,
            request.purpose,
            model,
            request.agent,
            request.split,
            request.item,
            request.repeat,
            request.author,
            _pack(asked),
            *_columns(charged),
            time.time(),
        )
        return self._pen.execute(_RESERVE, row)

    def settle(self, key: str, entry: Entry) -> Future[None]:
        """Write down what came of a reserved call."""
        # The thinking's share, of models that think, lies with what was used; `Archive.usage` sums it up.
        thought = (entry.used.reasoning_tokens,) if entry.used.reasoning_tokens else ()
        reply: dict[str, Any] = {"text": entry.text, "used": [*_columns(entry.used), *thought]}
        if entry.calls:
            reply["calls"] = [[call.id, call.name, call.arguments] for call in entry.calls]
        fault = None if entry.fault is None else f"{entry.fault}: {entry.message}"
        row = (_pack(reply), *_columns(entry.charged), entry.latency_s, entry.state, fault, key)
        return self._pen.execute(_SETTLE, row)

    def spent(self) -> dict[str, Usage]:
        """What the run was charged so far, by purpose; calls of unknown fate in full."""
        rows = self._pen.reader().execute(_SPENT).fetchall()
        return {str(purpose): Usage(*sums) for purpose, *sums in rows}


def find_entry(connection: sqlite3.Connection, key: str) -> Entry | None:
    """The row of a key in the archive of any run, or `None`."""
    rows = connection.execute(_FIND, (key,)).fetchall()
    return _entry(rows[0]) if rows else None


def find_searched(connection: sqlite3.Connection, key: str) -> Entry | None:
    """As `find_entry`, but no call of a meta agent, who would write the same again; none on test items."""
    rows = connection.execute(_FIND_SEARCHED, (key,)).fetchall()
    return _entry(rows[0]) if rows else None


_FIND = (
    "SELECT state, reply, attempts, prompt_tokens, completion_tokens, cost_usd, latency_s, fault"
    " FROM calls WHERE key = ?"
)
_FIND_SEARCHED = f"{_FIND} AND purpose <> 'meta' AND split NOT IN ('test', 'perturbed')"
_RESERVE = (
    "INSERT INTO calls (key, occurrence, purpose, model, agent, split, item, repeat, author, request,"
    " attempts, prompt_tokens, completion_tokens, cost_usd, created, latency_s, state)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 'reserved')"
    " ON CONFLICT (key) DO UPDATE SET attempts = excluded.attempts,"
    " prompt_tokens = excluded.prompt_tokens, completion_tokens = excluded.completion_tokens,"
    " cost_usd = excluded.cost_usd, state = 'reserved', fault = NULL WHERE calls.state <> 'done'"
)
_SETTLE = (
    "UPDATE calls SET reply = ?, attempts = ?, prompt_tokens = ?, completion_tokens = ?, cost_usd = ?,"
    " latency_s = ?, state = ?, fault = ? WHERE key = ?"
)
_SPENT = (
    "SELECT purpose, SUM(attempts), SUM(prompt_tokens), SUM(completion_tokens), SUM(cost_usd)"
    " FROM calls GROUP BY purpose"
)


def _columns(usage: Usage) -> tuple[int, int, int, float]:
    return usage.calls, usage.prompt_tokens, usage.completion_tokens, usage.cost_usd


def _pack(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 6)


def _entry(row: Sequence[Any]) -> Entry:
    state, blob, attempts, prompt, completion, cost, latency, fault = row
    reply: dict[str, Any] = json.loads(zlib.decompress(blob)) if blob else {"text": "", "used": ()}
    kind, _, message = (fault or "").partition(": ")
    return Entry(
        state=state,
        text=reply["text"],
        used=Usage(*reply["used"]),
        charged=Usage(attempts, prompt, completion, cost),
        latency_s=latency or 0.0,
        fault=cast(FaultKind, kind) if kind else None,
        message=message,
        calls=tuple(ToolCall(*call) for call in reply.get("calls", ())),
    )
