"""Whose fault a failed call is: the gateway asks by itself, and believes nothing for an agent's call."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from meta_search.config import BudgetConfig
from meta_search.llm import patience, sender
from meta_search.llm.endpoint import Endpoint
from meta_search.llm.gateway import Gateway
from meta_search.llm.probes import QUESTION
from meta_search.testing import CountingEndpoint, Fault
from meta_search.types import CallReply
from tests.endpoints.server import Asked, OddEndpoint, Reply, completion
from tests.kits.gateways import SCHEMA, ask, both, gateway, last_message
from tests.kits.sqlite_pen import SqlitePen

BAD = "bad"
Faults = Callable[[int, Any], Fault | None]
Talk = Callable[[Gateway, CountingEndpoint], Any]
SLOW = pytest.mark.slow


def said(body: Any) -> str:
    return str(body["messages"][-1]["content"])


def answer(messages: Any, body: Any) -> str:
    """Heeds schemas."""
    text = last_message(messages, body)
    return json.dumps({"answer": text}) if "response_format" in body else text


def own(fault: Fault) -> Faults:
    """What an agent brings about: only calls with its words fail."""
    return lambda n, body: fault if BAD in said(body) else None


def meet(
    pen: SqlitePen, faults: Faults, talk: Callable[[Gateway, CountingEndpoint], Any], **changes: Any
) -> Any:
    """Have `talk` talk to a gateway before an endpoint that fails in a way."""

    async def run() -> Any:
        with CountingEndpoint(answer, faults=faults) as endpoint:
            settings = {"max_retries": 1, "timeout_s": 0.2, **changes}
            async with gateway(pen, endpoint, **settings) as made:
                return await asyncio.wait_for(talk(made, endpoint), 30)

    return asyncio.run(run())


def name(fault: Fault) -> str:
    return f"{fault.kind}-{fault.status}-{fault.message[:12]}"


REFUSALS = (
    Fault(status=400, message="roles must alternate user/assistant"),
    Fault(status=422, message="no"),
    Fault(status=403, message="Forbidden"),
    Fault(status=404, message="nothing here"),
    Fault(status=401, message="bad key"),
    Fault(status=402, message="insufficient balance"),
    Fault(status=400, message="credit balance is too low"),
    Fault(status=429, message="Request too large"),
    Fault(status=429, message="insufficient_quota"),
    Fault(status=400, message="max_tokens is too large"),
    Fault(status=400, message="flagged by moderation"),
    Fault("filter"),
    Fault(status=500),
    Fault(status=503, message="Loading model"),
    Fault("hang"),
    Fault("reset"),
    Fault("bad_json"),
    Fault(status=429),
)


@pytest.mark.parametrize("fault", REFUSALS, ids=name)
@pytest.mark.parametrize("first", [True, pytest.param(False, marks=SLOW)], ids=["first", "later"])
def test_what_only_one_agent_meets_is_its_own(pen: SqlitePen, fault: Fault, first: bool) -> None:
    async def talk(made: Gateway, endpoint: CountingEndpoint) -> None:
        if not first:
            await both(made, *(ask(f"q{n}", agent="honest") for n in range(3)))
        bad = await made.call(ask(BAD))
        assert (bad.fault, made.fatal) == ("declined", None)
        # Settled: a resumed run does not ask again.
        before = endpoint.calls
        assert (await made.call(ask(BAD))).fault == "declined"
        assert endpoint.calls == before
        good = await made.call(ask("good", agent="honest"))
        assert good.text == "re: good"
        assert not any("down" in note or "loading" in note for note in made.status().notes)

    meet(pen, own(fault), talk)
    states = [(s, f.partition(":")[0]) for p, s, f in pen.rows("purpose, state, fault") if p == "task" and f]
    assert states == [("done", "declined")]


@pytest.mark.parametrize("fault", [f for f in REFUSALS if f.kind != "filter"], ids=name)
def test_what_all_meet_is_nobodys(pen: SqlitePen, fault: Fault) -> None:
    async def talk(made: Gateway, endpoint: CountingEndpoint) -> None:
        replies = await both(made, *(ask(f"q{n}", agent=f"a{n}") for n in range(6)))
        assert {reply.fault for reply in replies} == {"llm"}
        assert made.fatal is not None

    meet(pen, lambda n, body: fault, talk, patience_s=0.3)
    assert {state for (state,) in pen.rows("state")} == {"failed"}


def test_many_refused_calls_of_one_agent_stop_nobody(pen: SqlitePen) -> None:
    async def talk(made: Gateway, endpoint: CountingEndpoint) -> None:
        began = time.monotonic()
        bad = [made.call(ask(f"{BAD} {n}")) for n in range(40)]
        good = [made.call(ask(f"q{n}", agent="honest")) for n in range(40)]
        replies: list[CallReply] = await asyncio.gather(*bad, *good)
        assert {reply.fault for reply in replies[:40]} == {"declined"}
        assert [reply.text for reply in replies[40:]] == [f"re: q{n}" for n in range(40)]
        assert made.fatal is None
        assert sum(QUESTION in said(request.body) for request in endpoint.requests) < 20
        assert time.monotonic() - began < 10

    meet(pen, own(REFUSALS[0]), talk, max_concurrency=4)


def test_failures_of_one_agent_are_no_outage(pen: SqlitePen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LONGEST_PAUSE_S", 0.02)

    async def talk(made: Gateway, endpoint: CountingEndpoint) -> None:
        await made.call(ask("hello", agent="honest"))
        replies = await both(made, *(ask(f"{BAD} {n}") for n in range(20)))
        assert {reply.fault for reply in replies} == {"declined"}
        assert (await made.call(ask("more", agent="honest"))).text == "re: more"
        assert made.status().notes == ()
        assert made.status().limit == 32

    meet(pen, own(Fault(status=503)), talk)


@pytest.mark.slow
def test_a_flood_that_drowns_the_probe_is_no_excuse(pen: SqlitePen) -> None:
    """While five are in flight, nobody is answered, the gateway's own neither."""

    def faults(n: int, body: Any) -> Fault | None:
        return Fault("hang") if BAD in said(body) or box[0].in_flight > 4 else None

    box: list[CountingEndpoint] = []

    async def talk(made: Gateway, endpoint: CountingEndpoint) -> None:
        box.append(endpoint)
        replies = await both(made, *(ask(f"{BAD} {n}") for n in range(9)))
        assert {reply.fault for reply in replies} == {"declined"}
        assert made.fatal is None

    meet(pen, faults, talk, max_concurrency=8, patience_s=20)


