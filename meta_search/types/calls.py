"""LLM calls on their way to the gateway and back, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from meta_search.types.names import FaultKind, Split
from meta_search.types.tools import Tool, ToolCall

__all__ = ["CallReply", "CallRequest", "Purpose", "Usage", "meta_role"]

# `perturb`: perturbed test items are written and judged. `probe`: the gateway's own.
Purpose = Literal["task", "meta", "teacher", "judge", "perturb", "probe"]


def meta_role(name: str) -> str:
    """The role of one of several meta models; `meta` itself is the first one's."""
    return f"meta:{name}"


@dataclass(frozen=True, slots=True)
class Usage:
    """What LLM calls cost: `used` as if nothing were shared, `paid` what was sent.

    Attributes:
        calls: Number of calls (for `paid`: attempts sent).
        prompt_tokens: Tokens read by the model.
        completion_tokens: Tokens written by the model.
        cost_usd: US dollars; 0 for local models.
        reasoning_tokens: Of the tokens written, those of the model's thinking.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    reasoning_tokens: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost_usd + other.cost_usd,
            self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One LLM request on its way to the gateway.

    Attributes:
        model: `task` or `meta`, of several meta models one by its `meta_role` (resolved by the gateway), or a
            litellm model name.
        messages: Chat messages, each a pair (role, content); what a model called and what came of it as
            `types.tools` has them.
        temperature: Sampling temperature.
        max_tokens: Most tokens of the answer; `None` takes `llm.max_tokens`.
        schema: JSON schema that the answer must satisfy; `None` asks for plain text.
        seed: Sampling seed sent to the endpoint, or `None`.
        occurrence: n-th equal request in program order of this item and repeat.
        purpose: Who asks; budgets and reports are kept by purpose.
        agent: Agent that the call was made for; names the brief in calls of the meta agent.
        split: Split of the item; empty in calls of the meta agent, as the next two.
        item: The item.
        repeat: Which repeat of it, from 0.
        author: Name of the `LLMAgentBase` that called, for traces.
        tools: What the model may call in place of an answer; not together with a schema. An endpoint that
            takes no tool calls is asked for them in words.
    """

    model: str
    messages: tuple[tuple[str, str], ...]
    temperature: float = 0.5
    max_tokens: int | None = None
    schema: Mapping[str, Any] | None = None
    seed: int | None = None
    occurrence: str = "0"
    purpose: Purpose = "task"
    agent: str = ""
    split: Split | Literal[""] = ""
    item: str = ""
    repeat: int = 0
    author: str = ""
    tools: tuple[Tool, ...] = ()


@dataclass(frozen=True, slots=True)
class CallReply:
    """The gateway's answer to a `CallRequest`; faults are values, not exceptions.

    Attributes:
        text: What the model wrote; with a schema, a JSON object wherever one could be recovered.
        used: What the call costs as if nothing were shared.
        paid: What was really sent for it now; all zero if the ledger had it.
        latency_s: Seconds the endpoint took (of the original call if the ledger had it).
        fault: `None`, or the outcome kind (`llm`, `declined`, `context`, `cut`, `budget`) that ends the item.
        message: One line on the fault.
        tool_calls: What the model called, where it was offered tools.
    """

    text: str
    used: Usage = Usage()
    paid: Usage = Usage()
    latency_s: float = 0.0
    fault: FaultKind | None = None
    message: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
