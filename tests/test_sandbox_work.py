"""What an item costs beside its own process: charged to it, and bounded together with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from meta_search.config import SandboxConfig
from meta_search.sandbox import Sandbox
from meta_search.sandbox.trusted.charges import Charges
from meta_search.sandbox.trusted.child_handle import Reader
from meta_search.sandbox.trusted.clock import Clock
from meta_search.sandbox.trusted.messages import Call
from meta_search.sandbox.trusted.scorer import MOST_CPU, ConfinedScorer, Scored
from meta_search.sandbox.trusted.tokens import OVERHEAD, PER_MESSAGE, TokenMeter, most_tokens
from meta_search.types import Agent, CallReply, CallRequest, ItemJob, ItemResult, Usage
from tests.kits.bare_sandbox import BareSandbox
from tests.kits.cpu import cpu_seconds

LLM = Callable[[CallRequest], Awaitable[CallReply]]


async def cheap(request: CallRequest) -> CallReply:
    return CallReply("x", used=Usage(1, 3, 2), paid=Usage(1, 3, 2))


def run(body: str, llm: LLM = cheap, dry: bool = False, **limits: float | None) -> ItemResult:
    """One agent on one item, with limits of its own."""

    async def at_work() -> ItemResult:
        sandbox = Sandbox(SandboxConfig(**limits))  # type: ignore[arg-type]
        try:
            lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
            agent = Agent.of("agent", f"def forward(self, taskInfo):\n{lines}")
            return await sandbox.run(
                ItemJob(agent, "test", "i", 0, "How many?", max_tokens=100, dry=dry), llm
            )
        finally:
            await sandbox.close()

    return asyncio.run(at_work())


# -- CPU and wall time


def test_charges_are_told_in_parts_and_none_is_lost() -> None:
    told: list[float] = []
    charges = Charges(told.append)
    for _ in range(10):
        charges.add(0.004)
    assert told == [pytest.approx(0.012)] * 3
    assert charges.total_s == pytest.approx(0.04)
    with charges.work():
        sum(range(300_000))
    assert charges.total_s > 0.041


def test_an_item_and_its_programs_share_one_clock_while_both_run(runtime: Path) -> None:
    """Each by itself would stay within the limit, and both together would take twice as much."""
    ask = "self.channel.send({'op': 'python', 'id': 1, 'code': 'while True: pass', 'timeout': 9})"
    with BareSandbox(runtime, cpu_s=0.4) as bench:
        before = cpu_seconds()
        result = bench.body(f"{ask}\nwhile True: pass")
        assert result.kind == "cpu"
        assert cpu_seconds() - before < 0.65


def test_each_piece_of_a_message_is_told() -> None:
    async def pieces() -> list[int]:
        reader, told = Reader(), []
        reader.on_data = lambda: told.append(len(told))
        for byte in b"{}\n":
            reader.feed_data(bytes([byte]))
        assert await reader.readuntil(b"\n") == b"{}\n"
        return told

    assert asyncio.run(pieces()) == [0, 1, 2]


def test_an_honest_team_may_compare() -> None:
    body = """
ask = lambda n: self._scheduler.ask({'op': 'equal', 'kind': 'math', 'a': f'{n}/2', 'b': f'{2 * n}/4',
                                     'threshold': 0.9})['equal']
return str([ask(n) for n in range(1, 21)].count(True))"""
    result = run(body, cpu_s=3.0)
    assert (result.kind, result.answer) == ("ok", "20")


def test_what_others_did_for_an_item_counts_as_its_time() -> None:
    async def at_work() -> list[str]:
        told: list[str] = []
        clock = Clock(60.0, lambda: told.append("out of time"))
        clock.pause()
        clock.spend(59.99)
        clock.resume()
        while not told:
            await asyncio.sleep(0)
        clock.close()
        return told

    before = time.monotonic()
    assert asyncio.run(at_work()) == ["out of time"]
    assert time.monotonic() - before < 5.0


# -- tokens


def call(content: str = "x", most: int | None = None) -> Call:
    return Call(1, "a", "r", (("user", content),), 0.5, most, ("answer",), "0", ())


def test_no_call_uses_more_than_its_bound() -> None:
    assert most_tokens(call("é" * 10), 100) == 20 + PER_MESSAGE + OVERHEAD + 100
    assert most_tokens(call("x", 10**6), 100) == most_tokens(call("x"), 100)  # as the gateway cuts it
    assert most_tokens(call("x", 7), 100) == most_tokens(call("x"), 7)


def test_calls_in_flight_together_stay_within_the_limit() -> None:
    async def at_work() -> tuple[int, int]:
        meter, sent, flying, most = TokenMeter(1000), 0, 0, 0

        async def one() -> None:
            nonlocal sent, flying, most
            await meter.reserve(300)
            sent, flying = sent + 1, flying + 1
            most = max(most, flying)
            await asyncio.sleep(0)
            flying -= 1
            meter.settle(300, 250)

        calls = [asyncio.ensure_future(one()) for _ in range(64)]
        while not meter.over:
            await asyncio.sleep(0)
        meter.close()
        await asyncio.wait(calls)
        return sent, most

    # Three fit at first; the fifth passes the limit, and none follows it.
    assert asyncio.run(at_work()) == (5, 3)


def test_a_call_that_would_never_fit_goes_alone() -> None:
    async def at_work() -> bool:
        meter = TokenMeter(100)
        await meter.reserve(10**6)
        meter.settle(10**6, 90)
        await meter.reserve(10**6)
        return meter.over

    assert asyncio.run(at_work()) is False


def test_nothing_waits_without_a_limit() -> None:
    async def at_work() -> None:
        meter = TokenMeter(None)
        for _ in range(5):
            await meter.reserve(10**9)

    asyncio.run(at_work())


def dear(tokens: int) -> tuple[LLM, list[str]]:
    """A model whose every call takes so many tokens, and the prompts that reached it."""
    asked: list[str] = []

    async def llm(request: CallRequest) -> CallReply:
        asked.append(request.messages[-1][1])
        await asyncio.sleep(0.01)
        used = Usage(1, tokens - 1, 1)
        return CallReply("x", used=used, paid=used)

    return llm, asked


ONE_BY_ONE = """
for n in range(100): LLMAgentBase(['answer'], f'a{n}')([taskInfo], f'Ask {n}.' + 'x' * 800)[0].content
return 'done'"""
AT_ONCE = """
for n in range(64): LLMAgentBase(['answer'], f'a{n}')([taskInfo], f'Ask {n}.' + 'x' * 800)
return 'done'"""
IN_A_MAP = """
ask = lambda n: LLMAgentBase(['answer'], f'a{n}')([taskInfo], f'Ask {n}.' + 'x' * 800)[0].content
return str(self.map(ask, range(64)))"""
BY_HAND = """
call = {'op': 'call', 'author': 'a', 'role': 'r', 'messages': [['user', 'x' * 800]], 'temperature': 0.5,
        'max_tokens': 10**6, 'schema': None, 'fields': ['answer'], 'occurrence': '0', 'inputs': []}