def test_a_rate_limit_that_one_agent_trips_is_no_excuse(pen: SqlitePen) -> None:
    """Of each agent's calls, and of the gateway's own, three in four are limited once there were many."""

    def faults(n: int, body: Any) -> Fault | None:
        return Fault(status=429) if BAD in said(body) or (n > 10 and n % 4) else None

    async def talk(made: Gateway, endpoint: CountingEndpoint) -> None:
        await made.call(ask("hello", agent="honest"))
        replies = await both(made, *(ask(f"{BAD} {n}") for n in range(4)))
        assert {reply.fault for reply in replies} == {"declined"}
        assert made.fatal is None

    meet(pen, faults, talk)


LONG_WAITS = (
    Fault(status=429, retry_after=3600),
    Fault(status=503, retry_after=60),
    Fault(status=429, message=f"{BAD}: try again in 10 hours"),
)


@pytest.mark.parametrize("fault", LONG_WAITS, ids=name)
def test_a_wait_that_only_one_agent_is_asked_for_holds_nobody(pen: SqlitePen, fault: Fault) -> None:
    """It ended the run with "asks to wait 60 min, longer than llm.patience_s", or held all for as long."""

    async def talk(made: Gateway, endpoint: CountingEndpoint) -> None:
        bad = [asyncio.create_task(made.call(ask(f"{BAD} {n}"))) for n in range(4)]
        await asyncio.to_thread(endpoint.wait_for, 1)
        began = time.monotonic()
        for n in range(4):
            assert (await made.call(ask(f"q{n}", agent="honest"))).fault is None
        assert time.monotonic() - began < 20
        assert {reply.fault for reply in await asyncio.gather(*bad)} == {"declined"}
        assert made.status().notes == ()

    meet(pen, own(fault), talk)


