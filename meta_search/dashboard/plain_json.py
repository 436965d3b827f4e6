"""JSON that browsers and terminals take, whatever a stranger's archive holds.

Views make single texts printable where they know what these are. Ids, kinds and statuses go out as they are
kept, so that links lead to them: here nothing is left in any of them that a terminal obeys, or that turns the
direction of writing round.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["plain_json"]

# C0 but for tab and line ends, DEL and C1, marks and changes of direction.
HIDDEN = r"0000|000[1-7bcef]|001[0-9a-f]|007f|00[89][0-9a-f]|061c|200[ef]|202[a-e]|206[6-9]"
ESCAPED = re.compile(rf"\\(?:\\|u(?:{HIDDEN}|0008|000c)|[bf])")  # a backslash of its own is passed over
LITERAL = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain_json(value: Any, ascii_only: bool = True) -> str:
    """A value as JSON; numbers that JSON does not know are null, what cannot be shown is a question mark.

    Args:
        value: Plain values.
        ascii_only: Write everything else by its number: half surrogates, which a model may write, are no
            UTF-8.
    """
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=ascii_only)
    except ValueError:
        text = json.dumps(_finite(value), separators=(",", ":"), ensure_ascii=ascii_only)
    return LITERAL.sub("?", ESCAPED.sub(_shown, text))


def _shown(match: re.Match[str]) -> str:
    return match[0] if match[0] == r"\\" else "?"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
