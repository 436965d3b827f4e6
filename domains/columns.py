"""What a record of a source means: which of its values are question, answer, options and the rest.

`domain.columns` makes columns of a record's own, `NAME: expression` (`domains.expressions`). The table knows
these by name, and any other is there for the next ones:

    question, answer, kind, split, matcher   as the columns that `domain.question` and so on name
    choices      options of the question: a list, {"text": […], "label": […]}, or several columns as a list
    accepted     further answers that are right, a list
    working      how the answer is come to; shown with examples
    id           the item's own name, in place of a hash of its question
    data         names of columns that the scorer needs, a list

A made column is an expression; a list of expressions, whose empty values are left out; or an object: `value`,
an expression; `each`, a column with several objects (or an object of lists) of which each has the value;
`join`, what stands between these, which are else a list; `match`, a pattern whose first group is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from domains.expressions import MISSING, Expression, is_empty, parse, text_of
from domains.sources.headers import listed
from meta_search.errors import DomainError

__all__ = ["PART", "Made", "Recipe", "recipe_of"]

PART = "_part"
"""The column in which a row finds where it comes from: a part of the source, or a name of a path's braces."""

ROLES = ("accepted", "working", "id")
KEYS = ("value", "each", "join", "match")
MOST_SEEN = 12  # values of a column that an error names
MOST_MATCHED = 20_000  # characters of a text that a pattern is tried on


class Made(NamedTuple):
    """A record with the columns that were made of it.

    Attributes:
        record: Column -> value.
        accepted: Further answers, as they stand there.
        working: How the answer is come to, or empty.
        id: Its name, or empty.
        data: What the scorer needs.
    """

    record: Mapping[str, Any]
    accepted: Sequence[Any] = ()
    working: str = ""
    id: str = ""
    data: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Column:
    """How one column is made; see the module's docstring.

    Attributes:
        values: Expressions; one, but for a list of them.
        each: A column with several objects, or `None`.
        join: What stands between the values, or `None`.
        match: A pattern, or `None`.
        several: Whether the value is a list of all expressions' values.
    """

    values: tuple[Expression, ...]
    each: Expression | None = None
    join: str | None = None
    match: re.Pattern[str] | None = None
    several: bool = False

    def value(self, record: Mapping[str, Any]) -> Any:
        """Its value; `MISSING` where a record has nothing to make it of."""
        if self.each is not None:
            objects = _objects(self.each.value(record))
            found: Any = objects if objects is MISSING else [self._of(each) for each in objects]
            found = found if found is MISSING else [value for value in found if not is_empty(value)]
        else:
            found = self._of(record)
        if self.join is not None and isinstance(found, list | tuple):
            found = self.join.join(text_of(part) for part in found)
        return self._matched(found) if self.match is not None else found

    def _of(self, record: Mapping[str, Any]) -> Any:
        if not self.several:
            return self.values[0].value(record)
        found = [expression.value(record) for expression in self.values]
        if all(value is MISSING for value in found):
            return MISSING
        return [value for value in found if not is_empty(value)]

    def _matched(self, value: Any) -> Any:
        assert self.match is not None
        if isinstance(value, list | tuple):
            return [self._matched(part) for part in value]
        found = self.match.search(text_of(value)[:MOST_MATCHED]) if not is_empty(value) else None
        return value if found is None else found[1] if self.match.groups else found[0]

    def columns(self) -> tuple[str, ...]:
        """Names of the columns that it reads."""
        reads = (self.each,) if self.each is not None else self.values
        return tuple(name for expression in reads for name in expression.columns())


@dataclass(frozen=True)
class Recipe:
    """Makes columns of records, and leaves records out.

    Attributes:
        made: Name -> column, in the order in which they are made.
        needed: The columns that every record must have: name -> what to set where it lacks it.
        data: Expressions: what the scorer needs.
        where: Expression -> values that it may have.
        seen: Expression -> some of the values that records had, for an error.
    """

    made: Mapping[str, Column]
    needed: Mapping[str, str]
    data: tuple[str, ...] = ()
    where: Mapping[str, frozenset[str]] = field(default_factory=dict)
    seen: Mapping[str, dict[str, None]] = field(default_factory=dict)

    def of(self, place: str, record: Mapping[str, Any], part: str = "") -> Made | None:
        """A record with its made columns; `None` where `domain.where` leaves it out.

        Args:
            place: Where it stands, for errors.
            record: As the source has it.
            part: Where it comes from, for the column `_part`.

        Raises:
            DomainError: A column that it needs is not there.
        """
        own = {**record, PART: part} if part and PART not in record else dict(record)
        given = dict(own)
        for name, column in self.made.items():
            value = column.value(given)
            if value is MISSING:
                self._check(place, name, column, own)
            else:
                given[name] = value
        for name, key in self.needed.items():
            if name not in given:
                value = _or_missing(name, given)
                if value is MISSING:
                    have = listed(record)
                    raise DomainError(f"{place}: no column {name!r}, there are: {have}; set {key}")
                given[name] = value
        if not all(self._keeps(place, text, given) for text in self.where):
            return None
        roles = {name: given.get(name) for name in ROLES if name in self.made}
        accepted = roles.get("accepted")
        return Made(
            given,
            accepted if isinstance(accepted, list | tuple) else [] if is_empty(accepted) else [accepted],
            text_of(roles.get("working")).strip(),
            text_of(roles.get("id")).strip(),
            {text: value for text in self.data if (value := parse(text).value(given)) is not MISSING},
        )

    def left_out_all(self) -> str:
        """Why no record is left, in a few words."""
        told = (f"{text} is {', '.join(values) or 'nowhere'}" for text, values in self.seen.items())
        return f"domain.where leaves no row: {'; '.join(told)}"

    def _check(self, place: str, name: str, column: Column, record: Mapping[str, Any]) -> None:
        """Refuse a question or an answer that cannot be made. What lacks all of its columns is a table with
        plain ones."""
        if name not in self.needed:
            return
        absent = list(self._absent(column, record))
        if name in record and not any(read in record for read in column.columns()):
            return
        have = listed(record)
        lacks = f"no column {absent[0]!r}" if absent else "nothing"
        raise DomainError(f"{place}: {lacks} for domain.columns.{name}, there are: {have}")

    def _absent(
        self, column: Column, record: Mapping[str, Any], seen: tuple[Column, ...] = ()
    ) -> Iterator[str]:
        """The columns that are not there, also those that a made column lacks."""
        for read in column.columns():
            below = self.made.get(read)
            if read in record:
                continue
            if below is None or below is column or below in seen:
                yield read
            else:
                yield from self._absent(below, record, (*seen, column))

    def _keeps(self, place: str, text: str, record: Mapping[str, Any]) -> bool:
        value = parse(text).value(record)
        if value is MISSING:
            have = listed(record)
            raise DomainError(f"{place}: no column {text!r} for domain.where, there are: {have}")
        values = value if isinstance(value, list | tuple) else [value]
        found = {text_of(part).strip().casefold() for part in values}
        if len(self.seen[text]) < MOST_SEEN:
            self.seen[text].update(dict.fromkeys(sorted(found)))
        return not found.isdisjoint(self.where[text])


