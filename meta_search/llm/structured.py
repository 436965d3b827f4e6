"""Answers as JSON: instructions for endpoints without schemas, and lenient parsing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from meta_search.llm.bodies import value_of

__all__ = ["instructions", "is_object", "repaired", "response_format", "with_instructions"]

# json_repair takes more than linear time on long garbage, and on what opens and never closes (190 KB of `{`:
# 19 s); no answer by schema is that long or that deep.
LONGEST = 30_000
DEEPEST = 32
BRACKETS = re.compile(r"[{\[(]+|[}\])]+")


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The OpenAI request field that makes an endpoint answer by a schema."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def instructions(schema: Mapping[str, Any]) -> str:
    """What to tell a model whose endpoint does not take schemas."""
    return (
        "Reply with only one JSON object, without any text around it, that satisfies this JSON schema:\n"
        + json.dumps(schema, ensure_ascii=False)
    )


def with_instructions(
    messages: tuple[tuple[str, str], ...], schema: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    """Messages with the instructions at the end of the last one, where small models heed them most."""
    *before, (role, content) = messages
    return (*before, (role, f"{content}\n\n{instructions(schema)}"))


def _is_deep(text: str) -> bool:
    """Whether more brackets are open somewhere than any answer needs."""
    depth = 0
    for run in BRACKETS.finditer(text):
        length = run.end() - run.start()
        depth = depth + length if run[0][0] in "{[(" else max(0, depth - length)
        if depth > DEEPEST:
            return True
    return False


def is_object(text: str) -> bool:
    """Whether an answer is a JSON object."""
    try:
        return isinstance(value_of(text), dict)
    except (ValueError, RecursionError):
        return False


def repaired(text: str) -> str:
    """The JSON object in an answer, as JSON text; the answer itself where none can be recovered."""
    if is_object(text):
        return text
    start = text.find("{")
    if start < 0 or len(text) > LONGEST or _is_deep(text):
        return text
    try:
        import json_repair
    except ImportError:  # in an exported agent
        return text

    try:
        value = json_repair.loads(text[start:])
    except (ValueError, RecursionError):
        return text
    if isinstance(value, list):  # several objects: who thinks aloud says it last
        value = next((v for v in reversed(value) if isinstance(v, dict) and v), None)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) and value else text
