"""What dealing knows of a row, and which split it is worth most in."""

from __future__ import annotations

from typing import NamedTuple

from meta_search.types import Split

__all__ = ["PRECIOUS", "Facts", "in_words", "worth", "worth_of"]


PRECIOUS: tuple[Split, ...] = ("test", "validation", "train", "examples")
"""Splits; what stands in two of them stays in the first of these."""


class Facts(NamedTuple):
    """What dealing knows of a row.

    Attributes:
        key: Its question, by `rows.key_of`; no other row has it.
        place: Its line or number, for messages.
        part: The part of the source that it comes from, for messages; empty where there is one alone.
        kind: Family.
        answer: The right answer.
        group: What the column `domain.group` says, or empty.
        split: The split that the file puts it in, or those that share its part, as `examples+train`.
    """

    key: str
    place: int
    kind: str = ""
    answer: str = ""
    group: str = ""
    split: str = ""
    part: str = ""

    @property
    def where(self) -> str:
        """Its place in words."""
        return f"{self.place} of {self.part}" if self.part else str(self.place)


def worth_of(entry: Facts) -> int:
    """How precious the split of a row is, as `worth` says."""
    return worth(entry.split)


def worth(splits: str) -> int:
    """How precious a split is, or the best of those that share a part: 0 is the most."""
    names = splits.split("+")
    return next((n for n, split in enumerate(PRECIOUS) if split in names), len(PRECIOUS))


def in_words(splits: str) -> str:
    """Splits that share a part, as `examples+train`, in words."""
    return splits.replace("+", " and ")
