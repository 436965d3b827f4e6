"""Words that tell kinds of items apart, for the routes of plans."""

from __future__ import annotations

import re
from collections.abc import Sequence

from domains.domain import Item

__all__ = ["keywords"]


def keywords(items: Sequence[Item], more: Sequence[Item] = ()) -> dict[str, str]:
    """For every kind of item, words that stand in all its examples and in no example of another kind.

    One word where one suffices, else two. Kinds that no such words tell apart are left out; so are domains
    with a single kind.

    Args:
        items: Examples.
        more: Further items. Two examples of a kind may share a word by chance: where words hold for all of
            these as well, they are preferred.
    """
    found = _keywords(items)
    better = _keywords([*items, *more]) if more and found else {}
    return {kind: better.get(kind, words) for kind, words in found.items()}


def _keywords(items: Sequence[Item]) -> dict[str, str]:
    by_kind: dict[str, list[set[str]]] = {}
    for item in items:
        words = set(re.findall(r"[a-z]{3,}", item.question.lower()))
        by_kind.setdefault(item.kind, []).append(words)
    if len(by_kind) < 2:
        return {}
    common = {kind: set.intersection(*texts) for kind, texts in by_kind.items()}
    found: dict[str, str] = {}
    for kind, shared in common.items():
        others = [text for other, texts in by_kind.items() if other != kind for text in texts]
        choice = _telling(sorted(shared), others)
        if choice:
            found[kind] = choice
    return found


def _telling(shared: Sequence[str], others: Sequence[set[str]]) -> str:
    """The fewest words that all others lack; long words first, as they mean most."""
    ordered = sorted(shared, key=lambda w: (sum(w in t for t in others), -len(w), w))
    # A route is matched as text, so a word must not be a part of another kind's word either.
    for word in ordered:
        if not any(word in " ".join(text) for text in others):
            return word
    for i, first in enumerate(ordered):
        for second in ordered[i + 1 :]:
            if not any(first in " ".join(t) and second in " ".join(t) for t in others):
                return f"{first} {second}"
    return ""
