"""Endpoints that mean harm: the same small search ends with the same scores, or one clear line."""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from meta_search import cli
from meta_search.agent import seeds
from meta_search.export import run_template
from meta_search.llm import replies, structured, thinking
from meta_search.llm.bodies import LARGEST, Body
from meta_search.llm.endpoint import Endpoint
from meta_search.llm.faults import READ, BadAnswer, Refused, classify
from meta_search.llm.gateway import Gateway
from meta_search.llm.takes import learned
from tests.endpoints.hostile import ANSWERS, NEVER
from tests.endpoints.server import Asked, OddEndpoint, Reply, completion, refusal
from tests.kits.gateways import SCHEMA, ask, both, gateway
from tests.kits.searches import overrides, sums, write_table
from tests.kits.sqlite_pen import SqlitePen

OFTEN = ("Bomb", "Mutters")  # the others through litellm, and in whole searches, only where there is time
PIECES = [{"choices": [{"index": 0, "delta": {"content": "x"}, "logprobs": [], "finish_reason": None}]}]
ATOMS = ('{"', "\\u", "<think>", "max_", "data: {\n", "\ud800")
MORE_ATOMS = (
    *("{", "[", '{"a":', '"', "(", "</think>", "<think></think>", "<title", "\n", " ", "1", "\x00", "İ"),
    *("<|channel|>final", "<|channel|>", "max_tokens ", "unun", ": \n", "try in 1 ", "1s ", "stream "),
    *("maximum context length is 1 tokens", "system role ", "retry_after "),
)


async def _longest_stall(stalls: list[float]) -> None:
    while True:
        began = time.monotonic()
        await asyncio.sleep(0.01)
        stalls.append(time.monotonic() - began)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "direct"),
    [
        *((name, True) for name in ANSWERS),
        *(pytest.param(n, False, marks=[] if n in OFTEN else pytest.mark.slow) for n in ANSWERS),
    ],
)
def test_every_call_is_answered_and_the_loop_goes_on(pen: SqlitePen, name: str, direct: bool) -> None:
    stalls: list[float] = []

    async def run() -> None:
        with ANSWERS[name]() as endpoint:
            place = Endpoint("m", endpoint.base_url, "sk-secret")
            async with gateway(pen, place, direct=direct, max_concurrency=4) as made:
                watch = asyncio.create_task(_longest_stall(stalls))
                asked = (ask(f"What is {n} + 1?", schema=SCHEMA if n % 3 else None) for n in range(20))
                told = await asyncio.wait_for(both(made, *asked), 20)
                watch.cancel()
                assert [r.fault for r in told] == [None] * 20
                assert all(str(n + 1) in r.text for n, r in enumerate(told))
                assert made.fatal is None
                assert made.status().notes == () or "does not count tokens" in made.status().notes[0]

    asyncio.run(run())
    assert max(stalls) < 2.0


@pytest.mark.parametrize(
    "name",
    [n if n == "Figures" else pytest.param(n, marks=pytest.mark.slow) for n in ANSWERS],
)
def test_a_search_ends_with_the_same_scores(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("meta_search.run.service.Gateway", partial(Gateway, backoff_s=0.02))
    brief = ("evaluate.items=4", "evaluate.test_items=4", "search.candidates=1", "search.prior=false")
    author = ("search.seeds=[direct]", "author=llm", "author.formats=[program]", "author.reflexions=0")
    with ANSWERS[name]() as endpoint:
        given = (
            *brief,
            *author,
            "run.dir=run",
            "run.confirm=false",
            "budget.wall_s=60",
            "llm.max_tokens=600",
        )
        assert cli.main(["run", *overrides(sums(tmp_path), endpoint.base_url, *given)]) == 0
    with sqlite3.connect("file:run/archive.db?mode=ro", uri=True) as database:
        rows = database.execute("SELECT split, score, items FROM evaluations WHERE complete").fetchall()
    assert (
        sorted(row for row in rows if row[0] != "validation")
        == [("test", 1.0, 4)] * 2 + [("train", 1.0, 4)] * 2
    )
    assert "\x1b]0;" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["DripsBody", pytest.param("DripsHead", marks=pytest.mark.slow)])
def test_a_drip_ends_an_evaluation_with_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("meta_search.run.service.Gateway", partial(Gateway, backoff_s=0.01))
    agent = Path(seeds.__file__).with_name("direct.py")
    began = time.monotonic()
    with NEVER[name]() as endpoint:
        more = ("evaluate.items=6", "llm.timeout_s=0.3", "llm.max_retries=1", "run.dir=run")
        assert cli.main(["evaluate", str(agent), *overrides(sums(tmp_path), endpoint.base_url, *more)]) == 1
    assert "failed 5 calls in a row, last: no answer within 0.3 s" in capsys.readouterr().err.splitlines()[-1]
    assert time.monotonic() - began < 20


UNSURE = """def forward(self, taskInfo):
    first = int(re.search(r"\\d+", taskInfo.content)[0])
    word = "FORBIDDEN" if first % 2 else "Answer only."
    return LLMAgentBase(["answer"], "Solver")([taskInfo], word)[0]
"""


class Forbids(OddEndpoint):
    """Refuses a word."""

    def respond(self, asked: Asked) -> Reply:
        return refusal(400, "no such word") if "FORBIDDEN" in str(asked.body) else self.ok(asked)


