"""An OpenAI-compatible chat endpoint that counts, waits, and fails on demand."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from meta_search.testing.endpoint_values import EndpointFeatures, EndpointRequest, Fault, ToolReply
from meta_search.testing.scripted import count_tokens

__all__ = ["CountingEndpoint"]

Answer = Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], str | ToolReply]
ALL_FEATURES = EndpointFeatures()
Faults = Callable[[int, Mapping[str, Any]], Fault | None] | Sequence[Fault | None]


def plain_answer(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """The default answer: `ok`, or, if a JSON schema is asked for, an object that satisfies it."""
    wanted = (body.get("response_format") or {}).get("json_schema")
    if not wanted:
        return "ok"
    return json.dumps(dict.fromkeys(wanted["schema"].get("properties", {}), "ok"))


class CountingEndpoint:
    """An OpenAI-compatible chat endpoint on loopback, in a thread of its own, with a free port.

    Args:
        answer: (messages, body) -> text, or calls of tools. Runs on the endpoint's event loop: it must
            not block.
        latency_s: Seconds before an answer, or a function of the request's ordinal.
        faults: Fault of each request, `None` for none: a sequence in order of arrival, with no faults after
            its end, or a function of ordinal and body.
        api_key: Key that is required; `None` accepts any.
        features: What the endpoint and its model can do.

    Attributes:
        requests: Every request that was finished, in order of completion.
        calls: Requests that have arrived.
        in_flight: Requests that are worked on now.
        max_in_flight: Most requests that were worked on at a time.
        base_url: URL of the endpoint, within `with`.
    """

    def __init__(
        self,
        answer: Answer = plain_answer,
        *,
        latency_s: float | Callable[[int], float] = 0.0,
        faults: Faults = (),
        api_key: str | None = None,
        features: EndpointFeatures = ALL_FEATURES,
    ) -> None:
        self._answer, self._latency, self._faults = answer, latency_s, faults
        self._api_key, self._features = api_key, features
        self.requests: list[EndpointRequest] = []
        self.calls = self.in_flight = self.max_in_flight = 0
        self.base_url = ""
        self._arrived = threading.Condition()
        self._ready = threading.Event()
        self._stop: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._serve, name="counting-endpoint", daemon=True)

    def __enter__(self) -> CountingEndpoint:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def wait_for(self, calls: int, timeout_s: float = 60.0) -> None:
        """Block the calling thread until a number of requests have arrived.

        Args:
            calls: How many, since the endpoint was started.
            timeout_s: Seconds to wait.

        Raises:
            TimeoutError: Fewer have arrived by then.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: self.calls >= calls, timeout_s):
                raise TimeoutError(f"{self.calls} of {calls} requests in {timeout_s:g} s")

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the prompts of all answered requests."""
        return sum(r.prompt_tokens for r in self.requests)

    @property
    def completion_tokens(self) -> int:
        """Tokens of all answers."""
        return sum(r.completion_tokens for r in self.requests)

    def _serve(self) -> None:
        try:
            asyncio.run(self._main())
        except OSError as failure:  # no port: raised in __enter__, which waits
            self._failure = failure
            self._ready.set()

    async def _main(self) -> None:
        from aiohttp import web

        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        port = runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _models(self, request: Any) -> Any:
        from aiohttp import web

        if self._api_key is not None and _bearer(request) != self._api_key:
            return _error(web, 401, "Incorrect API key provided")
        return web.json_response({"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    async def _chat(self, request: Any) -> Any:
        index, start = self.calls, time.monotonic()
        self.in_flight += 1
        with self._arrived:
            self.calls += 1
            self._arrived.notify_all()
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        body: Mapping[str, Any] = {}
        outcome, tokens = "dropped", (0, 0)  # unless it is answered: the client went away
        try:
            body = await request.json()
            await asyncio.sleep(self._latency(index) if callable(self._latency) else self._latency)
            response, outcome, tokens = await self._respond(request, index, body)
            return response
        finally:
            self.in_flight -= 1
            end = time.monotonic()
            self.requests.append(EndpointRequest(index, body, _bearer(request), outcome, *tokens, start, end))

    async def _respond(
        self, request: Any, index: int, body: Mapping[str, Any]
    ) -> tuple[Any, str, tuple[int, int]]:
        from aiohttp import web

        fault = self._fault(index, body)
        if fault is not None:
            return await self._fail(request, fault), fault.kind, (0, 0)
        if self._api_key is not None and _bearer(request) != self._api_key:
            return _error(web, 401, "Incorrect API key provided"), "401", (0, 0)
        if not self._features.schema and "response_format" in body:
            return _error(web, 400, "response_format is not supported"), "400", (0, 0)
        if not self._features.tools and "tools" in body:
            return _error(web, 400, "this model does not support tools"), "400", (0, 0)
        prompt = sum(count_tokens(_said(m)) for m in body["messages"])
        context = self._features.context
        if context is not None and prompt > context:
            message = f"This model's maximum context length is {context} tokens, got {prompt}"
            return _error(web, 400, message, "context_length_exceeded"), "400", (0, 0)
        shown = {k: v for k, v in body.items() if k != "tools"} if self._features.ignores_tools else body
        answer = self._answer(body["messages"], shown)
        calls = isinstance(answer, ToolReply)
        said = answer.message() if isinstance(answer, ToolReply) else {"role": "assistant", "content": answer}
        completion = count_tokens(_said(said))
        finish = "tool_calls" if calls else "stop"
        if completion > body.get("max_tokens", completion):  # cut as a real endpoint would
            completion, finish = body["max_tokens"], "length"
            said = _cut(said, 4 * completion)
        reply = self._completion(body, said, finish, (prompt, completion))
        return web.json_response(reply), "ok", (prompt, completion)

    def _completion(
        self,
        body: Mapping[str, Any],
        said: Mapping[str, Any] | str | None,
        finish: str,
        tokens: tuple[int, int],
    ) -> dict[str, Any]:
        message = said if isinstance(said, Mapping) else {"role": "assistant", "content": said}
        reply: dict[str, Any] = {
            "id": f"chatcmpl-{self.calls}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body.get("model", ""),
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        }
        if self._features.usage:
            reply["usage"] = {
                "prompt_tokens": tokens[0],
                "completion_tokens": tokens[1],
                "total_tokens": sum(tokens),
            }
        return reply

    def _fault(self, index: int, body: Mapping[str, Any]) -> Fault | None:
        if callable(self._faults):
            return self._faults(index, body)
        return self._faults[index] if index < len(self._faults) else None

    async def _fail(self, request: Any, fault: Fault) -> Any:
        from aiohttp import web

        if fault.kind == "status":
            headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
            return _error(web, fault.status, fault.message, headers=headers)
        if fault.kind == "hang":
            await self._stop.wait()
        if fault.kind in ("hang", "reset"):
            request.transport.abort()
            return web.Response()
        body = await request.json()
        if fault.kind == "empty":
            return web.json_response({**self._completion(body, "", "stop", (0, 0)), "choices": []})
        if fault.kind == "filter":
            return web.json_response(self._completion(body, None, "content_filter", (0, 0)))
        whole = json.dumps(self._completion(body, "cut short", "stop", (0, 0)))
        if fault.kind == "cut":
            response = web.StreamResponse(headers={"Content-Length": str(len(whole))})
            await response.prepare(request)
            await response.write(whole[: len(whole) // 2].encode())
            request.transport.abort()
            return response
        text = whole[: len(whole) // 2] if fault.kind == "truncated" else "<html>this is not JSON</html>"
        return web.Response(text=text, content_type="application/json")


def _bearer(request: Any) -> str:
    return str(request.headers.get("Authorization", "")).removeprefix("Bearer ")


def _said(message: Mapping[str, Any]) -> str:
    """All that a message says: its text, and what it calls."""
    called = (call["function"] for call in message.get("tool_calls", ()))
    calls = "".join(f"{what['name']} {what['arguments']}" for what in called)
    return f"{message.get('content') or ''}{calls}"


def _cut(message: Mapping[str, Any], length: int) -> dict[str, Any]:
    """A message broken off after so many characters; of its calls the last one."""
    text, calls = str(message.get("content") or ""), list(message.get("tool_calls", ()))
    if not calls:
        return {**message, "content": text[:length]}
    over = len(_said(message)) - length
    last = calls[-1]["function"]
    kept = last["arguments"][: max(0, len(last["arguments"]) - over)]
    calls[-1] = {**calls[-1], "function": {**last, "arguments": kept}}
    return {**message, "tool_calls": calls}


def _error(
    web: Any, status: int, message: str, code: str | None = None, headers: Mapping[str, str] | None = None
) -> Any:
    body = {"error": {"message": message, "type": "scripted", "code": code or status}}
    return web.json_response(body, status=status, headers=headers)
