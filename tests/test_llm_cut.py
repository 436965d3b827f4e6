"""An answer that was cut is no answer: asked for again where there is room, else an outcome of its own."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from meta_search.config import BudgetConfig
from meta_search.llm.endpoint import Endpoint
from meta_search.testing import CountingEndpoint
from meta_search.types import CallReply, CallRequest
from tests.endpoints.oddities import FAMILY
from tests.kits.gateways import FREE, SCHEMA, ask, gateway
from tests.kits.sqlite_pen import SqlitePen

LONG = "x" * 400  # 100 tokens


def answered(
    pen: SqlitePen, request: CallRequest, budget: BudgetConfig = FREE, **changes: Any
) -> tuple[CallReply, list[int]]:
    """The reply to a request, and the limits that were sent for it."""

    async def run() -> tuple[CallReply, list[int]]:
        with CountingEndpoint(lambda messages, body: LONG) as endpoint:
            place = Endpoint("model", endpoint.base_url, free=changes.pop("free", False))
            async with gateway(pen, place, budget, **changes) as made:
                reply = await made.call(request)
        return reply, [r.body["max_tokens"] for r in endpoint.requests]

    return asyncio.run(run())


def test_what_is_cut_at_the_full_limit_is_no_answer(pen: SqlitePen) -> None:
    reply, limits = answered(pen, ask())
    assert (reply.fault, reply.message, limits) == ("cut", "cut at 50 tokens", [50])
    assert pen.rows("state, fault") == [("done", "cut: cut at 50 tokens")]


def test_a_limit_of_the_agents_own_is_widened_up_to_the_runs(pen: SqlitePen) -> None:
    reply, limits = answered(pen, ask(max_tokens=8), max_tokens=500)
    assert (reply.fault, reply.text, limits) == (None, LONG, [8, 32, 128])
    assert reply.used == reply.paid  # all that was sent is charged, and is the agent's cost
    assert reply.used.completion_tokens == 8 + 32 + 100


def test_the_budget_holds_for_wider_limits(pen: SqlitePen) -> None:
    reply, limits = answered(pen, ask(max_tokens=8), BudgetConfig(calls=2, final_share=0.0), max_tokens=500)
    assert (reply.fault, limits) == ("cut", [8, 32])
    assert reply.text == LONG[:128]


def test_an_embedded_model_is_not_asked_again(pen: SqlitePen) -> None:
    reply, limits = answered(pen, ask(max_tokens=8), max_tokens=500, free=True)
    assert (reply.fault, reply.message, limits) == ("cut", "cut at 8 tokens", [8])


def test_a_draft_of_the_meta_agent_is_asked_for_once_more(pen: SqlitePen) -> None:
    reply, limits = answered(pen, ask(purpose="meta", max_tokens=40))
    assert (reply.fault, reply.text, limits) == (None, LONG, [40, 160])


class Overtaken(FAMILY["ThinksLong"]):  # type: ignore[misc]
    """Cuts the answer to 2 + 2 only once it is told to."""

    go_on = threading.Event()

    def respond(self, asked: Any) -> Any:
        if "2 + 2" in str(asked.body["messages"][-1]):
            self.go_on.wait(10)
        return super().respond(asked)


def test_what_is_cut_while_others_find_out_how_much_room_it_takes_is_asked_again(pen: SqlitePen) -> None:
    async def run() -> tuple[CallReply, list[int]]:
        with Overtaken() as endpoint:
            async with gateway(pen, Endpoint("gpt-5", endpoint.base_url), max_tokens=500) as made:
                overtaken = asyncio.create_task(made.call(ask("What is 2 + 2?")))
                while not endpoint.asked:
                    await asyncio.sleep(0.01)
                await made.call(ask("What is 1 + 1?"))
                endpoint.go_on.set()
                reply = await overtaken
        return reply, [asked.body["max_tokens"] for asked in endpoint.asked]

    reply, limits = asyncio.run(run())
    assert (reply.fault, reply.text) == (None, "4")
    assert limits == [500, 500, 2000, 2000]


def test_a_model_that_thinks_has_room_from_then_on(pen: SqlitePen) -> None:
    async def run() -> None:
        with FAMILY["ThinksLong"]() as endpoint:
            place = Endpoint("model", endpoint.base_url)
            async with gateway(pen, place, max_tokens=500) as made:
                first = await made.call(ask("What is 1 + 1?", max_tokens=60))
                second = await made.call(ask("What is 2 + 2?", max_tokens=60))
                assert made.takes[f"model at {endpoint.base_url}"]["room"] == 2000
                assert any("needs more room" in line for line in made.status().notes)
        assert (first.text, second.text) == ("2", "4")
        # The second and the third are a probe: what one agent's answers take says nothing of others'.
        assert [a.body["max_tokens"] for a in endpoint.asked] == [60, 500, 2000, 2000, 2000]
        assert first.used.reasoning_tokens == 60

    asyncio.run(run())


def test_blanks_after_an_object_by_schema_are_no_cut(pen: SqlitePen) -> None:
    async def run() -> None:
        with CountingEndpoint(lambda messages, body: '{"answer": "42"}' + " " * 400) as endpoint:
            async with gateway(pen, endpoint) as made:
                reply = await made.call(ask(schema=SCHEMA))
        assert (reply.fault, endpoint.calls) == (None, 1)

    asyncio.run(run())


def test_what_the_endpoint_does_not_count_is_estimated_and_charged_in_full(pen: SqlitePen) -> None:
    async def run() -> None:
        with FAMILY["NoUsage"]() as endpoint:
            async with gateway(pen, Endpoint("model", endpoint.base_url)) as made:
                reply = await made.call(ask("What is 1 + 1?"))
                assert "estimated" in made.status().notes[-1]
        assert reply.used.completion_tokens == 1
        assert reply.paid.completion_tokens == 50
        assert reply.used.prompt_tokens < reply.paid.prompt_tokens

    asyncio.run(run())
