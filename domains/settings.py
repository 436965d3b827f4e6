"""What a domain is built from: the keys of the group `domain` of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = ["DEFAULT_SIZES", "Settings", "matcher_of", "named_sizes"]

DEFAULT_SIZES: Mapping[Split, int] = {"examples": 24, "train": 48, "validation": 48, "test": 120}


class Settings(Protocol):
    """Settings of a domain; `meta_search.config.DomainConfig` is one.

    Attributes:
        name: Name in the registry.
        path: File of a `table`, `mgsm` or `python` domain; for `mgsm` a folder of files too.
        question: Column of the questions in a `table` domain.
        answer: Column of the answers in a `table` domain.
        matcher: How answers are compared where the domain has no scorer; `auto` decides by the targets.
        matcher_options: Options of that matcher.
        matcher_column: Column that names the matcher of a row in a `table` domain; `None` reads none.
        match: The former name of `matcher`.
        kind: Column of the families in a `table` domain, where there is one.
        split: Column that names the split of a row in a `table` domain; `None` reads none.
        separator: What stands between several accepted answers in a `table` domain's column.
        instruction: What every agent is told.
        labels: The values that answers of a `table` domain may have; empty has them found.
        families: Families of the `reasoning` domain, languages of the `mgsm` domain; empty takes the default.
        sizes: Items per split; splits that are not named take the domain's default.
        seed: Seed of the items and of the splits.
        dealing: By what rows are dealt to splits: file or row.
        working: Column of the answers' workings or formulas in a `table` domain, for `perturb=numbers`;
            `None` takes what stands before #### in an answer.
        perturb: How test items are perturbed; see `domains.perturb.registry`.
        perturb_tries: How often the meta model may try to write a perturbed item.
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
    def matcher(self) -> str: ...
    @property
    def matcher_options(self) -> Mapping[str, Any]: ...
    @property
    def matcher_column(self) -> str | None: ...
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
    @property
    def working(self) -> str | None: ...
    @property
    def perturb(self) -> tuple[str, ...]: ...
    @property
    def perturb_tries(self) -> int: ...


def matcher_of(settings: Settings) -> str:
    """The matcher that the user named, under either name of the key.

    Raises:
        DomainError: Both name one, and not the same.
    """
    if "auto" not in (settings.matcher, settings.match) and settings.matcher != settings.match:
        raise DomainError(
            f"domain.match={settings.match} and domain.matcher={settings.matcher}: use domain.matcher alone"
        )
    return settings.match if settings.matcher == "auto" else settings.matcher


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