for n in range(64): self._scheduler.channel.send({**call, 'id': 500 + n, 'occurrence': str(n)})
import time
time.sleep(10)"""


@pytest.mark.parametrize("body", [ONE_BY_ONE, AT_ONCE, IN_A_MAP, BY_HAND])
def test_an_item_may_use_so_many_tokens(body: str) -> None:
    llm, asked = dear(900)
    result = run(body, llm, tokens=3500)
    assert (result.kind, result.detail) == ("tokens", "used more than 3500 tokens")
    assert result.used.tokens == 3600  # passed by one call
    assert len(asked) == 4


def test_tokens_of_the_cache_count_as_well() -> None:
    async def llm(request: CallRequest) -> CallReply:
        return CallReply("x", used=Usage(1, 999, 1))  # paid: nothing

    assert run(ONE_BY_ONE, llm, tokens=3500).kind == "tokens"


def test_a_failed_call_does_not_hide_the_limit() -> None:
    async def llm(request: CallRequest) -> CallReply:
        if "Ask 1." in request.messages[-1][1]:
            return CallReply("", fault="llm", message="refused")
        return CallReply("x", used=Usage(1, 4000, 1))

    assert run(AT_ONCE.replace("range(64)", "range(2)"), llm, tokens=3500).kind == "tokens"


def test_a_dry_run_counts_tokens_as_if_they_were_used() -> None:
    body = "LLMAgentBase(['answer'], 'a')([taskInfo], 'x' * 50_000)[0].content\nreturn 'done'"
    dry = run(body, dry=True, tokens=3500)
    assert (dry.kind, dry.used) == ("tokens", Usage())
    assert run(body, dry=True).kind == "ok"


# -- memory

HOLDS = """
held = bytearray(100 * 10**6)
for i in range(0, len(held), 4096): held[i] = 1
program = 'x = bytearray({mb} * 10**6)\\nfor i in range(0, len(x), 4096): x[i] = 1\\nimport time\\n'
return self.run_python(program + 'time.sleep(0.2)\\nprint(len(x))', 9)"""


@pytest.mark.parametrize(("mb", "kind"), [(20, "ok"), (100, "memory")])
def test_an_item_and_its_programs_share_one_memory(mb: int, kind: str) -> None:
    result = run(HOLDS.replace("{mb}", str(mb)), memory_mb=160)
    assert result.kind == kind, result.detail
    assert result.answer.strip() == (f"{mb}000000" if kind == "ok" else "")


# -- scorers

SCORER = """
from collections import namedtuple
Score = namedtuple("Score", "value note")

def make():
    def score(item, answer, run):
        for _ in range(200):
            run(answer, "", 5.0)
        return Score(1.0, "")
    return score
"""


def test_the_programs_of_one_answer_are_bounded_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "many_programs.py").write_text(SCORER)
    monkeypatch.syspath_prepend(str(tmp_path))
    scorer = ConfinedScorer("many_programs:make", {}, SandboxConfig(cpu_s=0.3))
    try:
        burning = scorer.score(None, "while True: pass")
        assert (burning.value, burning.failed) == (0.0, True)
        assert f"more than {MOST_CPU * 0.3:g} s of CPU" in burning.feedback
        assert burning.cpu_s < (MOST_CPU + 2) * 0.3
    finally:
        scorer.close()


def test_a_comparison_that_nobody_waits_for_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "endless.py").write_text(SCORER.replace("for _ in range(200):", "while True:"))
    monkeypatch.syspath_prepend(str(tmp_path))
    scorer = ConfinedScorer("endless:make", {}, SandboxConfig(cpu_s=5.0), concurrency=1)
    try:
        scorer.submit(None, "pass").cancel()
        waits: Scored = scorer.score(None, "x" * (2**20 + 1))  # is answered without the process
        assert waits.value == 0.0
        again = scorer.submit(None, "pass")
        again.cancel()
        assert again.cancelled()
    finally:
        scorer.close()
