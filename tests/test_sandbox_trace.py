"""What a child says of its calls becomes a trace in program order without cycles, whatever it says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_search.sandbox.trusted.messages import Call, Final, ProtocolError, read
from meta_search.sandbox.trusted.trace import trace_of
from meta_search.types import CallReply, Usage


def call(number: int, **more: Any) -> Call:
    told = {"op": "call", "id": number, "author": f"A{number}", "role": "", "messages": [["user", "?"]]}
    message = read(json.dumps({**told, "fields": ["answer"], "occurrence": "0", **more}).encode())
    assert isinstance(message, Call)
    return message


def reply(text: str = "7") -> CallReply:
    return CallReply(text, Usage(1, 3, 2), latency_s=0.5)


def test_calls_stand_in_program_order_and_are_numbered_from_one() -> None:
    """A branch of a map was faster than the one before it, and a program took the number 4."""
    calls = [
        call(2, place=[2, 1, 1]),
        call(3, place=[2, 0, 1], pasted=[1]),
        call(5, place=[3], inputs=[3, 2], pasted=[1, 1]),
        call(1, place=[1]),
    ]
    trace = trace_of([(one, reply(one.author)) for one in calls], final=[5, 2])
    assert [(c.index, c.author, c.text) for c in trace] == [
        *((1, "A1", "A1"), (2, "A3", "A3"), (3, "A2", "A2"), (4, "A5", "A5"))
    ]
    assert [(c.inputs, c.pasted, c.final) for c in trace] == [
        *(((), (), False), ((), (1,), False), ((), (), True), ((2, 3), (1,), True))
    ]
    assert (trace[0].tokens, trace[0].latency_s) == (5, 0.5)


ids = st.lists(st.integers(0, 6), max_size=4)


@given(st.lists(st.tuples(st.lists(st.integers(0, 3), max_size=3), ids, ids), max_size=6), ids)
def test_edges_lead_to_later_calls_only(rows: list[Any], final: list[int]) -> None:
    calls = [call(n, place=place, inputs=i, pasted=p) for n, (place, i, p) in enumerate(rows)]
    trace = trace_of([(one, reply()) for one in calls], final)
    assert [c.index for c in trace] == list(range(1, len(rows) + 1))
    assert all(0 < source < c.index for c in trace for source in (*c.inputs, *c.pasted))


@pytest.mark.parametrize(
    "more", [{"place": 3}, {"place": ["x"]}, {"pasted": [-1]}, {"pasted": [True]}, {"place": [1] * 2000}]
)
def test_what_is_no_list_of_ids_breaks_the_protocol(more: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        call(1, **more)


def test_the_final_message_names_its_sources() -> None:
    message = read(json.dumps({"op": "done", "answer": "7", "space": [], "inputs": [3, 1]}).encode())
    assert isinstance(message, Final)
    assert message.inputs == (3, 1)
    with pytest.raises(ProtocolError):
        read(json.dumps({"op": "done", "answer": "7", "inputs": "all"}).encode())
