"""What a page tells beside its tables: failed attempts by stage, and the configuration."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from meta_search.text import one_line
from meta_search.types import Attempt

__all__ = ["ROLES", "attempts", "redacted"]

Cells = dict[str, Any]

ROLES = {"seed": "baseline", "own": "yours", "matched": "baseline at matched cost", "found": "found"}
SAME = re.compile(r"is ([0-9a-f]{16})")  # how an attempt says that its draft is an agent of the run


def attempts(failed: Sequence[Attempt], names: Mapping[str, str], messages: int = 5) -> list[Cells]:
    """Failed attempts by stage: `stage`, `count`, `authors` and the most frequent `messages`.

    Args:
        failed: The attempts.
        names: Id -> name of the agents, for messages that name one.
        messages: How many messages of each stage.
    """

    def told(message: str) -> str:
        same = SAME.fullmatch(message)
        return one_line(f"is the same as «{names.get(same[1], same[1])}»" if same else message, 160)

    by_stage: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in failed:
        by_stage[attempt.stage].append(attempt)
    return [
        {
            "stage": one_line(stage, 24),
            "count": len(rows),
            "authors": Counter(one_line(a.author, 24) for a in rows).most_common(),
            "messages": Counter(told(a.message) for a in rows).most_common(messages),
        }
        for stage, rows in sorted(by_stage.items(), key=lambda pair: -len(pair[1]))
    ]


SECRET = re.compile(r"(^|_)(key|token|secret|password)$")
USER_INFO = re.compile(r"(://)[^/@\s]+@")
PLACE = re.compile(r"^/[^\n]*(?=/[^/\n]+$)")  # of a file or folder, which says whose machine it was


def redacted(value: Any) -> Any:
    """A configuration without what a page that is passed round must not hold."""
    if isinstance(value, Mapping):
        return {k: "…" if v and SECRET.search(str(k).lower()) else redacted(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(v) for v in value]
    return PLACE.sub("…", USER_INFO.sub(r"\1…@", value)) if isinstance(value, str) else value
