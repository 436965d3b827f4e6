"""An agent that is run before there is any item, so that every child of the sandbox starts with warm code.

A process that was just forked pays for each page that it writes to, and Python writes wherever it runs code
for the first time: specialised instructions, caches of attributes, compiled patterns. What ran once in the
parent is there for all children. Nothing of an item, a key or a search passes through this; what the runtime
replaces for an agent (`seeded_random`) is put back.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["rehearse"]

TIMES = 20  # Python specialises code that has run some eight times

SOURCE = """
def forward(self, taskInfo):
    thinker = LLMAgentBase(['thinking', 'answer'], 'Solver', temperature=0.8)
    thinking, answer = thinker([taskInfo], 'Think step by step, then answer.')
    voter = LLMAgentBase(['answer'], 'Voter', role='judge')
    votes = [voter([taskInfo, thinking], 'Vote.', number)[0] for number in range(2)]
    best = Counter(vote.content for vote in votes).most_common(1)[0][0]
    last = LLMAgentBase(['answer'], 'Judge')([taskInfo, thinking, answer], f'Check {best}.')
    return last[0]
"""


class _Echo:
    """A pipe at whose other end every call is answered at once."""

    def __init__(self) -> None:
        self._asked: list[dict[str, Any]] = []

    def send(self, message: dict[str, Any]) -> None:
        self._asked.append(json.loads(json.dumps(message)))

    def recv(self) -> dict[str, Any]:
        asked = self._asked.pop(0)
        text = json.dumps(dict.fromkeys(asked["fields"], "7"))
        reply: dict[str, Any] = json.loads(json.dumps({"op": "reply", "id": asked["id"], "text": text}))
        return reply


def rehearse(run: Callable[[dict[str, Any], Any], dict[str, Any]]) -> None:
    """Run an agent some times.

    Args:
        run: `runtime.run_item`.

    Raises:
        RuntimeError: It does not work, so no agent would.
    """
    changed = [vars(module) for module in (random, os, *_numpy())]
    kept = [dict(names) for names in changed]
    job = {"source": SOURCE, "question": "How many?", "values": {}, "demonstrations": [], "examples": []}
    more = {"wording": {}, "seed": 0, "helpers": [], "data": {}, "mute": [], "calls": 128}
    try:
        for _ in range(TIMES):
            final = run({**job, **more}, _Echo())
            if final.get("op") != "done":
                raise RuntimeError(f"the runtime's own agent fails: {final}")
    finally:
        for names, before in zip(changed, kept, strict=True):
            names.update(before)
        sys.modules.pop("agent_code", None)


def _numpy() -> list[Any]:
    numpy = sys.modules.get("numpy")
    return [] if numpy is None else [numpy.random]