def test_little_patience_is_had_with_an_agent_that_others_do_not_need(pen: SqlitePen) -> None:
    """Only the first of its calls that are dropped takes all attempts, with their pauses."""

    async def talk(made: Gateway, endpoint: CountingEndpoint) -> None:
        sent = []
        for n in range(6):
            before = sum(BAD in said(r.body) for r in endpoint.requests)
            assert (await made.call(ask(f"{BAD} {n}"))).fault == "declined"
            sent.append(sum(BAD in said(r.body) for r in endpoint.requests) - before)
        assert sent[0] > 5
        assert sent[1:] == [3] * 5
        assert (await made.call(ask("good", agent="honest"))).fault is None

    meet(pen, own(Fault("reset")), talk, max_retries=4)


@pytest.mark.parametrize("share", [0.05, pytest.param(0.2, marks=SLOW)])
def test_refusals_at_random_punish_no_honest_agent_and_end_no_run(pen: SqlitePen, share: float) -> None:
    """A wrong key and a bad request, said of a share of all requests, the gateway's own among them."""
    rng = random.Random(1)
    kinds = [Fault(status=status) for status in (400, 401, 403, 404, 422, 500)]

    async def talk(made: Gateway, endpoint: CountingEndpoint) -> None:
        await made.call(ask("hello"))
        replies = await both(made, *(ask(f"q{n}", agent=f"a{n % 3}") for n in range(200)))
        assert sum(reply.fault is not None for reply in replies) <= 3
        assert made.fatal is None

    meet(pen, lambda n, body: rng.choice(kinds) if n and rng.random() < share else None, talk, max_retries=4)


ECHOES = (
    "max_tokens is too large: 50. This model supports at most 7 completion tokens",
    "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead.",
    "temperature does not support 0.5, only the default (1)",
    "unknown field: seed",
    "System role not supported",
    "please enable the stream parameter: only stream mode",
    "response_format.type must be one of 'text', 'json_object'",
    "try again in 10 hours, rate limit",
)


@pytest.mark.parametrize("status", [400, *(pytest.param(s, marks=SLOW) for s in (403, 422, 500))])
@pytest.mark.parametrize("words", ECHOES, ids=lambda w: w[:20])
def test_words_of_an_agent_in_a_refusal_teach_nothing(pen: SqlitePen, words: str, status: int) -> None:
    async def talk(made: Gateway, endpoint: CountingEndpoint) -> None:
        messages = (("system", "You solve."), ("user", BAD))
        bad = await made.call(ask(messages=messages, seed=3, schema=SCHEMA))
        assert bad.fault == "declined"
        assert {name for title in made.takes.values() for name in title} <= {"schema"}
        asked = ask(
            messages=(("system", "You solve."), ("user", "good")), seed=3, schema=SCHEMA, agent="honest"
        )
        began = time.monotonic()
        assert (await made.call(asked)).fault is None
        assert time.monotonic() - began < 5
        body = next(r.body for r in endpoint.requests if said(r.body) == "good")
        assert (body["max_tokens"], body["seed"], body["temperature"]) == (50, 3, 0.5)
        assert body["response_format"]["type"] == "json_schema"
        assert [m["role"] for m in body["messages"]] == ["system", "user"]

    meet(pen, own(Fault(status=status, message=words)), talk)


