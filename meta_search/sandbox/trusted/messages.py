"""Parses what comes out of a child's pipe into frozen values.

Candidate code writes the pipe: `message_fields` checks every field, and whatever is not understood ends the
item. Nothing here executes, formats or follows what it reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from meta_search.sandbox.trusted.message_fields import (
    MAX_ITEMS,
    MAX_LINE,
    MAX_NAME,
    MAX_NUMBER,
    ProtocolError,
    checked_text,
    clean_line,
    fail,
    identifier,
    identifiers,
    number,
    parse_object,
    text,
)
from meta_search.sandbox.trusted.team_networks import read_networks
from meta_search.sandbox.trusted.tuned_parameters import read_parameters
from meta_search.types import OutcomeKind, Parameter, TeamNetwork

__all__ = [
    "Call",
    "ComparisonKind",
    "Equal",
    "Final",
    "Message",
    "Program",
    "ProtocolError",
    "program_result",
    "read",
]

MAX_FIELDS = 64
MAX_SCHEMA = 64 * 1024
MAX_PROGRAM_S = 60.0
MAX_COMPARED = 4000
ComparisonKind = Literal["math", "text"]  # symbolic equality, or BLEU
# Kinds that a child may report; the broker finds out about the others itself.
CHILD_KINDS: tuple[OutcomeKind, ...] = ("crash", "memory", "disk", "output", "refused", "bad_answer")


@dataclass(frozen=True, slots=True)
class Call:
    """A request for an LLM call.

    Attributes:
        id: Number of the request.
        author: Name of the `LLMAgentBase` that calls.
        role: Its role.
        messages: Chat messages, pairs (role, content).
        temperature: Sampling temperature, 0..2.
        max_tokens: Most tokens of the answer; `None` takes the run's limit.
        schema: JSON schema of the answer; `None` asks for plain text.
        fields: Names of the output fields.
        occurrence: Which of several equal requests this is.
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
    schema: Mapping[str, Any] | None
    fields: tuple[str, ...]
    occurrence: str
    inputs: tuple[int, ...]
    pasted: tuple[int, ...] = ()
    place: tuple[int, ...] = ()
    component: str = ""

    @property
    def prompt(self) -> str:
        """The last user message."""
        return next((content for role, content in reversed(self.messages) if role == "user"), "")


@dataclass(frozen=True, slots=True)
class Program:
    """A request to run a program in a sibling.

    Attributes:
        id: Number of the request.
        code: Source of the program.
        timeout: Seconds that it may take.
    """

    id: int
    code: str
    timeout: float


@dataclass(frozen=True, slots=True)
class Equal:
    """A question whether two answers of a team are the same.

    Attributes:
        id: Number of the request.
        kind: How they are compared.
        a: One answer.
        b: The other.
        threshold: For kind `text`, the BLEU from which they are the same, 0..1.
    """

    id: int
    kind: ComparisonKind
    a: str
    b: str
    threshold: float


@dataclass(frozen=True, slots=True)
class Final:
    """The end of an item: `ok` with an answer, or a fault with a detail.

    Attributes:
        kind: What ended it.
        answer: The answer, `""` for a fault.
        detail: One line about the fault, for the agent's author.
        space: Parameters that the agent declared.
        networks: How the agent's teams worked.
        inputs: Ids of the calls that the answer comes from.
    """

    kind: OutcomeKind
    answer: str
    detail: str
    space: tuple[Parameter, ...]
    networks: tuple[TeamNetwork, ...] = ()
    inputs: tuple[int, ...] = ()


Message = Call | Program | Equal | Final


def read(line: bytes) -> Message:
    """Parse one line.

    Raises:
        ProtocolError: It is no message of an agent's child.
    """
    message = parse_object(line)
    operation = message.get("op")
    if operation == "call":
        return _call(message)
    if operation == "python":
        timeout = number(message, "timeout", 5.0)
        return Program(
            identifier(message.get("id")), text(message, "code"), min(max(timeout, 0.05), MAX_PROGRAM_S)
        )
    if operation == "equal":
        return _equal(message)
    if operation == "done":
        if not isinstance(message.get("answer"), str):
            return Final("bad_answer", "", "the answer is not a string", ())
        answer, space = text(message, "answer"), read_parameters(message.get("space"))
        networks = _networks(message.get("networks"))
        return Final("ok", answer, "", space, networks, identifiers(message, "inputs"))
    if operation == "fault":
        detail = clean_line(text(message, "detail"))
        return Final(
            _fault_kind(message.get("kind"), detail), "", detail, read_parameters(message.get("space"))
        )
    return fail("unknown message")


