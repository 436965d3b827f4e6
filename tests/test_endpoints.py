"""A small search through a family of odd endpoints: it ends with the same scores, or one clear line."""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import sqlite3
import threading
import zlib
from pathlib import Path

import pytest

import meta_search
from meta_search import cli
from meta_search.agent import seeds
from meta_search.export import run_template
from meta_search.llm.endpoint import Endpoint
from meta_search.types import CallRequest
from tests.endpoints.limits import SmallContext
from tests.endpoints.oddities import FAMILY
from tests.endpoints.server import Asked, OddEndpoint, Reply, completion, refusal
from tests.kits.gateways import ask, both, gateway
from tests.kits.searches import overrides, write_table
from tests.kits.sqlite_pen import SqlitePen

OWN = {
    "Azure": ("llm.api_key_env=ODD_KEY",),
    "KeyInHeader": ("llm.extra_headers={x-key:$OTHER_KEY}",),
    "ThinksLong": ("llm.max_tokens=512",),
}


def search(folder: Path, endpoint: OddEndpoint, *more: str) -> int:
    """A search of sums: one seed, one agent by the meta agent; the command's exit status."""
    rows = [(f"What is {i * 7 + 3} + {i * 3 + 11}?", str(i * 10 + 14)) for i in range(20)]
    path = write_table(folder / "sums.jsonl", rows)
    url = f"llm.base_url='{endpoint.base_url}'"
    words = ("evaluate.items=3", "evaluate.test_items=4", "search.candidates=1", "search.prior=false")
    author = ("author=llm", "author.formats=[program]", "author.reflexions=0", "search.seeds=[direct]")
    given = overrides(path, "http://x", *words, *author, url, "budget.wall_s=60", "run.dir=run", *more)
    return cli.main(["run", *given])


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, keys, and a proxy that nothing on this machine may be asked through."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ODD_KEY", "sk-azure")
    monkeypatch.setenv("OTHER_KEY", "sk-x")
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)


@pytest.mark.parametrize("name", FAMILY)
def test_a_search_ends_with_the_same_scores(name: str, tmp_path: Path) -> None:
    with FAMILY[name]() as endpoint:
        assert search(tmp_path, endpoint, *OWN.get(name, ())) == 0
    with meta_search.open_run("run") as archive:
        records = [r for r in archive.agents() if r.evaluations]
        assert {r.agent.name.split()[0] for r in records} >= {"direct", "Plain"}
        for record in records:
            for evaluation in record.evaluations.values():
                assert (evaluation.score, set(evaluation.outcomes)) == (1.0, {"ok"})
    with sqlite3.connect("run/archive.db") as database:
        states = database.execute("SELECT DISTINCT state, fault FROM calls").fetchall()
    assert states == [("done", None)]
    assert "sk-" not in Path("run/config.json").read_text()


class WebPage(OddEndpoint):
    """No API anywhere."""

    def route(self, method: str, asked: Asked) -> Reply:
        return Reply(200, "<html><title>Welcome</title></html>", {"Content-Type": "text/html"})


class Elsewhere(OddEndpoint):
    """The API is below a path that nobody guesses."""

    prefix = "/inference/v1"

    @property
    def base_url(self) -> str:
        return f"{self.root}/api"


