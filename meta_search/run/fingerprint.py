"""What a run measures with: its items, what agents are told, and the user's code. Scores of one run must not
come from two of these, so each later session compares.

Only digests are kept: the archive, which authors may read, is to hold no target.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from domains.domain import Domain, Item
from meta_search.text import one_line
from meta_search.types import SPLITS, Split

__all__ = ["differences", "fingerprint"]

MOST_ITEMS = 5_000  # that are kept one by one; of more, only that something changed can be told
PLAIN = (str, int, float, bool, type(None))


def fingerprint(domain: Domain) -> dict[str, Any]:
    """Digests of a domain, as JSON.

    Returns:
        `source`: of the user's code. `wording`: of what agents are told. `items`: split -> id -> digests of
        the question and of what is right, in order; of a large domain, split -> one digest.
    """
    items: dict[str, Any] = {
        split: {item.id: _of_item(item) for item in domain.items(split)} for split in SPLITS
    }
    if sum(map(len, items.values())) > MOST_ITEMS:
        items = {split: _digest(list(found.items())) for split, found in items.items()}
    return {
        "source": str(getattr(domain, "source", "")),
        "wording": _digest(dict(domain.wording)),
        "items": items,
    }


def differences(before: Mapping[str, Any], domain: Domain, splits: Sequence[Split] = SPLITS) -> list[str]:
    """What is otherwise than it was, in words, what tells most first; empty where nothing is.

    Args:
        before: The fingerprint of the run.
        domain: The domain as it is now.
        splits: Those that matter.
    """
    now = fingerprint(domain)
    edited = "a judge's rubric, or its code," if getattr(domain, "asks", False) else "its code"
    found = [f"{edited} was edited"] if before["source"] != now["source"] else []
    for split in splits:
        old, new = before["items"].get(split), now["items"][split]
        if isinstance(old, dict) and isinstance(new, dict):
            found += _of_split(old, new, split, {item.id: item for item in domain.items(split)})
        elif old != new:
            found.append(f"{split}: its items changed")
    if before["wording"] != now["wording"]:
        found.append("agents are told otherwise (instruction, labels or wording)")
    return sorted(found, key=lambda told: "(first: " not in told)


def _of_split(
    old: Mapping[str, str], new: Mapping[str, str], split: Split, items: Mapping[str, Item]
) -> Iterator[str]:
    """What changed in a split, a part at a time."""
    both = [name for name in new if name in old]
    asked = [name for name in both if old[name].split()[0] != new[name].split()[0]]
    answered = [n for n in both if n not in set(asked) and old[n] != new[n]]
    if answered:
        first = items[answered[0]]
        told = f"«{one_line(first.question, 40)}», now {one_line(first.target, 30)!r}"
        yield f"{split}: {len(answered)} of {len(new)} items have other answers (first: {told})"
    if asked:
        told = f"«{one_line(items[asked[0]].question, 40)}»"
        yield f"{split}: {len(asked)} of {len(new)} items have other questions (first: {told})"
    gone, added = len(old) - len(both), len(new) - len(both)
    if gone or added:
        yield f"{split}: {gone} of {len(old)} items gone, {added} new"
    elif not asked and not answered and list(old) != list(new):
        yield f"{split}: its items stand in another order"


def _of_item(item: Item) -> str:
    """Digests of what agents see of an item, and of what the scorer sees beyond that."""
    return f"{_digest([item.question, item.kind, item.public])} {_digest([item.target, item.data])}"


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(_canonical(value)).encode()).hexdigest()[:10]


def _canonical(value: Any) -> Any:
    """A value as JSON that is the same in every process; of objects of the user's, the type only."""
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, Mapping):
        pairs = [[_canonical(key), _canonical(inner)] for key, inner in value.items()]
        return sorted(pairs, key=json.dumps)
    if isinstance(value, list | tuple):
        return [_canonical(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted(map(_canonical, value), key=json.dumps)
    return repr(value) if isinstance(value, bytes | complex) else type(value).__qualname__
