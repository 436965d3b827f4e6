"""Tools that a model may call, its calls of them, and how both stand among the messages of a request.

Messages stay pairs (role, content). Two roles hold JSON of ours as their content: `calling`, what a model
said and called, and `tool`, what came of one call. The gateway puts them as the endpoint takes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "CALLING",
    "RESULT",
    "Tool",
    "ToolCall",
    "called",
    "calling",
    "for_people",
    "result",
    "resulted",
    "with_calls",
]

CALLING, RESULT = "calling", "tool"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that a model is offered.

    Attributes:
        name: Letters, digits and `_`.
        description: What it does, and what it costs.
        parameters: JSON schema of its arguments, an object. For endpoints with strict schemas all properties
            are required (one that may be left out takes `null`), and no others are allowed.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool, as a model wrote it: nothing of it is checked.

    Attributes:
        id: Names it within its reply.
        name: Of the tool; there may be none of that name.
        arguments: JSON text of an object, where one could be recovered.
    """

    id: str
    name: str
    arguments: str


def calling(text: str, calls: Sequence[ToolCall]) -> tuple[str, str]:
    """The message that a model's reply is in what is asked next; a plain one where it called nothing."""
    if not calls:
        return "assistant", text
    rows = [[call.id, call.name, call.arguments] for call in calls]
    return CALLING, json.dumps({"text": text, "calls": rows}, ensure_ascii=False)


def called(content: str) -> tuple[str, tuple[ToolCall, ...]]:
    """Text and calls of a message of role `calling`."""
    said = json.loads(content)
    return said["text"], tuple(ToolCall(*row) for row in said["calls"])


def result(call: ToolCall, text: str) -> tuple[str, str]:
    """The message that tells a model what came of a call."""
    return RESULT, json.dumps({"id": call.id, "name": call.name, "text": text}, ensure_ascii=False)


def resulted(content: str) -> tuple[str, str, str]:
    """Id and name of the call, and what came of it, from a message of role `tool`."""
    said = json.loads(content)
    return said["id"], said["name"], said["text"]


def with_calls(text: str, calls: Sequence[ToolCall]) -> str:
    """What a model said and called, for people: its words, and a line of JSON for each call."""
    rows = [json.dumps({"tool": c.name, "arguments": c.arguments}, ensure_ascii=False) for c in calls]
    return "\n".join((*([text] if text else ()), *rows))


def for_people(role: str, content: str) -> tuple[str, str]:
    """A message for people, of whatever role."""
    if role == CALLING:
        return "assistant", with_calls(*called(content))
    return (role, resulted(content)[2]) if role == RESULT else (role, content)
