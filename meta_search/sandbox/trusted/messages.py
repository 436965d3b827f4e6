"""Parses what comes out of a child's pipe into frozen values.

Candidate code writes the pipe: `message_fields` checks every field, and whatever is not understood ends the
item. Nothing here executes, formats or follows what it reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from meta_search.sandbox.trusted.message_fields import (
    ProtocolError,
    clean_line,
    fail,
    identifier,
    identifiers,
    number,
    parse_object,
    text,
)
from meta_search.sandbox.trusted.reported import read_networks, read_parameters, size_of
from meta_search.sandbox.trusted.requests import Call, read_call, read_place
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
    "too_large",
]

MAX_CODE = 2**19  # characters of a program
MAX_PROGRAM_S = 60.0
MAX_COMPARED = 4000
ComparisonKind = Literal["math", "text"]  # symbolic equality, or BLEU
# Kinds that a child may report; the broker finds out about the others itself.
CHILD_KINDS: tuple[OutcomeKind, ...] = ("crash", "memory", "disk", "output", "refused", "bad_answer")


@dataclass(frozen=True, slots=True)
class Program:
    """A request to run a program in a sibling.

    Attributes:
        id: Number of the request.
        code: Source of the program.
        timeout: Seconds that it may take.
        place: Its position in a sequential run, as that of a call.
    """

    id: int
    code: str
    timeout: float
    place: tuple[int, ...] = ()


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
        return read_call(message)
    if operation == "python":
        timeout = number(message, "timeout", 5.0)
        return Program(
            identifier(message.get("id")),
            text(message, "code", MAX_CODE),
            min(max(timeout, 0.05), MAX_PROGRAM_S),
            read_place(message),
        )
    if operation == "equal":
        return _equal(message)
    if operation == "done":
        if not isinstance(message.get("answer"), str):
            return Final("bad_answer", "", "the answer is not a string", ())
        answer, space = text(message, "answer"), read_parameters(message.get("space"))
        networks = read_networks(message.get("networks"))
        return Final("ok", answer, "", space, networks, identifiers(message, "inputs"))
    if operation == "fault":
        detail = clean_line(text(message, "detail"))
        return Final(
            _fault_kind(message.get("kind"), detail), "", detail, read_parameters(message.get("space"))
        )
    return fail("unknown message")


def too_large(final: Final, output_kb: int) -> str:
    """Which part of a final message is larger than the item's output allows, in one line; `""` for none.

    Args:
        final: The message.
        output_kb: KB that an answer may have. Parameters may have a quarter of it, as they are kept with each
            item; networks twice as much, which is what the largest teams come to.
    """
    parts = (
        ("the answer is", len(final.answer.encode()), output_kb * 1024),
        ("the declared parameters are", size_of(final.space), output_kb * 256),
        ("the networks of its teams are", size_of(final.networks), output_kb * 2048),
    )
    found = ((what, most) for what, size, most in parts if size > most)
    return next((f"{what} longer than {most / 1024:g} KB" for what, most in found), "")


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
