"""What a model thought aloud before its reply."""

from __future__ import annotations

import re

__all__ = ["without_thinking"]

TAGS = "think|thinking|thought|reasoning|scratchpad"
OPENS = re.compile(rf"\A\s*<({TAGS})>", re.IGNORECASE)
CLOSES = re.compile(rf"(?<![\"'`])</({TAGS})>[ \t]*(?:\n|\Z)", re.IGNORECASE)  # in a string it is code
ANYWHERE = re.compile(rf"<({TAGS})>", re.IGNORECASE)


def without_thinking(text: str) -> str:
    """A reply without a thought at its beginning.

    A chat template may have swallowed the opening tag. All of it stays where nothing stands behind the
    thought, or where it is not closed.
    """
    closing = CLOSES.search(text)
    if closing is None:
        return text
    opening = OPENS.match(text)
    if opening is None and (ANYWHERE.search(text, 0, closing.start()) or closing[1].lower() == "thought"):
        return text
    rest = text[closing.end() :]
    return rest if rest.strip() else text
