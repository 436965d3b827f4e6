"""Values of cells as a file has them: JSON, its numbers as they are written, one value after the other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

from domains.sources.limits import LARGEST_RECORD, megabytes
from meta_search.errors import DomainError

__all__ = ["Written", "load", "values_of", "with_numbers"]

CHUNK = 2**16
DEEPEST = 100  # lists and objects in one another
NEAR = 16  # characters before the end of what is read in which a cut value shows as an error
_SPACE = re.compile(r"[ \t\r\n]*")


class Written(str):
    """A number of a file as it is written there: 0.50 stays 0.50."""


def _constant(name: str) -> Written | None:
    """NaN is a value that is missing; infinity is written as it is."""
    return None if name == "NaN" else Written(name)


_DECODER = json.JSONDecoder(parse_int=Written, parse_float=Written, parse_constant=_constant)


def load(place: str, text: str) -> Any:
    """The value of a text in JSON.

    Args:
        place: Where the text stands, for errors.
        text: The text.

    Raises:
        DomainError: It is not JSON.
    """
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise DomainError(f"{place}: is not JSON: {_plainly(error.msg)}") from error
    except RecursionError as error:
        raise DomainError(f"{place}: is nested too deeply") from error
    if _is_deep(text, value):
        raise DomainError(f"{place}: is nested too deeply")
    return value


def with_numbers(value: Any) -> Any:
    """A value with numbers for numbers as they are written; one of thousands of digits stays a text."""
    if isinstance(value, Written):
        try:
            return json.loads(value)
        except ValueError:
            return str(value)
    if isinstance(value, Mapping):
        return {key: with_numbers(inner) for key, inner in value.items()}
    return [with_numbers(inner) for inner in value] if isinstance(value, list | tuple) else value


def _plainly(message: str) -> str:
    """What Python says of a text that is no JSON, without the place that it means to name behind it."""
    if message.startswith("Unterminated string"):
        return "a text has no closing quote, or the line is cut short"
    return message.removesuffix(" at").removesuffix(" starting")


def values_of(
    place: str, text: IO[str], listed: bool, most: int = LARGEST_RECORD
) -> Iterator[tuple[int, Any]]:
    """Values of a text one at a time, each with its line, from 1: those of a list, or all there are.

    A comma after the last one is no error.

    Args:
        place: The file, for errors.
        text: It.
        listed: Whether it is one list; else values stand one after the other, with commas or not.
        most: Characters that a value may have.

    Raises:
        DomainError: What there is is not JSON, or is too long; names the line.
    """
    reader = _Reader(place, text, most)
    if listed:
        reader.skip("[")
    first = True
    while True:
        reader.space()
        if listed and reader.at("]"):
            reader.skip("]")
            reader.space()
            if not reader.done():
                raise reader.error("Extra data")
            return
        if reader.done():
            if listed:
                raise reader.error("the list does not end")
            return
        if not first and reader.at(","):
            reader.skip(",")
            reader.space()
            if reader.done() or (listed and reader.at("]")):
                continue
        elif not first and listed:
            raise reader.error("Expecting ',' delimiter")
        line = reader.line
        yield line, reader.value()
        first = False


class _Reader:
    """A text of which a part is held, as much as one value needs."""

    def __init__(self, place: str, text: IO[str], most: int) -> None:
        self._place, self._text, self._most = place, text, most
        self._held, self._at, self._end = "", 0, False
        self.line = 1

    def error(self, why: str, at: int | None = None) -> DomainError:
        """An error at a place of what is held."""
        line = self.line + self._held.count("\n", self._at, self._at if at is None else at)
        return DomainError(f"{self._place}, line {line}: is not JSON: {_plainly(why)}")

    def done(self) -> bool:
        """Whether nothing follows."""
        return self._at >= len(self._held) and not self._more()

    def at(self, mark: str) -> bool:
        """Whether a character follows."""
        return not self.done() and self._held[self._at] == mark

    def skip(self, mark: str) -> None:
        """Go behind a character that has to follow."""
        self.space()
        if not self.at(mark):
            raise self.error(f"Expecting '{mark}'")
        self._to(self._at + 1)

    def space(self) -> None:
        """Go behind white space."""
        while not self.done():
            found = _SPACE.match(self._held, self._at)
            self._to(found.end() if found else self._at)
            if self._at < len(self._held):
                return

    def value(self) -> Any:
        """The value that follows."""
        while True:
            try:
                found, end = _DECODER.raw_decode(self._held, self._at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self._held) - NEAR
                if not (cut and self._more()):
                    raise self.error(error.msg, error.pos) from error
                continue
            except RecursionError as error:
                raise DomainError(f"{self._place}, line {self.line}: is nested too deeply") from error
            if end < len(self._held) or not self._more():
                if _is_deep(self._held[self._at : end], found):
                    raise DomainError(f"{self._place}, line {self.line}: is nested too deeply")
                self._to(end)
                return found

    def _to(self, place: int) -> None:
        self.line += self._held.count("\n", self._at, place)
        self._at = place

    def _more(self) -> bool:
        """Read on: as much again as is held, so that a long value is not looked at too often."""
        self._held, self._at = self._held[self._at :], 0
        if len(self._held) > self._most:
            raise DomainError(
                f"{self._place}, line {self.line}: a value is longer than {megabytes(self._most)}"
            )
        read = "" if self._end else self._text.read(max(CHUNK, len(self._held)))
        self._end = self._end or not read
        self._held += read
        return bool(read)


def _is_deep(text: str, value: Any) -> bool:
    """Whether a value is nested so deeply that what goes through it level by level might fail."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    level = [value]
    for _ in range(DEEPEST):
        inner = (v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list))
        level = [part for parts in inner for part in parts]
    return any(isinstance(part, dict | list) for part in level)
