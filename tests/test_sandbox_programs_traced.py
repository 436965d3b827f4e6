"""The programs that an agent has run stand in its trace: what was run, what it printed, after which call."""

from __future__ import annotations

import dataclasses
import json
import random
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from archive import codec, traces
from meta_search.sandbox.trusted.messages import Call, Program, ProtocolError, read
from meta_search.sandbox.trusted.trace import ENDED, Programs
from meta_search.types import (
    MAX_CODE,
    MAX_OUTPUT,
    MOST_PROGRAMS,
    CallReply,
    CallRequest,
    ItemResult,
    TraceProgram,
    Usage,
)
from tests.kits.bare_sandbox import BareSandbox


@pytest.fixture(scope="module")
def bench() -> Iterator[BareSandbox]:
    with BareSandbox(None, wall_s=30.0, cpu_s=2.0) as bench:
        yield bench


async def code(request: CallRequest) -> CallReply:
    return CallReply("```python\nprint(6 * 7)\n```", used=Usage(1, 10, 1), paid=Usage(1, 10, 1))


def test_what_an_agent_ran_stands_between_its_calls(bench: BareSandbox) -> None:
    """Branches of a map run at a time; the trace has the order of a run without them."""
    source = """
def forward(self, taskInfo):
    self.run_python("print('first')")
    coder = LLMAgentBase(["code"], "Coder")
    def branch(n):
        return self.run_python(coder([taskInfo], f"Attempt {n}")[0]) + self.run_python(f"{n} / 0")
    printed = self.map(branch, [1, 2])
    slow = self.run_python("while True: pass", timeout=0.2)
    return printed[0]
"""
    result = bench.run(source, code)
    assert result.kind == "ok", result.detail
    assert [call.component for call in result.trace] == ["Coder"] * 2
    assert [(p.after, p.code, p.ok) for p in result.programs] == [
        (0, "print('first')", True),
        *((1, "print(6 * 7)", True), (1, "1 / 0", False)),
        *((2, "print(6 * 7)", True), (2, "2 / 0", False)),
        (2, "while True: pass", False),
    ]
    first, six, error, *_, slow = result.programs
    assert (first.output, six.output) == ("first", "42")
    assert "ZeroDivisionError" in error.output
    assert "ran longer than 0.2 s" in slow.output
    stored = codec.result_of(codec.result_row(dataclasses.replace(result, score=1.0), 0.0))
    assert (stored.programs, stored.trace) == (result.programs, result.trace)


def test_a_program_that_the_item_ended_with_is_told(bench: BareSandbox) -> None:
    """A program that takes all of the item's time is what its author must see."""
    result = bench.run(
        "def forward(self, t):\n    return self.run_python('while True: pass', timeout=60)", code
    )
    assert result.kind == "cpu", result.detail
    (program,) = result.programs
    assert (program.code, program.ok) == ("while True: pass", False)
    assert program.output in (ENDED, result.detail)


def test_long_and_many_programs_are_bounded(bench: BareSandbox) -> None:
    source = """
def forward(self, taskInfo):
    self.run_python("# head\\n" + "#" * 20_000 + "\\nprint('a' * 9_000 + '\\x1b[2J' + 'tail')")
    for n in range(40):
        self.run_python(f"print({n})")
    return "x"
"""
    result = bench.run(source, code)
    assert len(result.programs) == MOST_PROGRAMS
    long, *rest = result.programs
    assert len(long.code) <= MAX_CODE
    assert long.code.startswith("# head")
    assert long.code.endswith("'tail')")  # shortened in the middle
    assert len(long.output) <= MAX_OUTPUT
    assert long.output.endswith("tail")
    assert "\x1b" not in long.output
    assert [program.output for program in rest] == [str(n) for n in range(MOST_PROGRAMS - 1)]


def program(number: int, *place: int) -> Program:
    message = {"op": "python", "id": number, "code": str(number), "timeout": 1, "place": place}
    made = read(json.dumps(message).encode())
    assert isinstance(made, Program)
    return made


def test_the_first_programs_are_kept_in_whatever_order_they_came() -> None:
    ran = [program(n, 1, n) for n in range(100)]
    random.Random(0).shuffle(ran)
    kept = Programs()
    for one in ran:
        kept.begun(one)(True, one.code)
    assert [p.output for p in kept.trace(())] == [str(n) for n in range(MOST_PROGRAMS)]


@pytest.mark.parametrize("place", [3, ["x"], [-1], [True], [1] * 65])
def test_a_place_that_is_none_breaks_the_protocol(place: Any) -> None:
    with pytest.raises(ProtocolError):
        read(json.dumps({"op": "python", "id": 1, "code": "", "timeout": 1, "place": place}).encode())


GOOD = TraceProgram(1, "print(1)", "1")


@pytest.mark.parametrize(
    "change",
    [
        *({"after": -1}, {"after": 2**70}, {"after": "1"}, {"code": 7}, {"code": None}),
        *({"code": "x" * (MAX_CODE + 1)}, {"output": ["1"]}, {"output": "x" * (MAX_OUTPUT + 1)}),
    ],
)
def test_a_stored_program_that_is_none_is_left_out(change: dict[str, Any]) -> None:
    traces._left_out.cache_clear()
    rows = [dataclasses.asdict(GOOD), {**dataclasses.asdict(GOOD), **change}, 7, None]
    assert result_with({"calls": [], "programs": rows}).programs == (GOOD,)


@pytest.mark.parametrize(
    "trace", [[], {"calls": []}, {"calls": [], "networks": []}, {"programs": "print(1)"}]
)
def test_older_and_odd_traces_have_no_programs(trace: Any) -> None:
    assert result_with(trace).programs == ()


def test_no_more_stored_programs_are_read_than_are_kept() -> None:
    rows = [dataclasses.asdict(GOOD)] * 500
    assert len(result_with({"calls": [], "programs": rows}).programs) == MOST_PROGRAMS


def result_with(trace: Any) -> ItemResult:
    """A result as an archive with this trace gives it."""
    row = list(codec.result_row(ItemResult("a" * 16, "train", "i", 0, "ok", score=1.0), 0.0))
    row[codec.RESULT_COLUMNS.index("trace")] = zlib.compress(json.dumps(trace).encode())
    return codec.result_of(tuple(row))


def test_calls_before_a_program_are_counted_by_place() -> None:
    def call(number: int, *place: int) -> Call:
        told = {"op": "call", "id": number, "author": "A", "role": "", "messages": [["user", "?"]]}
        made = read(json.dumps({**told, "fields": ["a"], "occurrence": "0", "place": place}).encode())
        assert isinstance(made, Call)
        return made

    kept = Programs()
    kept.begun(program(9, 2, 1, 1))(True, "")
    assert [p.after for p in kept.trace([call(1, 1), call(5, 3), call(2, 2, 0, 1), call(3, 2, 1, 2)])] == [2]
