"""Matchers `json` and `json_schema`: structures, compared as a whole or field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

from domains.domain import Item, Score
from domains.json_match import is_json, is_structure, json_in, json_match, parsed
from domains.matching.exact import exact
from domains.matching.matcher import NO_ITEM, Matcher
from domains.matching.numeric import same_number

__all__ = ["JsonMatcher", "SchemaMatcher"]

MOST_FIELDS = 2_000
MOST_DEPTH = 60


@dataclass(frozen=True)
class JsonMatcher(Matcher):
    """Compares JSON: order of keys, space, fences and text around it do not matter."""

    name: ClassVar[str] = "json"
    how: ClassVar[str] = "JSON, compared as JSON: the order of keys and the space between them do not matter"
    wording: ClassVar[Mapping[str, str]] = {"answer": "only the JSON, nothing else"}
    whole_lists: ClassVar[bool] = True

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """1 for the same JSON, else 0."""
        return Score(float(json_match(answer, target)))

    def fault(self, target: str) -> str:
        """Why a target is no JSON."""
        return "" if is_json(target) else "is not JSON"


@dataclass(frozen=True)
class SchemaMatcher(Matcher):
    """Scores JSON field by field: the part of the fields that are right, those that it lacks among them.

    Attributes:
        schema: A JSON schema that an answer has to satisfy; one that does not scores 0. Empty checks none.
        tolerance: By what part of the target a number may differ.
    """

    schema: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-6

    name: ClassVar[str] = "json_schema"
    how: ClassVar[str] = "JSON, scored by the part of its fields that are right"
    wording: ClassVar[Mapping[str, str]] = JsonMatcher.wording
    whole_lists: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < 1:
            raise ValueError("tolerance must be 0 to 1")
        if self.schema:
            _check(self.schema)

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """The part of the fields that are right, 0..1; the feedback names those that are not."""
        wanted = parsed(target)
        try:
            given = json_in(answer, type(wanted))
            if not isinstance(given, type(wanted)):
                return Score(0.0, "no JSON of the right kind")
            why = _violation(self.schema, given)
            if why:
                return Score(0.0, why)
            ours, theirs = (dict(_fields(value)) for value in (given, wanted))
        except RecursionError:
            return Score(0.0, "nested too deeply")
        places = list(dict.fromkeys((*theirs, *ours)))
        wrong = [p for p in places if p not in ours or p not in theirs or not self._same(ours[p], theirs[p])]
        if not wrong:
            return Score(1.0)
        told = ", ".join(place[:40] or "the whole" for place in wrong[:4])
        return Score(
            (len(places) - len(wrong)) / len(places), f"wrong: {told}{' …' if len(wrong) > 4 else ''}"
        )

    def fault(self, target: str) -> str:
        """Why a target has no fields."""
        if not is_structure(target):
            return "is no JSON object or list"
        why = _violation(self.schema, parsed(target))
        return f"does not satisfy domain.matcher_options.schema: {why}" if why else ""

    def _same(self, given: Any, wanted: Any) -> bool:
        if isinstance(given, bool) or isinstance(wanted, bool) or given is None or wanted is None:
            return given is wanted
        if isinstance(given, Decimal) and isinstance(wanted, Decimal):
            return same_number(given, wanted, relative=self.tolerance)
        if isinstance(given, str) and isinstance(wanted, str):
            return exact(given, wanted)
        return type(given) is type(wanted) and bool(given == wanted)


def _fields(value: Any, place: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The leaves of a structure by their place, as `items.0.name`."""
    if isinstance(value, dict) and value and depth < MOST_DEPTH:
        for key, inner in list(value.items())[:MOST_FIELDS]:
            yield from _fields(inner, f"{place}.{key}" if place else str(key), depth + 1)
    elif isinstance(value, list) and value and depth < MOST_DEPTH:
        for ordinal, inner in enumerate(value[:MOST_FIELDS]):
            yield from _fields(inner, f"{place}.{ordinal}" if place else str(ordinal), depth + 1)
    else:
        yield place, value


def _validator_type(schema: dict[str, Any]) -> Any:
    import jsonschema
    from jsonschema.validators import validator_for

    return validator_for(schema, jsonschema.Draft202012Validator)


def _check(schema: Mapping[str, Any]) -> None:
    import jsonschema

    plain = dict(schema)
    try:
        _validator_type(plain).check_schema(plain)
    except jsonschema.SchemaError as error:
        raise ValueError(f"schema is no JSON schema: {error.message[:80]}") from error


def _violation(schema: Mapping[str, Any], value: Any) -> str:
    """What of a schema a value does not satisfy, one line; `""` for nothing."""
    if not schema:
        return ""
    plain = dict(schema)
    error = next(_validator_type(plain)(plain).iter_errors(_plain(value)), None)
    if error is None:
        return ""
    place = ".".join(map(str, error.absolute_path))[:60]
    return f"against the schema{f' at {place}' if place else ''}: {' '.join(error.message.split())[:100]}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value() and abs(value) < Decimal(10) ** 18
        return int(value) if whole else float(value)
    return value
