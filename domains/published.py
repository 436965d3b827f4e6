"""Records of a benchmark in the format in which it was published, and how its items come to splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from domains.domain import Item
from domains.rows import apportion, deal, in_order, key_of
from domains.settings import Settings, named_sizes
from domains.sources.source import Source, open_source
from domains.sources.values import with_numbers
from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = ["keyed", "records_of", "source_of", "split_items", "text_in", "texts_in"]


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


def records_of(source: Source) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where each record stands, for errors, and the record, its numbers as numbers.

    Raises:
        DomainError: It cannot be read; one line.
    """
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
    have = ", ".join(map(str, record)) or "none"
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


def split_items(
    settings: Settings, found: Mapping[str, Item], published: Callable[[Item], Split | None]
) -> dict[Split, tuple[Item, ...]]:
    """Items by split: where the publisher puts them, or else dealt as the rows of a table are.

    Args:
        settings: Sizes, seed, dealing.
        found: Items by `rows.key_of` their questions.
        published: The split of an item as published, or `None` for one that belongs to none.

    Raises:
        DomainError: Too few items.
    """
    sizes, path = named_sizes(settings), Path(str(settings.path))
    order = in_order(found, settings.seed, settings.dealing)
    given = {key: published(found[key]) for key in order}
    if not all(split in given.values() for split in SPLITS[1:]):
        dealt = deal(order, apportion(path, len(order), sizes))
        return {split: tuple(found[key] for key in keys) for split, keys in dealt.items()}
    whole = {split: [key for key in order if given[key] == split] for split in SPLITS}
    cut: dict[Split, tuple[Item, ...]] = {}
    for split, keys in whole.items():
        wanted = sizes.get(split)
        if wanted is not None and wanted > len(keys):
            raise DomainError(f"domain.sizes.{split}={wanted}: {path} has {len(keys)} items there")
        size = min(len(keys), apportion(path, max(len(order), 240), {})[split]) if wanted is None else wanted
        cut[split] = tuple(found[key] for key in keys[:size])
    return cut


def keyed(place: str, items: dict[str, Item], item: Item) -> None:
    """Add an item by its question; one that is there already stays.

    Raises:
        DomainError: It is there with other answers.
    """
    first = items.setdefault(key_of(item.question), item)
    if first.target != item.target:
        raise DomainError(f"{place}: asks what {first.id} asks, with another answer; keep one")