def test_an_agent_that_provokes_refusals_leaves_no_item_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It did: half of its items were left out, with a score of 100 % on the rest."""
    monkeypatch.setattr("meta_search.run.service.Gateway", partial(Gateway, backoff_s=0.02))
    agent, report = tmp_path / "unsure.py", tmp_path / "out.json"
    agent.write_text(UNSURE)
    rows = write_table(tmp_path / "sums.jsonl", [(f"What is {n} + 1?", str(n + 1)) for n in range(40)])
    with Forbids() as endpoint:
        more = ("evaluate.items=12", f"run.dir={tmp_path / 'run'}")
        given = overrides(rows, endpoint.base_url, *more)
        assert cli.main(["evaluate", str(agent), "--json", str(report), *given]) == 0
    (row,) = json.loads(report.read_text())
    right, declined = row["outcomes"]["ok"], row["outcomes"]["declined"]
    assert (right + declined, row["score"]) == (12, pytest.approx(right / 12))
    assert declined > 0


def exported(endpoint: OddEndpoint, timeout: float = 20.0) -> run_template.Endpoint:
    options = argparse.Namespace(model=None, max_tokens=None, timeout=timeout)
    return run_template.Endpoint(endpoint.base_url, "", {"model": "m", "max_tokens": 500}, options)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_exported_agent_is_answered_all_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_template, "_pause_s", lambda refused, failures: 0.0)
    with ANSWERS[name]() as endpoint:
        agent = exported(endpoint)
        for number in range(20):
            assert agent.complete(ask(f"What is {number} + 1?"), None)[0].text == str(number + 1)


@pytest.mark.parametrize("name", NEVER)
def test_the_timeout_of_an_exported_agent_is_for_the_whole_request(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_template, "RETRIES", 0)
    began = time.monotonic()
    with NEVER[name]() as endpoint, pytest.raises(run_template.Refused, match=r"no answer within 0.3 s"):
        exported(endpoint, 0.3).complete(ask("What is 1 + 1?"), None)
    assert time.monotonic() - began < 5


class Models(OddEndpoint):
    """A list of models that is a bomb."""

    def models(self, asked: Any) -> Reply:
        bomb: Any = ANSWERS["Bomb"]()
        return Reply(200, bomb.packed(), {"Content-Encoding": "gzip"})


def test_a_bomb_for_a_list_of_models_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agent = Path(seeds.__file__).with_name("direct.py")
    with Models() as endpoint:
        more = ("evaluate.items=4", f"run.dir={tmp_path / 'run'}")
        assert cli.main(["evaluate", str(agent), *overrides(sums(tmp_path), endpoint.base_url, *more)]) == 2
    assert "the reply is larger than 16 MB" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("atom", [*ATOMS, *(pytest.param(a, marks=pytest.mark.slow) for a in MORE_ATOMS)])
def test_no_words_take_long_to_read(atom: str) -> None:
    """Every reader of replies, with 190 KB of each; before, up to 19 s."""
    words = (atom * (190_000 // len(atom) + 1))[:190_000]
    began = time.process_time()
    for begin in ("", "<think>", "{", '{"', "<|channel|>", "data: "):
        text = begin + words
        thinking.without_thinking(text)
        thinking.object_at_end(text + "}")
        structured.repaired(text[: structured.LONGEST])
        structured.repaired(text)
        received = text.encode("utf-8", "replace")
        with pytest.raises((BadAnswer, Refused)):
            replies.read(received)
        for status in (400, 429, 500):
            error = replies.refused(status, received, {"Retry-After": words, "x-ratelimit-reset": words})
            failure = classify(error, 1.0)
            assert failure.message.isprintable()
            learned((("system", "x"),), {"max_tokens": 9, "temperature": 1, "seed": 1}, status, text[:READ])
    assert time.process_time() - began < 6.0


LIST = b"[],"
SENT = json.dumps(completion("7"))[:-1].encode() + b',"more":['
COSTLY = {
    "lists": lambda: SENT + LIST * (LARGEST // 3 - 200) + b"0]}",
    "lists in lists": lambda: SENT + b"[[[[]]]]," * (LARGEST // 9 - 200) + b"0]}",
    "an event of many lines": lambda: b"data: [\n" + (b"data: " + LIST * 53_000 + b"\n") * 98,
    "a short event of many lines": lambda: b"data: [\n" + (b"data: " + LIST * 850 + b"\n") * 98,
    "a long failure": lambda: json.dumps({"error": {"message": "x y\n" * (LARGEST // 6)}}).encode(),
}


@pytest.mark.parametrize("name", COSTLY)
def test_no_reply_is_long_work(name: str) -> None:
    """Each holds up all threads while it is read: they took 0.5 to 80 s, and 3 s of the loop itself."""
    received = COSTLY[name]()
    assert len(received) <= LARGEST
    began = time.process_time()
    with pytest.raises((BadAnswer, Refused)) as told:
        replies.read(received)
    assert classify(told.value, 1.0, "secret").message.isprintable()
    assert time.process_time() - began < 2.0


def test_a_reply_packed_in_many_pieces_is_not_read_to_its_end() -> None:
    piece = gzip.compress(b"")
    body = Body("gzip")
    body.feed(gzip.compress(b"7") + piece * 1000)
    assert body.whole() == b"7"
    with pytest.raises(BadAnswer, match="more than 1024 pieces"):
        body.feed(piece * 100)


def test_brackets_in_a_long_answer_are_read() -> None:
    code = "[{" * 100_000
    assert replies.read(json.dumps(completion(code)).encode()).text == code
    stream = b"".join(b"data: " + json.dumps(piece).encode() + b"\n\n" for piece in PIECES * 50_000)
    assert replies.read(stream + b"data: [DONE]\n").text == "x" * 50_000


def test_lone_surrogates_of_an_answer_do_not_pass() -> None:
    answer = replies.read_object(completion("a\ud800b"))
    assert answer.text == "a?b"
