"""The way to an OpenAI-compatible endpoint (`llm.base_url`, the embedded server): one request an attempt.

litellm translates between providers; here there is nothing to translate. Its public function takes 2.3 ms of
CPU a call all the same, in its logging and pricing mostly, and its client sends some requests twice without a
word. This takes 0.35 ms and sends each attempt once. litellm still does the rest: other providers, callbacks,
prices (`default_wire.DefaultWire` chooses).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from meta_search.llm import replies
from meta_search.llm.addresses import joined, normal_url, proxy_of, takes_azure_key, versioned
from meta_search.llm.bodies import ACCEPTED, collected
from meta_search.llm.endpoint import Endpoint
from meta_search.llm.faults import BadAnswer, Refused
from meta_search.llm.replies import Answer
from meta_search.llm.tools import message_of

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

__all__ = ["DirectWire", "headers_of"]

# Below the five seconds after which common servers hang up: a request on a connection that is just being
# closed is lost, and charged, as nobody knows its fate.
KEEP_ALIVE_S = 4.0
LONGEST_HEADER = 2**16  # of a reply: proxies add policies and cookies of many kilobytes
LONG = 2**18  # bytes of a reply: reading what is longer is no work for an event loop
NO_SUCH_PATH = re.compile(r"^not found$|invalid url|no route|cannot (post|get)|path|endpoint", re.IGNORECASE)


class DirectWire:
    """One HTTP client for all endpoints with a URL. Belongs to one event loop.

    Attributes:
        roots: Where an endpoint's API was found, if that is not its `base_url`.
        doubted: Endpoints that have no list of models where their API should be.
    """

    def __init__(self) -> None:
        self._session: ClientSession | None = None
        self._ways: dict[Endpoint, tuple[str, dict[str, str], dict[str, Any]]] = {}
        self._answered: set[Endpoint] = set()
        self.roots: dict[Endpoint, str] = {}
        self.doubted: set[Endpoint] = set()

    async def complete(
        self, endpoint: Endpoint, messages: tuple[tuple[str, str], ...], settings: Mapping[str, Any]
    ) -> Answer:
        """One attempt, see `wires.Wire.complete`."""
        url, headers, options = self._way(endpoint)
        body = {
            "model": endpoint.model.removeprefix("hosted_vllm/"),
            "messages": [message_of(role, content) for role, content in messages],
            **settings,
            **(json.loads(endpoint.extra) if endpoint.extra else {}),
        }
        sent = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        # No redirects: following one would be a second request.
        async with self._open().post(
            url, data=sent, headers=headers, allow_redirects=False, **options
        ) as response:
            received = await _body(response)
            read = partial(self._answer, endpoint, url, response.status, received, response.headers)
            answer = read() if len(received) < LONG else await asyncio.to_thread(read)
        self._answered.add(endpoint)
        return answer

    def _answer(
        self, endpoint: Endpoint, url: str, status: int, received: bytes, headers: Mapping[str, Any]
    ) -> Answer:
        """Read a reply. Where none was an answer yet, a page or a path that is not there says that the URL
        is wrong: no other request will fare better."""
        page = received[:200].lstrip()[:1] == b"<"
        doubted = endpoint in self.doubted and endpoint not in self._answered
        if doubted and status in (200, 404, 405) and (page or status == 405):
            what = "is a web page, not an API" if page else f"is not there (HTTP status {status})"
            raise Refused(404, f"{url} {what}: {self._advice(endpoint)}", headers)
        if 200 <= status < 300:
            return replies.read(received, headers)
        if 300 <= status < 400 and "Location" in headers:  # it may be relative
            headers = {**headers, "Location": normal_url(urljoin(url, headers["Location"]))}
        refused = replies.refused(status, received, headers)
        if status == 404 and doubted and NO_SUCH_PATH.search(str(refused)):
            raise Refused(404, f"{refused}: {self._advice(endpoint)}", headers)
        raise refused

    def _advice(self, endpoint: Endpoint) -> str:
        root = self.roots.get(endpoint) or endpoint.base_url or ""
        better = versioned(root)
        if better is None:
            return "llm.base_url must be the root of an OpenAI-compatible API"
        return f"set llm.base_url={better}, or whatever the API's root is"

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> ClientSession:
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=30.0),  # the sender has a clock
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # without a bound
                max_line_size=LONGEST_HEADER,
                max_field_size=LONGEST_HEADER,
            )
        return self._session

    def _way(self, endpoint: Endpoint) -> tuple[str, dict[str, str], dict[str, Any]]:
        """URL, headers and connection settings of an endpoint."""
        if endpoint not in self._ways:
            root = self.roots.get(endpoint) or normal_url(endpoint.base_url or "")
            url = joined(root, "chat/completions")
            headers = {"Content-Type": "application/json", "Accept-Encoding": ACCEPTED}
            headers |= headers_of(endpoint, root)
            self._ways[endpoint] = url, headers, _connection(url)
        return self._ways[endpoint]


async def _body(response: ClientResponse) -> bytes:
    """A reply's body; what is too large is not read to its end."""
    try:
        return await collected(response.headers.get("Content-Encoding", ""), response.content.iter_any())
    except BadAnswer:
        response.close()
        raise


def headers_of(endpoint: Endpoint, root: str) -> dict[str, str]:
    """The headers of every request to an endpoint, with its key as it takes it."""
    headers: dict[str, str] = {}
    if endpoint.api_key:
        azure = takes_azure_key(root)
        headers |= {"api-key": endpoint.api_key} if azure else {"Authorization": f"Bearer {endpoint.api_key}"}
    return headers | dict(endpoint.headers)


def _connection(url: str) -> dict[str, Any]:
    """Proxy and certificates, from the environment, as httpx takes them; no proxy for this machine."""
    options: dict[str, Any] = {}
    proxy = proxy_of(url)
    if proxy:
        options["proxy"] = proxy
    if url.startswith("https:"):
        import httpx

        options["ssl"] = httpx.create_ssl_context()
    return options
