"""What the trusted side takes from a child's pipe: exact types, hard bounds, nothing else."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_search.sandbox.trusted.messages import (
    MAX_PROGRAM_S,
    Call,
    Final,
    Program,
    ProtocolError,
    clean_line,
    program_result,
    read,
)
from meta_search.types import OUTCOME_KINDS, Parameter

CALL: dict[str, Any] = {
    "op": "call",
    "id": 1,
    "author": "Solver",
    "role": "helper",
    "messages": [["system", "s"], ["user", "u1"], ["assistant", "a"], ["user", "u2"]],
    "temperature": 0.5,
    "max_tokens": None,
    "schema": None,
    "fields": ["answer"],
    "occurrence": "0",
    "inputs": [],
    "model": None,
}


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
        {"schema": []},
        {"schema": {"x": "y" * 10**5}},
        {"schema": {"properties": {"\ud800": {"type": "string"}}}},
        {"schema": {"minimum": float("inf")}},
        {"fields": "answer"},
        {"fields": [1]},
        {"fields": ["f"] * 100},
        {"occurrence": 3},
        {"occurrence": "x" * 1000},
        {"inputs": [-1]},
        {"inputs": {}},
        {"author": None},
        {"op": "Call"},
        {"op": ["call"]},
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


def test_deep_schema_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(100):
        schema = {"properties": schema}
    with pytest.raises(ProtocolError):
        read(line({**CALL, "schema": schema}))


def test_values_are_brought_into_range() -> None:
    call = read(line({**CALL, "temperature": -3, "author": "x" * 1000}))
    assert isinstance(call, Call)
    assert (call.temperature, len(call.author)) == (0.0, 200)
    program = read(line({"op": "python", "id": 2, "code": "1", "timeout": 1e9}))
    assert program == Program(2, "1", MAX_PROGRAM_S)


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


@pytest.mark.parametrize(
    "row",
    [
        "n",
        {"name": "n", "kind": "str", "default": 1},
        {"name": 3, "kind": "int", "default": 1},
        {"name": "n", "kind": "int", "default": [1]},
        {"name": "n", "kind": "int", "default": 10**30},
        {"name": "n", "kind": "int", "default": 1, "low": "0"},
        {"name": "n", "kind": "choice", "default": 1, "choices": [[1]]},
    ],
)
def test_bad_space_is_refused(row: Any) -> None:
    with pytest.raises(ProtocolError):
        read(line({"op": "done", "answer": "x", "space": [row]}))


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
