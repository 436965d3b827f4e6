"""What an endpoint takes: one table for the gateway, both wires and exported agents.

OpenAI's protocol has dialects: `max_tokens` is `max_completion_tokens` to reasoning models, which take no
temperature but their own; others know no seed, no system role, or only streams. Nothing is asked in advance:
what an endpoint refuses is read from its words, once, and later requests leave it out. A refusal is compared
with what that very request was sent with, so that calls which were under way meanwhile learn the same.

Needs the standard library and `faults` only: exported agents carry both.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from meta_search.llm.faults import output_cap

__all__ = [
    "SchemaMode",
    "Takes",
    "learned",
    "refuses_schema",
    "room_left",
    "sent_form",
    "told",
]

SchemaMode = Literal["unknown", "format", "instruct", "both", "object"]
Messages = tuple[tuple[str, str], ...]

MARGIN = 8  # tokens by which endpoints count a prompt otherwise from one call to the next
LEAST_ROOM = 16  # less is no room for an answer
REFUSALS = frozenset({400, 404, 405, 415, 422, 501})  # statuses that may be about one field of a request
NAMES_THINKER = re.compile(
    r"(^|[/:._-])(o[134](-|$)|gpt-5|gpt-oss|deepseek-r|deepseek-reasoner|qwq|qwen3|magistral|grok-(3-mini|4)"
    r"|gemini-(2\.5|3)|glm-(4\.[5-9]|5)|minimax-m|kimi-k2-think|\w*(reason|think))",
    re.IGNORECASE,
)
SYSTEM = re.compile(
    r"(system|developer) (role|message|prompt|instruction)s?\b.{0,60}(not|n't|unsupported|only|disabled)"
    r"|does not support '?\"?system|role\W.{0,30}system.{0,30}not|only user and assistant roles"
    r"|roles must alternate|unexpected role\W{1,3}system"
    r"|role\W{1,4}(must|should) be one of\W+user\W+(and |or )?\W*assistant",
    re.IGNORECASE,
)
TOOLS = re.compile(r"\btools?\b|tool.?(choice|use|call)|function.?call|\bfunctions\b", re.IGNORECASE)
STREAM = re.compile(
    r"(only|must|requires?|enable|set).{0,40}\bstream(ing|\b)|\bstream(ing)?\b.{0,40}(must|only|required|true)",
    re.IGNORECASE,
)
OTHER_LIMIT = re.compile(
    r"max_completion_tokens|'?max_tokens'?.{0,40}(not|un)"
    r"|(not permitted|not allowed|un\w+ \w+)\W.{0,20}max_tokens"
)
RANGE = re.compile(r"between|range|less than|greater than|at most|maximum|minimum|<=|>=", re.IGNORECASE)
ONLY_DEFAULT = re.compile(r"only.{0,40}(default|temperature ?= ?1|\(1\))|(n't| not) support", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Takes:
    """What an endpoint takes for one model, as far as it has told.

    Attributes:
        limit: Name of the field that limits an answer's tokens.
        most: Largest limit that it takes; 0 where none was told.
        temperature: Whether a temperature may be named.
        seed: Whether a seed may be named.
        system: Whether messages may have the role `system`; if not, its text begins the first user message.
        schema: How it takes JSON schemas: `format` (by `response_format`), `object` (as JSON mode, with the
            schema in words), `instruct` (in words only), `both`; `unknown` until a call has told.
        stream: Whether it answers in streams only.
        stream_options: Whether a stream may be asked for its usage.
        usage: Whether it counts tokens; if not, they are estimated.
        thinks: Whether the model thinks before it answers, within the limit of tokens.
        room: A limit of tokens that was needed for a whole answer with its thinking; 0 before that happened.
        tools: Whether tools may be offered; if not, calls are asked for in words.
    """

    limit: str = "max_tokens"
    most: int = 0
    temperature: bool = True
    seed: bool = True
    system: bool = True
    schema: SchemaMode = "unknown"
    stream: bool = False
    stream_options: bool = True
    usage: bool = True
    thinks: bool = False
    room: int = 0
    tools: bool = True

    @staticmethod
    def of(model: str, known: Mapping[str, Any] | None = None) -> Takes:
        """What is known of a model before it was asked.

        Args:
            model: Its name: models that think are known by their families.
            known: What an earlier session has learned, as `differs` gives it.
        """
        names = {f.name for f in dataclasses.fields(Takes)}
        kept = {k: v for k, v in (known or {}).items() if k in names and type(v) is type(getattr(Takes(), k))}
        return Takes(**{"thinks": bool(NAMES_THINKER.search(model)), **kept})

    def differs(self) -> dict[str, Any]:
        """What is not as with most endpoints, as JSON, for `Takes.of`."""
        plain = Takes()
        return {
            f.name: getattr(self, f.name)
            for f in dataclasses.fields(self)
            if getattr(self, f.name) != getattr(plain, f.name)
        }


def sent_form(
    messages: Messages, settings: Mapping[str, Any], takes: Takes
) -> tuple[Messages, dict[str, Any]]:
    """A request in the endpoint's dialect.

    Args:
        messages: (role, content) pairs.
        settings: As most endpoints take them: `temperature`, `max_tokens`, and where they are asked for
            `seed`, `response_format` and `tools`.
        takes: What the endpoint takes.
    """
    sent = dict(settings)
    if "max_tokens" in sent:
        limit = sent.pop("max_tokens")
        sent[takes.limit] = min(limit, takes.most) if takes.most else limit
    for name in ("temperature", "seed"):
        if not getattr(takes, name):
            sent.pop(name, None)
    if takes.stream:
        sent["stream"] = True
        if takes.stream_options:
            sent["stream_options"] = {"include_usage": True}
    return (messages if takes.system else _without_system(messages)), sent


def _without_system(messages: Messages) -> Messages:
    first = "\n\n".join(content for role, content in messages if role == "system")
    others = [(role, content) for role, content in messages if role != "system"]
    if not first:
        return messages
    if others and others[0][0] == "user":
        return (("user", f"{first}\n\n{others[0][1]}"), *others[1:])
    return (("user", first), *others)


def learned(
    messages: Sequence[tuple[str, str]], settings: Mapping[str, Any], status: int | None, message: str
) -> dict[str, Any]:
    """What a refusal says of the request that was refused.

    Args:
        messages: As they were sent.
        settings: As they were sent.
        status: HTTP status.
        message: The endpoint's words.

    Returns:
        Changes of the `Takes` that it was sent with; empty where the refusal is about something else.
    """
    if status not in REFUSALS:
        # llama.cpp says so of its template with status 500.
        says_system = status == 500 and any(r == "system" for r, _ in messages) and SYSTEM.search(message)
        no_tools = status == 500 and "tools" in settings and TOOLS.search(message)  # likewise
        return {"tools": False} if no_tools else {"system": False} if says_system else {}
    sent = next((n for n in ("max_tokens", "max_completion_tokens") if n in settings), "")
    cap = output_cap(message) if sent else None
    if cap is not None:  # whatever names of fields its sentence holds
        return {"most": cap.tokens} if cap.always and 0 < cap.tokens < settings[sent] else {}
    if "tools" in settings and TOOLS.search(message):
        return {"tools": False}
    if sent == "max_tokens" and OTHER_LIMIT.search(message):
        return {"limit": "max_completion_tokens"}
    if sent == "max_completion_tokens" and "max_completion_tokens" in message:
        return {"limit": "max_tokens"}
    if "temperature" in settings and "temperature" in message:
        in_range = not RANGE.search(message) or ONLY_DEFAULT.search(message)
        return {"temperature": False} if in_range else {}
    if "seed" in settings and re.search(r"\bseed\b", message):
        return {"seed": False}
    if "stream_options" in settings and "stream_options" in message:
        return {"stream_options": False}
    if any(role == "system" for role, _ in messages) and SYSTEM.search(message):
        return {"system": False}
    if "stream" not in settings and STREAM.search(message):
        return {"stream": True}
    return {}


def room_left(message: str, limit: int) -> int:
    """Tokens that the model's context leaves for the answer, where a refusal says that the two together are
    too many; 0 where it is the prompt alone, or not said."""
    cap = output_cap(message)
    if cap is None or cap.always:
        return 0
    left = cap.tokens - MARGIN
    return left if LEAST_ROOM <= left < limit else 0


def refuses_schema(status: int | None, message: str) -> SchemaMode | None:
    """How to ask instead where a request with a schema was refused with no other reason."""
    if status not in REFUSALS:
        return None
    offered = "json_object" in message and not re.search(r"json_object\W.{0,30}(not|un)", message)
    return "object" if offered else "instruct"


def told(model: str, changes: Mapping[str, Any]) -> str:
    """One line on what was learned; empty where it concerns nobody."""
    words: dict[str, Callable[[Any], str]] = {
        "limit": lambda v: f"takes {v} for the limit of an answer",
        "most": lambda v: f"writes at most {v} tokens an answer",
        "temperature": lambda _: "takes no temperature: it is left out",
        "seed": lambda _: "takes no seed: it is left out",
        "system": lambda _: "takes no system message: its text begins the first user message",
        "stream": lambda _: "answers in streams only: they are read",
        "usage": lambda _: "does not count tokens: they are estimated",
        "tools": lambda _: "takes no tool calls: they are asked for as JSON",
        "room": lambda v: f"needs more room for its thinking: up to {v} tokens an answer from now on",
    }
    lines = [words[name](value) for name, value in changes.items() if name in words]
    return f"{model} {'; '.join(lines)}" if lines else ""
