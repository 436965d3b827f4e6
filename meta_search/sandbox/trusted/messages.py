"""What comes out of a child's pipe, checked and turned into frozen values.

The pipe is written by candidate code: every field is bounded and has exactly its type, and whatever is
not understood ends the item. Nothing here executes, formats or follows what it reads.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from meta_search.sandbox.trusted.networks import read_networks
from meta_search.text import one_line
from meta_search.types import OutcomeKind, Parameter, Scalar, TeamNetwork

__all__ = [
    "MAX_LINE",
    "Call",
    "Equal",
    "Final",
    "Program",
    "ProtocolError",
    "clean_line",
    "program_result",
    "read",
]

MAX_LINE = 2 * 2**20
MAX_NAME = 200
MAX_DETAIL = 500
MAX_ID = 10**6
MAX_MESSAGES = 1000
MAX_INPUTS = 1000
MAX_FIELDS = 64
MAX_SCHEMA = 64 * 1024
MAX_PARAMETERS = 64
MAX_PROGRAM_S = 60.0
MAX_COMPARED = 4000
# What a child may say of itself; the rest is for the broker to judge.
CHILD_KINDS: tuple[OutcomeKind, ...] = ("crash", "memory", "disk", "output", "refused", "bad_answer")


class ProtocolError(Exception):
    """A message that the sandbox's protocol does not know: forged, broken, or too large."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request for an LLM call."""

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
    """A request to run a program in a sibling; `timeout` in seconds."""

    id: int
    code: str
    timeout: float


@dataclass(frozen=True, slots=True)
class Equal:
    """A question whether two answers are the same; `threshold` (0..1) is for kind `text`."""

    id: int
    kind: str
    a: str
    b: str
    threshold: float


@dataclass(frozen=True, slots=True)
class Final:
    """The end of an item as the child tells it: `ok` with an answer, or a fault with a detail."""

    kind: OutcomeKind
    answer: str
    detail: str
    space: tuple[Parameter, ...]
    networks: tuple[TeamNetwork, ...] = ()
    inputs: tuple[int, ...] = ()


def read(line: bytes) -> Call | Program | Equal | Final:
    """Parse one line. Raises `ProtocolError`."""
    message = _object(line)
    operation = message.get("op")
    if operation == "call":
        return _call(message)
    if operation == "python":
        timeout = _number(message, "timeout", 5.0)
        return Program(_id(message.get("id")), _text(message, "code"), min(max(timeout, 0.05), MAX_PROGRAM_S))
    if operation == "equal":
        return _equal(message)
    if operation == "done":
        if not isinstance(message.get("answer"), str):
            return Final("bad_answer", "", "the answer is not a string", ())
        answer, space = _text(message, "answer"), _space(message.get("space"))
        return Final("ok", answer, "", space, _networks(message.get("networks")), _ids(message, "inputs"))
    if operation == "fault":
        detail = clean_line(_text(message, "detail"))
        return Final(_fault_kind(message.get("kind"), detail), "", detail, _space(message.get("space")))
    return _fail("unknown message")


def program_result(line: bytes, output_kb: int) -> tuple[bool, str]:
    """What a sibling says of its program: did it end well, and what it printed. Raises `ProtocolError`."""
    message = _object(line)
    return message.get("ok") is True, _text(message, "text")[: output_kb * 1024]


def clean_line(text: str) -> str:
    """A text as one printable line of bounded length."""
    return one_line(text[: 4 * MAX_DETAIL], instead="?")[:MAX_DETAIL]


def _object(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line, parse_constant=_fail)
    except (ValueError, RecursionError):
        _fail("not JSON")
    if not isinstance(message, dict):
        _fail("not an object")
    return message


def _call(message: dict[str, Any]) -> Call:
    messages = message.get("messages")
    if not isinstance(messages, list) or not 0 < len(messages) <= MAX_MESSAGES:
        _fail("messages")
    turns = []
    for turn in messages:
        if not isinstance(turn, list) or len(turn) != 2 or turn[0] not in ("system", "user", "assistant"):
            _fail("messages")
        turns.append((str(turn[0]), _checked_text(turn[1], "messages", MAX_LINE)))
    max_tokens = message.get("max_tokens")
    if max_tokens is not None and (type(max_tokens) is not int or not 0 < max_tokens <= MAX_ID):
        _fail("max_tokens")
    schema = message.get("schema")
    if schema is not None and not (isinstance(schema, dict) and _shallow(schema) and _small(schema)):
        _fail("schema")
    fields, inputs = message.get("fields", []), message.get("inputs", [])
    if not isinstance(fields, list) or len(fields) > MAX_FIELDS:
        _fail("fields")
    if not isinstance(inputs, list) or len(inputs) > MAX_INPUTS:
        _fail("inputs")
    pasted, place = _ids(message, "pasted"), _ids(message, "place")
    return Call(
        id=_id(message.get("id")),
        author=_text(message, "author", MAX_NAME, cut=True),
        role=_text(message, "role", MAX_NAME * 10, cut=True),
        messages=tuple(turns),
        temperature=min(max(_number(message, "temperature", 0.5), 0.0), 2.0),
        max_tokens=max_tokens,
        schema=schema,
        fields=tuple(_checked_text(f, "fields", MAX_LINE)[:MAX_NAME] for f in fields),
        occurrence=_text(message, "occurrence", MAX_NAME),
        inputs=tuple(_id(i) for i in inputs),
        pasted=pasted,
        place=place,
        component=_text(message, "component", MAX_NAME, cut=True) if "component" in message else "",
    )


