"""The sandbox with the runtime that agents really get."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from evaluate_kit import Bench

from meta_search.types import CallReply, CallRequest, Usage


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench(None, wall_s=2.0, cpu_s=1.0) as bench:
        yield bench


async def seven(request: CallRequest) -> CallReply:
    return CallReply("7", used=Usage(1, 10, 1, 0.0), paid=Usage(1, 10, 1, 0.0))


VOTE = """
def forward(self, taskInfo):
    agents = [LLMAgentBase(["answer"], f"Solver {i}", temperature=self.tune.float("heat", 0.8, 0.0, 1.0)) for i in range(3)]
    answers = [agent([taskInfo], "Solve.")[0] for agent in agents]
    judge = LLMAgentBase(["thinking", "answer"], "Judge")
    return judge([taskInfo, *answers], "Pick the best.")[1]
"""  # noqa: E501


def test_a_vote_with_a_judge(bench: Bench) -> None:
    result = bench.run(VOTE, seven)
    assert (result.kind, result.answer, result.used.calls) == ("ok", "7", 4), result.detail
    assert [c.author for c in result.trace] == ["Solver 0", "Solver 1", "Solver 2", "Judge"]
    first = result.trace[0].index
    assert result.trace[3].inputs == (first, first + 1, first + 2)
    assert [p.name for p in result.space] == ["heat"]


def test_dry_run_of_a_program_writer(bench: Bench) -> None:
    source = """
def forward(self, taskInfo):
    code = LLMAgentBase(["code"], "Coder")([taskInfo], "Write a program.")[0]
    return self.run_python(code.content)
"""
    result = bench.run(source, seven, dry=True)
    assert (result.kind, result.answer.strip(), result.used) == ("ok", "42", Usage())


@pytest.mark.parametrize(
    ("body", "kind", "detail"),
    [
        ("return undefined", "crash", "NameError"),
        ("return 3", "bad_answer", "int"),
        ("open('/etc/passwd')", "refused", "PermissionError"),
        ("while True: pass", "cpu", "CPU"),
        ("return str(len(bytearray(10**10)))", "memory", "limit: 512 MB"),
        ("while True: LLMAgentBase(['a'], 'x')([task], '')[0].content", "calls", "128"),
        ("self.map(lambda n: n / 0, [1, 2])", "crash", "ZeroDivisionError"),
    ],
)
def test_faults_have_a_kind_and_a_line(bench: Bench, body: str, kind: str, detail: str) -> None:
    result = bench.body(body, seven)
    assert (result.kind, result.answer) == (kind, "")
    assert detail in result.detail
