"""Equality of answers on the trusted side: verdicts, hostile answers, bounds; and networks off the pipe."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest

from meta_search.config import SandboxConfig
from meta_search.errors import DomainError
from meta_search.sandbox.confined import equality_rules
from meta_search.sandbox.trusted import equality
from meta_search.sandbox.trusted.equality import Equality, Questions
from meta_search.sandbox.trusted.messages import Equal, Final, ProtocolError, read
from meta_search.types import TeamNetwork

T = TypeVar("T")


def with_equality(work: Callable[[Equality], Awaitable[T]]) -> T:
    """With a judge of its own."""

    async def run() -> T:
        judge = Equality(SandboxConfig(cpu_s=2.0))
        try:
            return await work(judge)
        finally:
            await judge.close()

    return asyncio.run(run())


class Court:
    """A judge whose process lives while the tests of this module do: it takes seconds to start."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._judge = Equality(SandboxConfig(cpu_s=2.0))

    def hears(self, work: Callable[[Equality], Awaitable[T]]) -> T:
        async def heard() -> T:
            return await work(self._judge)

        return self._runner.run(heard())

    def verdicts(self, kind: str, *pairs: tuple[str, str], threshold: float = 0.9) -> list[bool | None]:
        async def work(judge: Equality) -> list[bool | None]:
            found = [(await judge.same(kind, a, b, threshold)).same for a, b in pairs]
            assert judge.why == ""
            return found

        return self.hears(work)

    def close(self) -> None:
        self._runner.run(self._judge.close())
        self._runner.close()


@pytest.fixture(scope="module")
def court() -> Iterator[Court]:
    made = Court()
    yield made
    made.close()


def test_mathematics(court: Court) -> None:
    same = [
        *(("1/2", "0.5"), ("\\frac{1}{2}", "0.5"), ("(x+1)^2", "x^2+2x+1"), ("2\\sqrt{2}", "sqrt(8)")),
        *(("sin(x)^2+cos(x)^2", "1"), ("\\{1,2\\}", "{2,1}"), ("x = 5", "5"), ("3!", "6"), ("1,000", "1000")),
        *(("$\\boxed{2\\pi}$", "2*pi"), ("50\\%", "1/2"), ("(1, 2)", "\\left(1,2\\right)"), ("x<5", "5>x")),
        ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{bmatrix}1\\\\2\\end{bmatrix}"),
    ]
    different = [
        ("1/2", "1/3"),
        ("(1,2)", "(2,1)"),
        ("x+1", "x"),
        ("the cat", "the cats"),
        ("", "1"),
        ("x", "?"),
    ]
    assert court.verdicts("math", *same) == [True] * len(same)
    assert court.verdicts("math", *different) == [False] * len(different)


def test_free_text(court: Court) -> None:
    text = "The quick brown fox jumps over the lazy dog near the river bank"
    near, far = text + ".", "A slow red cat sleeps under the busy bridge far from any water"
    assert court.verdicts("text", (text, text.lower()), (text, near), (text, far)) == [True, True, False]
    assert court.verdicts("text", (text, near), threshold=0.99) == [False]
    # Both ways: a beginning is not the same as the whole, whichever is compared with which.
    assert court.verdicts("text", (text, text[:30]), (text[:30], text)) == [False, False]


def test_hostile_answers_equal_nothing_and_harm_nobody(court: Court) -> None:
    hostile = [
        *("9**9**9**9", "factorial(10**9)", "(" * 1999 + "1" + ")" * 1999),
        *('__import__("os").write(3, b"x")', "().__class__.__base__.__subclasses__()", "eval(1)", "open(0)"),
        *("[x for x in 9*(1,)]", "lambda: 1", "\\input{/etc/passwd}", "\\" * 2000),
    ]
    found = court.verdicts("math", *((answer, "1") for answer in hostile), ("2/4", "1/2"))
    assert not any(found[:-1])
    assert found[-1] is True


def test_an_item_may_not_ask_for_ever(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equality, "MAX_QUESTIONS", 3)
    monkeypatch.setattr(equality, "MAX_FAILED", 1)

    async def work(judge: Equality) -> list[tuple[bool, bool]]:
        many, hard = Questions(judge), Questions(judge)
        found = [await many.ask("math", "1/2", "2/4", 0.9) for _ in range(4)]
        found += [await hard.ask("math", question, "1", 0.9) for question in ("9**9**9**9", "2/2")]
        return found

    yes, none = (True, True), (False, False)
    assert court.hears(work) == [yes, yes, yes, none, none, none]


