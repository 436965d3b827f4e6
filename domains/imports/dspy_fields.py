"""Fields of an example: inputs as a question, labels as an answer, an answer as a prediction."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin

from domains.json_match import json_in, parsed
from domains.table_file import NO_IMAGES
from domains.wording import WORDING
from meta_search.errors import DomainError
from meta_search.text import one_line

__all__ = ["ANSWERS", "Output", "ask_for", "plain", "question_of", "read_answer", "target_of", "text_of"]

ANSWERS = ("answer", "output", "label", "response", "target", "gold", "category", "summary", "solution")
"""What labels are often called. A name such as these says nothing to an agent."""
MEDIA = ("Image", "Audio", "Document", "File")  # types of DSPy and GEPA
IMAGE = re.compile(r"data:(?:image|audio)/[\w.+-]+;base64,")


@dataclass(frozen=True, slots=True)
class Output:
    """A field that agents answer with.

    Attributes:
        name: Of the field of the prediction.
        kind: The type that a signature gives it; `Any` where there is none, and the text stays a text.
        description: What a signature says of it.
        parsed: Whether a text is read as JSON where it is some, as the examples' labels are no texts.
    """

    name: str
    kind: Any = field(default=Any, compare=False)
    description: str = ""
    parsed: bool = False

    @property
    def is_text(self) -> bool:
        """Whether the answer's text is the value."""
        return self.kind is str or (self.kind is Any and not self.parsed)


def question_of(place: str, inputs: Mapping[str, Any]) -> str:
    """The text of an example's inputs: one as it is, several with their names.

    Raises:
        DomainError: One is an image or the like; or there is no text.
    """
    for name, value in inputs.items():
        if type(value).__name__ in MEDIA or IMAGE.search(str(value)[:200]):
            raise DomainError(
                f"{place}: {name!r} is no text: {NO_IMAGES}; leave the field out of with_inputs"
            )
    if len(inputs) == 1:
        text = text_of(next(iter(inputs.values())))
    else:
        text = "\n".join(f"{name}:{_below(value)}" for name, value in inputs.items())
    if not text.strip():
        raise DomainError(f"{place}: its inputs ({', '.join(inputs) or 'none'}) hold no text")
    return text.strip()


def _below(value: Any) -> str:
    """A value behind its field's name; passages are counted."""
    if isinstance(value, list | tuple) and value and all(isinstance(part, str) for part in value):
        return "".join(f"\n[{n}] {part}" for n, part in enumerate(value, start=1))
    text = text_of(value)
    return f"\n{text}" if "\n" in text else f" {text}"


def text_of(value: Any) -> str:
    """A value as text; what is no text as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    for method in ("toDict", "model_dump", "tolist", "isoformat"):  # DSPy, pydantic, NumPy, dates
        if callable(getattr(value, method, None)):
            return plain(getattr(value, method)())
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [
            plain(inner)
            for inner in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)
        ]
    return str(value)


def target_of(outputs: Sequence[Output], values: Mapping[str, Any]) -> str:
    """An example's labels as an agent would answer with them; `""` where one is missing."""
    if any(output.name not in values for output in outputs):
        return ""
    if len(outputs) == 1:
        return text_of(values[outputs[0].name])
    return json.dumps({output.name: plain(values[output.name]) for output in outputs}, ensure_ascii=False)


def read_answer(outputs: Sequence[Output], answer: str) -> dict[str, Any]:
    """An agent's answer as the fields of a prediction; texts as yet, but for what is JSON in it.

    Raises:
        ValueError: A field is missing; says which.
    """
    names = [output.name for output in outputs]
    given = json_in(answer, dict)
    found = {str(key): _number(value) for key, value in given.items()} if isinstance(given, dict) else {}
    if len(outputs) == 1:
        (output,) = outputs
        whole = set(found) == {output.name}  # `{"answer": …}` around it
        value = found[output.name] if whole else answer.strip()
        return {output.name: text_of(value) if output.is_text else _read(output, value)}
    if not found.keys() & set(names):
        found = _labelled(answer, names)
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"the answer lacks {', '.join(missing)}: it must be a JSON object with the keys "
                         f"{', '.join(names)}")  # fmt: skip
    by_name = {output.name: output for output in outputs}
    read = {}
    for name in names:
        value = found[name]
        kept = value if by_name[name].kind is Any and not isinstance(value, str) else None
        read[name] = kept if kept is not None else (
            text_of(value) if by_name[name].is_text else _read(by_name[name], value)
        )  # fmt: skip
    return read


