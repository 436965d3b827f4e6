"""Tools through the gateway: natively, in words, and whatever models make of both."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_search.llm import replies, tools
from meta_search.llm.endpoint import bound_tokens
from meta_search.llm.ledger import call_key
from meta_search.llm.replies import Answer
from meta_search.testing import CountingEndpoint, EndpointFeatures, Fault, ToolReply
from meta_search.types import CallReply, CallRequest, Tool, ToolCall
from meta_search.types.tools import calling, result
from tests.kits.gateways import ask, gateway
from tests.kits.sqlite_pen import SqlitePen

PARAMETERS = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "page": {"type": ["integer", "null"]}},
    "required": ["id", "page"],
    "additionalProperties": False,
}
SHOW = Tool("show", "Shows an agent.", PARAMETERS)
LIST = Tool("list", "Lists all.", {**PARAMETERS, "properties": {}, "required": []})
TOOLS = (SHOW, LIST)
FIRST = ToolCall("call_0", "show", '{"id": "a"}')
TALK = (
    ("system", "You look things up."),
    ("user", "What is a?"),
    calling("I look.", (FIRST, ToolCall("call_1", "list", "{}"))),
    result(FIRST, "a is 1"),
    result(ToolCall("call_1", "list", "{}"), "a, b"),
)


def meta(talk: Any = TALK, **more: Any) -> CallRequest:
    return ask(messages=talk, tools=TOOLS, purpose="meta", agent="brief-0", split="", **more)


def calls_once(messages: Any, body: Mapping[str, Any]) -> ToolReply | str:
    """Natively where tools are offered; by schema as JSON; else it talks."""
    if "tools" in body:
        return ToolReply((("show", {"id": "a", "page": None}), ("list", "{}")), "I look.")
    if "response_format" in body or "JSON schema" in messages[-1]["content"]:
        return json.dumps({"thought": "I look.", "tool": "show", "arguments": {"id": "a", "page": None}})
    return "2"


def test_tools_travel_natively_and_are_answered_from_the_ledger(pen: SqlitePen) -> None:
    async def run(direct: bool) -> list[CallReply]:
        async with gateway(pen, endpoint, direct=direct) as made:
            return [await made.call(meta()), await made.call(meta())]

    for direct in (True, False):
        with CountingEndpoint(calls_once) as endpoint:
            first, again = asyncio.run(run(direct))
        if direct:
            assert endpoint.calls == 1
            sent = endpoint.requests[0].body
            assert [t["function"]["name"] for t in sent["tools"]] == ["show", "list"]
            assert sent["messages"][2]["tool_calls"][0]["function"] == {
                "name": "show",
                "arguments": '{"id": "a"}',
            }
            assert sent["messages"][3] == {"role": "tool", "tool_call_id": "call_0", "content": "a is 1"}
            assert first.paid.calls == 1
        else:
            assert endpoint.calls == 0  # another gateway on the same ledger
        assert first.text == again.text == "I look."
        assert first.tool_calls == again.tool_calls
        assert [(c.id, c.name, json.loads(c.arguments)) for c in first.tool_calls] == [
            ("call_0", "show", {"id": "a", "page": None}),
            ("call_1", "list", {}),
        ]
        assert again.paid.calls == 0


def test_litellm_carries_the_same(pen: SqlitePen) -> None:
    async def run() -> CallReply:
        async with gateway(pen, endpoint, direct=False) as made:
            return await made.call(meta())

    with CountingEndpoint(calls_once) as endpoint:
        reply = asyncio.run(run())
    assert reply.fault is None, reply.message
    [request] = endpoint.requests
    assert request.body["messages"][3]["role"] == "tool"
    assert [c.name for c in reply.tool_calls] == ["show", "list"]


@pytest.mark.parametrize(
    ("features", "faults", "sent"),
    [
        (EndpointFeatures(tools=False), (), "response_format"),
        (EndpointFeatures(tools=False, schema=False), (), ""),
        (EndpointFeatures(), "bad request", "response_format"),
        (EndpointFeatures(), "tools param requires --jinja flag", "response_format"),
    ],
    ids=["refused", "no schemas either", "refused without a word", "status 500 as of llama.cpp"],
)
def test_an_endpoint_without_tools_is_asked_in_words(
    pen: SqlitePen, features: EndpointFeatures, faults: Any, sent: str
) -> None:
    def fault(n: int, body: Mapping[str, Any]) -> Fault | None:
        status = 500 if "jinja" in faults else 400
        return Fault(status=status, message=faults) if "tools" in body else None

    async def run() -> None:
        with CountingEndpoint(calls_once, features=features, faults=fault if faults else ()) as endpoint:
            async with gateway(pen, endpoint) as made:
                first = await made.call(meta())
                assert made.takes[made._routes["task"].endpoint.title]["tools"] is False
                before = endpoint.calls
                other = await made.call(meta(occurrence="step 1"))
                assert endpoint.calls == before + 1  # learned once
                again = await made.call(meta())
                assert endpoint.calls == before + 1
        for reply in (first, other, again):
            assert reply.fault is None
            assert reply.text == "I look."
            assert [(c.name, json.loads(c.arguments)["id"]) for c in reply.tool_calls] == [("show", "a")]
        last = endpoint.requests[-1].body
        assert (sent in last) if sent else "response_format" not in last
        assert "tools" not in last
        roles = [m["role"] for m in last["messages"]]
        assert roles == ["system", "user", "assistant", "user"]
        assert "a is 1" in last["messages"][3]["content"]
        assert "Result of list" in last["messages"][3]["content"]
        assert "Shows an agent." in last["messages"][0]["content"]

    asyncio.run(run())


def test_a_refusal_that_is_not_about_tools_teaches_nothing(pen: SqlitePen) -> None:
    async def run() -> None:
        def fault(n: int, body: Any) -> Fault | None:
            bad = "bad" in str(body["messages"][-1]["content"])
            return Fault(status=400, message="bad words") if bad else None

        with CountingEndpoint(calls_once, faults=fault) as endpoint:
            async with gateway(pen, endpoint) as made:
                bad = await made.call(meta((("user", "bad"),)))
                good = await made.call(meta((("user", "good"),)))
        assert bad.fault == "declined"
        assert len(good.tool_calls) == 2
        assert "tools" in endpoint.requests[-1].body

    asyncio.run(run())


def test_old_keys_do_not_change() -> None:
    """Digests of an earlier version: what was paid is found again."""
    request = CallRequest("meta", (("user", "hello"),), schema={"type": "object"}, seed=3, agent="brief-1")
    assert call_key(request, "m", 100, True) == EARLIER
    assert call_key(meta(), "m", 100, True) != call_key(tools.in_words(meta()), "m", 100, True)


EARLIER = "e9c4389bbe895f837ec3e6190ea179aea757ec2ccb74efd77d8e380d792aa70e"

FORMS = {
    "a plain object": '{"tool": "show", "arguments": {"id": "a"}}',
    "with words around": 'I will look.\n{"tool": "show", "arguments": {"id": "a"}}\nDone.',
    "fenced": 'Look:\n```json\n{"name": "show", "arguments": {"id": "a"}}\n```',
    "hermes": '<tool_call>\n{"name": "show", "arguments": {"id": "a"}}\n</tool_call>',
    "mistral": '[TOOL_CALLS][{"name": "show", "arguments": {"id": "a"}}]',
    "OpenAI's own": '{"type": "function", "function": {"name": "show", "arguments": "{\\"id\\": \\"a\\"}"}}',
    "parameters": '{"name": "show", "parameters": {"id": "a"}}',
    "beside the name": '{"tool": "show", "id": "a"}',
    "small faults": "{'tool': 'show', 'arguments': {'id': 'a',},}",
    "broken off": '{"tool": "show", "arguments": {"id": "a"',
    "braces before": 'The set {1, 2} is {small}. {"tool": "show", "arguments": {"id": "a"}}',
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_calls_in_text_are_read(text: str) -> None:
    [call] = tools.read(CallReply(text), TOOLS).tool_calls
    assert (call.name, json.loads(call.arguments)) == ("show", {"id": "a"})


@pytest.mark.parametrize(
    "text", ["", "I am done.", '{"answer": 42}', "[1, 2]", '{"name": "Bob", "age": 3}', "{" * 3000]
)
def test_other_text_is_no_call(text: str) -> None:
    reply = tools.read(CallReply(text), TOOLS)
    assert (reply.text, reply.tool_calls) == (text, ())


def test_several_calls_and_raw_line_ends_within_a_source() -> None:
    text = '{"tool": "show", "arguments": {"id": "x\ny"}}\n{"tool": "nothing", "arguments": {}}'
    calls = tools.read(CallReply(text), TOOLS).tool_calls
    assert [(c.id, c.name) for c in calls] == [("call_0", "show"), ("call_1", "nothing")]
    assert json.loads(calls[0].arguments) == {"id": "x\ny"}


def test_what_endpoints_send_is_made_fit_to_be_sent_back() -> None:
    rows = [
        ("", "show", "{'id': 'a'}"),
        ("x", "sh ow\u2028!", "not JSON"),
        ("x", "", ""),
        ("y" * 99, "l", "[]"),
    ]
    raw = CallReply("", tool_calls=tuple(ToolCall(*row) for row in rows))
    calls = tools.read(raw, TOOLS).tool_calls
    assert [c.id for c in calls] == ["call_0", "x", "call_2", "call_3"]
    sent = tools.message_of(*_prepared(calling("", calls)))
    for call in sent["tool_calls"]:
        assert isinstance(json.loads(call["function"]["arguments"]), dict)
        assert call["function"]["name"].isascii()
        assert " " not in call["function"]["name"]
    assert json.loads(sent["tool_calls"][1]["function"]["arguments"]) == {"unreadable": "not JSON"}


def _prepared(message: tuple[str, str]) -> tuple[str, str]:
    return message[0], tools.encodable(*message)


def test_replies_of_endpoints() -> None:
    def body(message: Mapping[str, Any], finish: str = "tool_calls") -> bytes:
        choice = {"message": message, "finish_reason": finish}
        usage = {"prompt_tokens": 1, "completion_tokens": 2}
        return json.dumps({"choices": [choice], "usage": usage}).encode()

    call = {"id": "a", "function": {"name": "show", "arguments": '{"id": "a"}'}}
    thinking = ToolReply((("show", {"id": "a"}),), "Hm.", more={"reasoning_content": "let me think"})
    answer = replies.read(body(thinking.message()))
    assert (answer.words, answer.thinks, answer.calls) == ("Hm.", True, (("call_0", "show", '{"id": "a"}'),))
    silent = replies.read(body({"content": None, "tool_calls": [call]}))
    assert silent == Answer('{"id": "a"}', "tool_calls", 1, 2, calls=(("a", "show", '{"id": "a"}'),))
    assert silent.words == ""
    as_object = {"content": "", "tool_calls": [{"function": {"name": "show", "arguments": {"id": "a"}}}]}
    assert replies.read(body(as_object)).calls == (("", "show", '{"id": "a"}'),)
    old = {"content": None, "function_call": {"name": "list", "arguments": "{}"}}
    assert replies.read(body(old)).calls == (("", "list", "{}"),)
    assert len(replies.read(body({"content": "", "tool_calls": [call] * 500})).calls) == replies.MOST_CALLS


def test_calls_in_a_stream() -> None:
    pieces = [
        {"index": 0, "id": "a", "function": {"name": "show", "arguments": '{"id"'}},
        {"index": 1, "id": "b", "function": {"name": "list", "arguments": ""}},
        {"index": 0, "function": {"arguments": ': "a"}'}},
    ]
    events = [{"choices": [{"delta": {"tool_calls": [piece]}}]} for piece in pieces]
    events.append({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    answer = replies.read(stream.encode())
    assert answer.calls == (("a", "show", '{"id": "a"}'), ("b", "list", ""))


def test_what_is_cut_is_a_fault_and_the_bound_holds(pen: SqlitePen) -> None:
    async def run() -> None:
        def answer(messages: Any, body: Any) -> ToolReply:
            return ToolReply((("show", {"id": "a" * 4000}),))

        with CountingEndpoint(answer) as endpoint:
            async with gateway(pen, endpoint) as made:
                reply = await made.call(meta(max_tokens=20_000))
                assert reply.fault is None
                short = await made.call(meta(max_tokens=16_384, seed=1, occurrence="x"))
        assert len(json.loads(reply.tool_calls[0].arguments)["id"]) == 4000
        assert short.fault is None

    asyncio.run(run())
    request = meta()
    sent = json.dumps([tools.message_of(*m) for m in request.messages]) + json.dumps(tools.specs(TOOLS))
    assert bound_tokens(request.messages, tools.bytes_of(TOOLS)) > len(sent) // 2


def test_an_endpoint_that_chokes_on_results_goes_on_in_words(pen: SqlitePen) -> None:
    """Some models take tools, and not their own calls without what they thought then."""

    def fault(n: int, body: Mapping[str, Any]) -> Fault | None:
        back = any(m["role"] == "tool" for m in body["messages"])
        return Fault(status=400, message="Function call is missing a thought_signature") if back else None

    async def run() -> None:
        with CountingEndpoint(calls_once, faults=fault) as endpoint:
            async with gateway(pen, endpoint) as made:
                first = await made.call(meta((("user", "What is a?"),)))
                second = await made.call(meta())
                before = endpoint.calls
                third = await made.call(meta(occurrence="step 2"))
                assert endpoint.calls == before + 1
        assert [len(r.tool_calls) for r in (first, second, third)] == [2, 1, 1]
        assert second.fault is None
        assert second.paid.calls > 1  # what was refused is paid as well
        assert "tools" not in endpoint.requests[-1].body

    asyncio.run(run())


def test_the_answers_of_a_refused_call_are_found_in_a_replay(pen: SqlitePen) -> None:
    async def run() -> None:
        features = EndpointFeatures(tools=False)
        with CountingEndpoint(calls_once, features=features) as endpoint:
            async with gateway(pen, endpoint) as made:
                live = [await made.call(meta()), await made.call(meta(occurrence="step 1"))]
            async with gateway(pen, endpoint, mode="replay") as again:
                before = endpoint.calls
                replayed = [await again.call(meta()), await again.call(meta(occurrence="step 1"))]
                missing = await again.call(meta(occurrence="step 2"))
                assert endpoint.calls == before
        for one, other in zip(live, replayed, strict=True):
            assert (one.text, one.tool_calls, one.fault) == (other.text, other.tool_calls, other.fault)
            assert one.used == other.used
        assert missing.fault == "llm"
        assert "not in the record" in missing.message

    asyncio.run(run())


@given(st.text(alphabet='{}[]",:\\\\ toolargumentsnme\n`<>_', max_size=80), st.text(max_size=20))
def test_whatever_a_model_writes_can_be_read_and_sent_back(text: str, name: str) -> None:
    said = tools.read(CallReply(text), TOOLS)
    marked = tools.read(CallReply(text, tool_calls=(ToolCall(text, name, text),)), TOOLS)
    for reply in (said, marked):
        sent = tools.message_of(*_prepared(calling(reply.text, reply.tool_calls)))
        for call in sent.get("tool_calls", ()):
            assert isinstance(json.loads(call["function"]["arguments"]), dict)
        plain = tools.in_words(meta((("user", "a"), calling(reply.text, reply.tool_calls))))
        assert [role for role, _ in plain.messages] == ["user", "assistant"]


def test_garbage_takes_no_long_time() -> None:
    begun = time.process_time()
    for text in ("{" * 10**6, "[" * 10**6, '{"tool": ' * 10**5, '{"a": 1} ' * 10**5, "{'a': [" * 3000):
        tools.read(CallReply(text), TOOLS)
    assert time.process_time() - begun < 5.0
