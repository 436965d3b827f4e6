"""`Info`: what passes between an agent's calls, with answers that are fetched when they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

__all__ = ["Info", "content_of"]

FIELDS = ("name", "author", "content", "iteration_idx")


class Answer(Protocol):
    """Something that will be a text: one output field of a call that may still be under way."""

    call: Any

    def read(self) -> str: ...


class Info:
    """A piece of information: `(name, author, content, iteration_idx)`, as in the published runtime.

    Built positionally, unpacks into four, compares by value. `content` of an LLM's answer blocks until
    the answer has come; everything else is there at once.
    """

    __slots__ = ("_content", "author", "iteration_idx", "name")

    def __init__(self, name: Any, author: Any, content: Any, iteration_idx: Any = -1) -> None:
        self.name = name
        self.author = author
        self._content = content
        self.iteration_idx = iteration_idx

    @property
    def content(self) -> Any:
        """The text; waits for it where the call is still under way."""
        value = self._content
        return value.read() if hasattr(value, "read") and hasattr(value, "call") else value

    @property
    def pending(self) -> Answer | None:
        """The answer that `content` comes from, or `None` where an agent built this itself."""
        value = self._content
        return value if hasattr(value, "read") and hasattr(value, "call") else None

    def _replace(self, **changes: Any) -> Info:
        values = {"name": self.name, "author": self.author, "content": self._content}
        return Info(**{**values, "iteration_idx": self.iteration_idx, **changes})

    def __iter__(self) -> Iterator[Any]:
        return iter((self.name, self.author, self.content, self.iteration_idx))

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: Any) -> Any:
        return (self.name, self.author, self.content, self.iteration_idx)[index]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Info | tuple):
            return tuple(self) == tuple(other)
        return NotImplemented

    def __copy__(self) -> Info:
        return self

    def __deepcopy__(self, memo: Any) -> Info:
        return self  # a value: agents copy whole histories, answers under way among them

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        pairs = zip(FIELDS, self, strict=True)
        return "Info(" + ", ".join(f"{name}={value!r}" for name, value in pairs) + ")"


def content_of(value: Any) -> str:
    """The text of an `Info`, a string, or anything else that an agent passes where text belongs."""
    if isinstance(value, Info):
        value = value.content
    return value if isinstance(value, str) else str(value)
