"""Meta models that work with tools, for a `CountingEndpoint`: what they do depends on what they were told.

They call tools natively where these are offered, and else write them as JSON, one a reply.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from meta_search.testing import ToolReply
from tests.kits.answers import adds_below

Calls = Sequence[tuple[str, Mapping[str, Any] | str]]
Script = Callable[[int, str], Calls | str]
IDS = re.compile(r"\b([0-9a-f]{12,}) «")
adds = adds_below(12)

AGENT = """def forward(self, taskInfo):
    solver = LLMAgentBase(["answer"], "Solver {n}")
    return solver([taskInfo], "Add the two numbers. Reply with only the number. {n}")[0]
"""


def everything(step: int, told: str) -> Calls | str:
    """Every tool, one after another, in one step or more; hands in a broken agent first."""
    ids = list(dict.fromkeys(IDS.findall(told)))
    agent = ids[0] if ids else "none"
    brief = len(ids)
    source = AGENT.format(n=brief)
    script: list[Calls | str] = [
        (("list", {"order": None, "page": None}), ("item", {}), ("lessons", {"page": 1})),
        (("show", {"agent": agent}), ("source", {"agent": agent}), ("item", {"item": "1"})),
        (("trace", {"agent": agent, "item": "1"}), ("grep", {"pattern": "number", "where": "traces"})),
        (("diff", {"agent": agent, "other": ids[-1]}), ("item", {"item": "2", "agent": agent})),
        (("ask", {"prompt": "What is 5 + 6?"}),),
        (("try", {"source": source, "items": ["1", "2"]}),),
        (("trace", {"agent": "try1", "item": "1"}), ("source", {"agent": "try1"})),
        (("hand_in", {"name": "Broken", "thought": "breaks", "source": "def forward(self):\n    return 1"}),),
        (("hand_in", {"name": f"Adder {brief}", "thought": "adds", "source": source}),),
    ] if ids or step == 0 else []  # fmt: skip
    return script[step] if step < len(script) else "I am at a loss."


def never(step: int, told: str) -> Calls | str:
    """Tries sources, and never hands one in."""
    return (("try", {"source": AGENT.format(n=step), "items": [str(step + 1)]}),)


class ToolModel:
    """Both models of a search: `writer` follows a script, `solver` adds.

    Args:
        script: (step, all that it was told) -> calls, or words.
    """

    def __init__(self, script: Script) -> None:
        self._script = script

    def __call__(self, messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> ToolReply | str:
        if body["model"] != "writer":
            return adds(messages, body)
        told = "\n".join(str(m["content"]) for m in messages)
        done = sum(m["role"] == "assistant" for m in messages)
        if body.get("tools"):
            made = self._script(done, told)
            return made if isinstance(made, str) else ToolReply(tuple(made), f"Step {done}.")
        flat = self._flat(told)
        if done >= len(flat):
            return "I am at a loss."
        name, given = flat[done]
        return json.dumps({"thought": f"Step {done}.", "tool": name, "arguments": given})

    def _flat(self, told: str) -> list[tuple[str, Any]]:
        """The script one call after another, as far as it goes."""
        found: list[tuple[str, Any]] = []
        for step in range(40):
            made = self._script(step, told)
            if isinstance(made, str):
                break
            found += made
        return found
