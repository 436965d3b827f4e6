"""Where a model answers, and what it charges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meta_search.types import Usage

__all__ = ["Endpoint", "Price", "bound_tokens", "price_of"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model and the way to it. `repr` hides the key.

    Attributes:
        model: litellm name; with `base_url` the name that the endpoint knows.
        base_url: Root of an OpenAI-compatible API (`http://host:port/v1`); `None` takes the provider's.
        api_key: Key; `None` lets litellm read the provider's environment variable.
        slots: Most requests this endpoint works on together; 0 leaves it to `llm.max_concurrency`.
        free: Costs no money (the embedded model).
    """

    model: str
    base_url: str | None = None
    api_key: str | None = None
    slots: int = 0
    free: bool = False

    def __repr__(self) -> str:
        key = "None" if self.api_key is None else "'***'"
        return (
            f"Endpoint(model={self.model!r}, base_url={self.base_url!r}, api_key={key}, "
            f"slots={self.slots}, free={self.free})"
        )

    @property
    def place(self) -> str:
        """What shares rate limits with this endpoint: its URL, or the provider of the model."""
        return self.base_url or self.model.partition("/")[0]

    @property
    def title(self) -> str:
        """How messages name it."""
        return f"{self.model} at {self.base_url}" if self.base_url else self.model


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per token read and written."""

    input: float = 0.0
    output: float = 0.0

    def usage(self, prompt_tokens: int, completion_tokens: int, calls: int = 1) -> Usage:
        """What calls of so many tokens cost."""
        cost = prompt_tokens * self.input + completion_tokens * self.output
        return Usage(calls, prompt_tokens, completion_tokens, cost)

    def per_million(self) -> dict[str, float]:
        """As `llm.prices` and the run's stored price table have it."""
        return {"input": self.input * 1e6, "output": self.output * 1e6}


def price_of(
    endpoint: Endpoint, configured: Mapping[str, Mapping[str, float]], table: Mapping[str, Any]
) -> Price | None:
    """Price of an endpoint's model, or `None` where nobody knows it.

    Args:
        endpoint: Whose price.
        configured: `llm.prices`: model -> {input, output}, USD per million tokens; wins over the table.
        table: litellm's own: model -> {input_cost_per_token, output_cost_per_token, …}. Where it has
            higher rates for long prompts, those are taken throughout, so that a budget in USD holds.
    """
    if endpoint.model in configured:
        mine = configured[endpoint.model]
        return Price(mine.get("input", 0.0) / 1e6, mine.get("output", 0.0) / 1e6)
    if endpoint.free:
        return Price()
    known = table.get(endpoint.model) or table.get(endpoint.model.partition("/")[2])
    if not known or known.get("input_cost_per_token") is None:
        return None
    return Price(_dearest(known, "input_cost_per_token"), _dearest(known, "output_cost_per_token"))


def _dearest(known: Mapping[str, Any], rate: str) -> float:
    long_prompts = (k for k in known if k.startswith(f"{rate}_above_") and k.endswith("_tokens"))
    return max(float(known.get(k) or 0.0) for k in (rate, *long_prompts))


def bound_tokens(messages: tuple[tuple[str, str], ...], extra: int = 0) -> int:
    """Upper bound of the tokens of a prompt, whatever the tokenizer.

    No byte-level tokenizer makes more tokens than the text has UTF-8 bytes; a chat template adds a few
    around each message and, where there is no system message, one of its own.

    Args:
        messages: (role, content) pairs.
        extra: Bytes that go with them, such as a JSON schema.
    """
    return sum(len(content.encode("utf-8", "replace")) + 16 for _, content in messages) + extra + 64
