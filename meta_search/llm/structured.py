"""Answers as JSON: instructions for endpoints without schemas, and lenient parsing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from meta_search.llm.bodies import value_of

__all__ = ["instructions", "is_object", "repaired", "response_format", "strict_form", "with_instructions"]

# json_repair takes more than linear time on long garbage, and on what opens and never closes (190 KB of `{`:
# 19 s); no answer by schema is that long or that deep.
LONGEST = 30_000
DEEPEST = 32
STRICT_DEPTH = 10
STRICT_PLAIN = ("type", "enum", "const", "$ref", "description", "title")
STRICT_LEFT_OUT = (
    *("minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum"),
    *("exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems"),
    *("default", "examples", "$schema"),
)
BRACKETS = re.compile(r"[{\[(]+|[}\])]+")


def response_format(schema: Mapping[str, Any], free: bool = False) -> dict[str, Any]:
    """The OpenAI request field that makes an endpoint answer by a schema.

    Args:
        schema: The schema.
        free: Whether an embedded model answers, whose grammar also holds it to the lengths in the schema.
    """
    strict = None if free else strict_form(schema)
    sent = {"name": "answer", "strict": free or strict is not None, "schema": strict or schema}
    return {"type": "json_schema", "json_schema": sent}


def strict_form(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """A schema as OpenAI's strict mode takes it (its guide "Structured outputs", supported schemas).

    Bounds of lengths and numbers are left out, and no object has further properties. `None` where that mode
    cannot say what the schema does: an optional property, an open object, a keyword it does not know.
    """
    found = _strict(schema, 0)
    return found if found is not None and found.get("type") == "object" and "anyOf" not in found else None


def _strict(schema: Any, depth: int) -> dict[str, Any] | None:
    if not isinstance(schema, Mapping) or depth > STRICT_DEPTH:
        return None
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key in STRICT_PLAIN:
            kept[key] = value
        elif key in ("items", "properties", "$defs", "anyOf"):
            inside = _strict_parts(value, depth + 1) if key != "items" else _strict(value, depth + 1)
            if inside is None:
                return None
            kept[key] = inside
        elif key not in (*STRICT_LEFT_OUT, "required", "additionalProperties"):
            return None
    if schema.get("type") == "object" or "properties" in schema:
        names = list(kept.setdefault("properties", {}))
        closed = schema.get("additionalProperties", False) is False
        if not closed or set(names) != set(schema.get("required", ())):
            return None
        kept |= {"required": names, "additionalProperties": False}
    return kept


def _strict_parts(parts: Any, depth: int) -> Any:
    """The schemas in a mapping or list; `None` where there is one that strict mode does not take."""
    if isinstance(parts, Mapping):
        named = {name: _strict(part, depth) for name, part in parts.items()}
        return None if None in named.values() else named
    found = [_strict(part, depth) for part in parts] if isinstance(parts, list | tuple) else [None]
    return None if None in found else found


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