def test_without_the_libraries_there_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equality, "RULES", "meta_search.sandbox.no_such_rules:load")

    async def work(judge: Equality) -> tuple[bool | None, str]:
        return (await judge.same("math", "1/2", "2/4", 0.9)).same, judge.why

    verdict, why = with_equality(work)
    assert verdict is None
    assert "no_such_rules" in why


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "math_verify", None)
    with pytest.raises(DomainError, match="pip install math-verify"):
        equality_rules.load()


def test_nobody_to_ask_gives_no_verdict() -> None:
    assert asyncio.run(Questions(None).ask("math", "1/2", "2/4", 0.9)) == (False, False)


def test_the_process_starts_with_the_first_question_only() -> None:
    started = time.process_time()

    async def work(judge: Equality) -> None:
        assert judge._scorer is None

    with_equality(work)
    assert time.process_time() - started < 1.0


QUESTION = {"op": "equal", "id": 3, "kind": "math", "a": "1", "b": "2", "threshold": 0.8}


def test_a_question_is_read() -> None:
    assert read(json.dumps(QUESTION).encode()) == Equal(3, "math", "1", "2", 0.8)
    assert read(json.dumps({**QUESTION, "threshold": 99}).encode()) == Equal(3, "math", "1", "2", 1.0)


@pytest.mark.parametrize(
    "change",
    [{"kind": "exec"}, {"kind": 1}, {"a": 1}, {"b": None}, {"a": "x" * 4001}, {"id": -1}, {"threshold": "1"}],
)
def test_what_is_no_question_breaks_the_protocol(change: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        read(json.dumps({**QUESTION, **change}).encode())


NETWORK = TeamNetwork(
    roles=("a", "b"),
    active=((0, 1), (0, 1)),
    answers=(("1", "2"), ("1", None)),
    weights=((), ((0.5, 0.5), ())),
    importance=((0.5, 0.5), (1.0, 0.0)),
    final="1",
    calls=3,
)


def read_network(**change: Any) -> Final:
    row = {**dataclasses.asdict(NETWORK), **change}
    message = read(json.dumps({"op": "done", "answer": "1", "networks": [row]}).encode())
    assert isinstance(message, Final)
    return message


def test_a_network_comes_over_the_pipe_as_it_was() -> None:
    assert read_network().networks == (NETWORK,)
    assert TeamNetwork.of(json.loads(json.dumps(dataclasses.asdict(NETWORK)))) == NETWORK
    assert NETWORK.scores == (1.5, 0.5)


@pytest.mark.parametrize(
    "change",
    [
        *(
            {"roles": []},
            {"roles": ["a"] * 33},
            {"roles": "ab"},
            {"roles": ["a", 1]},
            {"roles": ["a", "x" * 201]},
        ),
        *({"active": []}, {"active": [[0, 2], [0]]}, {"active": [[0, 0, 1], [0]]}, {"active": [[True], [0]]}),
        *({"answers": [["1", "2"]]}, {"answers": [["1"], ["1", None]]}, {"answers": [["1", 2], ["1", None]]}),
        *({"weights": [[]]}, {"weights": [[], [[0.5, 2.0], []]]}, {"weights": [[], [[0.5], []]]}),
        *(
            {"weights": [[], [["a", "b"], []]]},
            {"importance": [[0.5, -0.5], [1, 0]]},
            {"importance": [[True, 1]] * 2},
        ),
        *({"final": None}, {"calls": -1}, {"calls": 10**6}, {"calls": 1.0}),
    ],
)
def test_a_forged_network_breaks_the_protocol(change: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="network"):
        read_network(**change)


@pytest.mark.parametrize("rows", [7, "x", [7], [[]], [{}], [dataclasses.asdict(NETWORK)] * 9])
def test_what_is_no_list_of_networks_breaks_the_protocol(rows: Any) -> None:
    with pytest.raises(ProtocolError, match="network"):
        read(json.dumps({"op": "done", "answer": "1", "networks": rows}).encode())
