"""What is known of a request while some of its inputs are still under way."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

__all__ = ["HOLE", "KEYS", "Shape", "shape_of"]

HOLE = "\0"  # stands in a message for a text that has not come yet
KEYS = ("temperature", "max_tokens", "schema")


class Shape(NamedTuple):
    """What is known of a request before all its inputs are there.

    Attributes:
        settings: Everything but the messages.
        turns: Role, known beginning and known end of each message.
    """

    settings: str
    turns: tuple[tuple[str, str, str], ...]

    def may_equal(self, other: Shape) -> bool:
        """Whether the two requests could turn out equal."""
        if self.settings != other.settings or len(self.turns) != len(other.turns):
            return False
        return all(
            role == role_
            and (start.startswith(start_) or start_.startswith(start))
            and (end.endswith(end_) or end_.endswith(end))
            for (role, start, end), (role_, start_, end_) in zip(self.turns, other.turns, strict=True)
        )


def shape_of(message: dict[str, Any]) -> Shape:
    """Shape of a request whose messages have `HOLE` for each text that is not there yet."""
    turns = []
    for role, text in message["messages"]:
        start, hole, _ = text.partition(HOLE)
        end = text.rpartition(HOLE)[2]
        # An empty text takes the blank lines around it with it.
        turns.append((role, start.rstrip() if hole else start, end.lstrip() if hole else end))
    return Shape(json.dumps([message[k] for k in KEYS]), tuple(turns))
