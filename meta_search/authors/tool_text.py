"""What tools hand the meta agent: bounded, in pages, and quoted: nothing said in it ends its quotation.

And what it hands them: arguments, read generously and never trusted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from meta_search.authors.sight.quoting import marked
from meta_search.text import one_line, passage, printable
from meta_search.types import Tool

__all__ = [
    "BadArguments",
    "arguments_of",
    "between",
    "code",
    "page_of",
    "parameters",
    "quote",
]

PAGE = 6_000  # characters
MOST_LINE = 600  # characters of a line of code
MOST_SAID = 2_000  # characters of one text that a model, an agent or a scorer wrote
MOST_TOLD = 120  # characters of an argument that a message repeats


class BadArguments(Exception):
    """Arguments that a tool cannot take, in one line."""


def parameters(**properties: tuple[str, str]) -> dict[str, Any]:
    """JSON schema of a tool's arguments, valid in strict mode.

    Args:
        properties: Name -> type and description; a type that ends in `?` may be null, `list` is a list of
            texts.
    """
    made: dict[str, Any] = {}
    for name, (kind, description) in properties.items():
        plain = kind.removesuffix("?")
        schema: dict[str, Any] = {"type": "array" if plain == "list" else plain}
        if kind.endswith("?"):
            schema["type"] = [schema["type"], "null"]
        if plain == "list":
            schema["items"] = {"type": "string"}
        made[name] = {**schema, "description": description}
    return {
        "type": "object",
        "properties": made,
        "required": [*made],
        "additionalProperties": False,
    }


def arguments_of(text: str, tool: Tool) -> dict[str, Any]:
    """The arguments of a call; what is optional and missing is `None`.

    Args:
        text: JSON, as the model wrote it.
        tool: Whose.

    Raises:
        BadArguments: They are no JSON object, one is missing, unknown or of another type.
    """
    try:
        given = json.loads(text, strict=False) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise BadArguments(f"the arguments are not JSON: {one_line(error, MOST_TOLD)}") from None
    if not isinstance(given, dict):
        raise BadArguments("the arguments are not a JSON object")
    properties: Mapping[str, Any] = tool.parameters["properties"]
    takes = ", ".join(properties) or "no arguments"
    for name in given:
        if name not in properties:
            raise BadArguments(f"there is no argument {one_line(name, MOST_TOLD)}; {tool.name} takes {takes}")
    return {name: _value(name, given.get(name), schema) for name, schema in properties.items()}


def _value(name: str, value: Any, schema: Mapping[str, Any]) -> Any:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if value is None or (value == "" and "null" in kinds):
        if "null" in kinds:
            return None
        raise BadArguments(f"{name} is missing")
    kind = kinds[0]
    if kind == "string" and isinstance(value, str | int | float) and not isinstance(value, bool):
        return _whole_text(value)
    if kind == "integer" and (number := _whole(value)) is not None:
        return number
    if kind == "array":
        found = value if isinstance(value, list) else [value]
        found = found[0].split(",") if len(found) == 1 and isinstance(found[0], str) else found
        if all(isinstance(v, str | int) for v in found):
            return [text for v in found if (text := _whole_text(v).strip())]
    told = {"string": "a text", "integer": "a whole number", "array": "a list of texts"}[kind]
    raise BadArguments(f"{name} must be {told}, not {one_line(json.dumps(value), MOST_TOLD)}")


def _whole_text(value: object) -> str:
    """A text that can be stored: JSON may hold halves of characters."""
    return str(value).encode("utf-8", "replace").decode()


def _whole(value: Any) -> int | None:
    """A whole number of a size that means something; `None` for anything else."""
    if isinstance(value, str) and value.strip().lstrip("-").isdigit() and len(value) <= 9:
        value = int(value) if value.strip().lstrip("-").isascii() else None
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9 else None


def quote(text: str, most: int = MOST_SAID) -> list[str]:
    """What somebody else wrote, shortened in the middle, with a mark before every line."""
    return marked(passage(text, most) if text.strip() else "(empty)").split("\n")


def code(source: str) -> list[str]:
    """Source with its lines numbered, which marks it as a quotation too."""
    return [f"{n:>4}| {between(line, MOST_LINE)}" for n, line in enumerate(source.splitlines(), 1)]


def between(line: str, most: int) -> str:
    """One line as it is, shortened in the middle where it is longer."""
    line = printable(line.replace("\n", " "), "\t", "?")
    if len(line) <= most:
        return line
    return f"{line[: most // 2]} […] {line[-(most // 2) :]}"


def page_of(lines: Iterable[str], page: int | None, empty: str = "Nothing.") -> str:
    """One page of lines, with how many there are.

    Args:
        lines: Of bounded length each.
        page: From 1; `None` is the first.
        empty: What is said where there are no lines.

    Raises:
        BadArguments: There is no such page.
    """
    pages = _pages([*lines])
    number = 1 if page is None else page
    if not pages:
        return empty
    if not 1 <= number <= len(pages):
        raise BadArguments(f"page {number} does not exist: there are {len(pages)}")
    text = "\n".join(pages[number - 1])
    return text if len(pages) == 1 else f"{text}\n(page {number} of {len(pages)})"


def _pages(lines: Sequence[str]) -> list[list[str]]:
    pages: list[list[str]] = []
    room = 0
    for line in lines:
        if not pages or len(line) + 1 > room:
            pages.append([])
            room = PAGE
        pages[-1].append(line)
        room -= len(line) + 1
    return pages
