"""The way to an OpenAI-compatible endpoint (`llm.base_url`, the embedded server): one request an attempt.

litellm translates between providers; here there is nothing to translate. Its public function takes 2.3 ms of
CPU a call all the same, in its logging and pricing mostly, and its client sends some requests twice without a
word. This takes 0.35 ms and sends each attempt once. litellm still does the rest: other providers, callbacks,
prices (`default_wire.DefaultWire` chooses).
"""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from meta_search.llm.calls import Answer
from meta_search.llm.endpoint import Endpoint
from meta_search.llm.faults import BadAnswer, Refused, one_line

if TYPE_CHECKING:
    from aiohttp import ClientSession

__all__ = ["DirectWire"]

# Below the five seconds after which common servers hang up: a request on a connection that is just being
# closed is lost, and charged, as nobody knows its fate.
KEEP_ALIVE_S = 4.0
WITHOUT_BODY = 400  # characters of an answer that cannot be read which a message shows


class DirectWire:
    """One HTTP client for all endpoints with a URL. Belongs to one event loop."""

    def __init__(self) -> None:
        self._session: ClientSession | None = None
        self._ways: dict[Endpoint, tuple[str, dict[str, str], dict[str, Any]]] = {}

    async def complete(
        self, endpoint: Endpoint, messages: tuple[tuple[str, str], ...], settings: Mapping[str, Any]
    ) -> Answer:
        """One attempt, see `wires.Wire.complete`."""
        url, headers, options = self._way(endpoint)
        body = {
            "model": endpoint.model.removeprefix("hosted_vllm/"),
            "messages": [{"role": role, "content": content} for role, content in messages],
            **settings,
        }
        sent = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        # No redirects: following one would be a second request.
        async with self._open().post(
            url, data=sent, headers=headers, allow_redirects=False, **options
        ) as response:
            received = await response.read()
            if response.status == 200:
                return _read(received, response.headers)
            raise _refused(response.status, received, response.headers)

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
            )
        return self._session

    def _way(self, endpoint: Endpoint) -> tuple[str, dict[str, str], dict[str, Any]]:
        """URL, headers and connection settings of an endpoint."""
        if endpoint not in self._ways:
            assert endpoint.base_url is not None
            url = f"{endpoint.base_url.rstrip('/')}/chat/completions"
            headers = {"Content-Type": "application/json"}
            if endpoint.api_key:
                headers["Authorization"] = f"Bearer {endpoint.api_key}"
            self._ways[endpoint] = url, headers, _connection(url)
        return self._ways[endpoint]


def _connection(url: str) -> dict[str, Any]:
    """Proxy and certificates, from the environment, as httpx takes them."""
    parts = urllib.parse.urlsplit(url)
    options: dict[str, Any] = {}
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        options["proxy"] = proxy
    if parts.scheme == "https":
        import httpx

        options["ssl"] = httpx.create_ssl_context()
    return options


def _read(received: bytes, headers: Mapping[str, Any]) -> Answer:
    """What a reply with status 200 says."""
    try:
        reply = json.loads(received)
    except (ValueError, RecursionError):
        shown = one_line(received[:WITHOUT_BODY].decode(errors="replace"))
        raise BadAnswer(f"the answer is not JSON: {shown}") from None
    if not isinstance(reply, dict):
        raise BadAnswer("the answer is not a JSON object")
    choices = reply.get("choices")
    if not choices:
        if reply.get("error"):  # some gateways pass a failure of the model on with status 200
            raise _refused(200, received, headers)
        raise BadAnswer("the answer holds no choices")
    try:
        choice = choices[0]
        message = choice.get("message") or {}
        text, finish = _text(message), str(choice.get("finish_reason") or "")
        usage = reply.get("usage") or {}
        prompt, completion = (_count(usage.get(f"{k}_tokens")) for k in ("prompt", "completion"))
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise BadAnswer(f"the answer has an unknown form: {error}") from error
    if finish == "content_filter" and not text:
        raise BadAnswer("the answer was withheld by a content filter", withheld=True)
    return Answer(text, finish, prompt, completion)


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or message.get("refusal") or ""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or "") for part in content)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _refused(status: int, received: bytes, headers: Mapping[str, Any]) -> Refused:
    """A failed reply as an error: the endpoint's words, and its code, which says more than the status."""
    try:
        told = json.loads(received)
    except (ValueError, RecursionError):
        told = None
    error = told.get("error", told) if isinstance(told, dict) else None
    if isinstance(error, dict):
        code = error.get("code") or error.get("type")
        message = str(error.get("message") or error)
        if isinstance(code, str) and code not in message:
            message = f"{message} ({code})"
        if status == 200:
            status = code if isinstance(code, int) and 400 <= code < 600 else 500
    else:
        message = str(error or received[:WITHOUT_BODY].decode(errors="replace"))
    if 300 <= status < 400:
        message = f"redirects to {headers.get('Location', 'nowhere')}: name that in llm.base_url"
    body = received.decode(errors="replace")
    return Refused(status, message or f"HTTP status {status}", headers, body)
