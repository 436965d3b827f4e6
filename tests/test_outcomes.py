"""Outcomes in words: each kind as the real sandbox makes it, told with what mends it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from meta_search.config import EvaluateConfig, SandboxConfig
from meta_search.evaluators.inline import InlineEvaluator
from meta_search.outcomes import UNSCORED, Fault, advice, explain, most_frequent
from meta_search.types import OUTCOME_KINDS, CallReply, ItemResult
from tests.kits.sandboxed_agents import House, wrapped

ASK = "agent = LLMAgentBase(['answer'], 'A')\n"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A sandbox with tight limits, so that every one of them can be passed quickly."""
    with House() as house:
        house.evaluator.close()
        limits = SandboxConfig(wall_s=1.5, cpu_s=0.5, memory_mb=128, disk_mb=1, output_kb=4, calls=3)
        house.evaluator = InlineEvaluator(limits, EvaluateConfig(per_worker=4), house.llm)
        yield house


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("while True: pass", "cpu", "used more than 0.5 s of CPU|give every loop a bound"),
        ("import time; time.sleep(60)", "timeout", "worked longer than 1.5 s|never sleep"),
        ("return str(len([0] * 10**9))", "memory", "128 MB|build no large lists"),
        ("open('x', 'wb').write(b'1' * 2**22)\nreturn ''", "disk", "write no files"),
        ("print('x' * 10**5)\nreturn ''", "output", "printed more than 4 KB|print nothing"),
        ("return 'x' * 10**5", "output", "longer than 4 KB|only the final answer"),
        (f"{ASK}for _ in range(9): agent([taskInfo])\nreturn ''", "calls", "more than 3 LLM|fewer rounds"),
        (f"{ASK}return agent([taskInfo])", "bad_answer", "returned list|return agent(…)[0]"),
        ("taskInfo.content", "bad_answer", "returned NoneType|must end in a return"),
        ("return 1 / 0", "crash", "division by zero (line 2: `return 1 / 0`)|divisor may be 0"),
        (f"{ASK}a, b = agent([taskInfo])\nreturn a", "crash", "line 3: `a, b = |one Info per output field"),
        (f"{ASK}return agent([taskInfo]).content", "crash", "(line 3|take one with [0]"),
        ("return taskInfo.content.content", "crash", "leave .content out"),
        ("return 'Task: ' + taskInfo", "crash", "(line 2: `return 'Task: '|use its .content"),
        ("import re\nreturn re.search('x', taskInfo)", "crash", "use its .content"),
        ("import re\nreturn re.search('~', taskInfo.content).group()", "crash", "None here"),
        (f"{ASK}return str(int(agent([taskInfo])[0].content + ' apples'))", "crash", "re.search(r'-?"),
        ("return nothing", "crash", "name 'nothing' is not defined|define it first"),
        ("return json.loads(taskInfo.content)", "crash", "several output fields"),
        ("return self.ask('x')", "crash", "self has only tune"),
        ("return {}['k']", "crash", ".get(key, default)"),
        ("return LLMAgentBase('A')", "crash", "positional argument|LLMAgentBase(output_fields, agent_name"),
        ("import pandas", "crash", "only the standard library and numpy"),
        ("f = lambda n: f(n)\nreturn f(1)", "crash", "loop with a bound"),
        ("open('/etc/passwd').read()", None, "(line 2: `open('/etc/passwd').read()`)|no other files"),
        ("import socket; socket.socket()", None, "no network"),
        ("import os; os.fork()", None, "os.fork()|self.run_python(code)"),
        ("import ctypes; ctypes.CDLL(None).ptrace(0, 0)\nreturn ''", "refused", "system call|no network"),
        ("import os; os._exit(3)", "crash", "status 3|never exit"),
    ],
)  # fmt: skip
def test_what_the_sandbox_says_is_told_with_what_mends_it(
    house: House, body: str, kind: str | None, words: str
) -> None:
    source = wrapped(body)
    result = house.run(source)
    line = explain(result.kind, result.detail, source)
    assert result.kind == kind or (kind is None and result.kind in ("crash", "refused")), line
    assert "\n" not in line
    assert len(line) < 600
    for part in words.split("|"):
        assert part in line


def test_every_kind_but_ok_has_advice() -> None:
    assert all(bool(advice(kind)) == (kind != "ok") for kind in OUTCOME_KINDS)
    assert advice("unheard_of") == ""
    assert advice("output", "sent more than 16 MB of prompts and other messages") == advice("context")


def test_what_the_endpoint_does_is_told_as_such(house: House) -> None:
    body = f"{ASK}return agent([taskInfo])[0]"
    for fault in ("llm", "context", "budget"):
        house.llm._script = lambda _, fault=fault: CallReply("", fault=fault, message="HTTP 500")
        result = house.body(body)
        assert explain(result.kind, result.detail).startswith(f"{fault}: HTTP 500; ")
        assert ("no fault of the agent" in advice(fault)) == (fault in UNSCORED)
    house.llm._script = lambda request: house.script(request)


def row(kind: str, detail: str = "") -> ItemResult:
    return ItemResult("a", "train", f"i{id(detail)}", 0, kind, detail=detail)


def test_the_most_frequent_fault() -> None:
    assert most_frequent([]) is None
    assert most_frequent([row("ok")] * 5) is None
    rows = [row("ok"), row("llm", "down"), row("llm", "down"), row("llm", "down"), row("cpu", "long")]
    assert most_frequent(rows) == Fault("cpu", "long", 1, 5)  # an agent's own fault is what can be mended
    crashes = [row("crash", "KeyError: 'a'"), row("crash", "KeyError: 'b'"), row("crash", "KeyError: 'b'")]
    fault = most_frequent([*rows, *crashes])
    assert fault == Fault("crash", "KeyError: 'b'", 3, 8)
    assert fault.explain() == f"3 of 8 items: {explain('crash', fault.detail)}"


def test_a_line_that_is_not_there_is_not_quoted() -> None:
    detail = "ValueError: no (line 9 of agent.py)"
    assert "(line 9);" in explain("crash", detail, "x = 1")
    assert "(line 9);" in explain("crash", detail)


def test_a_detail_that_begins_with_its_kind_does_not_say_it_twice() -> None:
    assert explain("cut", "cut at 50 tokens").startswith("cut at 50 tokens; ask for less text")
    assert explain("cut", "cutlery") == f"cut: cutlery; {advice('cut')}"
