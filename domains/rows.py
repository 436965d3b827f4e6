"""Rows of a file, and how they are dealt to splits. Shared by the domains that read files."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from domains.settings import DEFAULT_SIZES
from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = ["Row", "apportion", "deal", "distinct", "in_order", "key_of", "read_text", "salt_of", "shuffled"]

LEAST_ROWS = 8
ANCHORS = 2
LARGEST = 256 * 2**20  # bytes of a file of rows


class Row(NamedTuple):
    """A question with its answer.

    Attributes:
        line: From 1; in a .json file the ordinal of the object.
        question: As it stands in the file, without space around it.
        answer: Likewise.
        kind: Family of the item, or empty.
        others: Further answers that are right.
        split: The split that the file puts it in, or empty.
        weighed: Whether the file gives it a weight, which is not used.
        matcher: What compares its answers, as the file names it, or `None`.
        choices: The options that it has columns for.
        working: How the answer comes about, where the file tells it.
    """

    line: int
    question: str
    answer: str
    kind: str
    others: tuple[str, ...] = ()
    split: str = ""
    weighed: bool = False
    matcher: str | Mapping[str, Any] | None = None
    choices: tuple[str, ...] = ()
    working: str = ""


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        DomainError: It cannot be read, is no UTF-8, or is empty.
    """
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe is not waited for
        with os.fdopen(opened, encoding="utf-8-sig") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
                raise DomainError(f"domain.path={path}: is no plain file of at most {LARGEST // 2**20} MB")
            text = file.read()
    except OSError as error:
        raise DomainError(f"domain.path={path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DomainError(f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    if not text.strip():
        raise DomainError(f"{path}: is empty")
    return text


def key_of(question: str) -> str:
    """What makes two questions one: their characters but for space."""
    return " ".join(unicodedata.normalize("NFC", question).split())


def distinct(path: Path, rows: Iterable[Row]) -> dict[str, Row]:
    """The first row of each question, by `key_of` the question.

    Raises:
        DomainError: One question has two answers.
    """
    kept: dict[str, Row] = {}
    for row in rows:
        first = kept.setdefault(key_of(row.question), row)
        if (first.answer, first.others) != (row.answer, row.others):
            raise DomainError(
                f"{path}: rows {first.line} and {row.line} ask the same question with different answers; "
                "keep one"
            )
    return kept


def shuffled(keys: Iterable[str], seed: int | str) -> list[str]:
    """Keys in an order that depends on the seed and on themselves only: added ones move no others.

    Who knows the seed and a key can tell where it comes. An agent knows its question, and seeds are guessed.
    """
    return sorted(keys, key=lambda key: hashlib.sha256(f"{seed}/{key}".encode()).digest())


def in_order(keys: Iterable[str], seed: int, dealing: str) -> list[str]:
    """Keys in the order in which they are dealt to splits.

    An agent must not be able to tell its split from its question. So the order depends on two further keys as
    well, the anchors. They come last: no agent is shown them as examples, and one that is asked one of them
    does not know the other. Keys that are added move no others, unless one of them becomes an anchor.

    Args:
        keys: They.
        seed: `domain.seed`.
        dealing: `domain.dealing`: `file`, or `row` for an order without anchors.
    """
    if dealing == "row":
        return shuffled(keys, seed)
    first = shuffled(keys, "anchor")
    anchors, others = first[:ANCHORS], first[ANCHORS:]
    return [*shuffled(others, f"{seed}/{salt_of(anchors)}"), *anchors]


def salt_of(content: Sequence[str]) -> str:
    """A salt that only who has the content can know."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def apportion(
    path: Path, rows: int, named: Mapping[Split, int], splits: Sequence[Split] = SPLITS
) -> dict[Split, int]:
    """Items per split: named sizes as they are; the others share the rest, at most at their default sizes.

    Args:
        path: The file, for errors.
        rows: Different questions that there are for the splits.
        named: Sizes that the user named, of some of the splits.
        splits: Those that share the rows.

    Raises:
        DomainError: Too few rows.
    """
    needed = sum(named.values()) + sum(split not in named for split in splits if split != "examples")
    least = max(LEAST_ROWS, needed)
    if rows < least:
        raise DomainError(f"{path}: too few rows: {rows} different questions, at least {least} are needed")
    others = {split: DEFAULT_SIZES[split] for split in splits if split not in named}
    rest, total = rows - sum(named.values()), sum(others.values())
    if rest < total:
        shares = {s: max(int(s != "examples"), rest * size // total) for s, size in others.items()}
        while sum(shares.values()) > rest:  # the ones that were lifted to 1 are paid for by the largest
            shares[max(shares, key=lambda split: shares[split])] -= 1
        others = shares
    return {**others, **named}


def deal(values: Sequence[str], sizes: Mapping[Split, int]) -> dict[Split, Sequence[str]]:
    """The values of each split, from the front of a sequence."""
    dealt: dict[Split, Sequence[str]] = {}
    start = 0
    for split in SPLITS:
        dealt[split] = values[start : start + sizes[split]]
        start += sizes[split]
    return dealt
