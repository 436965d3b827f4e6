"""Makes an item's trace of its calls: in program order, numbered from 1, edges only to earlier calls; and of
the programs between them.

Traces are kept for every item, so each has an upper bound in bytes: long texts are cut, and once there is no
room left, all are. And a digest of what was asked, by which agents that behave alike are known.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from meta_search.sandbox.trusted.messages import Program
from meta_search.sandbox.trusted.requests import Call
from meta_search.text import passage
from meta_search.types import MAX_CODE, MAX_OUTPUT, MOST_PROGRAMS, CallReply, TraceCall, TraceProgram

__all__ = ["Programs", "digest_of", "place_of", "trace_of"]

DIGITS = 16  # of each half of a digest
SHARE = 8  # how many texts of the greatest length there is room for
STUB = 64  # bytes of a text that are kept where there is no room
ENDED = "(the item was ended while it ran)"


def place_of(call: Call | Program) -> tuple[tuple[int, ...], int]:
    """Sort key that puts calls and programs in the order of a strictly sequential run."""
    return call.place or (call.id,), call.id


class _Room:
    """Cuts texts so that together they come to a limited number of bytes; of later ones a stub is left.

    Args:
        most: Bytes of all of them, as UTF-8.
    """

    def __init__(self, most: int) -> None:
        self._longest, self._left = most // SHARE, most

    def keep(self, text: str) -> str:
        """The text, or its beginning with a mark by which cut texts can still be told apart."""
        data = text.encode("utf-8", "replace")
        kept = max(STUB, min(self._longest, self._left))
        self._left = max(0, self._left - min(kept, len(data)))
        if len(data) <= kept:
            return text
        mark = hashlib.sha256(data).hexdigest()[:8]
        return f"{data[:kept].decode('utf-8', 'ignore')}… [cut: {len(text):,} characters, {mark}]"


@dataclass(order=True, slots=True)
class _Ran:
    """A program that was begun; those of a list are sorted by their place."""

    place: tuple[tuple[int, ...], int]
    code: str = field(compare=False)
    output: str = field(default=ENDED, compare=False)
    ok: bool = field(default=False, compare=False)


class Programs:
    """What an item had run: the first of them in program order, whatever order they came in.

    An agent may run thousands, so that neither memory nor archive holds all.
    """

    def __init__(self) -> None:
        self._ran: list[_Ran] = []

    def begun(self, program: Program) -> Callable[[bool, str], None]:
        """Note a program that begins.

        Returns:
            Takes whether it ended without an error, and what it printed or the error.
        """
        ran = _Ran(place_of(program), passage(program.code, MAX_CODE))
        insort(self._ran, ran)
        del self._ran[MOST_PROGRAMS:]

        def ended(ok: bool, text: str) -> None:
            ran.ok, ran.output = ok, passage(text, MAX_OUTPUT)

        return ended

    def trace(self, calls: Iterable[Call]) -> tuple[TraceProgram, ...]:
        """The programs, each with the number of calls that a sequential run makes before it.

        Args:
            calls: All calls of the trace, in any order.
        """
        places = sorted(map(place_of, calls))
        return tuple(
            TraceProgram(bisect_left(places, ran.place), ran.code, ran.output, ran.ok) for ran in self._ran
        )


def trace_of(
    calls: Sequence[tuple[Call, CallReply]], final: Collection[int] = (), most: int = 2**18
) -> tuple[TraceCall, ...]:
    """Build a trace.

    Args:
        calls: Calls with their replies, in any order. Edges are what the child claims; those to later or
            unknown calls are dropped, so that the graph has no cycle.
        final: Ids of the calls that the item's answer comes from.
        most: Bytes of its roles, prompts and answers together; names are bounded one by one.
    """
    room = _Room(most)
    rows = sorted(calls, key=lambda row: place_of(row[0]))
    index = {call.id: number for number, (call, _) in enumerate(rows, 1)}

    def earlier(ids: Sequence[int], number: int) -> tuple[int, ...]:
        return tuple(dict.fromkeys(index[i] for i in ids if index.get(i, number) < number))

    return tuple(
        TraceCall(
            index=number,
            author=call.author,
            role=room.keep(call.role),
            fields=call.fields,
            prompt=room.keep(call.prompt),
            text=room.keep(reply.text),
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
