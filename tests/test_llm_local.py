"""The embedded server with the 0.5B model."""

from __future__ import annotations

import asyncio
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from meta_search.config import BudgetConfig, LLMConfig
from meta_search.errors import LLMError, ModelFileError
from meta_search.llm import models
from meta_search.llm.books import Books
from meta_search.llm.budget import Budget
from meta_search.llm.gateway import Gateway
from meta_search.llm.ledger import Ledger
from meta_search.llm.local import LocalServer, Serving, default_threads
from meta_search.types import CallRequest
from tests.kits.sqlite_pen import SqlitePen

NAME = "qwen2.5-coder-0.5b"
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "maxLength": 20}},
    "required": ["answer"],
}

NO_MODEL = f"no model file: run `meta-search models pull {NAME}`"
needs_model = pytest.mark.skipif(models.find(NAME) is None, reason=NO_MODEL)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("local") / "server.log"


@pytest.fixture(scope="module")
def server(log: Path) -> Iterator[LocalServer]:
    if models.find(NAME) is None:
        pytest.skip(NO_MODEL)
    with LocalServer.start(Serving(NAME, threads=1, slots=2, context=256), log) as server:
        yield server


@pytest.mark.model
@needs_model
def test_answers_by_schema_through_the_gateway(server: LocalServer, tmp_path: Path) -> None:
    async def run() -> None:
        pen = SqlitePen(tmp_path / "archive.db")
        config = LLMConfig(provider="local", max_tokens=40)
        budget = Budget(BudgetConfig(usd=0.01))  # costs nothing, so that it fits
        gateway = Gateway(config, {"task": server.endpoint}, Books(Ledger(pen), budget))
        await gateway.start()
        ask = CallRequest("task", (("user", "What is 2 + 3?"),), temperature=0.0, schema=SCHEMA)
        long = CallRequest("task", (("user", "word " * 400),))
        reply = await gateway.call(ask)
        too_long = await gateway.call(long)
        await gateway.close()
        pen.close()
        assert reply.fault is None
        assert set(json.loads(reply.text)) == {"answer"}
        assert reply.used.completion_tokens > 0
        assert reply.used.cost_usd == 0.0
        assert too_long.fault == "context"  # 256 tokens a slot, not a share of all

    asyncio.run(run())


@pytest.mark.model
def test_only_with_the_key_and_its_output_goes_to_the_log(
    server: LocalServer, log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
    assert httpx.post(f"{server.base_url}/chat/completions", json=body).status_code == 401
    assert "n_slots = 2" in log.read_text()
    assert server.api_key not in log.read_text()
    assert server.api_key not in Path(f"/proc/{server.pid}/cmdline").read_text()
    assert capfd.readouterr() == ("", "")


PARENT = """
import sys, threading
from pathlib import Path
from meta_search.llm.local import LocalServer, Serving

def start():
    server = LocalServer.start(Serving(sys.argv[1], threads=1, slots=1, context=128), Path(sys.argv[2]))
    print(server.pid, flush=True)

# From a thread that ends at once: the kernel's parent-death signal would follow it.
thread = threading.Thread(target=start)
thread.start()
thread.join()
sys.stdin.read()
"""


@pytest.mark.model
@needs_model
def test_dies_with_its_parent_even_by_kill_9(tmp_path: Path, root: Path) -> None:
    command = [sys.executable, "-c", PARENT, NAME, str(tmp_path / "log")]
    parent = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    watch = os.pidfd_open(pid)  # readable once the process is dead
    try:
        assert not select.select([watch], [], [], 0)[0]
        parent.kill()
        parent.communicate()
        assert select.select([watch], [], [], 10)[0]
    finally:
        os.close(watch)


def test_says_what_to_do_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("META_SEARCH_CACHE", str(tmp_path))
    with pytest.raises(ModelFileError, match="meta-search models pull"):
        LocalServer.start(Serving(NAME))


def test_a_file_that_is_no_model_names_the_log(tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    log = tmp_path / "server.log"
    with pytest.raises(LLMError, match="died while starting") as caught:
        LocalServer.start(Serving(str(path), threads=1), log)
    assert str(log) in str(caught.value)
    assert "broken.gguf" in log.read_text()


@pytest.mark.model
def test_threads_take_all_cores_and_wait_asleep(server: LocalServer) -> None:
    """Spinning at barriers, as OpenMP does by default, collapses beside a process that holds a core."""
    assert default_threads() == len(os.sched_getaffinity(0))
    environment = Path(f"/proc/{server.pid}/environ").read_bytes().split(b"\0")
    assert {b"OMP_WAIT_POLICY=passive", b"GOMP_SPINCOUNT=0"} <= set(environment)
