"""Which rows of a source go to which of our splits: `domain.source_splits`, and the parts of a path.

A published benchmark has parts of its own: `domain.source_splits={train: train, validation: train, test:
test}` deals its part `train` to two of our splits, and its part `test` to the third. A path may name several
sources at once, as a shell does: `hf:owner/name:{one,two}@revision`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from domains.rows import Row, apportion, deal, in_order
from domains.settings import Settings, named_sizes
from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = ["Pool", "deal_pools", "paths_of", "pools_of", "without_parts"]

_BRACES = re.compile(r"^(.*?)\{([^{}]*,[^{}]*)\}(.*)$", re.DOTALL)
READ_FIRST: Mapping[Split, int] = {"test": 0, "validation": 1, "train": 2, "examples": 3}


class Pool(NamedTuple):
    """A part of a source, and the splits that share its rows.

    Attributes:
        part: As the source names it; `""` is all of a source that has no parts.
        splits: Ours; empty where rows are dealt to all of them.
    """

    part: str
    splits: tuple[Split, ...] = ()


def paths_of(path: str, wanted: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
    """The paths that one path stands for, each with the name in its braces; `""` where it has none.

    Args:
        path: `domain.path`; a file of that very name is one path.
        wanted: Names in the braces to take; empty takes all.

    Raises:
        DomainError: A name that is not in the braces.
    """
    found = _BRACES.match(path)
    if found is None or Path(path).expanduser().exists():
        return ((path, ""),)
    names = [name.strip() for name in found[2].split(",") if name.strip()]
    for name in wanted:
        if name not in names:
            raise DomainError(f"domain.families: no {name:.40}; there are {', '.join(names)}")
    taken = [name for name in names if not wanted or name in wanted]
    return tuple((f"{found[1]}{name}{found[3]}", name) for name in taken)


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


def deal_pools(
    path: Path, rows: Mapping[str, Row], settings: Settings
) -> Mapping[Split, Sequence[str]] | None:
    """The rows of each split by the parts that they come from; `None` where no row has a pool."""
    pools: dict[tuple[Split, ...], list[str]] = {}
    for key in in_order(rows, settings.seed, settings.dealing):
        pools.setdefault(rows[key].pool, []).append(key)
    if set(pools) <= {()}:
        return None
    dealt: dict[Split, Sequence[str]] = dict.fromkeys(SPLITS, ())
    sizes = named_sizes(settings)
    for splits, keys in pools.items():
        for split, taken in _shared(path, splits, keys, sizes):
            dealt[split] = taken
    return dealt


def _shared(
    path: Path, splits: Sequence[Split], keys: Sequence[str], sizes: Mapping[Split, int]
) -> Iterator[tuple[Split, Sequence[str]]]:
    named = {split: sizes[split] for split in splits if split in sizes}
    if sum(named.values()) > len(keys):
        wanted = ", ".join(f"domain.sizes.{split}={size}" for split, size in named.items())
        raise DomainError(f"{wanted}: {path} has {len(keys)} rows for {' and '.join(splits)}")
    counts = apportion(path, len(keys), named, splits, least=1)
    parts = deal(keys, {**dict.fromkeys(SPLITS, 0), **counts})
    for split in splits:
        yield split, parts[split]
