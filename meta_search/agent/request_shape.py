"""What is known of an LLM request while some of its inputs have not arrived yet."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from .answers import schema_for

__all__ = ["PLACEHOLDER", "RequestShape", "settings_of", "shape_of"]

PLACEHOLDER = "\0"  # stands in a message for a text that has not arrived yet


class RequestShape(NamedTuple):
    """What is known of a request before all its inputs have arrived.

    Attributes:
        settings: Everything but the messages, as JSON.
        turns: For each message its role, its known beginning and its known end.
    """

    settings: str
    turns: tuple[tuple[str, str, str], ...]

    def may_equal(self, other: RequestShape) -> bool:
        """Whether the two requests could turn out equal."""
        if self.settings != other.settings or len(self.turns) != len(other.turns):
            return False
        return all(
            role == role_
            and (start.startswith(start_) or start_.startswith(start))
            and (end.endswith(end_) or end_.endswith(end))
            for (role, start, end), (role_, start_, end_) in zip(self.turns, other.turns, strict=True)
        )


def settings_of(message: dict[str, Any]) -> list[Any]:
    """What tells requests apart beside their messages: of the fields only the schema that is made of them."""
    return [message["temperature"], message["max_tokens"], schema_for(message["fields"])]


def shape_of(message: dict[str, Any]) -> RequestShape:
    """Shape of a request whose messages have `PLACEHOLDER` for each text that has not arrived yet."""
    turns = []
    for role, text in message["messages"]:
        start, hole, _ = text.partition(PLACEHOLDER)
        end = text.rpartition(PLACEHOLDER)[2]
        # An empty text takes the blank lines around it with it.
        turns.append((role, start.rstrip() if hole else start, end.lstrip() if hole else end))
    return RequestShape(json.dumps(settings_of(message)), tuple(turns))
