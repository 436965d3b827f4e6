"""Stand-ins for what runs in Ray's processes: a gateway that echoes, a sandbox that does what it is told."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from meta_search.config import SandboxConfig
from meta_search.errors import ConfigError, SandboxError
from meta_search.types import Agent, CallReply, CallRequest, ItemJob, ItemResult, Usage

PATIENCE_S = 60.0
LOOK = """    import os
    seen = [repr(dict(os.environ))]
    for name in ('self', str(os.getppid()), '1'):
        for part in ('environ', 'cmdline'):
            try:
                seen.append(open(f'/proc/{name}/{part}').read())
            except OSError:
                pass
    return ' '.join(seen)"""
AGENT = Agent.of("tester", "def forward(self, taskInfo):\n    return taskInfo.content")


class Echo:
    """Stands in for the gateway."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.calls = 0

    async def call(self, request: CallRequest) -> CallReply:
        self.calls += 1
        return CallReply(self.prefix + request.messages[-1][1], used=Usage(1, 2, 3))

    async def count(self) -> int:
        return self.calls

    async def environment(self, name: str) -> str | None:
        return os.environ.get(name)

    async def fail(self) -> None:
        raise ZeroDivisionError("the gateway's own fault")

    async def refuse(self) -> None:
        raise ConfigError("no key in $NAME")


class StandIn:
    """Stands in for the sandbox: does in the worker itself what an item's question says.

    Questions: `call X`, `pid`, `environment`, `die`, `sleep`, `fault`.
    """

    def __init__(self, config: SandboxConfig) -> None:
        if config.level == "process":
            raise SandboxError("refused for the test")

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def run(self, job: ItemJob, llm: Callable[[CallRequest], Awaitable[CallReply]]) -> ItemResult:
        verb, _, rest = job.question.partition(" ")
        answer = ""
        if verb == "call":
            answer = (await llm(CallRequest("task", (("user", rest),)))).text
        elif verb == "pid":
            answer = str(os.getpid())
        elif verb == "environment":
            answer = Path("/proc/self/environ").read_text() + repr(dict(os.environ))
        elif verb == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif verb == "sleep":
            await asyncio.sleep(3600)
        elif verb == "fault":
            raise ZeroDivisionError("in the broker")
        return ItemResult(job.agent.id, job.split, job.item, job.repeat, "ok", answer)


def job(question: str, item: str = "1") -> ItemJob:
    return ItemJob(agent=AGENT, split="train", item=item, repeat=0, question=question)


def real_job(kind: str) -> ItemJob:
    """An item for the real sandbox: one LLM call, an endless sleep, an endless loop, a look around."""
    bodies = {
        "call": "    return LLMAgentBase(['answer'], 'asker')([taskInfo], 'Say it.')[0]",
        "wait": "    import time\n    time.sleep(1000)\n    return ''",
        "spin": "    while True:\n        pass",
        "look": LOOK,
    }
    agent = Agent.of(kind, "def forward(self, taskInfo):\n" + bodies[kind])
    return ItemJob(agent=agent, split="train", item="1", repeat=0, question="What is it?")