def recipe_of(columns: Mapping[str, Any], where: Mapping[str, Any], needed: Mapping[str, str]) -> Recipe:
    """The recipe of a domain's settings.

    Args:
        columns: `domain.columns`.
        where: `domain.where`: expression -> a value, or a list of values.
        needed: Column -> the setting that names it, for errors.

    Raises:
        DomainError: A column that is made of nothing that there is; names the key.
    """
    data = columns.get("data", ())
    if isinstance(data, str) or not isinstance(data, list | tuple):
        raise DomainError(f"domain.columns.data={data!r:.60}: must be a list of columns")
    for text in data:
        _expression("domain.columns.data", text)
    made = {
        name: _column(f"domain.columns.{name}", given) for name, given in columns.items() if name != "data"
    }
    kept: dict[str, frozenset[str]] = {}
    for text, values in where.items():
        _expression(f"domain.where.{text}", text)
        listed = values if isinstance(values, list | tuple) else [values]
        kept[text] = frozenset(text_of(value).strip().casefold() for value in listed)
    return Recipe(made, needed, tuple(data), kept, {text: {} for text in kept})


def _column(key: str, given: Any) -> Column:
    if isinstance(given, str):
        return Column((_expression(key, given),))
    if isinstance(given, list | tuple):
        if not given:
            raise DomainError(f"{key} is an empty list: name a column")
        return Column(tuple(_expression(key, part) for part in given), several=True)
    if not isinstance(given, Mapping):
        raise DomainError(f"{key}={given!r:.60}: must be an expression, a list of them, or an object")
    unknown = [str(name) for name in given if name not in KEYS]
    if unknown or "value" not in given:
        wrong = f"{unknown[0]} is none of its keys" if unknown else "value is missing"
        raise DomainError(f"{key}: {wrong}; an object has value, and may have each, join and match")
    inner = _column(f"{key}.value", given["value"])
    each = _expression(f"{key}.each", given["each"]) if "each" in given else None
    return Column(inner.values, each, given.get("join"), _pattern(key, given.get("match")), inner.several)


def _expression(key: str, given: Any) -> Expression:
    if not isinstance(given, str):
        raise DomainError(f"{key}={given!r:.60}: must name a column")
    try:
        return parse(given)
    except ValueError as error:
        raise DomainError(f"{key}: {error}") from error


def _pattern(key: str, given: Any) -> re.Pattern[str] | None:
    try:
        return None if given is None else re.compile(str(given), re.DOTALL)
    except re.error as error:
        raise DomainError(f"{key}.match: is no pattern: {error}") from error


def _or_missing(name: str, record: Mapping[str, Any]) -> Any:
    """The value of a setting such as `domain.question`, which may be an expression too."""
    try:
        return parse(name).value(record)
    except ValueError:
        return MISSING


def _objects(value: Any) -> Any:
    """The objects of a column: a list of them, lists by place, or an object of lists of the same length."""
    if isinstance(value, Mapping):
        whole = not value or not all(isinstance(inner, list | tuple) for inner in value.values())
        return [value] if whole else list(_rows(value))
    if isinstance(value, list | tuple):
        return [part if isinstance(part, Mapping) else _placed(part) for part in value]
    return MISSING


def _rows(lists: Mapping[str, Sequence[Any]]) -> Iterator[Mapping[str, Any]]:
    for values in zip(*lists.values(), strict=False):
        yield dict(zip(lists, values, strict=True))


def _placed(part: Any) -> Mapping[str, Any]:
    """A part that is no object, by place: `["Title", ["A sentence."]]` is `{"0": "Title", "1": […]}`."""
    values = part if isinstance(part, list | tuple) else [part]
    return {str(place): value for place, value in enumerate(values)}