@pytest.mark.parametrize("cls", [WebPage, Elsewhere])
def test_a_wrong_address_is_one_line_with_what_to_type(
    cls: type[OddEndpoint], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with cls() as endpoint:
        assert search(tmp_path, endpoint) == 1
    error = capsys.readouterr().err.strip().splitlines()
    told = {WebPage: "/v1/chat/completions is a web page, not an API", Elsewhere: "/api/v1"}[cls]
    assert told in error[-1]
    assert "llm.base_url" in error[-1]


class Gpt5(FAMILY["Reasoning"]):  # type: ignore[misc]
    """Counts on its client to leave out the temperature."""


@pytest.mark.slow
def test_litellm_learns_while_calls_are_under_way(pen: SqlitePen, monkeypatch: pytest.MonkeyPatch) -> None:
    """litellm raises for a temperature before anything is sent: no call may count that as a failure."""

    async def run() -> None:
        with Gpt5() as endpoint:
            monkeypatch.setenv("OPENAI_BASE_URL", endpoint.base_url)
            place = Endpoint("gpt-5-mini", None, "sk-1")
            async with gateway(pen, place, max_concurrency=32) as made:
                replies = await both(made, *(ask(f"What is {n} + 1?", temperature=0.1) for n in range(24)))
                assert made.fatal is None
        assert [r.text for r in replies] == [str(n + 1) for n in range(24)]
        assert len(endpoint.asked) == 25  # one of them a probe

    asyncio.run(run())


def test_fields_and_headers_of_the_users_own_are_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ("llm.extra_body={top_k:20,reasoning_effort:low}", "llm.meta.extra={reasoning_effort:high}")
    with FAMILY["KeyInHeader"]() as endpoint:
        assert search(tmp_path, endpoint, "llm.meta.model=writer", *own, *OWN["KeyInHeader"]) == 0
        efforts = {(a.body["model"], a.body["reasoning_effort"], a.body["top_k"]) for a in endpoint.asked}
        assert efforts == {("writer", "high", 20), ("scripted", "low", 20)}
        monkeypatch.delenv("OTHER_KEY")
        assert search(tmp_path, endpoint, "run.dir=other", *OWN["KeyInHeader"]) != 0
    assert "environment variable OTHER_KEY (llm.extra_headers) is empty" in capsys.readouterr().err


class NoEffort(OddEndpoint):
    def respond(self, asked: Asked) -> Reply:
        if "reasoning_effort" in asked.body:
            return refusal(400, "Unrecognized request argument supplied: reasoning_effort")
        return self.ok(asked)


def test_a_field_of_the_users_own_that_is_refused_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with NoEffort() as endpoint:
        assert search(tmp_path, endpoint, "llm.extra_body={reasoning_effort:low}") == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "reasoning_effort comes from llm.extra_body" in error


class Packed(OddEndpoint):
    """Packs its first answer, and names a header of the second one's in its refusal."""

    def __init__(self, packing: str) -> None:
        super().__init__()
        self.packing = packing

    def route(self, method: str, asked: Asked) -> Reply:
        if asked.number:
            return refusal(401, f"no {asked.headers['x-key']}")
        body = json.dumps(completion("2")).encode()
        packed = gzip.compress(body) if self.packing == "gzip" else zlib.compress(body)
        return Reply(200, packed, {"Content-Encoding": self.packing})


def exported_for(endpoint: OddEndpoint, max_tokens: int = 512) -> run_template.Endpoint:
    folder = {"model": "m", "max_tokens": max_tokens, "headers": {"x-key": "Token $OTHER_KEY", "y": "$NONE"}}
    options = argparse.Namespace(model=None, max_tokens=None, timeout=20.0)
    return run_template.Endpoint(endpoint.base_url, "", folder, options)


class Hangs(OddEndpoint):
    """Answers after many seconds."""

    def respond(self, asked: Asked) -> Reply:
        self.let_go.wait(20)
        return self.ok(asked)

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()


def test_a_run_that_is_to_end_does_not_wait_for_what_is_under_way(pen: SqlitePen) -> None:
    async def run() -> None:
        with Hangs() as endpoint:
            async with gateway(pen, Endpoint("m", endpoint.base_url)) as made:
                call = asyncio.create_task(made.call(ask("What is 1 + 1?")))
                while not endpoint.asked:
                    await asyncio.sleep(0.01)
                made.end_within(0.1)
                await asyncio.wait_for(made.close(), 5.0)
            assert call.cancelled() or await asyncio.wait([call])
            endpoint.let_go.set()

    asyncio.run(run())
    with sqlite3.connect(pen.path) as database:
        assert database.execute("SELECT state FROM calls").fetchall() == [("reserved",)]


class Proxied(OddEndpoint):
    """Behind a proxy that adds a long header, and has a status of its own for success."""

    def respond(self, asked: Asked) -> Reply:
        return Reply(201, completion("2"), {"Content-Security-Policy": "x" * 12_000})


def test_long_headers_and_other_statuses_of_success_are_taken(pen: SqlitePen) -> None:
    async def run() -> None:
        with Proxied() as endpoint:
            async with gateway(pen, Endpoint("m", endpoint.base_url)) as made:
                assert (await made.call(ask("What is 1 + 1?"))).text == "2"

    asyncio.run(run())


class Dislikes(OddEndpoint):
    """403 for every request after the first: the key was revoked; before that, for one that it dislikes."""

    revoked = False

    def respond(self, asked: Asked) -> Reply:
        disliked = "0 + 0" in json.dumps(asked.body)
        return refusal(403, "Forbidden") if self.revoked or disliked else self.ok(asked)


def test_a_key_that_is_revoked_ends_the_run_and_a_disliked_request_its_item(pen: SqlitePen) -> None:
    async def run() -> None:
        with Dislikes() as endpoint:
            async with gateway(pen, Endpoint("m", endpoint.base_url), max_concurrency=1) as made:
                told = await both(made, *(ask(f"What is {n} + {n}?") for n in (1, 0, 2)))
                assert [r.fault for r in told] == [None, "declined", None]
                assert made.fatal is None
                endpoint.revoked = True
                await both(made, *(ask(f"What is {n} + 1?") for n in range(8)))
                assert "check" in str(made.fatal)
                assert "key" in str(made.fatal)
                assert len(endpoint.asked) <= 16  # probes among them

    asyncio.run(run())


class TestExport:
    """An exported agent asks and reads as the engine does, without its packages."""

    @pytest.mark.parametrize("name", [n for n in FAMILY if n != "KeyInHeader"])
    def test_an_exported_agent_gets_the_same_answer(self, name: str) -> None:
        folder = {"model": "scripted", "max_tokens": 512 if name == "ThinksLong" else 5000}
        options = argparse.Namespace(model=None, max_tokens=None, timeout=20.0)
        schema = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
        messages = (("system", "You solve."), ("user", "What is 20 + 22?"))
        with FAMILY[name]() as endpoint:
            exported = run_template.Endpoint(endpoint.base_url, "sk-azure", folder, options)
            for asked in (schema, None):
                request = CallRequest("task", messages, temperature=0.1, schema=asked)
                answer, prompt, completion, attempts = exported.complete(request, seed=3)
                text = exported.whole(answer, request)
                assert text in ("42", '{"answer": "42"}')
                assert (prompt >= 40, completion >= 9) == (name != "NoUsage", name != "NoUsage")
                assert attempts <= 5
            # What was learned is kept: a third request is sent once.
            if "Now" not in name:
                assert exported.complete(request, seed=3)[3] == 1

    @pytest.mark.parametrize("packing", ["gzip", "deflate"])
    def test_a_packed_reply_is_read(self, packing: str) -> None:
        with Packed(packing) as endpoint:
            exported = exported_for(endpoint)
            assert exported.complete(ask("What is 1 + 1?"), None)[0].text == "2"
            assert endpoint.asked[0].headers["x-key"] == "Token sk-x"
            with pytest.raises(run_template.Refused, match=r"no \*\*\*"):
                exported.complete(ask("What is 2 + 2?"), None)

    def test_prompt_and_answer_are_made_to_fit_the_context(self) -> None:
        with SmallContext() as endpoint:
            answer, *_, attempts = exported_for(endpoint, 4000).complete(ask("What is 1 + 1?"), None)
        assert (answer.text, attempts) == ("2", 2)

    def test_a_cut_answer_is_no_answer(self) -> None:
        options = argparse.Namespace(model=None, max_tokens=None, timeout=20.0)
        with FAMILY["ThinksLong"]() as endpoint:
            exported = run_template.Endpoint(
                endpoint.base_url, "", {"model": "m", "max_tokens": 100}, options
            )
            answer, _, completion, attempts = exported.complete(ask("What is 1 + 1?"), None)
        assert (answer.is_cut, answer.text, completion, attempts) == (True, "", 500, 2)


def test_what_was_learned_is_kept_with_the_run(tmp_path: Path) -> None:
    with FAMILY["Reasoning"]() as endpoint:
        assert search(tmp_path, endpoint, "llm.max_concurrency=16") == 0
        refused = sum("max_tokens" in a.body or a.body.get("temperature", 1) != 1 for a in endpoint.asked)
        assert refused < len(endpoint.asked) / 2
        with meta_search.open_run("run") as archive:
            takes = archive.meta("takes")
        assert takes[f"scripted at {endpoint.base_url}"]["limit"] == "max_completion_tokens"
        assert json.dumps(takes).count('"temperature": false') == 1


class CutsAll(OddEndpoint):
    """Uses up whatever it is given for its thinking, and says nothing of it."""

    def respond(self, asked: Asked) -> Reply:
        return Reply(200, completion("<think>Well", "length"))


def test_what_stays_cut_is_an_outcome_of_its_own(tmp_path: Path) -> None:
    agent = Path(seeds.__file__).with_name("direct.py")
    path = write_table(tmp_path / "sums.jsonl", [(f"What is {n} + 1?", str(n + 1)) for n in range(20)])
    with CutsAll() as endpoint:
        more = ("evaluate.items=3", "llm.max_tokens=100", "run.dir=run")
        given = overrides(path, endpoint.base_url, *more)
        assert cli.main(["evaluate", str(agent), "--json", "out.json", *given]) == 0
        assert {a.body["max_tokens"] for a in endpoint.asked} == {100, 400}
    (row,) = json.loads(Path("out.json").read_text())
    assert (row["outcomes"], row["score"]) == ({"cut": 3}, 0.0)
    assert "cut at 400 tokens, all of them spent on thinking" in row["hint"]
    with meta_search.open_run("run") as archive:
        assert sum(u.reasoning_tokens for u in archive.usage().values()) == 9 * len(endpoint.asked)


def test_thinking_is_counted_apart(tmp_path: Path) -> None:
    with FAMILY["ThinksApart"]() as endpoint:
        assert search(tmp_path, endpoint) == 0
        with meta_search.open_run("run") as archive:
            usage = archive.usage()
    answered = sum(u.calls for u in usage.values())
    assert answered == len(endpoint.asked)
    assert sum(u.reasoning_tokens for u in usage.values()) == 50 * answered
    assert sum(u.completion_tokens for u in usage.values()) == 59 * answered
