"""`run.notify`: news of a run for a command and for an address, with real ones."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.compose import compose
from meta_search.config import Config, RunConfig
from meta_search.errors import ConfigError
from meta_search.run.notify import Notifier, check_notify, environment
from meta_search.run.watch import SearchEvent
from meta_search.testing import CountingEndpoint
from meta_search.types import Usage
from tests.kits import strangers, sums
from tests.kits.answers import adds_below


class Receiver:
    """An address that keeps what is sent to it; `statuses` are its first answers, then 204."""

    def __init__(self, *statuses: int) -> None:
        self.got: list[dict[str, Any]] = []
        self.asked = 0
        todo, outer = list(statuses), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked += 1
                status = todo.pop(0) if todo else 204
                if status < 400:
                    outer.got.append({**json.loads(body), "_type": self.headers["Content-Type"]})
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[CountingEndpoint]:
    with CountingEndpoint(adds_below(12)) as endpoint:
        yield endpoint


def configured(notify: str, **budget: float) -> Config:
    config = Config(run=RunConfig(notify=notify))
    return replace(config, budget=replace(config.budget, wall_s=None, **budget))


def event(kind: str, **more: Any) -> SearchEvent:
    return SearchEvent(kind, time.time(), more.pop("elapsed_s", 1.0), **more)  # type: ignore[arg-type]


def test_a_search_tells_an_address(
    folder: Path, endpoint: CountingEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver() as receiver:
        monkeypatch.setenv("HOOK", receiver.url)
        words = sums.short(endpoint, "notify=$HOOK", "budget.calls=120", "run.dir=run", "llm.mode=record")
        summary = meta_search.search(*words, domain=sums.rows())
        found = [message["event"] for message in receiver.got]
        last = receiver.got[-1]
        assert (found[0], found[-1]) == ("best", "done")
        assert found.count("stopped") == found.count("done") == 1
        moments = [m["share"] for m in receiver.got if m["event"] == "budget"]
        assert moments
        assert moments == sorted(set(moments))
        assert (last["text"], last["agent"]) == (summary.sentence, summary.best)
        assert last["run"] == str((folder / "run").resolve())
        assert last["calls"] > 0
        assert last["_type"] == "application/json"
        best = next(m for m in receiver.got if m["event"] == "best")
        assert best["low"] <= best["score"] <= best["high"]
        assert "not the result" in best["text"]
        # What is secret of an address is not kept with the run, and a replay tells nobody.
        assert receiver.url not in (folder / "run/config.json").read_text()
        asked = receiver.asked
        meta_search.search("llm.mode=replay", "llm.recording=run", "run.dir=again", domain=sums.rows())
        assert receiver.asked == asked


def test_an_evaluation_tells_a_command(
    folder: Path, endpoint: CountingEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE_API_KEY", "secret-key")
    monkeypatch.setenv("LLM_TOKEN", "secret-token")
    command = f"cat >> {folder}/told; env > {folder}/env-$META_SEARCH_EVENT"
    words = sums.short(endpoint, f"notify={command}", "llm.extra_headers={X-Key:$LLM_TOKEN}")
    words = [word for word in words if not word.startswith(("search.", "author"))]
    meta_search.evaluate(["direct"], *words, domain=sums.rows())
    told = [json.loads(line) for line in (folder / "told").read_text().splitlines()]
    assert [message["event"] for message in told][-1] == "done"
    seen = (folder / "env-done").read_text()
    assert "META_SEARCH_TEXT=" in seen
    assert f"HOME={os.environ['HOME']}" in seen
    assert "secret" not in seen


def test_each_moment_and_each_best_is_told_once_also_after_a_resume() -> None:
    with Receiver() as receiver:
        said: list[str] = []
        paid = Usage(60, 500, 100)
        notifier = Notifier(
            configured(receiver.url, calls=100), Path("r"), said.append, paid, finds_best=False
        )
        with notifier.until_closed():
            for calls in (61, 70, 80, 90):
                notifier(event("best", agent="a", score=0.5, low=0.1, high=0.9, items=9, split="train"))
                notifier(event("spent", calls=calls, tokens=900))
            notifier(event("done", text="it did"))
        assert [(m["event"], m.get("share")) for m in receiver.got if m["event"] != "best"] == [
            ("budget", 0.75),
            ("done", None),
        ]
        assert sum(m["event"] == "best" for m in receiver.got) == 3  # the first is what was known before
        assert said == []


def test_an_address_that_fails_is_asked_again_and_told_once() -> None:
    said: list[str] = []
    with Receiver(500, 429) as receiver:
        notifier = Notifier(configured(receiver.url), Path("r"), said.append, pauses_s=(0.0, 0.0))
        with notifier.until_closed():
            notifier(event("done"))
        assert [m["event"] for m in receiver.got] == ["done"]
    with Receiver(404, 404, 404) as receiver:
        notifier = Notifier(configured(f"{receiver.url}?token=hush"), Path("r"), said.append, pauses_s=(0.0,))
        with notifier.until_closed():
            for _ in range(3):
                notifier(event("done"))
        assert receiver.asked == 3  # what is refused is not tried again
    assert len(said) == 1
    assert "answered 404" in said[0]
    assert "hush" not in said[0]


def test_a_slow_receiver_does_not_hold_up_whoever_tells(tmp_path: Path) -> None:
    said: list[str] = []
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    notifier = Notifier(configured(f"timeout 20 head -n 1 {fifo}"), tmp_path, said.append)
    started = time.monotonic()
    for _ in range(1_000):
        notifier(event("done"))
    assert time.monotonic() - started < 1.0
    assert len(said) == 1  # that too much waits
    with fifo.open("w") as file:
        file.write("go\n")


def test_a_run_that_fails_says_so(tmp_path: Path) -> None:
    notifier = Notifier(configured(f"cat > {tmp_path}/told"), tmp_path, print)
    with pytest.raises(ConfigError), notifier.until_closed():
        raise ConfigError("the endpoint is away")
    message = json.loads((tmp_path / "told").read_text())
    assert (message["event"], message["text"]) == ("failed", "the endpoint is away")


@pytest.mark.parametrize("notify", ["$NOT_SET_ANYWHERE", "http://", "https:///path"])
def test_what_can_never_be_told_is_refused_before_the_start(notify: str) -> None:
    with pytest.raises(ConfigError, match=r"run\.notify"):
        check_notify(configured(notify))


@pytest.mark.parametrize(
    "notify", ["https://me:pass@host/x", "https://host/x?token=abc", "curl -H sk-12345 x"]
)
def test_a_password_is_not_kept_with_a_run(
    folder: Path, capsys: pytest.CaptureFixture[str], notify: str
) -> None:
    words = [
        "run",
        "llm=endpoint",
        "llm.base_url=http://127.0.0.1:9/v1",
        "llm.meta.model=m",
        "llm.task.model=t",
    ]
    assert cli.main([*words, f"notify={notify}"]) == 2
    assert "run.notify" in capsys.readouterr().err
    assert not (folder / "runs").exists()


def test_a_strangers_run_tells_nobody_unasked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark = folder / "told"
    theirs = strangers.stranger(folder / "theirs", strangers.config(f"notify=touch {mark}"))
    assert cli.main(["resume", str(theirs)]) == 2
    assert "run.notify" in capsys.readouterr().err
    assert not mark.exists()


def test_commands_get_no_key_of_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("MY_KEY_PLACE", "k")
    config = compose(["llm=endpoint", "llm.meta.model=m", "llm.task.model=t", "llm.api_key_env=MY_KEY_PLACE"])
    seen = environment(config, {"event": "done", "run": "r", "text": "t"})
    assert not {"OPENAI_API_KEY", "MY_KEY_PLACE"} & seen.keys()
    assert seen["META_SEARCH_EVENT"] == "done"