class Answers(OddEndpoint):
    """Heeds schemas; says what an agent tells it to say."""

    def respond(self, asked: Asked) -> Reply:
        text = said(asked.body)
        if "say " in text:
            return Reply(200, completion(text.partition("say ")[2]))
        if (asked.body.get("response_format") or {}).get("json_schema", {}).get("schema") == {
            "type": "array"
        }:
            return Reply(400, {"error": {"message": "schema must have type object"}})
        return self.ok(asked)


def test_what_an_agent_has_the_model_say_changes_no_request_of_others(pen: SqlitePen) -> None:
    async def run() -> None:
        with Answers() as endpoint:
            async with gateway(pen, Endpoint("model", endpoint.base_url)) as made:
                await made.call(ask("say not an object", schema=SCHEMA))
                await made.call(ask("say <think>hm</think> 3", schema=SCHEMA))
                await made.call(ask("say <think>hm</think> 3"))
                await made.call(ask("x", schema={"type": "array"}))
                await made.call(ask("What is 2 + 2?", schema=SCHEMA, agent="honest", max_tokens=20))
                assert made.learned[0].thinks is False
                assert made.learned[0].schema == "format"
        assert said(endpoint.asked[-1].body) == "What is 2 + 2?"
        assert endpoint.asked[-1].body["max_tokens"] == 20

    asyncio.run(run())


def test_a_first_call_that_hangs_holds_nobody(pen: SqlitePen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "FIRST_S", 0.05)

    async def talk(made: Gateway, endpoint: CountingEndpoint) -> None:
        slow = asyncio.create_task(made.call(ask(BAD, schema=SCHEMA)))
        await asyncio.to_thread(endpoint.wait_for, 1)
        replies = await both(made, *(ask(f"q{n}", schema=SCHEMA, agent="honest") for n in range(5)))
        assert {reply.fault for reply in replies} == {None}
        assert not slow.done()
        assert (await slow).fault == "declined"

    meet(pen, own(Fault("hang")), talk, timeout_s=0.7, max_retries=0)


def test_probes_are_counted_and_fit_into_the_budget(pen: SqlitePen) -> None:
    async def talk(made: Gateway, endpoint: CountingEndpoint) -> None:
        assert (await made.call(ask(BAD))).fault == "declined"
        status = made.status()
        assert (status.paid["task"].calls, status.paid["probe"].calls) == (2, 1)
        assert status.paid["probe"].tokens > 0
        assert "probe" not in status.used
        assert status.left.calls == 0
        assert (await made.call(ask("good"))).fault == "budget"
        assert endpoint.calls == 3

    meet(pen, own(REFUSALS[0]), talk, budget=BudgetConfig(calls=3, final_share=0.0))
    assert sorted(pen.rows("purpose, state, attempts")) == [("probe", "done", 1), ("task", "done", 2)]


def test_a_resumed_run_and_a_replay_ask_nothing_new(pen: SqlitePen) -> None:
    async def talk(made: Gateway, endpoint: CountingEndpoint) -> None:
        reply = await made.call(ask(BAD))
        assert (reply.fault, reply.paid.calls) == ("declined", 0 if endpoint.calls == 0 else 2)
        asked.append(endpoint.calls)

    asked: list[int] = []
    meet(pen, own(REFUSALS[0]), talk)
    meet(pen, lambda n, body: None, talk)  # it would be answered now
    meet(pen, lambda n, body: None, talk, mode="replay")
    assert asked == [3, 0, 0]


def test_an_honest_endpoint_is_never_probed(pen: SqlitePen) -> None:
    async def talk(made: Gateway, endpoint: CountingEndpoint) -> None:
        await both(made, *(ask(f"q{n}", agent=f"a{n}") for n in range(50)))
        assert endpoint.calls == 50
        assert "probe" not in made.status().paid

    meet(pen, lambda n, body: None, talk, timeout_s=5.0)
