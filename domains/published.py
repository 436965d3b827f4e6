"""Records of a benchmark in the format in which it was published, and how its items come to splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from domains.domain import Item
from domains.duplicates import repeats
from domains.item_splits import DealtItems, Entry, deal_items
from domains.row_facts import worth
from domains.rows import key_of
from domains.settings import Settings
from domains.sources.headers import listed
from domains.sources.source import Source, open_source
from domains.sources.values import with_numbers
from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = ["items_of_records", "source_of", "text_in", "texts_in"]


def source_of(settings: Settings, benchmark: str) -> Source:
    """What `domain.path` names.

    Args:
        settings: `path` names a file, or any other source.
        benchmark: What it is, for errors.

    Raises:
        DomainError: There is none.
    """
    if not settings.path:
        raise DomainError(f"domain={settings.name} needs the file of {benchmark}: domain.path=FILE")
    return open_source(settings.path)


def items_of_records(
    settings: Settings,
    source: Source,
    made: Callable[[str, Mapping[str, Any]], Item],
    published: Callable[[Item], Split | None] = lambda item: None,
) -> DealtItems:
    """Items by split: where the publisher puts them, or else dealt as the rows of a table are.

    Args:
        settings: How they are dealt.
        source: Its records, numbers as numbers, are read.
        made: The item of a record, from where it stands, for errors, and the record.
        published: The split of an item as published, or `None` for one that belongs to none.

    Raises:
        DomainError: A record that cannot be read, two answers to one question, or too few items.
    """
    name = settings.name
    found: dict[str, tuple[str, Item]] = {}
    again = crossing = 0
    for place, record in _records(source):
        item = made(place, record)
        split, key = published(item) or "", key_of(item.question)
        if key not in found:
            found[key] = (split, item)
            continue
        other, first = found[key]
        if first.target != item.target:
            raise DomainError(f"{place}: asks what {first.id} asks, with another answer; keep one")
        again += other == split
        crossing += other != split
        if worth(split) < worth(other):
            found[key] = (split, item)
    if {split for split, _ in found.values()} >= set(SPLITS[1:]):
        entries = [Entry(item, key, split) for key, (split, item) in found.items() if split]
    else:
        entries = [Entry(item, key) for key, (_, item) in found.items()]
    dealt = deal_items(settings.path, name, entries, settings)
    notes = (*source.notes, *repeats(name, again, crossing), *dealt.notes)
    return dealt._replace(notes=notes)


def _records(source: Source) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for part in source.parts or ("",):
        for line, record in source.records(part):
            yield source.place(part, line), with_numbers(record)


def text_in(place: str, record: Mapping[str, Any], *columns: str) -> str:
    """The text of the first of some columns that a record has.

    Raises:
        DomainError: None is there, or it holds no text.
    """
    for column in columns:
        if isinstance(record.get(column), str) and record[column].strip():
            return str(record[column])
    have = listed(record)
    raise DomainError(f"{place}: no text in the column {' or '.join(columns)}; there are: {have}")


def texts_in(place: str, record: Mapping[str, Any], column: str) -> list[str]:
    """The texts of a list, which may be empty.

    Raises:
        DomainError: It holds something else.
    """
    value = record.get(column)
    found = [] if value is None else list(value) if isinstance(value, Sequence) else None
    if found is None or isinstance(value, str) or not all(isinstance(part, str) for part in found):
        raise DomainError(f"{place}: {column!r} must be a list of texts, not {value!r:.60}")
    return found
