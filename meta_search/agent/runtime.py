"""Runs an agent on one item, with what its code sees: `LLMAgentBase`, `Info`, `Team` and `self`.

Compatible with the agents that ADAS published (arXiv 2408.08435): their code runs unchanged. Added to that:
calls that overlap (`call_scheduler`), `self.tune`, `self.map`, `self.run_python`, demonstrations (`system`).
"""

from __future__ import annotations

import collections
import json
import math
import random
import re
import sys
import traceback
import types
import zlib
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

from . import rehearsal, seeded_random
from .answers import text_of
from .call_scheduler import CallScheduler, Channel
from .info import Info
from .llm_agent import LLMAgentBase, make_llm_agent_base
from .pasted_answers import Background
from .system import AgentSystem, Demonstration, nearest
from .team import make_team, networks_of

__all__ = [
    "AgentSystem",
    "Demonstration",
    "LLMAgentBase",
    "make_llm_agent_base",
    "nearest",
    "preload",
    "rehearse",
    "run_item",
]


def preload() -> None:
    """Import what agents may use, before the sandbox closes the file system."""
    for name in PRELOADED:
        try:
            __import__(name)
        except ImportError:
            continue


def rehearse() -> None:
    """Have the code of the runtime warm, after all that agents may use is loaded; see `rehearsal`."""
    rehearsal.rehearse(run_item)


PRELOADED = (
    *("ast bisect cmath collections copy csv dataclasses datetime decimal difflib enum fractions").split(),
    *("functools hashlib heapq inspect io itertools json math numbers operator random re statistics").split(),
    *("string textwrap threading time traceback typing unicodedata calendar abc contextlib warnings").split(),
    *("tokenize linecache concurrent.futures queue encodings.idna base64 uuid types secrets").split(),
)


def run_item(job: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Run an agent on one item.

    Args:
        job: As `sandbox.trusted.job.job_message` makes it: `source`, `values`, `demonstrations`, `question`,
            `examples`, `wording`; `calls`, the most LLM calls that it may make; `helpers` that the domain
            grants and the item's public `data`; `mute`, components to leave out; and `seed`, `item`,
            `repeat`, of which its random states are a function.
        channel: Pipe to the broker.

    Returns:
        The final message: `done` with the answer, or `fault` with a kind and one line for the author.
    """
    seed = zlib.crc32(json.dumps([job.get(k) for k in ("seed", "item", "repeat")]).encode())
    scheduler = CallScheduler(channel, seed, job.get("calls"))
    scheduler.mute = frozenset(job.get("mute") or ())
    seeded_random.install(lambda: getattr(scheduler.local, "branch", scheduler.main).random_states)
    system = AgentSystem(job, scheduler)
    try:
        code = compile(str(job["source"]), "agent.py", "exec", dont_inherit=True)
        scheduler.background = Background(code, _given(job))
        forward = _load(code, scheduler, job.get("wording") or {})
        returned = forward(system, Info("task", "User", str(job["question"]), -1))
        pending = returned.pending if isinstance(returned, Info) else None
        answer = _plain(returned)
        scheduler.finish()
    except Exception as error:  # noqa: BLE001 (whatever an agent raises is its outcome)
        return _fault("memory" if isinstance(error, MemoryError) else "crash", _describe(error), system)
    if type(answer) is not str:
        detail = f"forward returned {type(answer).__name__}; return an Info or a str"
        return _fault("bad_answer", detail, system)
    calls = scheduler.pasted([answer]) if pending is None else [pending.call]
    space, networks = list(system.tune.space.values()), networks_of(scheduler)
    final = {"op": "done", "answer": answer, "space": space, "inputs": [call.number for call in calls]}
    return {**final, "networks": networks} if networks else final


def _plain(returned: Any) -> Any:
    """What `forward` returned, without its `Info`; a plain `str` if it is text."""
    answer = returned
    if isinstance(answer, Info):
        answer = answer.content
        answer = text_of(answer) if isinstance(answer, int | float) else answer
    return str.__str__(answer) if isinstance(answer, str) else answer  # numpy draws give a subclass


def _fault(kind: str, detail: str, system: AgentSystem) -> dict[str, Any]:
    return {"op": "fault", "kind": kind, "detail": detail[:500], "space": list(system.tune.space.values())}


def _given(job: Mapping[str, Any]) -> list[str]:
    """Texts that the agent has from elsewhere than from a model or its own code."""
    pairs = [*(job.get("examples") or ()), *(job.get("demonstrations") or ())]
    return [str(job["question"]), *(str(text) for pair in pairs for text in pair)]


def _load(
    code: CodeType, scheduler: CallScheduler, wording: Mapping[str, str]
) -> Callable[[AgentSystem, Info], Any]:
    """Run the agent's module and return its `forward`."""
    module = types.ModuleType("agent_code")
    sys.modules[module.__name__] = module  # where dataclasses look for the names of their annotations
    scope = module.__dict__
    scope |= {
        "LLMAgentBase": make_llm_agent_base(scheduler, wording),
        "Info": Info,
        "json": json,
        "re": re,
        "math": math,
        "random": random,
        "collections": collections,
        "Counter": collections.Counter,
    }
    scope["Team"] = make_team(scheduler, scope["LLMAgentBase"])
    if "numpy" in sys.modules:
        scope["np"] = sys.modules["numpy"]
    exec(code, scope)
    forward = scope.get("forward")
    if not callable(forward):
        raise NameError("the code defines no function forward(self, taskInfo)")
    return forward  # type: ignore[no-any-return]


def _describe(error: BaseException) -> str:
    """The exception and the line of the agent's code it came from, as one line."""
    frames = traceback.extract_tb(error.__traceback__)
    line = next((f.lineno for f in reversed(frames) if f.filename == "agent.py"), None)
    message: object = error
    if line is None and isinstance(error, SyntaxError):
        line, message = error.lineno, error.msg
    text = " ".join(f"{type(error).__name__}: {message}".split())
    return f"{text} (line {line} of agent.py)" if line else text
