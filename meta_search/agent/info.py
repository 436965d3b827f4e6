"""`Info`: a message between an agent's calls; an answer is waited for when it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

__all__ = ["Info", "content_of"]

FIELDS = ("name", "author", "content", "iteration_idx")


class PendingAnswer(Protocol):
    """A text that may not have arrived yet: one output field of an LLM call.

    Attributes:
        call: The call, a `call_scheduler.Call`.
    """

    call: Any

    def read(self) -> str:
        """The text; blocks until it has arrived."""
        ...


class Info:
    """A message: `(name, author, content, iteration_idx)`, as in the runtime that ADAS published.

    Built positionally, unpacks into four, compares by value. Reading the `content` of an LLM's answer blocks
    until the answer has arrived; everything else is available at once.

    Args:
        name: What it is: `task`, or an output field.
        author: Who wrote it.
        content: The text, or an answer that has not arrived yet (`PendingAnswer`).
        iteration_idx: Ordinal of the round it belongs to, from 0; -1 for none.
    """

    __slots__ = ("_content", "author", "iteration_idx", "name")

    def __init__(self, name: Any, author: Any, content: Any, iteration_idx: Any = -1) -> None:
        self.name = name
        self.author = author
        self._content = content
        self.iteration_idx = iteration_idx

    @property
    def content(self) -> Any:
        """The text; blocks until it has arrived."""
        value = self._content
        return value.read() if hasattr(value, "read") and hasattr(value, "call") else value

    @property
    def pending(self) -> PendingAnswer | None:
        """The model's answer that `content` comes from; `None` where the agent wrote the content itself."""
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