def program_result(line: bytes, output_kb: int) -> tuple[bool, str]:
    """Parse what a sibling says about its program.

    Args:
        line: The sibling's only message.
        output_kb: KB of the output that are kept.

    Returns:
        Whether the program ended without an error, and what it printed or the error.

    Raises:
        ProtocolError: It is no such message.
    """
    message = parse_object(line)
    return message.get("ok") is True, text(message, "text")[: output_kb * 1024]


def _call(message: dict[str, Any]) -> Call:
    messages = message.get("messages")
    if not isinstance(messages, list) or not 0 < len(messages) <= MAX_ITEMS:
        fail("messages")
    turns = []
    for turn in messages:
        if not isinstance(turn, list) or len(turn) != 2 or turn[0] not in ("system", "user", "assistant"):
            fail("messages")
        turns.append((str(turn[0]), checked_text(turn[1], "messages", MAX_LINE)))
    max_tokens = message.get("max_tokens")
    if max_tokens is not None and (type(max_tokens) is not int or not 0 < max_tokens <= MAX_NUMBER):
        fail("max_tokens")
    schema = message.get("schema")
    if schema is not None and not (isinstance(schema, dict) and _shallow(schema) and _small(schema)):
        fail("schema")
    fields, inputs = message.get("fields", []), message.get("inputs", [])
    if not isinstance(fields, list) or len(fields) > MAX_FIELDS:
        fail("fields")
    if not isinstance(inputs, list) or len(inputs) > MAX_ITEMS:
        fail("inputs")
    pasted, place = identifiers(message, "pasted"), identifiers(message, "place")
    return Call(
        id=identifier(message.get("id")),
        author=text(message, "author", MAX_NAME, cut=True),
        role=text(message, "role", MAX_NAME * 10, cut=True),
        messages=tuple(turns),
        temperature=min(max(number(message, "temperature", 0.5), 0.0), 2.0),
        max_tokens=max_tokens,
        schema=schema,
        fields=tuple(checked_text(f, "fields", MAX_LINE)[:MAX_NAME] for f in fields),
        occurrence=text(message, "occurrence", MAX_NAME),
        inputs=tuple(identifier(i) for i in inputs),
        pasted=pasted,
        place=place,
        component=text(message, "component", MAX_NAME, cut=True) if "component" in message else "",
    )


def _equal(message: dict[str, Any]) -> Equal:
    kind = message.get("kind")
    if kind not in ("math", "text"):
        fail("kind of answer")
    return Equal(
        identifier(message.get("id")),
        kind,
        text(message, "a", MAX_COMPARED),
        text(message, "b", MAX_COMPARED),
        min(max(number(message, "threshold", 0.9), 0.0), 1.0),
    )


def _networks(rows: Any) -> tuple[TeamNetwork, ...]:
    try:
        return read_networks(rows)
    except ValueError:
        return fail("a team's network")


def _shallow(value: Any, depth: int = 16) -> bool:
    """Whether containers are nested at most `depth` deep: deeper ones break recursive code further on."""
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(_shallow(v, depth - 1) for v in inner)


def _small(schema: dict[str, Any]) -> bool:
    """Whether a schema is short and can be sent: half surrogate pairs and infinite numbers cannot."""
    try:
        json.dumps(schema, ensure_ascii=False).encode()
        return len(json.dumps(schema, allow_nan=False)) <= MAX_SCHEMA
    except ValueError:
        return False


def _fault_kind(kind: Any, detail: str) -> OutcomeKind:
    """The kind that a child reports, or the one of the exception in its detail."""
    claimed: OutcomeKind = next((known for known in CHILD_KINDS if known == kind), "crash")
    if claimed == "crash":
        if detail.startswith("PermissionError"):
            return "refused"
        if detail.startswith("MemoryError"):
            return "memory"
        if detail.startswith(("OSError: [Errno 28]", "OSError: [Errno 27]", "OSError: [Errno 122]")):
            return "disk"
    return claimed
