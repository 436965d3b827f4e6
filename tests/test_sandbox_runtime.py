"""The sandbox with the runtime that agents really get."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archive.records import Archive
from archive.store import Store
from meta_search.config import BudgetConfig, LLMConfig, SandboxConfig
from meta_search.llm.books import Books
from meta_search.llm.budget import Budget
from meta_search.llm.endpoint import Endpoint
from meta_search.llm.gateway import Gateway
from meta_search.llm.ledger import Ledger
from meta_search.sandbox import Sandbox
from meta_search.testing import CountingEndpoint
from meta_search.types import Agent, Brief, CallReply, CallRequest, Candidate, ItemJob, ItemResult, Usage
from tests.kits.bare_sandbox import BareSandbox
from tests.kits.sqlite_pen import SqlitePen


@pytest.fixture(scope="module")
def bench() -> Iterator[BareSandbox]:
    with BareSandbox(None, wall_s=30.0, cpu_s=1.0) as bench:
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


def test_a_vote_with_a_judge(bench: BareSandbox) -> None:
    result = bench.run(VOTE, seven)
    assert (result.kind, result.answer, result.used.calls) == ("ok", "7", 4), result.detail
    assert [c.author for c in result.trace] == ["Solver 0", "Solver 1", "Solver 2", "Judge"]
    first = result.trace[0].index
    assert result.trace[3].inputs == (first, first + 1, first + 2)
    assert [p.name for p in result.space] == ["heat"]


def test_dry_run_of_a_program_writer(bench: BareSandbox) -> None:
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
        ("import socket; socket.socket()", "refused", "PermissionError"),
        ("while True: pass", "cpu", "CPU"),
        ("return str(len(bytearray(10**10)))", "memory", "limit: 512 MB"),
        ("while True: LLMAgentBase(['a'], 'x')([task], '')[0].content", "calls", "128"),
        ("self.map(lambda n: n / 0, [1, 2])", "crash", "ZeroDivisionError"),
    ],
)
def test_faults_have_a_kind_and_a_line(bench: BareSandbox, body: str, kind: str, detail: str) -> None:
    result = bench.body(body, seven)
    assert (result.kind, result.answer) == (kind, "")
    assert detail in result.detail


# -- a failing call, and one call too many


@pytest.mark.parametrize("fault", ["llm", "context", "budget"])
def test_no_except_hides_a_failing_call(bench: BareSandbox, fault: Any) -> None:
    body = """
answers = []
for i in range(3):
    try:
        answers.append(LLMAgentBase(['answer'], f'A{i}')([task], f'Try {i}.')[0].content)
    except BaseException:
        answers.append('hidden')
return ' '.join(answers) or 'hidden'
"""

    async def second_fails(request: CallRequest) -> CallReply:
        failed = request.author == "A1"
        return CallReply(
            "" if failed else "7", Usage(1, 1, 1), fault=fault if failed else None, message="it broke"
        )

    result = bench.body(body, second_fails)
    assert (result.kind, result.answer, result.detail) == (fault, "", "it broke")
    assert [call.author for call in result.trace] == ["A0", "A1"]
    unread = bench.body("LLMAgentBase(['answer'], 'A1')([task])\nreturn 'hidden'", second_fails)
    assert (unread.kind, unread.answer) == (fault, "")


@pytest.mark.parametrize(
    "loop",
    [
        "while True: infos = solver([task, *infos])",
        "while True: solver([task])",
        "while True: solver(infos)[0].content",
    ],
)
def test_calls_without_end_are_stopped_by_their_number(bench: BareSandbox, loop: str) -> None:
    """Also where nothing is read, and where every call waits for the one before."""
    result = bench.body(f"infos = [task]\nsolver = LLMAgentBase(['answer'], 'A')\n{loop}", seven)
    assert (result.kind, len(result.trace)) == ("calls", 128), result.detail


def test_the_model_that_an_agent_names_is_ignored(bench: BareSandbox) -> None:
    """Published agents name models of their day; the run says what is called; equal calls stay samples."""
    asked: list[CallRequest] = []

    async def note(request: CallRequest) -> CallReply:
        asked.append(request)
        return CallReply("7")

    body = """
for model in (None, 'gpt-4o-2024-05-13', 'o1'):
    LLMAgentBase(['answer'], 'A', model=model)([task])
