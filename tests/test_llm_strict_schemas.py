"""Schemas as OpenAI's strict mode takes them: all that the project sends, and what it cannot say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from meta_search.agent.answers import schema_for
from meta_search.authors.plan import EVERY_WAY, plan_schema
from meta_search.authors.roles import request_for_roles
from meta_search.authors.talk import plans_schema
from meta_search.llm import probes
from meta_search.llm.endpoint import Endpoint
from meta_search.llm.structured import response_format, strict_form
from tests.endpoints.server import Asked, OddEndpoint, Reply
from tests.kits.gateways import ask, gateway
from tests.kits.sqlite_pen import SqlitePen

ROLES = request_for_roles("sums", (("Planner", "plans"),), 0.5, 1, 2).schema
STAGES = {"prepare": ("none", "extract"), "check": ("none", "letter"), "combine": ("vote", "decided")}
PLAN = plan_schema(["who", "sum"], EVERY_WAY)
OURS = {
    "plan": PLAN,
    "plan, free words": plan_schema(),
    "plan with stages": plan_schema(["sum"], EVERY_WAY, whole=True, stages=STAGES),
    "plans": plans_schema(PLAN, 2),
    "roles": ROLES,
    "fields": schema_for(["thinking", "answer"]),
    "equal fields": schema_for(["answer", "answer", "thinking"]),
    "probe": probes.SCHEMA,
}
# What the guide to strict mode lists (nested schemas aside); all else it refuses.
KNOWN = {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$ref"}
KNOWN |= {"$defs", "description", "title"}


def faults(schema: Any, depth: int = 0) -> Iterator[str]:
    """What strict mode would refuse, written from its rules and not from our code."""
    if set(schema) - KNOWN:
        yield f"unknown: {sorted(set(schema) - KNOWN)}"
    if depth > 10:
        yield "too deep"
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            yield "open"
        if sorted(schema.get("required", [])) != sorted(schema["properties"]):
            yield "optional properties"
        for part in schema["properties"].values():
            yield from faults(part, depth + 1)
    if schema.get("type") == "array":
        yield from faults(schema["items"], depth + 1)
    for part in schema.get("anyOf", ()):
        yield from faults(part, depth + 1)


@pytest.mark.parametrize("schema", OURS.values(), ids=OURS)
def test_all_that_we_send_is_valid(schema: Mapping[str, Any]) -> None:
    sent = response_format(schema)["json_schema"]
    assert sent["strict"] is True
    assert sent["schema"]["type"] == "object"
    assert list(faults(sent["schema"])) == []
    assert sent["schema"]["properties"].keys() == schema["properties"].keys()


def test_an_embedded_models_grammar_keeps_the_lengths() -> None:
    sent = response_format(PLAN, free=True)["json_schema"]
    assert sent == {"name": "answer", "strict": True, "schema": PLAN}


OPTIONAL = {"type": "object", "properties": {"a": {"type": "string"}}, "required": []}
OPEN = {"type": "object", "properties": {}, "required": [], "additionalProperties": True}


@pytest.mark.parametrize(
    "schema",
    [
        OPTIONAL,
        OPEN,
        {"type": "array", "items": {"type": "string"}},
        {"allOf": [OPTIONAL], "type": "object"},
        {"type": "object", "properties": {"a": OPTIONAL}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"anyOf": [OPEN]}}, "required": ["a"]},
        {"type": "object", "properties": {"a": True}, "required": ["a"]},
    ],
)
def test_what_strict_mode_cannot_say_is_sent_as_it_is(schema: dict[str, Any]) -> None:
    assert strict_form(schema) is None
    assert response_format(schema)["json_schema"] == {"name": "answer", "strict": False, "schema": schema}


def test_alternatives_and_bounds() -> None:
    inner = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
    schema = {
        "type": "object",
        "properties": {"a": {"anyOf": [inner, {"type": "null"}]}, "b": {"type": "string", "pattern": "x"}},
        "required": ["b", "a"],
    }
    found = strict_form(schema)
    assert found is not None
    assert list(faults(found)) == []
    assert found["properties"]["a"]["anyOf"][1] == {"type": "null"}


class Strict(OddEndpoint):
    """Refuses what strict mode refuses, as OpenAI words it."""

    def respond(self, asked: Asked) -> Reply:
        wanted = (asked.body.get("response_format") or {}).get("json_schema")
        if wanted and wanted["strict"] and (wrong := list(faults(wanted["schema"]))):
            said = f"Invalid schema for response_format 'answer': {wrong[0]}"
            return Reply(400, {"error": {"message": said, "type": "invalid_request_error"}})
        return self.ok(asked)


@pytest.mark.parametrize("schema", [PLAN, ROLES])
def test_a_strict_endpoint_is_asked_by_schema(pen: SqlitePen, schema: dict[str, Any]) -> None:
    async def run() -> None:
        with Strict() as endpoint:
            async with gateway(pen, Endpoint("gpt", endpoint.base_url)) as made:
                reply = await made.call(ask("What is 1 + 1?", schema=schema))
        assert reply.fault is None
        assert all("response_format" in asked.body for asked in endpoint.asked)

    asyncio.run(run())
