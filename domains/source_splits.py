"""Which rows of a source go to which of our splits: `domain.source_splits`.

A published benchmark has parts of its own: `domain.source_splits={train: train, validation: train, test:
test}` deals its part `train` to two of our splits, and its part `test` to the third.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = ["Pool", "pools_of", "without_parts"]

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
