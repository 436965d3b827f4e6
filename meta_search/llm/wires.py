"""The ways to models, by `llm.provider`, in one table; each is imported when it is asked for.

To add a provider that is no OpenAI endpoint and that litellm does not know: a line in `WIRES`, and a file
with the class that the line names, a `Wire`. Ledger, budget, rate limits and retries stand before it: it
sends one attempt and says what came back. `llm=endpoint llm.provider=NAME` then takes it;
`conf/llm/NAME.yaml` gives it a group of its own, for `llm=NAME`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pkgutil import resolve_name
from typing import Any, Protocol, cast

from meta_search.config import LLMConfig
from meta_search.llm.endpoint import Endpoint, Price
from meta_search.llm.replies import Answer

__all__ = ["WIRES", "Wire", "make"]

WIRES: dict[str, str] = {
    "local": "meta_search.llm.default_wire:DefaultWire",  # the embedded server speaks OpenAI's language
    "litellm": "meta_search.llm.default_wire:DefaultWire",
}
"""Provider -> `module:class`; the class is built with the group `llm` of the configuration."""


class Wire(Protocol):
    """The way to the models of one provider. Belongs to one event loop.

    It may have `notes`, lines for the user on what it found out about endpoints.
    It may have `async is_there(endpoint) -> bool` besides: whether an endpoint that was down is there again,
    as far as that can be asked at no cost. Without it, a call is sent to find out.
    """

    async def open(self, endpoints: Iterable[Endpoint]) -> Mapping[Endpoint, Price | None]:
        """Load what the endpoints need, see whether they can be used, and look up what they charge.

        Returns:
            The price of each, as `endpoint.price_of` finds it; `None` where nobody knows it.

        Raises:
            EndpointError: One that does not answer, a missing or wrong key, an unknown model; one line.
        """
        ...

    async def complete(
        self, endpoint: Endpoint, messages: tuple[tuple[str, str], ...], settings: Mapping[str, Any]
    ) -> Answer:
        """Send one attempt, without retries.

        Args:
            endpoint: Where to, and which model.
            messages: (role, content) pairs; `tools.message_of` has them as OpenAI takes them.
            settings: `temperature`, `max_tokens`, and where they are asked for `seed`, `response_format` and
                `tools`, as OpenAI's chat completions have them; in the endpoint's dialect, see
                `takes.sent_form`.

        Raises:
            Exception: Whatever went wrong, as `faults.classify` can read it: `faults.Refused` with an HTTP
                status, `faults.BadAnswer`, or an error of aiohttp, httpx or litellm.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


def make(config: LLMConfig) -> Wire:
    """Build the wire of `llm.provider`."""
    return cast(Wire, resolve_name(WIRES[config.provider])(config))
