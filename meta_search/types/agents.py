"""An agent: its source, its identity, its tuned values and demonstrations."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import threading
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from meta_search.types import checks

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
# Of what an agent may declare.
MAX_NAME, MAX_TEXT = 200, 10_000  # characters of a parameter's name, of a choice
MAX_CHOICES = 64
MAX_INT = 2**53  # bounds of whole numbers are kept as floats, which are exact up to here
MAX_FLOAT = 1e300  # so that the width of a range is finite

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A worked example: a question and the reply of the model that scored right."""

    question: str
    reply: str

    @property
    def form(self) -> str:
        """What the reply was asked for: `program`, `reading` (a program that reads the question from the
        variable `QUESTION` and does not set it), `thinking` (reasoning and answer as JSON), or `text`."""
        if "```" in self.reply:
            return "reading" if "QUESTION" in self.reply and "QUESTION =" not in self.reply else "program"
        return "thinking" if '"thinking"' in self.reply else "text"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number or choice that an agent declares with `self.tune` (define by run)."""

    name: str
    kind: Literal["int", "float", "choice"]
    default: Scalar
    low: float | None = None
    high: float | None = None
    choices: tuple[Scalar, ...] = ()

    @classmethod
    def of(cls, stored: Any) -> Parameter:
        """A parameter from its JSON, which may be anybody's.

        Raises:
            ValueError: It is none: bounds are missing, not finite or the wrong way round, there are no
                choices or choices that are no scalars, or its default is outside.
        """
        kind = stored.get("kind") if isinstance(stored, dict) else None
        if kind not in ("int", "float", "choice"):
            checks.wrong("a parameter's kind")
        name = checks.short(stored.get("name"), MAX_NAME, "a parameter's name")
        if name.startswith("_"):  # the guide's own
            checks.wrong("a parameter's name")
        if kind == "choice":
            return cls(name, kind, *_among(stored))
        most = MAX_INT if kind == "int" else MAX_FLOAT
        low, high = (
            checks.finite(stored.get(k), -most, most, "a parameter's bounds") for k in ("low", "high")
        )
        default = stored.get("default")
        whole = kind == "float" or (low.is_integer() and high.is_integer() and type(default) is int)
        if not low <= high or not whole or stored.get("choices"):
            checks.wrong("a parameter's bounds")
        checks.finite(default, low, high, "a parameter's default")
        return cls(name, kind, default, low, high)


def _among(stored: Mapping[str, Any]) -> tuple[Scalar, None, None, tuple[Scalar, ...]]:
    """Default and choices of a parameter, without bounds."""
    found = checks.rows(stored.get("choices"), 1, MAX_CHOICES, "a parameter's choices")
    choices = tuple(checks.scalar(choice, MAX_TEXT, "a parameter's choices") for choice in found)
    default = checks.scalar(stored.get("default"), MAX_TEXT, "a parameter's default")
    if default not in choices or stored.get("low") is not None or stored.get("high") is not None:
        checks.wrong("a parameter's default")
    return default, None, None, choices


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
    """Source as its AST: without comments and layout, but with docstrings, which code can read.

    The source itself where it does not parse or is nested too deeply.
    """
    try:
        return ast.dump(parse(source), annotate_fields=False)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # some hundred `elif`s are too deep
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
