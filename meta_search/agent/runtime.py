"""The runtime that candidate code sees: `LLMAgentBase`, `Info`, and `self` (an `AgentSystem`).

Compatible with the agents that ADAS published (arXiv 2408.08435): their code runs unchanged. Beyond it:
calls are answered lazily (`desk`), `self.tune`, `self.map`, `self.run_python`, demonstrations.
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

from . import chance
from .answers import text_of
from .desk import Channel, Desk
from .info import Info
from .llm_agent import LLMAgentBase, make_llm_agent_base
from .sources import Ground
from .system import AgentSystem, Demonstration, nearest
from .team import make_team, networks_of

__all__ = [
    "AgentSystem",
    "Demonstration",
    "LLMAgentBase",
    "make_llm_agent_base",
    "nearest",
    "preload",
    "run_item",
]


def preload() -> None:
    """Import what agents may use, before the sandbox closes the file system."""
    for name in PRELOADED:
        try:
            __import__(name)
        except ImportError:
            continue


PRELOADED = (
    *("ast bisect cmath collections copy csv dataclasses datetime decimal difflib enum fractions").split(),
    *("functools hashlib heapq inspect io itertools json math numbers operator random re statistics").split(),
    *("string textwrap threading time traceback typing unicodedata calendar abc contextlib warnings").split(),
    *("tokenize linecache concurrent.futures queue encodings.idna base64 uuid types secrets").split(),
)


def run_item(job: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Run an agent on one item.

    Args:
        job: `source`, `values`, `demonstrations`, `question`, `examples`, `wording`; `calls`, the most that
            it may make; `helpers` that the domain grants and the item's public `data`; `mute`, components to
            leave out; and what its random state is a function of: `seed`, `item`, `repeat`.
        channel: Pipe to the broker.

    Returns:
        The final message: `done` with the answer, or `fault` with a kind and one line for the author.
    """
    seed = zlib.crc32(json.dumps([job.get(k) for k in ("seed", "item", "repeat")]).encode())
    desk = Desk(channel, seed, job.get("calls"))
    desk.mute = frozenset(job.get("mute") or ())
    chance.install(lambda: getattr(desk.local, "branch", desk.main).chance)
    system = AgentSystem(job, desk)

    def fault(kind: str, detail: str) -> dict[str, Any]:
        return {
            "op": "fault",
            "kind": kind,
            "detail": detail[:500],
            "space": list(system.tune.space.values()),
        }

    try:
        code = compile(str(job["source"]), "agent.py", "exec", dont_inherit=True)
        desk.ground = Ground(code, _given(job))
        forward = _load(code, desk, job.get("wording") or {})
        answer = forward(system, Info("task", "User", str(job["question"]), -1))
        made_of = answer.pending if isinstance(answer, Info) else None
        if isinstance(answer, Info):
            answer = answer.content
            answer = text_of(answer) if isinstance(answer, int | float) else answer
        if isinstance(answer, str):
            answer = str.__str__(answer)  # numpy draws give a subclass
        desk.finish()
    except Exception as error:  # noqa: BLE001 (whatever an agent raises is its outcome)
        return fault("memory" if isinstance(error, MemoryError) else "crash", _describe(error))
    if type(answer) is not str:
        return fault("bad_answer", f"forward returned {type(answer).__name__}; return an Info or a str")
    calls = desk.pasted([answer]) if made_of is None else [made_of.call]
    space, networks = list(system.tune.space.values()), networks_of(desk)
    final = {"op": "done", "answer": answer, "space": space, "inputs": [call.number for call in calls]}
    return {**final, "networks": networks} if networks else final


def _given(job: Mapping[str, Any]) -> list[str]:
    """Texts that an agent has from elsewhere than from a model."""
    pairs = [*(job.get("examples") or ()), *(job.get("demonstrations") or ())]
    return [str(job["question"]), *(str(text) for pair in pairs for text in pair)]


def _load(code: CodeType, desk: Desk, wording: Mapping[str, str]) -> Callable[[AgentSystem, Info], Any]:
    module = types.ModuleType("agent_code")
    sys.modules[module.__name__] = module  # where dataclasses look for the names of their annotations
    scope = module.__dict__
    scope |= {
        "LLMAgentBase": make_llm_agent_base(desk, wording),
        "Info": Info,
        "json": json,
        "re": re,
        "math": math,
        "random": random,
        "collections": collections,
        "Counter": collections.Counter,
    }
    scope["Team"] = make_team(desk, scope["LLMAgentBase"])
    if "numpy" in sys.modules:
        scope["np"] = sys.modules["numpy"]
    exec(code, scope)
    forward = scope.get("forward")
    if not callable(forward):
        raise NameError("the code defines no function forward(self, taskInfo)")
    return forward  # type: ignore[no-any-return]


def _describe(error: BaseException) -> str:
    """One line: the exception, and the line of the agent's code it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    line = next((f.lineno for f in reversed(frames) if f.filename == "agent.py"), None)
    said: object = error
    if line is None and isinstance(error, SyntaxError):
        line, said = error.lineno, error.msg
    text = " ".join(f"{type(error).__name__}: {said}".split())
    return f"{text} (line {line} of agent.py)" if line else text
