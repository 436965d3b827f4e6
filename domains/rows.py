"""Rows of a file, and how they are dealt to splits. Shared by the domains that read files."""

from __future__ import annotations

import hashlib
import heapq
import json
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from domains.settings import DEFAULT_SIZES
from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = [
    "ANCHORS",
    "LEAST_ROWS",
    "Row",
    "anchor_place",
    "anchors_of",
    "apportion",
    "deal",
    "distinct",
    "in_order",
    "key_of",
    "read_text",
    "salt_of",
    "shuffled",
]

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
        split: The split that the file puts it in, or empty; several with + between them share its part.
        weighed: Whether the file gives it a weight, which is not used.
        matcher: What compares its answers, as the file names it, or `None`.
        choices: The options that it has columns for.
        part: The part of the source that it comes from; empty where there is one alone.
        working: How the answer is come to, or empty.
        id: Its own name, or empty.
        data: What the scorer needs beyond the answer, as pairs.
        group: What it must not be parted from: what the column `domain.group` says, or empty.
        formula: What the answer can be computed again from, as the file tells it: a formula, or a working.
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
    part: str = ""
    working: str = ""
    id: str = ""
    data: tuple[tuple[str, Any], ...] = ()
    group: str = ""
    formula: str = ""


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


def shuffled(keys: Iterable[str], seed: int | str, most: int | None = None) -> list[str]:
    """Keys in an order that depends on the seed and on themselves only: added ones move no others.

    Who knows the seed and a key can tell where it comes. An agent knows its question, and seeds are guessed.

    Args:
        keys: They.
        seed: The seed.
        most: How many from the front are wanted; no more are held. `None` for all.
    """

    def place(key: str) -> bytes:
        return _place(seed, key)

    return sorted(keys, key=place) if most is None else heapq.nsmallest(most, keys, key=place)


def anchor_place(key: str) -> bytes:
    """What anchors are the first by."""
    return _place("anchor", key)


def _place(seed: int | str, key: str) -> bytes:
    return hashlib.sha256(f"{seed}/{key}".encode()).digest()


def anchors_of(keys: Iterable[str], dealing: str) -> tuple[str, ...]:
    """The keys on which the order of the others depends, see `in_order`."""
    return () if dealing == "row" else tuple(heapq.nsmallest(ANCHORS, keys, key=anchor_place))


def in_order(
    keys: Iterable[str],
    seed: int,
    dealing: str,
    most: int | None = None,
    anchors: Sequence[str] | None = None,
) -> list[str]:
    """Keys in the order in which they are dealt to splits.

    An agent must not be able to tell its split from its question. So the order depends on two further keys as
    well, the anchors. They come last: no agent is shown them as examples, and one that is asked one of them
    does not know the other. Keys that are added move no others, unless one of them becomes an anchor.

    Args:
        keys: They; gone through twice.
        seed: `domain.seed`.
        dealing: `domain.dealing`: `row` for an order without anchors, else with them.
        most: How many from the front are wanted; no more are held. `None` for all.
        anchors: The anchors of all keys, where these are some of them; `None` finds them.
    """
    if dealing == "row":
        return shuffled(keys, seed, most)
    last = anchors_of(keys, dealing) if anchors is None else tuple(anchors)
    here: set[str] = set()

    def others() -> Iterator[str]:
        for key in keys:
            if key in last:
                here.add(key)
            else:
                yield key

    found = shuffled(others(), f"{seed}/{salt_of(last)}", most)
    return [*found, *(key for key in last if key in here)][:most]


def salt_of(content: Sequence[str]) -> str:
    """A salt that only who has the content can know."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def apportion(
    path: object,
    rows: int,
    named: Mapping[Split, int],
    splits: Sequence[Split] = SPLITS,
    least: int = LEAST_ROWS,
    whole: bool = False,
) -> dict[Split, int]:
    """Items per split: named sizes as they are; the others share the rest, at most at their default sizes.

    Args:
        path: The file or other source, for errors.
        rows: Different questions that there are for the splits.
        named: Sizes that the user named, of some of the splits.
        splits: Those that share the rows.
        least: Rows that there must be at least.
        whole: Whether rows that rounding leaves over are dealt too, which matters where there are few; runs
            of before left them out.

    Raises:
        DomainError: Too few rows.
    """
    needed = sum(named.values()) + sum(split not in named for split in splits if split != "examples")
    least = max(least, needed)
    if rows < least:
        raise DomainError(f"{path}: too few rows: {rows} different questions, at least {least} are needed")
    others = {split: DEFAULT_SIZES[split] for split in splits if split not in named}
    rest, total = rows - sum(named.values()), sum(others.values())
    if rest < total:
        shares = {s: max(int(s != "examples"), rest * size // total) for s, size in others.items()}
        while sum(shares.values()) > rest:  # the ones that were lifted to 1 are paid for by the largest
            shares[max(shares, key=lambda split: shares[split])] -= 1
        while whole and sum(shares.values()) < rest:
            shares[max(others, key=lambda split: others[split] * rest - shares[split] * total)] += 1
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
