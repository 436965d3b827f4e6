"""Scripted answers of a model for dry runs: plausible, deterministic and free."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

__all__ = ["reply"]

# One program for both uses of code: printing an answer, and transforming an ARC grid.
PROGRAM = "```python\ndef transform(grid):\n    return grid\n\nprint(42)\n```"
VALUES = {
    "think": "40 and 2 are given. Adding them gives 42.",
    "reason": "40 and 2 are given. Adding them gives 42.",
    "code": PROGRAM,
    "program": PROGRAM,
    "feedback": "The steps are sound; check the last sum.",
    "critic": "The steps are sound; check the last sum.",
    "correct": "True",
    "choice": "A",
    "rating": "3",
    "score": "3",
    "confidence": "0.8",
    "plan": "1. Read the task. 2. Compute. 3. Answer.",
    "expert": "Mathematician",
}
ANSWER = "42"


def reply(fields: Sequence[str], as_json: bool, prompt: str) -> str:
    """The answer to a call.

    Args:
        fields: Output fields that are asked for.
        as_json: Whether they are asked for as a JSON object.
        prompt: The last user message; without fields, its words decide between a number and a program.
    """
    if as_json:
        return json.dumps({name: _value(name) for name in fields})
    if fields:
        return _value(fields[-1])
    return PROGRAM if re.search(r"\b(program|python|code)\b", prompt, re.IGNORECASE) else ANSWER


def _value(field: str) -> str:
    name = field.lower()
    return next((value for word, value in VALUES.items() if word in name), ANSWER)
