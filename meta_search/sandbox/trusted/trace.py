"""Makes an item's trace of its calls: in program order, numbered from 1, edges only to earlier calls.

And a digest of what it asked, by which agents that behave alike are known.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence

from meta_search.sandbox.trusted.messages import Call
from meta_search.types import CallReply, TraceCall

__all__ = ["digest_of", "place_of", "trace_of"]

DIGITS = 16  # of each half of a digest


def place_of(call: Call) -> tuple[tuple[int, ...], int]:
    """Sort key that puts calls in the order of a strictly sequential run."""
    return call.place or (call.id,), call.id


def trace_of(calls: Sequence[tuple[Call, CallReply]], final: Collection[int] = ()) -> tuple[TraceCall, ...]:
    """Build a trace.

    Args:
        calls: Calls with their replies, in any order. Edges are what the child claims; those to later or
            unknown calls are dropped, so that the graph has no cycle.
        final: Ids of the calls that the item's answer comes from.
    """
    rows = sorted(calls, key=lambda row: place_of(row[0]))
    index = {call.id: number for number, (call, _) in enumerate(rows, 1)}

    def earlier(ids: Sequence[int], number: int) -> tuple[int, ...]:
        return tuple(dict.fromkeys(index[i] for i in ids if index.get(i, number) < number))

    return tuple(
        TraceCall(
            index=number,
            author=call.author,
            role=call.role,
            fields=call.fields,
            prompt=call.prompt,
            text=reply.text,
            inputs=earlier(call.inputs, number),
            tokens=reply.used.tokens,
            latency_s=reply.latency_s,
            pasted=earlier(call.pasted, number),
            final=call.id in final,
            component=call.component or call.author,
        )
        for number, (call, reply) in enumerate(rows, 1)
    )


def digest_of(calls: Sequence[tuple[Call, CallReply]], seed: int, model: str) -> str:
    """`ItemResult.asked` of an item: what tells its calls apart in the ledger, but for the agent's id.

    Args:
        calls: Calls with their replies, in any order.
        seed: Of the job, which the seeds of its calls are made from.
        model: Role of the model that was asked.
    """
    keys = sorted(
        (
            json.dumps([c.messages, c.temperature, c.max_tokens, c.schema, c.occurrence], sort_keys=True),
            r.text,
        )
        for c, r in calls
    )
    requests = json.dumps([model, seed, [key for key, _ in keys]])
    halves = (requests, json.dumps([text for _, text in keys]))
    return ".".join(hashlib.sha256(half.encode()).hexdigest()[:DIGITS] for half in halves)
