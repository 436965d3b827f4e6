"""Matchers by name, in one table; each is imported when it is asked for.

To add one: a line in `MATCHERS`, and a file with the class that the line names, a frozen dataclass whose
fields are its options. `domain.matcher=NAME` then takes it, with `domain.matcher_options.OPTION=VALUE`.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from pkgutil import resolve_name
from typing import Any

from domains.matching.matcher import Matcher
from meta_search.errors import DomainError

__all__ = ["AUTO", "MATCHERS", "make", "names", "of_cell", "type_of", "whole_lists"]

AUTO = "auto"

MATCHERS: dict[str, str] = {
    "bleu": "domains.matching.library:Bleu",
    "choice": "domains.matching.choice:Choice",
    "code": "domains.matching.library:Code",
    "contains": "domains.matching.contains:Contains",
    "drop": "domains.matching.drop:Drop",
    "exact": "domains.matching.exact:Exact",
    "f1": "domains.matching.overlap:F1",
    "grid": "domains.matching.grids:GridMatcher",
    "judge": "domains.matching.judge:Judge",
    "json": "domains.matching.structure:JsonMatcher",
    "json_schema": "domains.matching.structure:SchemaMatcher",
    "labels": "domains.matching.labels:LabelsMatcher",
    "list": "domains.matching.lists:ListMatcher",
    "mixed": "domains.matching.numeric:Mixed",
    "math": "domains.matching.library:Math",
    "numeric": "domains.matching.numeric:Numeric",
    "regex": "domains.matching.contains:Regex",
    "rouge": "domains.matching.overlap:Rouge",
    "set": "domains.matching.lists:SetMatcher",
    "similarity": "domains.matching.overlap:Similarity",
}


def names() -> tuple[str, ...]:
    """Names of all matchers, sorted; imports none of them."""
    return tuple(sorted(MATCHERS))


def type_of(name: str, where: str = "domain.matcher") -> type[Matcher]:
    """The class of a matcher.

    Raises:
        DomainError: An unknown name.
    """
    if name not in MATCHERS:
        raise DomainError(f"{where}={name:.40}: must be one of {AUTO}, {', '.join(names())}")
    found: type[Matcher] = resolve_name(MATCHERS[name])
    return found


def whole_lists(name: str) -> bool:
    """Whether a list is one target of a matcher, and not several accepted ones; with `auto` it is several.

    Raises:
        DomainError: An unknown name.
    """
    return name != AUTO and type_of(name).whole_lists


def make(
    name: str, options: Mapping[str, Any] = types.MappingProxyType({}), where: str = "domain.matcher"
) -> Matcher:
    """A matcher with options.

    Args:
        name: In `MATCHERS`.
        options: Its options; what is left out takes the default.
        where: What names it, for errors.

    Raises:
        DomainError: An unknown name or option, or a value that an option cannot have; one line.
    """
    cls = type_of(name, where)
    hints = typing.get_type_hints(cls)
    known = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    values = {}
    for option, value in options.items():
        if option not in known:
            have = f"it has {', '.join(known)}" if known else "it has none"
            raise DomainError(f"{where}_options.{option!s:.40}: {name} has no such option; {have}")
        values[option] = _converted(value, hints[option], f"{where}_options.{option}")
    try:
        return cls(**values)
    except ValueError as error:
        raise DomainError(f"{where}_options: {error}") from error


def of_cell(cell: str | Mapping[str, Any], where: str) -> Matcher:
    """The matcher that an item names: `numeric`, or with options `{"name": "numeric", "tolerance": 0.1}`.

    Raises:
        DomainError: As `make`; the line begins with `where`.
    """
    if isinstance(cell, str):
        return make(cell.strip(), where=where)
    options = dict(cell)
    return make(str(options.pop("name", "")), options, where)


def _converted(value: Any, hint: Any, where: str) -> Any:
    """A value as an option's type has it."""
    kind = typing.get_origin(hint) or hint
    wanted = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text",
        tuple: "a list of texts",
    }
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind is tuple and isinstance(value, Sequence) and not isinstance(value, str):
        if all(isinstance(part, str) for part in value):
            return tuple(value)
    elif kind is str and isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # `kind=2` on a command line
    elif isinstance(kind, type) and issubclass(kind, Mapping) and isinstance(value, Mapping):
        return dict(value)
    elif kind in (bool, int, str) and type(value) is kind:
        return value
    raise DomainError(f"{where}={value!r:.60}: must be {wanted.get(kind, 'a mapping')}")
