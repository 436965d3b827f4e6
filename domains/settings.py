"""What a domain is built from: the keys of the group `domain` of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = ["DEFAULT_SIZES", "Ruling", "Settings", "matcher_of", "named_sizes"]

DEFAULT_SIZES: Mapping[Split, int] = {"examples": 24, "train": 48, "validation": 48, "test": 120}


class Ruling(Protocol):
    """What of the settings says how items are dealt to splits; see `Settings`."""

    @property
    def sizes(self) -> Mapping[str, int]: ...
    @property
    def seed(self) -> int: ...
    @property
    def dealing(self) -> str: ...
    @property
    def duplicates(self) -> str: ...
    @property
    def group(self) -> str | None: ...
    @property
    def stratify(self) -> str: ...


class Settings(Protocol):
    """Settings of a domain; `meta_search.config.DomainConfig` is one.

    Attributes:
        name: Name in the registry.
        path: What a `table` domain reads, see `sources.source.open_source`; file of another domain that reads
            one, for `mgsm` and `arc` a folder of files too.
        metric: Which metric scores in a `dspy` or `lm_eval` domain, where there are several.
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
        families: Families of the `reasoning` domain, languages of `mgsm`, sides of grids of `arc`, kinds of a
            `table` domain; empty takes the default.
        sizes: Items per split; splits that are not named take the domain's default.
        seed: Seed of the items and of the splits.
        dealing: By what rows are dealt to splits: groups, file or row.
        duplicates: What becomes of rows that say nearly the same: group, drop, refuse or keep.
        group: Column, or key of items' data, whose equal values are kept in one split; `None` for none.
        stratify: What every split holds its share of: kind, answer (of each kind) or none.
        base: The domain in the registry that makes the items; `None` is the one that `name` names.
        columns: Columns that a `table` domain makes of its source's, see `domains.columns`.
        where: Which rows a `table` domain takes: column -> a value, or a list of them.
        shuffle: Whether a `table` domain shuffles the options of a question.
        source_splits: Split -> the part of a `table` domain's source that it comes from.
        about: What the tasks are, for the meta agent and for `meta-search domains`.
        items: Items as published, for `meta-search domains`; 0 where nobody counted.
        licence: The licence of the data.
        citation: Whom to cite.
        private: Whether the publisher asks not to show items in plain text.
        task: Task of an `inspect` or `lm_eval` domain.
        task_args: Its arguments.
        scorer: The scorer of that task that counts; `None` takes the first.
        scorer_range: Values of that scorer that are worth 0 and 1; empty where they are 0..1.
        confined: Whether the scorers of that task run in the sandbox.
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
    def task(self) -> str | None: ...
    @property
    def metric(self) -> str | None: ...
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
    def duplicates(self) -> str: ...
    @property
    def group(self) -> str | None: ...
    @property
    def stratify(self) -> str: ...
    @property
    def base(self) -> str | None: ...
    @property
    def columns(self) -> Mapping[str, Any]: ...
    @property
    def where(self) -> Mapping[str, Any]: ...
    @property
    def shuffle(self) -> bool: ...
    @property
    def source_splits(self) -> Mapping[str, str]: ...
    @property
    def about(self) -> str | None: ...
    @property
    def items(self) -> int: ...
    @property
    def licence(self) -> str | None: ...
    @property
    def citation(self) -> str | None: ...
    @property
    def private(self) -> bool: ...
    @property
    def task_args(self) -> Mapping[str, Any]: ...
    @property
    def scorer(self) -> str | None: ...
    @property
    def scorer_range(self) -> tuple[float, ...]: ...
    @property
    def confined(self) -> bool: ...
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


def named_sizes(settings: Ruling) -> dict[Split, int]:
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
