"""Agents in the real sandbox, asking a scripted model. Shared by the tests of agent and authors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from meta_search.config import EvaluateConfig, SandboxConfig
from meta_search.evaluators.inline import InlineEvaluator
from meta_search.testing import ScriptedLLM
from meta_search.types import Agent, CallRequest, Demonstration, ItemJob, ItemResult

Script = Callable[[CallRequest], str]
SEEDS = Path(__file__).parents[2] / "meta_search" / "agent" / "seeds"
QUESTION = "How many legs have 3 dogs and 2 birds?"


def fields_of(request: CallRequest) -> list[str]:
    """Output fields of a call that is asked for as JSON."""
    return list((request.schema or {}).get("properties", {}))


def with_text(value: object) -> Script:
    """A model that writes this value into every field."""

    def script(request: CallRequest) -> str:
        return json.dumps(dict.fromkeys(fields_of(request), value)) if request.schema else str(value)

    return script


def wrapped(body: str) -> str:
    """Source of an agent whose `forward` has this body."""
    lines = "\n".join("    " + line for line in body.strip("\n").splitlines())
    return f"def forward(self, taskInfo):\n{lines}\n"


class House:
    """An evaluator with a model whose script can be changed between items."""

    def __init__(self) -> None:
        self.script: Script = with_text("7")
        self.llm = ScriptedLLM(lambda request: self.script(request))
        limits = SandboxConfig(wall_s=10.0, cpu_s=5.0)
        self.evaluator = InlineEvaluator(limits, EvaluateConfig(per_worker=8), self.llm)

    def __enter__(self) -> House:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.evaluator.close()

    def run_all(self, sources: list[str], script: Script | None = None, **more: Any) -> list[ItemResult]:
        """Run agents, several at a time."""
        self.script = script or self.script
        self.llm.requests.clear()
        fields: dict[str, Any] = {"split": "train", "item": "i1", "repeat": 0, "question": QUESTION, **more}
        values, shown = fields.pop("values", None), fields.pop("demonstrations", ())
        kept = [Demonstration(*pair) for pair in shown]
        jobs = [ItemJob(Agent.of("tested", source, values, kept), **fields) for source in sources]
        return [future.result(60) for future in [self.evaluator.submit(job) for job in jobs]]

    def run(self, source: str, script: Script | None = None, **more: Any) -> ItemResult:
        return self.run_all([source], script, **more)[0]

    def body(self, body: str, script: Script | None = None, **more: Any) -> ItemResult:
        return self.run(wrapped(body), script, **more)
