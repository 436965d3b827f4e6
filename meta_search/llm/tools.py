"""Tool calls on their way: to endpoints that take them, in words to those that do not, and back.

An endpoint or a model without tool calls is asked for the same as JSON, one object a step, by a schema where
it takes one: `in_words` makes another request of it, which is an ordinary call with a ledger row of its own.
What comes back is read generously, whichever way it was asked for: models write calls into their text too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from meta_search.llm import structured
from meta_search.types import CallReply, CallRequest, Tool, ToolCall
from meta_search.types.tools import CALLING, RESULT, called, resulted

__all__ = ["PROBE_TOOL", "bytes_of", "encodable", "in_words", "message_of", "named", "read", "specs"]

OVERHEAD = 1024  # bytes that a provider's own instructions on tools take
MOST_CALLS = 32  # of one reply that are read
MOST_STARTS = 64  # places of a text at which an object is looked for
MOST_ID = 64
NAMES = ("tool", "name", "tool_name", "function", "action")
ARGUMENTS = ("arguments", "parameters", "args", "input", "action_input")
BESIDE = ("thought", "type")
OPEN = re.compile(r"[{\[]")
TAGS = re.compile(r"</?(?:tool_call|function_call|tool_calls)>|\[/?TOOL_CALLS\]|```(?:json)?")

PROBE_TOOL = Tool(
    "add",
    "Adds two numbers.",
    {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
)


def named(tools: Sequence[Tool]) -> list[list[Any]]:
    """Tools as JSON, for keys and ledger."""
    return [[tool.name, tool.description, tool.parameters] for tool in tools]


def specs(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The request field `tools` of OpenAI's chat completions."""
    return [
        {
            "type": "function",
            "function": {"name": t.name, "description": t.description, "parameters": t.parameters},
        }
        for t in tools
    ]


def bytes_of(tools: Sequence[Tool]) -> int:
    """Upper bound of the bytes that tools add to a prompt, natively or in words."""
    return len(json.dumps(specs(tools)).encode()) + 2 * OVERHEAD if tools else 0


def message_of(role: str, content: str) -> dict[str, Any]:
    """A message as OpenAI's chat completions have it."""
    if role == CALLING:
        text, calls = called(content)
        made = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in calls
        ]
        return {"role": "assistant", "content": text or None, "tool_calls": made}
    if role == RESULT:
        id_, _, text = resulted(content)
        return {"role": "tool", "tool_call_id": id_, "content": text}
    return {"role": role, "content": content}


def in_words(request: CallRequest) -> CallRequest:
    """The same request for an endpoint without tool calls: tools described, one step asked for by schema."""
    names = [tool.name for tool in request.tools]
    lines = [f"- {t.name}: {t.description} Arguments: {json.dumps(t.parameters)}" for t in request.tools]
    told = (
        'Reply with one JSON object a step: {"thought": "…", "tool": "…", "arguments": {…}}. The tools:\n'
        + "\n".join(lines)
    )
    messages: list[tuple[str, str]] = []
    for role, text in map(_plain, request.messages):
        if messages and messages[-1][0] == role == "user":
            messages[-1] = (role, f"{messages[-1][1]}\n\n{text}")
        else:
            messages.append((role, text))
    (role, text), *others = messages
    schema = {
        "type": "object",
        "properties": {
            "thought": {"type": "string"},
            "tool": {"type": "string", "enum": names},
            "arguments": {"anyOf": [tool.parameters for tool in request.tools]},
        },
        "required": ["thought", "tool", "arguments"],
        "additionalProperties": False,
    }
    first = (role, f"{text}\n\n{told}")
    return replace(request, messages=(first, *others), tools=(), schema=schema)


def _plain(message: tuple[str, str]) -> tuple[str, str]:
    role, content = message
    if role == CALLING:
        text, calls = called(content)
        made = [
            {"thought": "" if number else text, "tool": c.name, "arguments": _object(c.arguments)}
            for number, c in enumerate(calls)
        ]
        return "assistant", "\n".join(json.dumps(call, ensure_ascii=False) for call in made)
    if role == RESULT:
        _, name, text = resulted(content)
        return "user", f"Result of {name}:\n{text}"
    return role, content


