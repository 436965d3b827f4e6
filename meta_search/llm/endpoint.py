"""Where a model answers, and what it charges."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meta_search.types import Usage

__all__ = ["Endpoint", "Price", "bound_tokens", "price_file", "price_of", "window_of"]

PRICES = "model_prices_and_context_window_backup.json"  # litellm's own table, in its package
SHORTEST = 4  # characters of a secret


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model and the way to it. `repr` hides the key.

    Attributes:
        model: litellm name; with `base_url` the name that the endpoint knows.
        base_url: Root of an OpenAI-compatible API (`http://host:port/v1`); `None` takes the provider's.
        api_key: Key; `None` lets litellm read the provider's environment variable.
        slots: Most requests this endpoint works on together; 0 leaves it to `llm.max_concurrency`.
        free: Costs no money (the embedded model).
        extra: Further fields of every request's body, as JSON text; empty for none.
        headers: Further headers, (name, value) pairs.
    """

    model: str
    base_url: str | None = None
    api_key: str | None = None
    slots: int = 0
    free: bool = False
    extra: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        key = "None" if self.api_key is None else "'***'"
        return (
            f"Endpoint(model={self.model!r}, base_url={self.base_url!r}, api_key={key}, "
            f"slots={self.slots}, free={self.free})"
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may show: the key, and what further headers hold."""
        held = [self.api_key or "", *(value for _, value in self.headers)]
        held += [value.partition(" ")[2] for value in held]  # `Bearer …`
        return tuple(sorted((text for text in held if len(text) >= SHORTEST), key=len, reverse=True))

    @property
    def place(self) -> str:
        """What shares rate limits with this endpoint: its URL, or the provider of the model."""
        return self.base_url or self.model.partition("/")[0]

    @property
    def asked(self) -> str:
        """What answers depend on: the model, and what else its requests carry."""
        return f"{self.model} {self.extra}" if self.extra else self.model

    @property
    def title(self) -> str:
        """How messages name it."""
        return f"{self.model} at {self.base_url}" if self.base_url else self.model


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per token read and written.

    Attributes:
        input: Of a token that the model reads.
        output: Of a token that it writes.
        thought: Of a token of its thinking, where that has a price of its own; 0 takes `output`.
    """

    input: float = 0.0
    output: float = 0.0
    thought: float = 0.0

    def usage(
        self, prompt_tokens: int, completion_tokens: int, calls: int = 1, reasoning_tokens: int | None = None
    ) -> Usage:
        """What calls of so many tokens cost.

        Args:
            prompt_tokens: Read.
            completion_tokens: Written, thinking included.
            calls: How many calls.
            reasoning_tokens: Of those written, thinking; `None` where that is not known: it is priced as if
                all were the dearer kind, and counted as none.
        """
        thought = completion_tokens if reasoning_tokens is None else reasoning_tokens
        dearer = (self.thought or self.output) - self.output
        if reasoning_tokens is None:
            dearer = max(0.0, dearer)
        cost = prompt_tokens * self.input + completion_tokens * self.output + thought * dearer
        return Usage(calls, prompt_tokens, completion_tokens, cost, reasoning_tokens or 0)

    def per_million(self) -> dict[str, float]:
        """As `llm.prices` and the run's stored price table have it."""
        table = {"input": self.input * 1e6, "output": self.output * 1e6}
        return table | ({"reasoning": self.thought * 1e6} if self.thought else {})


def price_file() -> Path:
    """litellm's price table, found without importing litellm."""
    found = importlib.util.find_spec("litellm")
    places = (found.submodule_search_locations if found else None) or ("",)
    return Path(next(iter(places))) / PRICES


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
        return Price(*(mine.get(kind, 0.0) / 1e6 for kind in ("input", "output", "reasoning")))
    if endpoint.free:
        return Price()
    known = table.get(endpoint.model) or table.get(endpoint.model.partition("/")[2])
    if not known or known.get("input_cost_per_token") is None:
        return None
    rates = ("input_cost_per_token", "output_cost_per_token", "output_cost_per_reasoning_token")
    read, written, thought = (_dearest(known, rate) for rate in rates)
    return Price(read, written, 0.0 if thought == written else thought)


def window_of(endpoint: Endpoint, table: Mapping[str, Any]) -> int:
    """Tokens that an endpoint's model reads in one call; 0 where that is not known.

    Args:
        endpoint: Whose model. Behind a URL that is no provider's, a name says little: whoever serves a model
            there chooses its window.
        table: litellm's own: model -> {max_input_tokens, …}.
    """
    if endpoint.base_url is not None and not endpoint.base_url.startswith("https://"):
        return 0
    known = table.get(endpoint.model) or table.get(endpoint.model.partition("/")[2]) or {}
    most = known.get("max_input_tokens") if isinstance(known, Mapping) else None
    return most if type(most) is int and most > 0 else 0


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