def _read(output: Output, value: Any) -> Any:
    """A text as JSON, where it is some and the labels are no texts either."""
    if not (output.parsed and output.kind is Any and isinstance(value, str)):
        return value
    bare = value.strip().strip("`").strip()
    found = parsed(
        bare.replace("True", "true").replace("False", "false") if bare in ("True", "False") else bare
    )
    if isinstance(found, dict | list | Decimal | bool) or bare == "null":
        return _number(found)
    inner = next(
        (v for v in (json_in(value, list), json_in(value, dict)) if isinstance(v, list | dict)), None
    )
    return value if inner is None else _number(inner)


def _number(value: Any) -> Any:
    """A value of `json_match` with Python's numbers."""
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value() and "." not in str(value) and "E" not in str(value)
        return int(value) if whole else float(value)
    if isinstance(value, dict):
        return {key: _number(inner) for key, inner in value.items()}
    return [_number(inner) for inner in value] if isinstance(value, list) else value


def _labelled(answer: str, names: Sequence[str]) -> dict[str, str]:
    """Fields written as `name: value`, or below `[[ ## name ## ]]` as DSPy has its models write them."""
    either = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    head = re.compile(
        rf"^\W*(?:\[\[ ## )?({either})\b(?: ## \]\]|\W{{0,3}}:)[ \t]*", re.MULTILINE | re.IGNORECASE
    )
    spelled = {name.casefold(): name for name in names}
    marks = list(head.finditer(answer))
    ends = [*(mark.start() for mark in marks), len(answer)][1:]
    return {
        spelled[mark[1].casefold()]: answer[mark.end() : end]
        .strip()
        .removesuffix("[[ ## completed ## ]]")
        .strip()
        for mark, end in zip(marks, ends, strict=True)
    }


def ask_for(outputs: Sequence[Output]) -> str:
    """What agents are told of the form of an answer."""
    if len(outputs) > 1:
        each = (f"{output.name}{f' ({told})' if (told := _told(output)) else ''}" for output in outputs)
        return f"a JSON object with the keys {', '.join(each)}; nothing else"
    name = outputs[0].name
    own = WORDING["answer"] if name in ANSWERS else f"only the {name.replace('_', ' ')}, nothing else"
    return _told(outputs[0]) or own


def _told(output: Output) -> str:
    parts = [one_line(output.description, 300), _form(output.kind)]
    return "; ".join(part for part in parts if part)


def _form(kind: Any) -> str:
    """A type in words."""
    if kind in (Any, str, None):
        return ""
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Literal:
        return f"one of {', '.join(map(str, inside))}"
    if members := getattr(kind, "__members__", None):
        return f"one of {', '.join(str(member.value) for member in members.values())}"
    if origin is Union or type(kind).__name__ == "UnionType":
        return (
            " or ".join(filter(None, (_form(part) for part in inside if part is not type(None)))) + " or null"
        )
    if kind is bool:
        return "true or false"
    if kind in (int, float):
        return "a whole number" if kind is int else "a number"
    if origin in (list, tuple, set) or kind in (list, tuple, set):
        each = _form(inside[0]) if inside else ""
        return f"a JSON list{f', each {each}' if each else ''}"
    fields = getattr(kind, "model_fields", None)
    if isinstance(fields, Mapping):
        return f"a JSON object with the keys {', '.join(fields)}"
    return "a JSON object" if kind is dict or origin is dict else ""