def encodable(role: str, content: str) -> str:
    """Names and texts of calls as every endpoint takes them: nothing of them but the text is the model's."""
    if role != CALLING:
        return content
    text, calls = called(content)
    rows = [[c.id, _name(c.name), json.dumps(_object(c.arguments), ensure_ascii=False)] for c in calls]
    return json.dumps({"text": text, "calls": rows}, ensure_ascii=False)


def _name(name: str) -> str:
    """A function's name as endpoints take it."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:MOST_ID] or "none"


def _object(text: str) -> dict[str, Any]:
    """Arguments as an object; what is none stands in one, so that the model sees what it wrote."""
    found = _loaded(text)
    return found if isinstance(found, dict) else {"unreadable": text[:400]}


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def read(reply: CallReply, tools: Sequence[Tool]) -> CallReply:
    """A reply with its calls: those that the endpoint marked, else those that stand in the text."""
    if reply.fault is not None:
        return reply
    if reply.tool_calls:
        rows = [(c.id, c.name, c.arguments) for c in reply.tool_calls[:MOST_CALLS]]
        return replace(reply, tool_calls=_distinct(rows))
    found, said = _in_text(reply.text, {tool.name for tool in tools})
    return replace(reply, text=_storable(said), tool_calls=_distinct(found)) if found else reply


def _storable(text: str) -> str:
    """JSON may hold halves of characters."""
    return text.encode("utf-8", "replace").decode()


def _distinct(rows: Sequence[tuple[str, str, str]]) -> tuple[ToolCall, ...]:
    """Calls with an id each, and arguments as an object where one can be recovered."""
    calls: list[ToolCall] = []
    for number, (id_, name, arguments) in enumerate(rows):
        fit = re.fullmatch(r"[\w.:-]{1,64}", id_, re.ASCII) and id_ not in {call.id for call in calls}
        text = arguments.strip() or "{}"
        text = text if isinstance(_loaded(text), dict) else structured.repaired(text)
        calls.append(ToolCall(id_ if fit else f"call_{number}", _storable(name), text))
    return tuple(calls)


def _in_text(text: str, known: set[str]) -> tuple[list[tuple[str, str, str]], str]:
    """Calls that a model wrote into its text, and what it said before them."""
    found: list[tuple[str, str, str]] = []
    said = ""
    objects, broken = _objects(text)
    if not objects and broken >= 0:  # cut off, or with small faults
        objects = [(broken, _loaded(structured.repaired(text[broken:])))]
    for start, value in objects:
        for one in value if isinstance(value, list) else [value]:
            call = _call_of(one, known) if isinstance(one, Mapping) else None
            if call is not None:
                found.append(("", *call))
                thought = one.get("thought")
                before = TAGS.sub("", text[:start]).strip()
                said = said or (thought if isinstance(thought, str) else "") or before
    return found[:MOST_CALLS], said


def _call_of(value: Mapping[str, Any], known: set[str]) -> tuple[str, str] | None:
    """Name and arguments of an object that is a call; `None` for any other object."""
    inner = next((v for k in ("function", "tool_call") if isinstance(v := value.get(k), Mapping)), value)
    key = next((k for k in NAMES if isinstance(inner.get(k), str)), None)
    given = next((inner[k] for k in ARGUMENTS if k in inner), None)
    if key is None or (given is None and inner[key] not in known):
        return None
    if given is None:  # the arguments stand beside the name
        given = {k: v for k, v in inner.items() if k != key and k not in BESIDE}
    return inner[key], given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def _objects(text: str) -> tuple[list[tuple[int, Any]], int]:
    """JSON objects and lists of a text, one after another, with where they begin; and where the first object
    begins that cannot be read, or -1."""
    decoder, at, broken = json.JSONDecoder(strict=False), 0, -1
    found: list[tuple[int, Any]] = []
    for _ in range(MOST_STARTS):
        opened = OPEN.search(text, at)
        if opened is None:
            break
        start = opened.start()
        try:
            value, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            broken = start if broken < 0 and opened[0] == "{" else broken
            at = start + 1
            continue
        if value and (isinstance(value, dict) or isinstance(value[0], dict)):
            found.append((start, value))
    return found, broken
