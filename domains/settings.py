"""What a domain is built from: the keys of the group `domain` of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = ["DEFAULT_SIZES", "Settings", "named_sizes"]

DEFAULT_SIZES: Mapping[Split, int] = {"examples": 24, "train": 48, "validation": 48, "test": 120}


class Settings(Protocol):
    """Settings of a domain; `meta_search.config.DomainConfig` is one.

    Attributes:
        name: Name in the registry.
        path: File of a `table`, `mgsm` or `python` domain; for `mgsm` a folder of files too.
        question: Column of the questions in a `table` domain.
        answer: Column of the answers in a `table` domain.
        match: How a `table` domain scores: exact, numeric, json or auto.
        kind: Column of the families in a `table` domain, where there is one.
        split: Column that names the split of a row in a `table` domain; `None` reads none.
        separator: What stands between several accepted answers in a `table` domain's column.
        instruction: What every agent is told.
        labels: The values that answers of a `table` domain may have; empty has them found.
        families: Families of the `reasoning` domain, languages of the `mgsm` domain; empty takes the default.
        sizes: Items per split; splits that are not named take the domain's default.
        seed: Seed of the items and of the splits.
        dealing: By what rows are dealt to splits: file or row.
    """

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str | None: ...
    @property
    def question(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def match(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def split(self) -> str | None: ...
    @property
    def separator(self) -> str | None: ...
    @property
    def instruction(self) -> str | None: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def families(self) -> tuple[str, ...]: ...
    @property
    def sizes(self) -> Mapping[str, int]: ...
    @property
    def seed(self) -> int: ...
    @property
    def dealing(self) -> str: ...


def named_sizes(settings: Settings) -> dict[Split, int]:
    """The split sizes that the user named, checked.

    Raises:
        DomainError: An unknown split, a negative size, or no item for a scored split.
    """
    for split, size in settings.sizes.items():
        if split not in SPLITS:
            raise DomainError(f"domain.sizes.{split}: no such split; splits are {', '.join(SPLITS)}")
        least = 0 if split == "examples" else 1
        if size < least:
            raise DomainError(f"domain.sizes.{split}={size}: must be at least {least}")
    return {split: settings.sizes[split] for split in SPLITS if split in settings.sizes}
