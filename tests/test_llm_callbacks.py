"""`llm.callbacks`: litellm's own loggers and the user's hear of every paid call, and never see a key."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from meta_search.config import BudgetConfig, LLMConfig
from meta_search.errors import ConfigError
from meta_search.llm.books import Books
from meta_search.llm.budget import Budget
from meta_search.llm.callbacks import keyless
from meta_search.llm.gateway import Endpoint, Gateway
from meta_search.llm.ledger import Ledger
from meta_search.testing import CountingEndpoint, Fault
from meta_search.types import CallReply, CallRequest, Usage
from tests.kits.sqlite_pen import SqlitePen

KEY = "sk-the-key-that-nobody-may-see"
OTHER = "another-secret-of-the-environment"
LOGGER = """
from litellm.integrations.custom_logger import CustomLogger

class Keeper(CustomLogger):
    def __init__(self):
        super().__init__()
        self.events = []

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.events.append(("answered", kwargs, response_obj))

    async def async_log_failure_event(self, kwargs, response_obj, start_time, end_time):
        self.events.append(("failed", kwargs, response_obj))

class Plain(CustomLogger):  # an older one, without async methods
    def __init__(self):
        super().__init__()
        self.events = []

    def log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.events.append(("answered", kwargs, response_obj))

class Broken(CustomLogger):
    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        raise RuntimeError("the server of traces is down")

keeper, plain, broken = Keeper(), Plain(), Broken()
nothing = 3
"""


@pytest.fixture
def loggers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module with loggers, on the import path; its events."""
    (tmp_path / "my_loggers.py").write_text(LOGGER)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SOME_SERVICE_TOKEN", OTHER)
    importlib.invalidate_caches()
    yield importlib.import_module("my_loggers")
    del sys.modules["my_loggers"]


def run(tmp_path: Path, endpoint: CountingEndpoint, names: list[str], calls: int = 3) -> list[CallReply]:
    """Send calls through a gateway with these callbacks; what came back, once all events have left."""
    pen = SqlitePen(tmp_path / "calls.db")
    config = LLMConfig(provider="litellm", callbacks=tuple(names), max_retries=1)

    async def work() -> list[CallReply]:
        task = Endpoint("small", endpoint.base_url, KEY)
        budget = Budget(BudgetConfig(), Usage(), 0.0)
        gateway = Gateway(config, {"task": task, "meta": task}, Books(Ledger(pen), budget), backoff_s=0.0)
        await gateway.start()
        requests = [
            CallRequest("task", (("user", f"What is {n}? My token is {OTHER}"),), occurrence=str(n))
            for n in range(calls)
        ]
        try:
            replies = await asyncio.gather(*(gateway.call(request) for request in requests))
            again = await asyncio.gather(*(gateway.call(request) for request in requests))  # from the ledger
            assert [r.text for r in again] == [r.text for r in replies]
            return list(replies)
        finally:
            await gateway.close()

    try:
        return asyncio.run(work())
    finally:
        pen.close()


def test_every_paid_call_is_an_event_without_a_key(tmp_path: Path, loggers: Any) -> None:
    with CountingEndpoint(api_key=KEY) as endpoint:
        names = ["my_loggers:broken", "my_loggers:keeper", "my_loggers:plain"]
        replies = run(tmp_path, endpoint, names)
        assert [r.fault for r in replies] == [None] * 3  # a logger that fails disturbs nobody
        assert endpoint.calls == 3
    for logger in (loggers.keeper, loggers.plain):
        assert [kind for kind, _, _ in logger.events] == ["answered"] * 3
        asked = sorted(kwargs["messages"][0]["content"][:10] for _, kwargs, _ in logger.events)
        assert asked == ["What is 0?", "What is 1?", "What is 2?"]
        for _, kwargs, response in logger.events:
            assert response.choices[0].message.content == "ok"
            everything = repr(kwargs) + repr(response) + repr(getattr(response, "_hidden_params", ""))
            assert KEY not in everything
            assert OTHER not in everything


