"""Models as functions of their prompt, for a `CountingEndpoint`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Answerer = Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], str]
ADDITION = re.compile(r"What is (\d+) \+ (\d+)")
PROGRAM = """Name: Agent {n}
Thought: number {n} of the scripted model.
```python
def forward(self, taskInfo):
    solver = LLMAgentBase(["answer"], "Solver {n}", temperature={n} / 10)
    return solver([taskInfo], "Reply with only the number. {n}")[{index}]
```"""
SUM = re.compile(r"(\d+) (plus|times) (\d+)")


def as_asked(body: Mapping[str, Any], text: str) -> str:
    """A text as the request wants it: in every field of its JSON schema, or as it is."""
    wanted = (body.get("response_format") or {}).get("json_schema")
    return json.dumps(dict.fromkeys(wanted["schema"]["properties"], text)) if wanted else text


def always(text: str) -> Answerer:
    """A model that always says the same."""
    return lambda messages, body: as_asked(body, text)


def adds_below(limit: int) -> Answerer:
    """A model that adds up the last question's numbers if the first is below the limit, and else says 0."""

    def adds(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        found = ADDITION.findall(messages[-1]["content"])
        a, b = map(int, found[-1]) if found else (0, 0)
        return as_asked(body, str(a + b if a < limit else 0))

    return adds


def mind(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """A model that is right more often on sums than on products, and writes agents, some of them broken."""
    text = json.dumps([messages, body.get("temperature")], sort_keys=True)
    chance = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    wanted = (body.get("response_format") or {}).get("json_schema")
    fields = wanted["schema"]["properties"] if wanted else {}
    if "way" in fields:
        return json.dumps(_plan(chance, fields))
    if body.get("model") == "writer" and not fields and "Name:" in text:
        return PROGRAM.format(n=chance % 9, index=0 if chance % 3 else "'no'")
    found = SUM.findall(messages[-1]["content"])
    a, what, b = found[-1] if found else ("0", "plus", "0")
    right = int(a) + int(b) if what == "plus" else int(a) * int(b)
    missed = chance % 100 < (20 if what == "plus" else 60)
    answer = str(right + missed)
    if "```" in text or "Python program" in text:
        return f"```python\nprint({answer})\n```"
    return json.dumps(dict.fromkeys(fields, answer)) if fields else answer


def _plan(chance: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    words = fields["routes"]["items"]["properties"]["words"].get("enum", ["plus"])
    ways = ("direct", "program", "think")
    return {
        "name": f"Plan {chance % 997}",
        "thought": "of the scripted model",
        "way": ways[chance % 3],
        "routes": [{"words": words[chance % len(words)], "way": ways[chance // 3 % 3]}],
        "hint": "",
        "samples": (1, 3)[chance // 9 % 2],
        "shown": chance // 18 % 3,
    }
