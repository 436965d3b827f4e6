"""LLM calls on their way to the gateway and back, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from meta_search.types.names import FaultKind, Split

__all__ = ["CallReply", "CallRequest", "Purpose", "Usage"]

# `perturb`: perturbed test items are written and judged. `probe`: the gateway's own.
Purpose = Literal["task", "meta", "teacher", "judge", "perturb", "probe"]


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
        model: `task` or `meta` (resolved by the gateway), or a litellm model name.
        messages: Chat messages, each a pair (role, content).
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
    """

    text: str
    used: Usage = Usage()
    paid: Usage = Usage()
    latency_s: float = 0.0
    fault: FaultKind | None = None
    message: str = ""