def test_a_failed_attempt_is_an_event_and_a_closed_gateway_sends_no_more(
    tmp_path: Path, loggers: Any
) -> None:
    with CountingEndpoint(faults=[Fault("status", 500)]) as endpoint:
        run(tmp_path, endpoint, ["my_loggers:keeper"], calls=1)
        assert [kind for kind, _, _ in loggers.keeper.events] == ["failed", "answered"]
        assert KEY not in repr([kwargs for _, kwargs, _ in loggers.keeper.events])
        (tmp_path / "two").mkdir()
        run(tmp_path / "two", endpoint, ["my_loggers:plain"], calls=1)
    assert len(loggers.keeper.events) == 2
    assert len(loggers.plain.events) == 1


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A server of traces on loopback: its URL, and (headers, body) of what it was sent."""
    got: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            got.append((str(self.headers), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/traces", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_one_of_litellms_own_by_name(
    tmp_path: Path, collector: tuple[str, list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, got = collector
    monkeypatch.setenv("LANGSMITH_BASE_URL", url)
    monkeypatch.setenv("LANGSMITH_API_KEY", "the-key-of-the-server-of-traces")
    monkeypatch.setenv("SOME_SERVICE_TOKEN", OTHER)
    with CountingEndpoint(api_key=KEY) as endpoint:
        run(tmp_path, endpoint, ["langsmith"])
    events = [event for _, body in got for event in json.loads(body)["post"]]
    asked = sorted(event["inputs"]["messages"][0]["content"][:10] for event in events)
    assert asked == ["What is 0?", "What is 1?", "What is 2?"]
    assert all("ok" in json.dumps(event["outputs"]) for event in events)
    assert KEY not in repr(got)
    assert OTHER not in repr(got)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mlfow", "litellm has no logger 'mlfow'; did you mean mlflow"),
        ("generic_api", "generic_api is a part of litellm's enterprise package"),
        ("dynamic_rate_limiter", "litellm has no logger 'dynamic_rate_limiter'"),
        ("mlflow", "mlflow cannot be set up: the package mlflow is missing: pip install mlflow"),
        ("langfuse", "langfuse cannot be set up: the package langfuse is missing: pip install langfuse"),
        ("otel", "the package opentelemetry-sdk is missing: pip install opentelemetry-sdk"),
        ("datadog", "datadog cannot be set up: DD_API_KEY is not set"),
        ("no_such_module:logger", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("my_loggers:missing", "has no attribute 'missing'"),
        (
            "my_loggers:nothing",
            "is not a logger: it must be a litellm.integrations.custom_logger.CustomLogger",
        ),
    ],
)
def test_what_cannot_be_had_is_told_before_anything_is_paid(
    tmp_path: Path, loggers: Any, capfd: pytest.CaptureFixture[str], name: str, message: str
) -> None:
    package = {"otel": "opentelemetry"}.get(name, name)
    if "is missing" in message and importlib.util.find_spec(package):
        pytest.skip(f"{package} is installed here")
    with CountingEndpoint() as endpoint:
        with pytest.raises(ConfigError) as failure:
            run(tmp_path, endpoint, [name])
        assert endpoint.calls == 0
    assert message in str(failure.value)
    assert str(failure.value).startswith("llm.callbacks: ")
    assert "\n" not in str(failure.value)
    assert "Traceback" not in capfd.readouterr().err  # litellm's own complaint is not printed


def test_keyless() -> None:
    value = {
        "litellm_params": {"api_key": "abc", "authorization": "Bearer abc", "api_base": "http://x"},
        "headers": [("x", f"Bearer {KEY}")],
        "total_tokens": 3,
        "max_tokens": 7,
        "api_key": None,
        "response": Path("/as/it/is"),
    }
    assert keyless(value, (KEY,)) == {
        "litellm_params": {"api_key": "…", "authorization": "…", "api_base": "http://x"},
        "headers": [("x", "Bearer …")],
        "total_tokens": 3,
        "max_tokens": 7,
        "api_key": None,
        "response": Path("/as/it/is"),
    }
