"""What the trusted side takes from a child's pipe: exact types, hard bounds, nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tracemalloc
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_search.agent.answers import schema_for
from meta_search.sandbox.trusted.judging import Judging
from meta_search.sandbox.trusted.messages import (
    MAX_PROGRAM_S,
    Call,
    Final,
    Program,
    ProtocolError,
    clean_line,
    program_result,
    read,
    too_large,
)
from meta_search.types import OUTCOME_KINDS, CallReply, CallRequest, Parameter

CALL: dict[str, Any] = {
    "op": "call",
    "id": 1,
    "author": "Solver",
    "role": "helper",
    "messages": [["system", "s"], ["user", "u1"], ["assistant", "a"], ["user", "u2"]],
    "temperature": 0.5,
    "max_tokens": None,
    "fields": ["answer"],
    "occurrence": "0",
    "inputs": [],
}


# What the runtime never sends, and many endpoints refuse.
DISORDERS = (
    *("system", "assistant", "user assistant", "system system user", "user system user", "user user"),
    *("user assistant assistant", "system user assistant", "assistant user", "user assistant user system"),
    *("user assistant system", "system assistant user", "System user", "user USER"),
)


def line(message: Any) -> bytes:
    return json.dumps(message).encode() + b"\n"


def test_a_call() -> None:
    call = read(line(CALL))
    assert isinstance(call, Call)
    assert call.prompt == "u2"
    assert call.fields == ("answer",)
    assert call.messages[0] == ("system", "s")


@pytest.mark.parametrize(
    "change",
    [
        {"id": -1},
        {"id": True},
        {"id": 1.0},
        {"id": 10**9},
        {"id": None},
        {"messages": []},
        {"messages": "text"},
        {"messages": [["user"]]},
        {"messages": [["tool", "x"]]},
        {"messages": [["user", {"x": 1}]]},
        {"messages": [["user", "x"]] * 2000},
        {"temperature": "hot"},
        {"temperature": True},
        {"temperature": 10**400},
        {"max_tokens": 0},
        {"max_tokens": 1.5},
        *({"schema": schema} for schema in ([], {}, {"type": "array"}, {"minimum": float("inf")})),
        {"fields": "answer"},
        {"fields": [1]},
        {"fields": ["f"] * 33},
        {"fields": [f"{number:0100}" for number in range(6)]},
        {"place": [0] * 65},
        {"occurrence": 3},
        *({"occurrence": way} for way in ("x", "", "0/", "1.2", "0.0/0/0", "\u0663", "-1", "0\n", "9" * 99)),
        {"inputs": [-1]},
        {"inputs": {}},
        {"author": None},
        {"op": "Call"},
        {"op": ["call"]},
        *({"messages": [[role, "x"] for role in roles.split()]} for roles in DISORDERS),
    ],
)
def test_a_call_with_anything_wrong_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="broke the sandbox's protocol"):
        read(line({**CALL, **change}))


@pytest.mark.parametrize(
    "raw",
    [b"\n", b"{\n", b"null\n", b"[]\n", b'"call"\n', b"NaN\n", b'{"op": NaN}\n', b"[" * 10**6, b"\xff\n"],
)
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(raw)


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u3000"])
@pytest.mark.parametrize("turn", range(4))
def test_a_message_without_text_is_refused(text: str, turn: int) -> None:
    messages = [[role, text if i == turn else content] for i, (role, content) in enumerate(CALL["messages"])]
    with pytest.raises(ProtocolError, match="empty message"):
        read(line({**CALL, "messages": messages}))


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "x" * 101, "\ud800", "a\nb", "a\x00", "\u202eb", "\u200b", "$ref", "$defs", "a\\", 'a"b'),
        *(
            "__proto__",
            "Constructor",
            "additionalProperties",
            "anyOf",
            "{a}",
            "[0]",
            "^a$",
            "a|b",
            "a`",
            "<a>",
        ),
    ],
)
def test_a_field_is_a_plain_name(name: str) -> None:
    with pytest.raises(ProtocolError, match="output field"):
        read(line({**CALL, "fields": ["answer", name]}))


@pytest.mark.parametrize(
    "name", ["answer", "final answer", "sub_tasks", "Lösung", "答案", "उत्तर", "a-b.c (1/2)?", "type"]
)
def test_the_schema_is_made_of_the_names_of_the_fields(name: str) -> None:
    call = read(line({**CALL, "fields": ["thinking", name]}))
    assert isinstance(call, Call)
    assert call.schema == schema_for(["thinking", name])
    assert call.schema is not None
    assert list(call.schema["properties"]) == call.schema["required"] == ["thinking", name]
    one = read(line({**CALL, "fields": [name]}))
    assert isinstance(one, Call)
    assert one.schema is None


def test_a_field_twice_stands_in_the_schema_once() -> None:
    call = read(line({**CALL, "fields": ["answer", "thinking", "answer"]}))
    assert isinstance(call, Call)
    assert call.schema is not None
    assert call.schema["required"] == ["answer", "thinking"]


@pytest.mark.parametrize(
    ("parts", "much"),
    [("[],", "lists"), ("{},", "objects"), ('"",', "texts"), ("0,", "numbers"), ('{"":[]},', "both")],
)
def test_a_message_of_many_small_parts_is_refused_before_it_is_parsed(parts: str, much: str) -> None:
    """Of 2 MB of them, Python would make 50 to 100 MB."""
    crowded = b'{"op": "done", "answer": "x", "inputs": [' + parts.encode() * 60_000 + b"0]}"
    tracemalloc.start()
    with pytest.raises(ProtocolError, match="parts"):
        read(crowded)
    assert tracemalloc.get_traced_memory()[1] < 2**20, much
    tracemalloc.stop()


@pytest.mark.parametrize("text", ["[],{},", '\\"[,', '"', "\\"])
def test_brackets_in_a_text_are_no_parts(text: str) -> None:
    final = read(line({"op": "done", "answer": text * 100_000}))
    assert isinstance(final, Final)
    assert final.answer == text * 100_000


@pytest.mark.parametrize("coding", ["utf-16", "utf-32", "utf-8-sig", "latin-1"])
def test_messages_are_utf_8(coding: str) -> None:
    with pytest.raises(ProtocolError):
        read('{"op": "done", "answer": "é"}'.encode(coding))


@pytest.mark.parametrize("roles", DISORDERS)
def test_a_scorer_that_an_answer_took_over_asks_no_judge_what_endpoints_refuse(roles: str) -> None:
    async def asked() -> None:
        def never(request: CallRequest) -> Future[CallReply]:
            raise AssertionError(request)

        messages = [[role, "x"] for role in roles.split()]
        async with asyncio.timeout(9) as clock:
            await Judging(never, clock).ask({"model": "judge", "messages": messages, "temperature": 0})

    with pytest.raises(ProtocolError, match="by turns"):
        asyncio.run(asked())


def test_values_are_brought_into_range() -> None:
    call = read(line({**CALL, "temperature": -3, "author": "x" * 1000}))
    assert isinstance(call, Call)
    assert (call.temperature, len(call.author)) == (0.0, 200)
    program = read(line({"op": "python", "id": 2, "code": "1", "timeout": 1e9}))
    assert program == Program(2, "1", MAX_PROGRAM_S)


@pytest.mark.parametrize(
    "change",
    [
        {"code": None},
        {"code": "x" * (2**19 + 1)},
        {"timeout": "5"},
        {"timeout": True},
        {"timeout": 10**400},
        {"timeout": float("nan")},
        {"id": 0.5},
    ],
)
def test_a_program_with_anything_wrong_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        read(line({"op": "python", "id": 2, "code": "1", "timeout": 5, **change}))


def test_half_a_surrogate_pair_becomes_storable() -> None:
    final = read(b'{"op": "done", "answer": "a\\ud800b"}\n')
    assert isinstance(final, Final)
    assert final.answer.encode() == b"a?b"


@pytest.mark.parametrize("answer", [None, 1, ["x"], {"x": 1}, True])
def test_answer_must_be_a_string(answer: Any) -> None:
    final = read(line({"op": "done", "answer": answer}))
    assert isinstance(final, Final)
    assert (final.kind, final.answer) == ("bad_answer", "")


@pytest.mark.parametrize(
    ("kind", "detail", "expected"),
    [
        ("crash", "ZeroDivisionError: x", "crash"),
        ("crash", "PermissionError: [Errno 1] Operation not permitted (line 3 of agent.py)", "refused"),
        ("crash", "MemoryError", "memory"),
        ("crash", "OSError: [Errno 28] No space left on device", "disk"),
        ("memory", "MemoryError", "memory"),
        ("ok", "claims an answer", "crash"),
        ("llm", "claims the endpoint failed", "crash"),
        ("timeout", "", "crash"),
        (["crash"], "", "crash"),
        (None, "", "crash"),
    ],
)
def test_a_child_may_claim_only_its_own_faults(kind: Any, detail: str, expected: str) -> None:
    final = read(line({"op": "fault", "kind": kind, "detail": detail}))
    assert isinstance(final, Final)
    assert (final.kind, final.answer) == (expected, "")


def test_space() -> None:
    rows = [
        {"name": "n", "kind": "int", "default": 1, "low": 0, "high": 5, "choices": []},
        {"name": "c", "kind": "choice", "default": "a", "choices": ["a", None, True, 2.5]},
    ]
    final = read(line({"op": "done", "answer": "", "space": rows}))
    assert isinstance(final, Final)
    assert final.space == (
        Parameter("n", "int", 1, 0.0, 5.0),
        Parameter("c", "choice", "a", None, None, ("a", None, True, 2.5)),
    )


INT: dict[str, Any] = {"name": "n", "kind": "int", "default": 1, "low": 0, "high": 5}
CHOICE: dict[str, Any] = {"name": "c", "kind": "choice", "default": "a", "choices": ["a", "b"]}


@pytest.mark.parametrize(
    "row",
    [
        *("n", None, [], {}, {"name": "n", "kind": "int", "default": 1}),
        *(
            {**INT, **change}
            for change in ({"kind": "str"}, {"name": 3}, {"name": "x" * 201}, {"name": "_n"})
        ),
        *({**INT, "default": default} for default in ([1], None, "1", True, 1.5, -1, 6, 10**30)),
        *({**INT, "low": low} for low in ("0", None, True, 6, 0.5, -(10**30), [0])),
        *({**INT, "high": high} for high in ("5", None, -1, 0, 2**60, 10**400)),
        {**INT, "choices": [1]},
        *({**INT, "kind": "float", "high": high} for high in (None, -1.0, "5", 10**400)),
        *(
            {**CHOICE, "choices": choices}
            for choices in ([], None, "ab", ["b"], ["a", [1]], ["a", {}], ["a", 2**63])
        ),
        *({**CHOICE, "choices": ["a", *choices]} for choices in (["x" * 10_001], [10**30], list(range(64)))),
        *({**CHOICE, **change} for change in ({"low": 0}, {"default": None}, {"default": ["a"]})),
    ],
)
@pytest.mark.parametrize(
    "op", [{"op": "done", "answer": "x"}, {"op": "fault", "kind": "crash", "detail": "x"}]
)
def test_bad_space_is_refused(op: dict[str, Any], row: Any) -> None:
    with pytest.raises(ProtocolError):
        read(line({**op, "space": [row]}))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
@pytest.mark.parametrize("key", ["low", "high", "default"])
def test_a_number_that_is_none_is_refused(key: str, number: str) -> None:
    row = json.dumps({**INT, "kind": "float", key: "@"}).replace('"@"', number)
    with pytest.raises(ProtocolError):
        read(f'{{"op": "done", "answer": "x", "space": [{row}]}}'.encode())


@pytest.mark.parametrize("rows", [[INT, INT], [INT] * 65, "x", {"n": INT}])
def test_parameters_have_names_of_their_own(rows: Any) -> None:
    with pytest.raises(ProtocolError):
        read(line({"op": "done", "answer": "x", "space": rows}))


def test_what_is_kept_of_an_item_has_a_size() -> None:
    def excess(kb: int = 4, **more: Any) -> str:
        final = read(line({"op": "done", "answer": "x", **more}))
        assert isinstance(final, Final)
        return too_large(final, kb)

    network = {
        "roles": ["a"] * 32,
        "active": [[0]] * 16,
        "answers": [["x" * 99] * 32] * 16,
        "weights": [[]] * 16,
    }
    network |= {"importance": [[0] * 32] * 16, "final": "x", "calls": 1}
    assert (excess(), excess(answer="x" * 4096), excess(space=[INT, CHOICE])) == ("", "", "")
    assert excess(answer="x" * 4097) == "the answer is longer than 4 KB"
    assert excess(answer="\U0001f600" * 1025) == "the answer is longer than 4 KB"
    long = [{**CHOICE, "choices": ["a", "\U0001f600" * 300]}]
    assert excess(space=long) == "the declared parameters are longer than 1 KB"
    assert excess(networks=[network]) == "the networks of its teams are longer than 8 KB"
    assert excess(64, networks=[network]) == ""


def test_program_results_are_cut_and_never_truthy_objects() -> None:
    assert program_result(line({"ok": 1, "text": "x" * 5000}), 1) == (False, "x" * 1024)
    assert program_result(line({"ok": True, "text": "y"}), 1) == (True, "y")
    with pytest.raises(ProtocolError):
        program_result(line({"ok": True, "text": ["y"]}), 1)


def test_details_are_one_printable_line() -> None:
    assert clean_line("a\n b\x1b[31m\tc") == "a b?[31m c"
    assert len(clean_line("x" * 10**6)) == 500


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from([*CALL, "code", "timeout", "answer", "kind", "detail", "space"]), JSON)
)
def test_any_object_is_understood_or_refused(changes: dict[str, Any]) -> None:
    for operation in ("call", "python", "done", "fault"):
        try:
            message = read(line({**CALL, **changes, "op": operation}))
        except ProtocolError:
            continue
        assert not isinstance(message, Final) or message.kind in OUTCOME_KINDS


@given(st.binary(max_size=200))
def test_any_bytes_are_understood_or_refused(raw: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        read(raw)
