"""How the sets that another library's eval names come to our splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from domains.domain import Item
from domains.rows import apportion, deal, in_order, key_of
from domains.settings import DEFAULT_SIZES, Settings, named_sizes
from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = ["Dealt", "Named", "dealt"]

ORDER: tuple[Split, ...] = ("test", "validation", "train")  # where one item stands in several sets


class Named(NamedTuple):
    """A set of items with what it is called, for messages."""

    name: str
    items: Sequence[Item]


class Dealt(NamedTuple):
    """The items of each split, and lines for the user on how they came there."""

    items: Mapping[Split, tuple[Item, ...]]
    notes: tuple[str, ...]


def dealt(path: Path, sets: Mapping[str, Named], settings: Settings) -> Dealt:
    """Deal sets to splits that are disjoint by content.

    A set of test items stays one, as validation items do. One set alone is dealt as a table's rows. What is
    missing is cut: examples and validation from the train set, or test from train and validation, in
    proportion. An item of two sets stays in that which is looked at last: a test set is not thinned out.

    Args:
        path: Whose sets, for errors.
        sets: Split -> its set: train, validation, test.
        settings: Sizes, seed and dealing.

    Raises:
        DomainError: Too few items.
    """
    kept, notes = _distinct(sets)
    sizes = named_sizes(settings)
    keys = {s: in_order(items, settings.seed, settings.dealing) for s, items in kept.items()}
    everything = {key: item for items in kept.values() for key, item in items.items()}
    if len(keys) == 1:
        ((name, order),) = keys.items()
        parts = deal(order, apportion(path, len(order), sizes))
        counts = ", ".join(f"{len(parts[split])} {split}" for split in SPLITS)
        notes.append(f"{sets[name].name} alone is there, and was dealt: {counts}")
    else:
        parts, told = _shared(path, keys, sizes, {split: sets[split].name for split in keys})
        notes += told
    found = {split: tuple(everything[key] for key in parts[split]) for split in SPLITS}
    return Dealt(found, tuple(f"{path.name}: {note}" for note in notes))


def _distinct(sets: Mapping[str, Named]) -> tuple[dict[Split, dict[str, Item]], list[str]]:
    """The items of each set by content, none of them in two sets; and lines on what was left out."""
    kept: dict[Split, dict[str, Item]] = {}
    notes = []
    where: dict[str, Split] = {}
    for split in (split for split in ORDER if split in sets):
        name, items = sets[split]
        own: dict[str, Item] = {}
        elsewhere: dict[Split, int] = {}
        twice = other = 0
        for item in items:
            key = key_of(item.question)
            if key in where:
                elsewhere[where[key]] = elsewhere.get(where[key], 0) + 1
            elif key in own:
                twice += own[key].target == item.target
                other += own[key].target != item.target
            else:
                own[key] = item
        if not own and elsewhere:
            only = sets[next(iter(elsewhere))].name
            notes.append(f"{name} holds nothing that is not in {only}, and is not used")
            continue
        for place, count in elsewhere.items():
            notes.append(f"{count} of {name} are in {sets[place].name} too, and are left out of {name}")
        if twice:
            notes.append(f"{twice} of {name} stand there twice, and count once")
        if other:
            notes.append(
                f"{other} of {name} ask what another one asks, with other labels: the first one counts"
            )
        kept[split] = own
        where |= dict.fromkeys(own, split)
    return kept, notes


def _shared(
    path: Path, keys: Mapping[Split, Sequence[str]], sizes: Mapping[Split, int], names: Mapping[Split, str]
) -> tuple[dict[Split, Sequence[str]], list[str]]:
    """The keys of each split, of two or three sets."""
    order = {split: list(found) for split, found in keys.items()}
    notes = []
    if "test" not in order:
        wanted = _wanted(path, sum(map(len, order.values())), sizes, "test", SPLITS)
        cut = _in_proportion(order, wanted)
        order["test"] = [
            key for split, count in cut.items() for key in order[split][len(order[split]) - count :]
        ]
        for split, count in cut.items():
            del order[split][len(order[split]) - count :]
        parts = " and ".join(f"{count} of {names[split]}" for split, count in cut.items())
        notes.append(f"there is no test set: {parts} are the test items")
    pairs: tuple[tuple[Split, Split], ...] = (("train", "validation"), ("validation", "train"))
    for missing, source in pairs:
        if missing not in order:
            rest: tuple[Split, ...] = ("examples", "train", "validation")
            wanted = _wanted(path, len(order[source]), sizes, missing, rest)
            order[missing] = order[source][len(order[source]) - wanted :]
            order[source] = order[source][: len(order[source]) - wanted]
            notes.append(f"there is no {missing} set: {wanted} of {names[source]} are it")
    shown = _wanted(path, len(order["train"]), sizes, "examples", ("examples", "train"))
    order["examples"], order["train"] = order["train"][:shown], order["train"][shown:]
    for split in SPLITS:
        if len(order[split]) < sizes.get(split, int(split != "examples")):
            raise DomainError(
                f"{path}: {len(order[split])} items for {split}, at least {sizes.get(split, 1)} are needed"
            )
    return {split: order[split][: sizes.get(split, DEFAULT_SIZES[split])] for split in SPLITS}, notes


def _wanted(path: Path, rows: int, sizes: Mapping[Split, int], split: Split, splits: Sequence[Split]) -> int:
    """Items of a split that is cut from `rows` of several: as many as were named, or its share."""
    if split in sizes:
        return min(sizes[split], rows)
    total = sum(DEFAULT_SIZES[other] for other in splits)
    least = int(split != "examples")
    return max(least, min(DEFAULT_SIZES[split], rows * DEFAULT_SIZES[split] // total)) if rows else 0


def _in_proportion(order: Mapping[Split, Sequence[str]], wanted: int) -> dict[Split, int]:
    """How many of each set make up a number of items; one of each is left."""
    total = sum(map(len, order.values()))
    counts = {split: min(len(keys) - 1, wanted * len(keys) // total) for split, keys in order.items()}
    for split, keys in sorted(order.items(), key=lambda pair: -len(pair[1])):
        more = min(wanted - sum(counts.values()), len(keys) - 1 - counts[split])
        counts[split] += max(0, more)
    return {split: count for split, count in counts.items() if count > 0}
