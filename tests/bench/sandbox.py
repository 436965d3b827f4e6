"""Cost of the sandbox per item: fork, confine, two calls over the pipe, answer, clean up."""

from __future__ import annotations

import asyncio
import time

from meta_search.config import SandboxConfig
from meta_search.types import Agent, ItemJob
from tests.bench.row import ROWS, Row, spread

SOURCE = """
def forward(self, taskInfo):
    thinker = LLMAgentBase(['thinking', 'answer'], 'Thinker')
    thinking, answer = thinker([taskInfo], 'Think step by step.')
    judge = LLMAgentBase(['answer'], 'Judge')
    return judge([taskInfo, thinking, answer], 'Give the final answer.')[0]
"""
LIMIT_MS = 5.0


def measure(quick: bool) -> Row:
    """One item after the other against an LLM that answers at once."""
    from meta_search.evaluate.sandbox import Sandbox
    from meta_search.testing import ScriptedLLM

    async def run(n: int) -> tuple[list[float], float]:
        llm = ScriptedLLM(lambda request: '{"thinking": "It is plain.", "answer": "42"}')
        sandbox = Sandbox(SandboxConfig())
        await sandbox.start()
        agent = Agent.of("two calls", SOURCE)
        took = []
        for i in range(n + 10):
            start, before = time.perf_counter(), time.process_time()
            result = await sandbox.run(
                ItemJob(agent=agent, split="train", item=str(i), repeat=0, question="What is 6 × 7?"), llm
            )
            took.append((time.perf_counter() - start) * 1000)
            if i == 10:
                begun = before
            assert (result.kind, result.answer, result.used.calls) == ("ok", "42", 2), result
        here = (time.process_time() - begun) / n * 1000
        await sandbox.close()
        return took[10:], here

    took, here = asyncio.run(run(100 if quick else 500))
    what, target = ROWS["sandbox"]
    note = f"{len(took)} items one by one, sandbox.level=strict; CPU {here:.1f} ms of it on the trusted side"
    return Row(what, target, spread(took), sorted(took)[len(took) // 2] <= LIMIT_MS, note)