return LLMAgentBase(['answer'], 'A', model='o1').model
"""
    assert bench.body(body, note).answer == "o1"
    assert [(request.model, request.occurrence) for request in asked] == [("task", str(n)) for n in range(3)]


# -- lazy answers against a real endpoint, by way of the real gateway

LATENCY_S = 0.5
FIVE = """
def forward(self, taskInfo):
    agents = [LLMAgentBase(['thinking', 'answer'], 'Solver', temperature=0.8) for _ in range(5)]
    answers = []
    for agent in agents:
        thinking, answer = agent([taskInfo], 'Think step by step.')
        answers.append(answer)
    return Counter(answer.content for answer in answers).most_common(1)[0][0]
"""
DEBATE = """
def forward(self, taskInfo):
    roles = ['Math Professor', 'Teacher', 'Enthusiast']
    agents = [LLMAgentBase(['thinking', 'answer'], 'Debater', temperature=0.8, role=role) for role in roles]
    rounds = 2
    thinkings = [[] for _ in range(rounds)]
    answers = [[] for _ in range(rounds)]
    for r in range(rounds):
        for i in range(len(agents)):
            if r == 0:
                thinking, answer = agents[i]([taskInfo], 'Think step by step.')
            else:
                infos = [taskInfo] + [thinkings[r-1][i]] + thinkings[r-1][:i] + thinkings[r-1][i+1:]
                thinking, answer = agents[i](infos, 'Consider the others and answer anew.')
            thinkings[r].append(thinking)
            answers[r].append(answer)
    judge = LLMAgentBase(['thinking', 'answer'], 'Judge', temperature=0.1)
    return judge([taskInfo] + thinkings[-1] + answers[-1], 'Decide.')[1]
"""
PASTED = FIVE.replace("answers.append(answer)", "answers.append(answer.content)").replace(
    "answer.content for answer", "answer for answer"
)


async def timed(source: str, folder: Path) -> tuple[ItemResult, CountingEndpoint]:
    pen = SqlitePen(folder / "archive.db")
    sandbox = Sandbox(SandboxConfig())
    await sandbox.start()
    with CountingEndpoint(latency_s=LATENCY_S) as endpoint:
        config = dataclasses.replace(LLMConfig(provider="litellm"), timeout_s=60)
        ends = {"task": Endpoint("model", endpoint.base_url, "")}
        gateway = Gateway(config, ends, Books(Ledger(pen), Budget(BudgetConfig(final_share=0.0), Usage())))
        await gateway.start()
        try:
            first = ItemJob(Agent.of("warm", VOTE), "train", "warm", 0, "Ready?")
            await sandbox.run(first, gateway.call)  # imports and connections are not what is measured
            endpoint.requests.clear()
            endpoint.calls = endpoint.max_in_flight = 0
            result = await sandbox.run(
                ItemJob(Agent.of("a", source), "train", "i", 0, "How many?"), gateway.call
            )
        finally:
            await gateway.close()
            await sandbox.close()
            pen.close()
    return result, endpoint


@pytest.mark.parametrize(
    ("source", "calls", "at_once", "latencies"),
    [
        pytest.param(FIVE, 5, 5, 1, marks=pytest.mark.slow),
        (DEBATE, 7, 3, 3),
        pytest.param(PASTED, 5, 1, 5, marks=pytest.mark.slow),
    ],
    ids=["vote", "debate and judge", "vote that reads as it goes"],
)
def test_what_an_unchanged_loop_costs(
    tmp_path: Path, source: str, calls: int, at_once: int, latencies: int
) -> None:
    result, endpoint = asyncio.run(timed(source, tmp_path))
    assert (result.kind, result.answer, result.used.calls) == ("ok", "ok", calls), result.detail
    assert (endpoint.calls, endpoint.max_in_flight) == (calls, at_once)
    requests = sorted(endpoint.requests, key=lambda request: request.start)
    # In waves: each begins after the one before it has ended, and within one all are in flight together.
    waves = [requests[i : i + at_once] for i in range(0, calls, at_once)]
    assert len(waves) == latencies
    assert all(max(r.start for r in wave) < min(r.end for r in wave) for wave in waves)
    span = max(r.end for r in requests) - requests[0].start
    assert latencies <= span / LATENCY_S < latencies + 1.5


# -- tuned values

TUNED = """
def forward(self, taskInfo):
    n = self.tune.int("samples", 1, 5, 3)
    heat = self.tune.float("heat", 0.0, 1.0, 0.7)
    way = self.tune.choice("way", ["Think.", "Guess."])
    agents = [LLMAgentBase(["answer"], "A", temperature=heat) for _ in range(n)]
    return Counter(agent([taskInfo], way)[0].content for agent in agents).most_common(1)[0][0]
