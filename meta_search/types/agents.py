"""An agent: its source, its identity, its tuned values and demonstrations."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import threading
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "LONGEST_NAME",
    "Agent",
    "Demonstration",
    "Parameter",
    "Scalar",
    "agent_id",
    "lines_of",
    "normalised_ast",
    "parse",
    "unique_name",
    "unknown",
]

LONGEST_NAME = 60  # characters

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A worked example: a question and the reply of the model that scored right."""

    question: str
    reply: str

    @property
    def form(self) -> str:
        """What the reply was asked for: `program`, `thinking` (reasoning and answer as JSON), or `text`."""
        return "program" if "```" in self.reply else "thinking" if '"thinking"' in self.reply else "text"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number or choice that an agent declares with `self.tune` (define by run)."""

    name: str
    kind: Literal["int", "float", "choice"]
    default: Scalar
    low: float | None = None
    high: float | None = None
    choices: tuple[Scalar, ...] = ()


_PARSING = threading.Lock()


def parse(source: str) -> ast.Module:
    """`ast.parse`, one thread at a time; raises what it raises.

    CPython 3.11 counts the depth of nesting for all threads together, and fails with "AST constructor
    recursion depth mismatch" now and then where authors' threads parse at once.
    """
    with _PARSING:
        return ast.parse(source)


def lines_of(source: str) -> list[str]:
    """Lines with their ends, as `ast` counts them: `str.splitlines` breaks at form feeds and the like too."""
    return [line for line in re.split(r"(?<=\n)|(?<=\r)(?!\n)", source) if line]


def normalised_ast(source: str) -> str:
    """Source as its AST without comments, layout and docstrings.

    The source itself where it does not parse or is nested too deeply.
    """
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef))
            and isinstance(body, list)
            and len(body) > 1
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
            and isinstance(body[0].value.value, str)
        ):
            node.body = body[1:]
    try:
        return ast.dump(tree, annotate_fields=False)
    except RecursionError:  # a chain of some hundred `elif`s is enough
        return source


def agent_id(
    source: str, values: Mapping[str, Scalar] | None = None, demonstrations: Iterable[Demonstration] = ()
) -> str:
    """Identity of an agent: hash of its normalised AST, its tuned values and its demonstrations.

    Returns:
        16 hexadecimal digits.
    """
    parts = [
        normalised_ast(source),
        json.dumps(sorted((values or {}).items()), ensure_ascii=False),
        json.dumps([[d.question, d.reply] for d in demonstrations], ensure_ascii=False),
    ]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Agent:
    """Python source with a `forward(self, taskInfo)`, its tuned values and its demonstrations."""

    id: str
    name: str
    source: str
    values: Mapping[str, Scalar] = field(default_factory=dict)
    demonstrations: tuple[Demonstration, ...] = ()

    @classmethod
    def of(
        cls,
        name: str,
        source: str,
        values: Mapping[str, Scalar] | None = None,
        demonstrations: Iterable[Demonstration] = (),
    ) -> Agent:
        """Build an agent and compute its identity."""
        kept = tuple(demonstrations)
        return cls(agent_id(source, values, kept), name, source, dict(values or {}), kept)


def unique_name(name: str, taken: Container[str]) -> str:
    """The name, or with the first number from 2 on with which it is not taken; `LONGEST_NAME` at most."""
    found, number = name[:LONGEST_NAME], 1
    while found in taken:
        number += 1
        found = f"{name[: LONGEST_NAME - len(str(number)) - 1].rstrip()} {number}"
    return found


def unknown(found: Iterable[Demonstration], pool: Iterable[Demonstration]) -> list[Demonstration]:
    """The worked examples that a pool lacks, by question and form of the reply."""
    known = {(d.question, d.form) for d in pool}
    return [d for d in found if (d.question, d.form) not in known]
