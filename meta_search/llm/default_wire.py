"""The way to most models: plain requests where an endpoint speaks OpenAI's language, else litellm."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from meta_search.config import LLMConfig
from meta_search.errors import EndpointError
from meta_search.llm.addresses import candidates, joined, normal_url, other_scheme, proxy_of
from meta_search.llm.bodies import ACCEPTED, PACKING, collected
from meta_search.llm.direct import DirectWire, headers_of
from meta_search.llm.endpoint import Endpoint, Price, price_file, price_of
from meta_search.llm.faults import GONE, BadAnswer, one_line
from meta_search.llm.litellm_wire import LiteLLMWire
from meta_search.llm.replies import Answer
from meta_search.text import override

__all__ = ["DefaultWire"]

CHECK_S = 15.0
NOT_TLS = re.compile(r"WRONG_VERSION_NUMBER|record layer failure|UNEXPECTED_EOF|packet length", re.I)
TLS = re.compile(r"plain HTTP request was sent to HTTPS|HTTP request to an HTTPS server", re.I)
THERE_S = 3.0


class DefaultWire:
    """A `wires.Wire` that chooses between two ways by the endpoint. Sends every attempt once.

    litellm is loaded (4 s, 200 MB) only where an endpoint has no URL, or callbacks want every call.

    Args:
        config: `llm.*`.
        direct: Whether endpoints with a URL are asked without litellm.

    Attributes:
        notes: Lines on endpoints that are not where they were said to be.
    """

    def __init__(self, config: LLMConfig, direct: bool = True) -> None:
        self._config = config
        self._direct = DirectWire() if direct and not config.callbacks else None
        self._litellm = LiteLLMWire(config)
        self._loaded = False
        self.notes: list[str] = []

    async def open(self, endpoints: Iterable[Endpoint]) -> dict[Endpoint, Price | None]:
        """See `wires.Wire.open`."""
        found = set(endpoints)
        if not all(self._is_direct(endpoint) for endpoint in found):
            await asyncio.to_thread(self._litellm.load)
            self._loaded = True
            self._litellm.listen(endpoint.api_key for endpoint in found)
        await asyncio.gather(*(self._check(endpoint) for endpoint in found))
        prices = {endpoint: await self._price(endpoint) for endpoint in found}
        for endpoint, price in prices.items():
            if not self._is_direct(endpoint):
                self._litellm.register(endpoint, price or Price())
        return prices

    async def complete(
        self, endpoint: Endpoint, messages: tuple[tuple[str, str], ...], settings: Mapping[str, Any]
    ) -> Answer:
        """One attempt, see `wires.Wire.complete`."""
        if self._direct is not None and endpoint.base_url is not None:
            return await self._direct.complete(endpoint, messages, settings)
        return await self._litellm.complete(endpoint, messages, settings)

    async def is_there(self, endpoint: Endpoint) -> bool:
        """Whether something stands behind an endpoint that was down, asked at no cost: by the list of models.
        True where that says nothing."""
        import httpx

        if endpoint.base_url is None:
            return True
        try:
            reply = await self._models(endpoint, normal_url(endpoint.base_url), THERE_S)
        except httpx.HTTPError:
            return False
        return reply.status_code not in GONE

    async def close(self) -> None:
        if self._direct is not None:
            await self._direct.close()
        await self._litellm.close()

    def _is_direct(self, endpoint: Endpoint) -> bool:
        return self._direct is not None and endpoint.base_url is not None

    async def _price(self, endpoint: Endpoint) -> Price | None:
        """From `llm.prices`, or from litellm's table, which is read only where it is needed."""
        known = price_of(endpoint, self._config.prices, {})
        if known is not None:
            return known
        if not self._loaded and not price_file().is_file():
            await asyncio.to_thread(self._litellm.load)
            self._loaded = True
        table = self._litellm.table if self._loaded else json.loads(price_file().read_bytes())
        return price_of(endpoint, self._config.prices, table)

    async def _check(self, endpoint: Endpoint) -> None:
        if endpoint.base_url is None:
            self._litellm.check(endpoint)
        else:
            await self._check_url(endpoint, endpoint.base_url)

    async def _check_url(self, endpoint: Endpoint, base_url: str) -> None:
        """Ask for the list of models: it costs nothing, and every endpoint checks the key for it.

        Some have no such list: the first call tells then. Where there is one below `/v1`, which users tend to
        leave out, that is where the API is.
        """
        import httpx

        root = normal_url(base_url)
        try:
            reply = await self._models(endpoint, root)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = one_line(str(error), endpoint.secrets) or type(error).__name__
            if root.startswith("https:") and NOT_TLS.search(what):
                what = f"it speaks no TLS, type {override('llm.base_url', other_scheme(base_url))} ({what})"
            raise EndpointError(f"nothing answers at llm.base_url={base_url}: {what}") from error
        for below in () if _is_api(reply) else candidates(root):
            try:
                other = await self._models(endpoint, below)
            except httpx.HTTPError:
                continue
            if _is_api(other):
                reply, root = other, below
                self.notes.append(f"llm.base_url={base_url}: the API is at {below}")
                break
        else:
            _check_moved(reply, base_url)
        if self._direct is not None:
            self._direct.roots[endpoint] = root
            if not _lists_models(reply):
                self._direct.doubted.add(endpoint)
        self._litellm.roots[endpoint] = root
        if reply.status_code in (401, 403):
            variable = self._config.api_key_env
            todo = f"check {variable}" if variable else "name the variable that holds it in llm.api_key_env"
            raise EndpointError(f"{base_url} refuses the key (HTTP {reply.status_code}): {todo}")

    async def _models(self, endpoint: Endpoint, root: str, timeout_s: float = CHECK_S) -> Any:
        """The reply to a request for the list of models."""
        import httpx

        url = joined(root, "models")
        headers = {"Accept-Encoding": ACCEPTED, **headers_of(endpoint, root)}
        try:
            async with (
                asyncio.timeout(timeout_s),
                httpx.AsyncClient(timeout=timeout_s, trust_env=False, proxy=proxy_of(url)) as client,
                client.stream("GET", url, headers=headers) as reply,
            ):
                whole = await collected(reply.headers.get("Content-Encoding", ""), reply.aiter_raw())
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no whole reply within {timeout_s:g} s") from error
        except BadAnswer as error:
            raise httpx.DecodingError(str(error)) from error
        told = [(k, v) for k, v in reply.headers.multi_items() if k.lower() not in PACKING]
        return httpx.Response(reply.status_code, headers=told, content=whole, request=reply.request)


def _is_api(reply: Any) -> bool:
    return _lists_models(reply) or reply.status_code in (401, 403)


def _check_moved(reply: Any, base_url: str) -> None:
    """Raise where an endpoint sends its callers elsewhere: no request follows, as keys would go along."""
    if 300 <= reply.status_code < 400 and reply.headers.get("location"):
        target = normal_url(str(reply.url.join(reply.headers["location"])))
        raise EndpointError(f"{base_url} redirects to {target}: type {override('llm.base_url', target)}")
    if reply.status_code == 400 and TLS.search(reply.text[:2000]):
        url = override("llm.base_url", other_scheme(base_url))
        raise EndpointError(f"{base_url} speaks TLS: type {url}")


def _lists_models(reply: Any) -> bool:
    """Whether a reply is that of an API: JSON, with status 200."""
    if reply.status_code != 200:
        return False
    try:
        return isinstance(reply.json(), dict | list)
    except (ValueError, RecursionError):
        return False
