"""Builds the requests that go to a model from what a child says: texts, roles and names, nothing ready-made.

An endpoint must get nothing that the runtime could not have made. Otherwise an agent provokes refusals where
it is unsure, holds up the endpoint with a schema of its own, or teaches the gateway what is not true. So the
schema is made here, from the names of the fields, and messages have the one order that every endpoint takes.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meta_search.agent.answers import schema_for
from meta_search.sandbox.trusted.message_fields import (
    MAX_ITEMS,
    MAX_LINE,
    MAX_NAME,
    MAX_NUMBER,
    ProtocolError,
    checked_text,
    fail,
    identifier,
    identifiers,
    number,
    raw_text,
    text,
)
from meta_search.types import CallRequest, ItemJob

__all__ = ["Call", "read_call", "read_place", "read_turns", "request_of"]

# Published agents ask for up to 4 fields, of names of up to 20 characters.
MAX_FIELDS, MAX_FIELD = 32, 100
MAX_FIELDS_IN_ALL = 500  # characters
# What a grammar, a pattern or a path would take for more than a name.
NO_NAME = frozenset('"\\$<>{}[]`|^~')
# Keys of schemas that converters look for at any depth, and those of JavaScript's objects.
RESERVED = frozenset(
    "additionalproperties allof anyof oneof patternproperties propertynames unevaluatedproperties "
    "__proto__ constructor prototype".split()
)
OCCURRENCE = re.compile(r"(?:\d{1,7}\.\d{1,7}/)*\d{1,7}", re.ASCII)
MAX_TURNS = MAX_ITEMS
MAX_PLACE = 64


@dataclass(frozen=True, slots=True)
class Call:
    """A request for an LLM call.

    Attributes:
        id: Number of the request.
        author: Name of the `LLMAgentBase` that calls.
        role: Its role.
        messages: Chat messages, pairs (role, content): perhaps `system`, then `user` and `assistant` in
            turns, from `user` to `user`, none of them blank.
        temperature: Sampling temperature, 0..2.
        max_tokens: Most tokens of the answer; `None` takes the run's limit.
        fields: Names of the output fields.
        occurrence: Which of several equal requests this is: `n`, in the branches of maps `m.i/n`.
        inputs: Ids of calls whose answers were passed to it.
        pasted: Ids of further calls whose answers stand in its messages.
        place: Its position in a sequential run, to be compared number by number.
        component: Component of the agent that calls; `""` if the child does not say.
    """

    id: int
    author: str
    role: str
    messages: tuple[tuple[str, str], ...]
    temperature: float
    max_tokens: int | None
    fields: tuple[str, ...]
    occurrence: str
    inputs: tuple[int, ...]
    pasted: tuple[int, ...] = ()
    place: tuple[int, ...] = ()
    component: str = ""

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """JSON schema of the answer; `None` asks for plain text."""
        return schema_for(self.fields)

    @property
    def prompt(self) -> str:
        """The last user message."""
        return self.messages[-1][1]

    @property
    def size(self) -> int:
        """Bytes of memory that its messages take: a text with one rare character takes four for each."""
        return sum(sys.getsizeof(content) for _, content in self.messages)


def read_call(message: Mapping[str, Any]) -> Call:
    """A call from its message.

    Raises:
        ProtocolError: The runtime makes no such call.
    """
    if message.get("schema") is not None:
        fail("a schema of its own")
    max_tokens = message.get("max_tokens")
    if max_tokens is not None and (type(max_tokens) is not int or not 0 < max_tokens <= MAX_NUMBER):
        fail("max_tokens")
    occurrence = text(message, "occurrence", MAX_NAME)
    if not OCCURRENCE.fullmatch(occurrence):
        fail("occurrence")
    return Call(
        id=identifier(message.get("id")),
        author=text(message, "author", MAX_NAME, cut=True),
        role=text(message, "role", MAX_NAME * 10, cut=True),
        messages=read_turns(message.get("messages")),
        temperature=min(max(number(message, "temperature", 0.5), 0.0), 2.0),
        max_tokens=max_tokens,
        fields=_fields(message.get("fields", [])),
        occurrence=occurrence,
        inputs=identifiers(message, "inputs"),
        pasted=identifiers(message, "pasted"),
        place=read_place(message),
        component=text(message, "component", MAX_NAME, cut=True) if "component" in message else "",
    )


def read_place(message: Mapping[str, Any]) -> tuple[int, ...]:
    """Where a sequential run would have made a request; empty if the child does not say.

    Raises:
        ProtocolError: It is no such place.
    """
    place = identifiers(message, "place")
    if len(place) > MAX_PLACE:
        fail("place")
    return place


def request_of(call: Call, job: ItemJob) -> CallRequest:
    """The request to the gateway: what the child does not decide comes from the item's job."""
    return CallRequest(
        # Whatever model an agent names, it may not choose what the run pays for.
        model=job.model,
        messages=call.messages,
        temperature=call.temperature,
        max_tokens=call.max_tokens,
        schema=call.schema,
        # Equal requests get seeds of their own: five samples are five samples.
        seed=(job.seed + zlib.crc32(call.occurrence.encode())) % 2**31,
        occurrence=call.occurrence,
        purpose="task" if job.model == "task" else "teacher",
        agent=job.agent.id,
        split=job.split,
        item=job.item,
        repeat=job.repeat,
        author=call.author,
    )


def read_turns(rows: Any) -> tuple[tuple[str, str], ...]:
    """Chat messages in the order that every endpoint takes, from pairs of role and content.

    Raises:
        ProtocolError: They are in another order, too many, or one is empty.
    """
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_TURNS:
        fail(f"1 to {MAX_TURNS} messages make a request")
    turns = []
    for row in rows:
        if not isinstance(row, list) or len(row) != 2:
            fail("messages")
        content = checked_text(row[1], "messages", MAX_LINE)
        if not content.strip():
            raise ProtocolError("asked a model with an empty message, which many endpoints refuse")
        turns.append((row[0], content))
    asked = turns[1:] if turns[0][0] == "system" else turns
    if len(asked) % 2 == 0 or any(role != ("user", "assistant")[i % 2] for i, (role, _) in enumerate(asked)):
        fail("messages go from user to user by turns, after at most one of the system")
    return tuple(turns)


def _fields(names: Any) -> tuple[str, ...]:
    """Names of output fields that stand in a schema as they are."""
    if not isinstance(names, list) or len(names) > MAX_FIELDS:
        fail(f"more than {MAX_FIELDS} output fields")
    found = tuple(raw_text(name, "an output field's name", MAX_FIELD) for name in names)
    for name in found:
        plain = name.strip() and name.isprintable() and not NO_NAME & set(name)
        if not plain or name.lower() in RESERVED:
            fail("an output field's name: letters, digits, blanks and plain signs make one")
    if sum(map(len, found)) > MAX_FIELDS_IN_ALL:
        fail(f"names of output fields of more than {MAX_FIELDS_IN_ALL} characters")
    return found
