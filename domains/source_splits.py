"""Which rows of a source go to which of our splits: `domain.source_splits`.

A published benchmark has parts of its own: `domain.source_splits={train: train, validation: train, test:
test}` deals its part `train` to two of our splits, and its part `test` to the third.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from domains.row_file import DistinctRows
from domains.rows import apportion, deal, in_order
from domains.settings import Settings, named_sizes
from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = ["Pool", "deal_pools", "pools_of", "without_parts"]

READ_FIRST: Mapping[Split, int] = {"test": 0, "validation": 1, "train": 2, "examples": 3}


class Pool(NamedTuple):
    """A part of a source, and the splits that share its rows.

    Attributes:
        part: As the source names it; `""` is all of a source that has no parts.
        splits: Ours; empty where rows are dealt to all of them.
    """

    part: str
    splits: tuple[Split, ...] = ()


def pools_of(name: str, parts: Sequence[str], wanted: Mapping[str, str]) -> tuple[Pool, ...]:
    """Which parts of a source are read, test items first: what stands in two parts stays where it is scored.

    Args:
        name: The source, for errors.
        parts: Its parts; none for one file.
        wanted: `domain.source_splits`. Where it is empty, or the source has none of its parts, a part stays
            where its name says (`table_file.SPLIT_NAMES`).

    Raises:
        DomainError: A split or a part that there is not, or a scored split without a part.
    """
    for split in wanted:
        if split not in SPLITS:
            raise DomainError(f"domain.source_splits.{split}: no such split; splits are {', '.join(SPLITS)}")
    if not parts:
        return (Pool(""),)
    if not wanted or set(wanted.values()).isdisjoint(parts):  # a copy that is parted in another way
        return tuple(Pool(part) for part in parts)
    for split, part in wanted.items():
        if part not in parts:
            raise DomainError(
                f"domain.source_splits.{split}={part}: {name} has no such part; there are {', '.join(parts)}"
            )
    lacking = [split for split in SPLITS[1:] if split not in wanted]
    if lacking:
        raise DomainError(
            f"domain.source_splits names no part for {lacking[0]}: {name} has {', '.join(parts)}"
        )
    named: dict[str, list[Split]] = {}
    for split in sorted((s for s in SPLITS if s in wanted), key=lambda s: READ_FIRST[s]):
        named.setdefault(wanted[split], []).append(split)
    return tuple(
        Pool(part, tuple(split for split in SPLITS if split in splits)) for part, splits in named.items()
    )


def without_parts(wanted: Mapping[str, str]) -> str:
    """A line for the user where a source has no parts, though `domain.source_splits` names some."""
    parts = ", ".join(dict.fromkeys(wanted.values()))
    return f"all splits are dealt from it; a folder with {parts} in it keeps them apart"


def deal_pools(label: str, rows: DistinctRows, settings: Settings) -> Mapping[Split, Sequence[str]]:
    """The rows of each split, where splits share parts of a source.

    Args:
        label: The source, for errors.
        rows: Rows whose `split` names the splits that share their part, as `examples+train`.
        settings: Of the domain.

    Raises:
        DomainError: Too few rows for some splits.
    """
    sizes = named_sizes(settings)
    dealt: dict[Split, Sequence[str]] = dict.fromkeys(SPLITS, ())
    for names, there in rows.splits.items():
        splits = [split for split in SPLITS if split in names.split("+")]
        named = {split: sizes[split] for split in splits if split in sizes}
        if sum(named.values()) > there:
            wanted = ", ".join(f"domain.sizes.{split}={size}" for split, size in named.items())
            raise DomainError(f"{wanted}: {label} has {there} rows for {' and '.join(splits)}")
        counts = apportion(label, there, named, splits, least=1)
        most = sum(counts.values())
        keys = in_order(rows.keys_of(names), settings.seed, settings.dealing, most, rows.anchors)
        parts = deal(keys, {**dict.fromkeys(SPLITS, 0), **counts})
        dealt |= {split: parts[split] for split in splits}
    return dealt
