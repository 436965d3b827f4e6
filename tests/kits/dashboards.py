"""The page's server in a thread, and a client that asks it as a browser or a program would."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meta_search.commands.dashboard import bound, made
from meta_search.dashboard.access import LOOPBACK, Access, granted

__all__ = ["Answer", "Client", "serving"]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The one line of an error."""
        (line,) = self.json.values()
        assert list(self.json) == ["error"]
        assert "\n" not in line
        assert "Traceback" not in line
        return str(line)


@dataclass
class Client:
    """Asks a server on loopback."""

    port: int
    access: Access

    def ask(self, path: str, method: str = "GET", body: object = None, **headers: str) -> Answer:
        """One request; `Host`, as every header, may be given with `_` for `-`."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            if data is not None:
                sent.setdefault("Content-Type", "application/json")
            connection.putrequest(method, path, skip_host="Host" in sent, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            if data is not None:
                connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Any:
        """The JSON of an answer that has to be there."""
        answer = self.ask(path, **headers)
        assert answer.status == 200, answer.body[:300]
        return answer.json

    @contextmanager
    def listening(self, run: str) -> Iterator[Iterator[tuple[str, Any]]]:
        """The events of a run, as (kind, data)."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)
        try:
            connection.request("GET", f"/api/run/{run}/stream")
            answer = connection.getresponse()
            assert answer.status == 200
            assert answer.getheader("content-type") == "text/event-stream"
            yield _events(answer)
        finally:
            connection.close()


def _events(answer: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    kind = ""
    while line := answer.readline().decode():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ").strip()
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))
        elif line.startswith(":"):
            yield "comment", line[1:].strip()


@contextmanager
def serving(
    root: Path, token: str | None = None, steer: bool = False, host: str = LOOPBACK, port: int = 0
) -> Iterator[Client]:
    """Serve a folder on a free port of loopback, as the command does.

    Args:
        root: Holds runs.
        token: As `--token`.
        steer: As `--steer`.
        host: As `--host`, for what it asks of requests.
        port: As `--port`; 0 is a free one.
    """
    listening = bound(LOOPBACK, port)
    port = listening.getsockname()[1]
    access, ready = granted(host, port, token, steer), threading.Event()
    server = made(root.resolve(), access, ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        assert ready.wait(20), "the server does not start"
        yield Client(port, access)
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()
        assert not thread.is_alive(), "the server does not end"
