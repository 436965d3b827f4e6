"""The way to models through litellm: every provider it knows, and its callbacks. Its only importer."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

from meta_search.config import LLMConfig
from meta_search.errors import EndpointError
from meta_search.llm import callbacks, replies
from meta_search.llm.endpoint import Endpoint, Price
from meta_search.llm.faults import Refused
from meta_search.llm.replies import Answer
from meta_search.llm.tools import message_of
from meta_search.llm.transports import bound

__all__ = ["LiteLLMWire"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class LiteLLMWire:
    """litellm with everything off that hides attempts.

    Attributes:
        roots: Where an endpoint's API was found, if that is not its `base_url`.
    """

    def __init__(self, config: LLMConfig) -> None:
        self._config = config
        self._litellm: Any = None
        self._taken: dict[str, frozenset[str]] = {}
        self.roots: dict[Endpoint, str] = {}
        self._hang_up: Callable[[], Awaitable[None]] | None = None

    @property
    def table(self) -> Mapping[str, Any]:
        """litellm's prices: model -> {input_cost_per_token, output_cost_per_token, …}."""
        return cast(Mapping[str, Any], self._litellm.model_cost)

    def load(self) -> None:
        """Import litellm, which takes about 4 s and blocks: not for an event loop's thread."""
        self._litellm = litellm = _import_litellm()
        litellm.suppress_debug_info = True
        litellm.telemetry = False
        logging.getLogger("LiteLLM").setLevel(logging.ERROR)
        # With it, litellm repeats requests that were answered with status 422, which no budget would see.
        litellm.drop_params = False
        litellm.num_retries = 0
        _send_once()
        _bound_replies()
        _ = litellm.encoding  # loaded at the first call otherwise, while that call's clock runs

    def listen(self, keys: Iterable[str | None]) -> None:
        """Have the loggers of `llm.callbacks` hear of every call; call on the gateway's event loop.

        Raises:
            ConfigError: One that cannot be set up; one line.
        """
        if self._config.callbacks:
            self._hang_up = callbacks.install(self._litellm, self._config.callbacks, keys)

    def register(self, endpoint: Endpoint, price: Price) -> None:
        """Tell litellm the price of a model it does not know, for its callbacks (and it searches its table
        in vain at every call otherwise)."""
        name = _name(endpoint)
        if name not in self._litellm.model_cost:
            provider = self._litellm.get_llm_provider(name)[1]
            known = {"input_cost_per_token": price.input, "output_cost_per_token": price.output}
            self._litellm.register_model({name: {**known, "litellm_provider": provider, "mode": "chat"}})

    async def complete(
        self, endpoint: Endpoint, messages: tuple[tuple[str, str], ...], settings: Mapping[str, Any]
    ) -> Answer:
        """One attempt, see `wires.Wire.complete`."""
        taken = self._parameters(endpoint)
        extra = json.loads(endpoint.extra) if endpoint.extra else None
        if "tools" in settings and "tools" not in taken:
            raise Refused(400, "litellm knows no tools for this provider", {})
        sent = {key: value for key, value in settings.items() if key in taken}
        if "max_completion_tokens" in settings and "max_completion_tokens" not in sent:
            sent["max_tokens"] = settings["max_completion_tokens"]
        root = self.roots.get(endpoint, endpoint.base_url)
        response = await self._litellm.acompletion(
            model=_name(endpoint),
            messages=[message_of(role, content) for role, content in messages],
            api_base=root,
            api_key=endpoint.api_key or ("none" if endpoint.base_url else None),
            timeout=self._config.timeout_s + 5.0,  # the sender's own timeout comes first
            num_retries=0,
            max_retries=0,
            **({"extra_body": extra} if extra else {}),
            **({"extra_headers": dict(endpoint.headers)} if endpoint.headers else {}),
            # Its hook for tools of MCP servers imports `mcp`, which is an extra of ours.
            **({"_skip_mcp_handler": True} if "tools" in sent else {}),
            **sent,
        )
        if sent.get("stream"):
            response = self._litellm.stream_chunk_builder([chunk async for chunk in response])
        return replies.read_object(response.model_dump())

    async def close(self) -> None:
        """Close the connections; does nothing where litellm was never loaded."""
        if self._hang_up is not None:
            await self._hang_up()
        if self._litellm is not None:
            await self._litellm.close_litellm_async_clients()

    def check(self, endpoint: Endpoint) -> None:
        """See whether litellm knows the provider of an endpoint, and has a key for it.

        Raises:
            EndpointError: It does not; one line.
        """
        try:
            self._litellm.get_llm_provider(endpoint.model)
        except Exception as error:
            raise EndpointError(
                f"litellm does not know the model {endpoint.model!r}: name it as provider/model, "
                "or set llm.base_url for an endpoint of your own"
            ) from error
        if endpoint.api_key:
            return
        found = self._litellm.validate_environment(endpoint.model)
        missing = [k for k in found["missing_keys"] if k.endswith(("_KEY", "_TOKEN"))]
        if missing and not found["keys_in_environment"]:
            raise EndpointError(
                f"{endpoint.model} needs a key: set the environment variable {' or '.join(missing)}, "
                "or name another in llm.api_key_env"
            )

    def _parameters(self, endpoint: Endpoint) -> frozenset[str]:
        """Which settings the model's provider takes; litellm raises on the others."""
        name = _name(endpoint)
        if name not in self._taken:
            self._taken[name] = frozenset(self._litellm.get_supported_openai_params(name) or ())
        return self._taken[name]


def _import_litellm() -> Any:
    # Before the import: litellm would otherwise download its price table.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    # Its client would ask the proxy for endpoints on this machine.
    for name in ("no_proxy", "NO_PROXY"):
        hosts = [*filter(None, os.environ.get(name, "").split(",")), *LOOPBACK]
        os.environ[name] = ",".join(dict.fromkeys(hosts))
    import litellm

    return cast(Any, litellm)


def _send_once() -> None:
    """Have litellm's client raise where it would send a request a second time, over a new connection, when
    the first one was lost: the model may have worked for both, and no budget would see the second."""
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    async def again(*_: Any, **__: Any) -> Any:
        raise  # it is called by an `except` clause: that clause's error

    AsyncHTTPHandler.single_connection_post_request = again  # type: ignore[method-assign]


def _bound_replies() -> None:
    """Bound what both of litellm's transports read."""
    import httpx
    from litellm.llms.custom_httpx.aiohttp_transport import LiteLLMAiohttpTransport

    for transport in (LiteLLMAiohttpTransport, httpx.AsyncHTTPTransport):
        bound(transport)


def _name(endpoint: Endpoint) -> str:
    """litellm's name of an endpoint. `hosted_vllm/` takes 2.6 ms of CPU a call, `openai/` 4.3."""
    if endpoint.base_url is None:
        return endpoint.model
    return f"hosted_vllm/{endpoint.model.removeprefix('hosted_vllm/')}"