"""


def test_tuned_names_ranges_and_values_reach_the_archive(bench: BareSandbox, tmp_path: Path) -> None:
    """The values belong to the agent: all its items get the same."""
    agent = Agent.of("tuned", TUNED, {"samples": 2, "heat": 0.25, "way": "Guess.", "gone": 1})
    asked: list[tuple[str, float, str]] = []

    async def note(request: CallRequest) -> CallReply:
        asked.append((request.item, request.temperature, request.messages[-1][1][-6:]))
        return CallReply("7")

    jobs = [ItemJob(agent, "train", item, 0, "How many?") for item in ("i1", "i2", "i3")]
    results = [bench.do(bench.sandbox.run(job, note)) for job in jobs]
    assert asked == [(item, 0.25, "Guess.") for item in ("i1", "i2", "i3") for _ in range(2)]
    assert len({result.space for result in results}) == 1
    space = results[0].space
    with Store.open(tmp_path) as store:
        store.add_candidate(Candidate(agent, Brief(0, "seed", "replay"), space=space), "evaluated").result()
        store.add_results(results).result()
    with Archive(tmp_path) as archive:
        [record] = archive.agents()
        assert (record.agent.values, record.space) == (dict(agent.values), space)
        assert [result.space for result in archive.results(agent.id, "train")] == [space] * 3
    assert [(p.name, p.kind, p.default, p.low, p.high, p.choices) for p in space] == [
        ("samples", "int", 3, 1, 5, ()),
        ("heat", "float", 0.7, 0, 1, ()),
        ("way", "choice", "Think.", None, None, ("Think.", "Guess.")),
    ]


# -- determinism

DICE = """
import os, random, secrets, time, uuid
from random import Random, choice

def forward(self, taskInfo):
    rng, other = random.Random(), Random(5)
    drawn = [random.random(), choice("abcdef"), rng.random(), rng.getrandbits(70), other.random(),
             random.SystemRandom().random(), secrets.token_hex(4), os.urandom(3).hex(), str(uuid.uuid4()),
             np.random.rand(), np.random.default_rng().integers(10**9), np.random.RandomState().rand(),
             np.random.choice(["x", "y", "z"]), np.random.normal(), np.random.default_rng(3).random(),
             {"ant", "bee", "cat", "dog", "elk"}, {LLMAgentBase(["a"], n) for n in "pqrs"}]
    rng.seed()
    random.seed()
    np.random.seed()
    drawn += [rng.random(), random.sample(range(1000), 3), np.random.permutation(5).tolist()]

    def branch(n):
        agent = LLMAgentBase(["answer"], f"Branch {n}")
        first = agent([taskInfo, f"{n} {random.random()} {np.random.rand()} {Random().random()}"])[0]
        return agent([first.content, str([random.random(), np.random.rand(), secrets.randbelow(1000)])])[0]

    infos = self.map(branch, range(4))
    drawn.append(repr(infos[0]))
    return LLMAgentBase(["answer"], "Last")([taskInfo, *infos, str(drawn)], taskInfo.content)[0]
"""


async def two_workers(folder: Path) -> list[dict[tuple[str, int], list[Any]]]:
    """Requests by item and repeat, as two zygotes send them; the second has the items the other way round."""
    seen = []
    for items in (["i1", "i2", "i3"], ["i3", "i2", "i1"]):
        asked: dict[tuple[str, int], list[Any]] = {}

        async def note(request: CallRequest, asked: dict[tuple[str, int], list[Any]] = asked) -> CallReply:
            told = (request.messages, request.temperature, request.seed, request.occurrence, request.author)
            asked.setdefault((request.item, request.repeat), []).append(told)
            await asyncio.sleep(0)
            return CallReply(f"reply to {len(request.messages[-1][1])}")

        sandbox = Sandbox(SandboxConfig())
        await sandbox.start()
        try:
            jobs = [
                ItemJob(Agent.of("a", DICE), "train", item, repeat, "Roll.")
                for item in items
                for repeat in (0, 1)
            ]
            results = [await sandbox.run(job, note) for job in jobs[:3]]
            results += await asyncio.gather(*(sandbox.run(job, note) for job in jobs[3:]))
        finally:
            await sandbox.close()
        assert {result.kind for result in results} == {"ok"}, results[0].detail
        seen.append({key: sorted(asked[key], key=str) for key in sorted(asked)})
    return seen


def test_requests_depend_on_agent_item_repeat_and_seed_only(tmp_path: Path) -> None:
    one, other = asyncio.run(two_workers(tmp_path))
    assert one == other
    assert len(one) == 6
    assert len({json.dumps(requests) for requests in one.values()}) == 6  # and they do depend on these
