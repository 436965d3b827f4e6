"""How the sets that another library's eval names come to our splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from domains.domain import Item
from domains.item_splits import DealtItems, Entry, deal_items
from domains.rows import key_of
from domains.settings import Settings
from meta_search.types import SPLITS, Split

__all__ = ["Named", "dealt"]

ORDER: tuple[Split, ...] = ("test", "validation", "train")  # where one item stands in several sets


class Named(NamedTuple):
    """A set of items with what it is called, for messages."""

    name: str
    items: Sequence[Item]


def dealt(path: Path, sets: Mapping[str, Named], settings: Settings) -> DealtItems:
    """Deal sets to splits that share no content, as `domains.splits` deals the parts of a source.

    A set of test items stays one, as validation items do. One set alone is dealt as a table's rows. What is
    missing is cut: examples and validation from the train set, or test from train and validation, in
    proportion. An item of two sets stays in that which is looked at last: a test set is not thinned out.

    Args:
        path: Whose sets, for errors.
        sets: Split -> its set: train, validation, test.
        settings: Sizes, seed, dealing, duplicates, group and strata.

    Raises:
        DomainError: Too few items, or duplicates that are to be refused.
    """
    kept, notes = _distinct(sets)
    shares = _shares(kept)
    entries = [
        Entry(item, key, shares[split], called=f"{sets[split].name}[{place}]")
        for split, items in kept.items()
        for key, (place, item) in items.items()
    ]
    found = deal_items(path, path.name, entries, settings)
    if len(kept) == 1:
        counts = ", ".join(f"{len(found.items[split])} {split}" for split in SPLITS)
        notes.append(f"{sets[next(iter(kept))].name} alone is there, and was dealt: {counts}")
    else:
        home = {item.id: sets[split].name for split, items in kept.items() for _, item in items.values()}
        notes += _cut(found, home, [split for split in SPLITS[1:] if split not in kept])
    return found._replace(notes=(*(f"{path.name}: {note}" for note in notes), *found.notes))


def _shares(kept: Mapping[Split, object]) -> dict[Split, str]:
    """Which of our splits share each set; all of them one that is alone."""
    if len(kept) == 1:
        return dict.fromkeys(kept, "")
    lacking = [split for split in SPLITS[1:] if split not in kept]
    shares: dict[Split, str] = {}
    for split in kept:
        ours: set[Split] = {split}
        if split != "test":
            ours.update(lacking)
        if split == ("train" if "train" in kept else "validation"):
            ours.add("examples")
        shares[split] = "+".join(name for name in SPLITS if name in ours)
    return shares


def _cut(found: DealtItems, home: Mapping[str, str], missing: Sequence[Split]) -> list[str]:
    """Lines on splits that no set was there for: home is the set of each item."""
    notes = []
    for split in missing:
        counts = Counter(home[item.id] for item in found.items[split])
        parts = " and ".join(
            f"{count} of {name}" for name, count in sorted(counts.items(), key=lambda p: p[1])
        )
        notes.append(f"there is no {split} set: {parts} are its items")
    return notes


def _distinct(sets: Mapping[str, Named]) -> tuple[dict[Split, dict[str, tuple[int, Item]]], list[str]]:
    """The items of each set by question, with their places in it, none of them in two sets; and lines on what
    was left out."""
    kept: dict[Split, dict[str, tuple[int, Item]]] = {}
    notes = []
    where: dict[str, Split] = {}
    for split in (split for split in ORDER if split in sets):
        name, items = sets[split]
        own: dict[str, tuple[int, Item]] = {}
        elsewhere: dict[Split, int] = {}
        twice = other = 0
        for place, item in enumerate(items):
            key = key_of(item.question)
            if key in where:
                elsewhere[where[key]] = elsewhere.get(where[key], 0) + 1
            elif key in own:
                twice += own[key][1].target == item.target
                other += own[key][1].target != item.target
            else:
                own[key] = (place, item)
        if not own and elsewhere:
            only = sets[next(iter(elsewhere))].name
            notes.append(f"{name} holds nothing that is not in {only}, and is not used")
            continue
        for other_split, count in elsewhere.items():
            notes.append(f"{count} of {name} are in {sets[other_split].name} too, and are left out of {name}")
        if twice:
            notes.append(f"{twice} of {name} stand there twice, and count once")
        if other:
            notes.append(
                f"{other} of {name} ask what another one asks, with other labels: the first one counts"
            )
        kept[split] = own
        where |= dict.fromkeys(own, split)
    return kept, notes
