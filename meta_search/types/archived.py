"""What the archive keeps for people of items and of what was said on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from meta_search.types.names import Split
from meta_search.types.tools import ToolCall

__all__ = ["ArchivedItem", "TranscriptCall"]


@dataclass(frozen=True, slots=True)
class ArchivedItem:
    """An item as a run keeps it for people. Neither authors nor agents are shown anything of it.

    Attributes:
        split: Split of the item.
        item: Id of the item.
        kind: Family of the item, `""` where it has none.
        question: The public part, cut where it is very long.
        target: The expected answer, likewise; `None` where it is not known.
        public: What the domain's helpers for agents are given, where it is small.
        note: What is cut, left out or not known, `""` for nothing.
    """

    split: Split
    item: str
    kind: str = ""
    question: str = ""
    target: str | None = None
    public: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class TranscriptCall:
    """One LLM call as people read it: what was sent, what came back, and what it cost.

    Attributes:
        index: Ordinal within the item, from 1; calls of authors and judges are numbered as they were made.
        component: Part of the agent that called, or the name of whoever asked.
        role: Role of the caller, `""` where it has none.
        model: Name of the model, `""` where it is not known.
        messages: What was sent, pairs (role, content) as `CallRequest.messages`; at least its last message.
        reply: What came back, without the model's thinking.
        reasoning: The thinking, where the answer held it within its text.
        tool_calls: What the model called.
        fields: Names of the output fields.
        inputs: Ordinals of earlier calls whose answers went in.
        final: Whether its answer is the item's answer, or stands in it.
        prompt_tokens: Used; 0 where only their sum is known.
        completion_tokens: Used; all tokens where only their sum is known.
        cost_usd: Used, in US dollars.
        latency_s: Seconds; `None` where it is not known.
        attempts: How often it was sent; 0 where another agent's call was answered alike.
        fault: What ended it without an answer, one line, `""` for nothing.
        purpose: Who asks, see `types.calls.Purpose`.
        left_out: What of it is not shown, in a sentence; `""` where all of it is.
    """

    index: int
    component: str
    role: str = ""
    model: str = ""
    messages: tuple[tuple[str, str], ...] = ()
    reply: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    fields: tuple[str, ...] = ()
    inputs: tuple[int, ...] = ()
    final: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    latency_s: float | None = None
    attempts: int = 0
    fault: str = ""
    purpose: str = "task"
    left_out: str = ""
