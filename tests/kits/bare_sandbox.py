"""A sandbox with the smallest runtime there is in place of the agents' own; an LLM that repeats prompts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from meta_search.config import SandboxConfig
from meta_search.sandbox import Sandbox
from meta_search.sandbox.trusted.layers import LAYERS
from meta_search.types import Agent, CallReply, CallRequest, ItemJob, ItemResult, Usage
from tests.kits.processes import children_of

T = TypeVar("T")

# The smallest runtime: `self.ask` sends a call, `self.call` waits for its answer, `self.run_python`.
RUNTIME = """
import itertools
class System:
    def __init__(self, job, channel):
        self.job, self.channel, self.numbers = job, channel, itertools.count(1)
    def ask(self, prompt, **more):
        number = next(self.numbers)
        self.channel.send({"op": "call", "id": number, "author": "Solver", "role": "helper",
            "messages": [["system", "You solve."], ["user", prompt]], "temperature": 0.5, "max_tokens": None,
            "fields": ["answer"], "occurrence": "0", "inputs": [], **more})
        return number
    def call(self, prompt, **more):
        self.ask(prompt, **more)
        return self.channel.recv()["text"]
    def run_python(self, code, timeout=5):
        self.channel.send({"op": "python", "id": next(self.numbers), "code": code, "timeout": timeout})
        reply = self.channel.recv()
        return ("" if reply["ok"] else "Error: ") + reply["text"]

def run_item(job, channel):
    scope = {}
    exec(compile(job["source"], "agent.py", "exec"), scope)
    system = System(job, channel)
    system.space = []
    answer = scope["forward"](system, job["question"])
    if type(answer) is not str:
        return {"op": "fault", "kind": "bad_answer", "detail": type(answer).__name__, "space": []}
    return {"op": "done", "answer": answer, "space": system.space}
"""


def write_runtime(folder: Path) -> Path:
    """Write the stand-in runtime as a package folder."""
    package = folder / "runtime"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "runtime.py").write_text(RUNTIME)
    return package


def forward(body: str) -> str:
    """Source of an agent whose `forward` has this body."""
    lines = "\n".join("    " + line for line in body.strip("\n").splitlines())
    return f"def forward(self, task):\n{lines}\n"


def job_of(source: str, **more: Any) -> ItemJob:
    """A job for an agent with this source."""
    fields: dict[str, Any] = {"split": "train", "item": "i1", "repeat": 0, "question": "How many?", **more}
    return ItemJob(Agent.of("tested", source), **fields)


async def echo(request: CallRequest) -> CallReply:
    """An LLM that repeats the prompt; each call costs 3 tokens in, 2 out."""
    text = f"heard {request.messages[-1][1]}"
    return CallReply(text, used=Usage(1, 3, 2, 0.01), paid=Usage(1, 3, 2, 0.01), latency_s=0.5)


class BareSandbox:
    """A sandbox with an event loop, for tests that are not asynchronous themselves."""

    def __init__(self, runtime: Path | None, layers: tuple[str, ...] = LAYERS, **limits: Any) -> None:
        self.runner = asyncio.Runner()
        self.sandbox = Sandbox(SandboxConfig(**limits), runtime, layers)

    def __enter__(self) -> BareSandbox:
        self.do(self.sandbox.start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.do(self.sandbox.close())
        self.runner.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def run(self, source: str, llm: Callable[[CallRequest], Any] = echo, **more: Any) -> ItemResult:
        return self.do(self.sandbox.run(job_of(source, **more), llm))

    def body(self, body: str, llm: Callable[[CallRequest], Any] = echo, **more: Any) -> ItemResult:
        return self.run(forward(body), llm, **more)

    @property
    def zygote(self) -> int:
        """Process id of the zygote of agents that need no NumPy."""
        assert self.sandbox._zygote is not None
        return self.sandbox._zygote._process.pid

    @property
    def zygote_with_numpy(self) -> int:
        """Process id of the zygote of agents that name NumPy or run programs."""
        assert self.sandbox._with_numpy is not None
        return self.sandbox._with_numpy._process.pid

    def children(self) -> list[int]:
        """Processes below the zygotes, without the newest, which wait for a job."""
        zygotes = [z for z in (self.sandbox._zygote, self.sandbox._with_numpy) if z is not None]
        return [pid for z in zygotes for pid in children_of(z._process.pid)[: -z.spares or None]]
