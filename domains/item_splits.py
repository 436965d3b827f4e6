"""How the items of a domain that makes them itself come to splits: as the rows of a table do (`splits`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from domains.domain import Item
from domains.row_facts import Facts
from domains.settings import Ruling
from domains.splits import deal_rows, group_of
from meta_search.types import SPLITS, Split

__all__ = ["DealtItems", "Entry", "deal_items"]


class Entry(NamedTuple):
    """An item, and what dealing has to know of it.

    Attributes:
        item: It.
        key: What tells it from all others, by which it is dealt: `rows.key_of` its question.
        split: Where its publisher or file puts it, as `Facts.split`; empty where it is dealt anew.
        text: What it is compared by; empty takes its question.
        group: What it must not be parted from; empty takes what `domain.group` names.
        called: Its name in messages; empty takes its id.
    """

    item: Item
    key: str
    split: str = ""
    text: str = ""
    group: str = ""
    called: str = ""


class DealtItems(NamedTuple):
    """Items by split.

    Attributes:
        items: Of each split.
        groups: Item id -> a name of its group, of the items that have one.
        notes: Lines for the user.
    """

    items: Mapping[Split, tuple[Item, ...]]
    groups: Mapping[str, str]
    notes: tuple[str, ...]


def deal_items(label: object, name: str, entries: Sequence[Entry], settings: Ruling) -> DealtItems:
    """Deal items to splits that share no content.

    Args:
        label: Their source, for errors.
        name: The same in short, for notes.
        entries: They; each key once.
        settings: How.

    Raises:
        DomainError: Too few items or groups, or duplicates that are to be refused; one line.
    """
    facts = [
        Facts(
            entry.key,
            place,
            entry.item.kind,
            entry.item.target,
            entry.group or group_of(entry.item, settings.group),
            entry.split,
        )
        for place, entry in enumerate(entries)
    ]
    called = [entry.called or entry.item.id for entry in entries]

    def read(place: int) -> str:
        return entries[place].text or entries[place].item.question

    dealt = deal_rows(label, name, facts, read, settings, called=called)
    items = {split: tuple(entries[n].item for n in dealt.splits[split]) for split in SPLITS}
    groups = {entries[n].item.id: entries[first].item.id for n, first in dealt.groups.items()}
    return DealtItems(items, groups, tuple(dealt.notes))
