"""What the odd endpoints have in common: a real HTTP server on loopback that speaks OpenAI's language.

A class of the family overrides `respond` (what is sent to the chat path), seldom `models` or `route`:

    class NoSeed(OddEndpoint):
        def respond(self, asked: Asked) -> Reply:
            return refusal(422, "body.seed: not permitted") if "seed" in asked.body else self.ok(asked)
"""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Asked", "OddEndpoint", "Reply", "completion", "refusal"]

META = "You design agents"  # how the first message of a call of the meta agent begins
PROGRAM = """Name: Plain {number}
Thought: one call is enough for a sum

```python
def forward(self, taskInfo):
    solver = LLMAgentBase(["answer"], "Solver {number}")
    return solver([taskInfo], "Answer only.")[0]
```
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came.

    Attributes:
        number: Ordinal of the requests to the chat path, from 0.
        path: Path and query.
        headers: Their names in lower case.
        body: The request's JSON; empty for a GET.
    """

    number: int
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back; a `dict` or a list as JSON, text and bytes as they are. A function writes the whole
    reply itself, head included, and the connection ends."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


def completion(
    text: str | None,
    finish: str = "stop",
    *,
    usage: Mapping[str, Any] | None = None,
    message: Mapping[str, Any] | None = None,
    **choice: Any,
) -> dict[str, Any]:
    """The body of an answer in OpenAI's form.

    Args:
        text: The content.
        finish: The finish reason.
        usage: Instead of 40 tokens read and 9 written.
        message: Further fields of the message.
        choice: Further fields of the choice.
    """
    told = {"role": "assistant", "content": text, **(message or {})}
    used = {"prompt_tokens": 40, "completion_tokens": 9} if usage is None else usage
    return {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": told, "finish_reason": finish, **choice}],
        "usage": used,
    }


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None, **more: Any) -> Reply:
    """An error in OpenAI's form."""
    return Reply(status, {"error": {"message": message, **more}}, headers or {})


class OddEndpoint:
    """An endpoint that takes everything and answers right: sums as sums, and programs for the meta agent.

    Attributes:
        asked: Requests to the chat path, in order of arrival.
        root: `http://127.0.0.1:PORT`, within `with`.
    """

    prefix = "/v1"  # of its paths

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.root = ""
        self._lock = threading.Lock()

    @property
    def base_url(self) -> str:
        """What a user types as `llm.base_url`."""
        return self.root + self.prefix

    def said(self, body: Mapping[str, Any], number: int = 0) -> str:
        """What the model says: the whole answer."""
        if META in json.dumps(body["messages"][0]["content"]):
            return PROGRAM.format(number=number)
        sums = re.findall(r"(\d+) \+ (\d+)", json.dumps(body["messages"][-1]["content"]))
        answer = str(sum(map(int, sums[-1]))) if sums else "7"
        form = (body.get("response_format") or {}).get("json_schema") or {}
        keys = form.get("schema", {}).get("properties", {})
        return json.dumps(dict.fromkeys(keys, answer)) if keys else answer

    def ok(self, asked: Asked) -> Reply:
        """The plain answer."""
        return Reply(200, completion(self.said(asked.body, asked.number)))

    def respond(self, asked: Asked) -> Reply:
        """What the chat path answers."""
        return self.ok(asked)

    def models(self, asked: Asked) -> Reply:
        """What the list of models answers."""
        return Reply(200, {"object": "list", "data": []})

    def route(self, method: str, asked: Asked) -> Reply:
        """By path."""
        path = asked.path.partition("?")[0]
        if method == "GET" and path == f"{self.prefix}/models":
            return self.models(asked)
        if method == "POST" and path == f"{self.prefix}/chat/completions":
            return self.respond(asked)
        return refusal(404, f"Invalid URL ({method} {asked.path})")

    def __enter__(self) -> OddEndpoint:
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.root = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, method: str, path: str, headers: Mapping[str, str], raw: bytes) -> Reply:
        """Count a request and answer it. Called by many threads."""
        body = json.loads(raw) if raw else {}
        with self._lock:
            asked = Asked(len(self.asked), path, {k.lower(): v for k, v in headers.items()}, body)
            if method == "POST":
                self.asked.append(asked)
        return self.route(method, asked)


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked has gone: nothing to print."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _handler(endpoint: OddEndpoint) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._reply("GET", b"")

        def do_POST(self) -> None:
            self._reply("POST", self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        def _reply(self, method: str, raw: bytes) -> None:
            reply = endpoint.take(method, self.path, dict(self.headers.items()), raw)
            if callable(reply.body):
                self.close_connection = True
                with contextlib.suppress(OSError):  # whoever asked has had enough
                    reply.body(self.wfile)
                return
            body = reply.body if isinstance(reply.body, str | bytes) else json.dumps(reply.body)
            sent = body if isinstance(body, bytes) else body.encode()
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # whoever asked has gone
                self.wfile.write(sent)

    return Handler
