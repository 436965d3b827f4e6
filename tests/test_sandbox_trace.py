"""What a child says of its calls becomes a trace in program order without cycles, whatever it says."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_search.sandbox.trusted.messages import Call, Final, ProtocolError, read
from meta_search.sandbox.trusted.trace import digest_of, trace_of
from meta_search.types import CallReply, ItemResult, Usage, behaves_alike


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


def test_texts_of_ordinary_length_are_kept_whole() -> None:
    """113 calls are the most that a published agent makes on an item."""
    calls = [(call(n, messages=[["user", f"{n}" + "é" * 500]]), reply("z" * 900)) for n in range(113)]
    assert [c.prompt for c in trace_of(calls)] == [made.prompt for made, _ in calls]
    assert {c.text for c in trace_of(calls)} == {"z" * 900}
    long = call(1, messages=[["user", "x" * 30_000]])
    assert trace_of([(long, reply())])[0].prompt == "x" * 30_000


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600", "\U0001f600" + "x" * 9])
@pytest.mark.parametrize("most", [2**12, 2**18])
def test_a_trace_takes_a_limited_number_of_bytes(letter: str, most: int) -> None:
    first = call(0, messages=[["user", letter * (50_000 // len(letter))]], role=letter * 1999)
    calls = [(dataclasses.replace(first, id=n), reply(letter * 9999)) for n in range(128)]
    trace = trace_of(calls, most=most)
    assert len(trace) == 128
    texts = [text for c in trace for text in (c.role, c.prompt, c.text)]
    assert sum(len(text.encode()) for text in texts) < most + 128 * 3 * 120
    assert most // 8 <= len(trace[0].prompt.encode()) < most // 8 + 60
    assert all(c.prompt.startswith(letter[0]) and "… [cut: " in c.prompt for c in trace)


def test_texts_that_are_cut_alike_are_told_apart() -> None:
    prompts = ["x" * 10**6 + end for end in ("a", "b", "a")]
    calls = [(call(n, messages=[["user", prompt]]), reply()) for n, prompt in enumerate(prompts)]
    first, second, third = (c.prompt for c in trace_of(calls, most=2**20))
    assert first == third != second


# -- what was asked, as a digest


def digest(*calls: tuple[Call, str], seed: int = 1, model: str = "task") -> str:
    return digest_of([(one, reply(text)) for one, text in calls], seed, model)


def test_a_digest_tells_what_the_ledger_tells_apart() -> None:
    one, two = call(1), call(2, messages=[["user", "Why?"]])
    known = digest((one, "7"), (two, "8"))
    # Neither the order of the calls counts, nor who made them.
    assert digest((call(9, messages=[["user", "Why?"]], author="Z"), "8"), (one, "7")) == known
    changes: list[dict[str, Any]] = [
        {"messages": [["user", "Who?"]]},
        {"temperature": 0.9},
        {"max_tokens": 7},
        {"fields": ["thinking", "answer"]},
        {"occurrence": "1"},
    ]
    others = [digest((one, "7"), (call(2, **{"messages": [["user", "Why?"]], **c}), "8")) for c in changes]
    others += [digest((one, "7")), digest((one, "7"), (two, "8"), seed=2)]
    others += [digest((one, "7"), (two, "8"), model="meta")]
    requests = [other.partition(".")[0] for other in others]
    assert len({known.partition(".")[0], *requests}) == len(others) + 1
    again = digest((one, "7"), (two, "9"))
    assert again.partition(".")[0] == known.partition(".")[0]
    assert again != known


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (("q.a", "7"), ("q.a", "7"), True),
        (("q.a", "7"), ("q.a", "8"), False),  # it makes something else of the same answers
        (("q.a", "7"), ("q.b", "8"), True),  # the model answered it otherwise
        (("q.a", "7"), ("r.a", "7"), False),
        (("", "7"), ("", "7"), False),  # nothing is known
    ],
)
def test_agents_behave_alike_that_ask_the_same(
    one: tuple[str, str], other: tuple[str, str], alike: bool
) -> None:
    ours, theirs = (
        ItemResult("a", "train", "i", 0, "ok", answer=answer, asked=asked) for asked, answer in (one, other)
    )
    assert behaves_alike(ours, theirs) is behaves_alike(theirs, ours) is alike