def _equal(message: dict[str, Any]) -> Equal:
    if message.get("kind") not in ("math", "text"):
        _fail("kind of answer")
    return Equal(
        _id(message.get("id")),
        str(message["kind"]),
        _text(message, "a", MAX_COMPARED),
        _text(message, "b", MAX_COMPARED),
        min(max(_number(message, "threshold", 0.9), 0.0), 1.0),
    )


def _networks(rows: Any) -> tuple[TeamNetwork, ...]:
    try:
        return read_networks(rows)
    except ValueError:
        return _fail("a team's network")


def _shallow(value: Any, depth: int = 16) -> bool:
    """Whether containers are nested at most `depth` deep: what is deeper breaks recursive code further on."""
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(_shallow(v, depth - 1) for v in inner)


def _small(schema: dict[str, Any]) -> bool:
    """Whether a schema is short, and can be sent: lone surrogates and infinite numbers cannot."""
    try:
        json.dumps(schema, ensure_ascii=False).encode()
        return len(json.dumps(schema, allow_nan=False)) <= MAX_SCHEMA
    except ValueError:
        return False


def _fault_kind(kind: Any, detail: str) -> OutcomeKind:
    """The kind that a child claims, or the one that the exception it names stands for."""
    claimed: OutcomeKind = next((known for known in CHILD_KINDS if known == kind), "crash")
    if claimed == "crash":
        if detail.startswith("PermissionError"):
            return "refused"
        if detail.startswith("MemoryError"):
            return "memory"
        if detail.startswith(("OSError: [Errno 28]", "OSError: [Errno 27]", "OSError: [Errno 122]")):
            return "disk"
    return claimed


def _space(rows: Any) -> tuple[Parameter, ...]:
    if rows is None:
        return ()
    if not isinstance(rows, list) or len(rows) > MAX_PARAMETERS:
        _fail(f"more than {MAX_PARAMETERS} tuned parameters")
    return tuple(_parameter(row) for row in rows)


def _parameter(row: Any) -> Parameter:
    if not isinstance(row, dict) or row.get("kind") not in ("int", "float", "choice"):
        _fail("space")
    choices = row.get("choices") or []
    if not isinstance(choices, list) or len(choices) > MAX_PARAMETERS:
        _fail("space")
    bounds = [None if row.get(key) is None else _number(row, key, 0.0) for key in ("low", "high")]
    return Parameter(
        _text(row, "name", MAX_NAME),
        row["kind"],
        _scalar(row.get("default")),
        bounds[0],
        bounds[1],
        tuple(_scalar(choice) for choice in choices),
    )


def _scalar(value: Any) -> Scalar:
    if isinstance(value, str):
        return _checked_text(value, "space", 10_000)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) < 2**63 and math.isfinite(value):
        return value
    return _fail("space")


def _text(message: dict[str, Any], key: str, limit: int = MAX_LINE, cut: bool = False) -> str:
    value = message.get(key)
    return _checked_text(value[:limit] if cut and isinstance(value, str) else value, key, limit)


def _checked_text(value: Any, key: str, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit:
        _fail(key)
    # Half a surrogate pair can be neither stored nor sent.
    return value.encode("utf-8", "replace").decode() if not value.isascii() else value


def _number(message: dict[str, Any], key: str, default: float) -> float:
    value = message.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        _fail(key)
    return float(value)


def _ids(message: dict[str, Any], key: str) -> tuple[int, ...]:
    value = message.get(key, [])
    if not isinstance(value, list) or len(value) > MAX_INPUTS:
        _fail(key)
    return tuple(_id(i) for i in value)


def _id(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_ID:
        _fail("id")
    return value


def _fail(what: str) -> NoReturn:
    raise ProtocolError(f"broke the sandbox's protocol: {what}")
