"""What Python brings to a command: items in place of a file, a scorer in place of the domain's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, cast

from domains import given, registry
from domains.domain import Domain, Item
from domains.given import Parted, ScoredBy, ScoreFunction
from domains.given_rows import FILE, GivenItems, Rows, is_splits, plain_rows, write_rows
from domains.table import TableDomain
from meta_search.config import Config
from meta_search.errors import ConfigError, DomainError
from meta_search.types import SPLITS

__all__ = ["GivenDomain", "bring", "is_group"]

GivenDomain: TypeAlias = "str | Mapping[str, Any] | Domain | Rows | None"
"""A group of the configuration; a `Domain`; or rows: dicts, pairs, `Item`s, a data frame, a generator."""


def is_group(domain: Any) -> bool:
    """Whether it chooses a domain of the configuration, as on the command line."""
    return domain is None or (isinstance(domain, str | Mapping) and not is_splits(domain))


def bring(
    config: Config, domain: Any, score: ScoreFunction | None, scratch: Path
) -> tuple[Config, Domain | None]:
    """A configuration with what a caller brought, which lies in a folder of its own for now.

    Args:
        config: As composed, with the keys of `domain=table` where rows are given.
        domain: `GivenDomain`.
        score: Scores in place of the domain's own scorer.
        scratch: An empty folder.

    Returns:
        The configuration, and the domain where it cannot be made of that.

    Raises:
        DomainError: Bad rows, too few, or no scorer; one line that names the row.
    """
    made: Domain
    if is_group(domain):
        if score is None:
            return config, None
        made = ScoredBy(registry.make(config.domain), score)
    elif _is_domain(domain):
        theirs = _checked(domain() if isinstance(domain, type) else domain)
        whole = cast(Domain, Parted(theirs, config.domain))
        made = whole if score is None else ScoredBy(whole, score)
    else:
        columns = config.domain.question, config.domain.answer
        rows = plain_rows(domain, *columns, scored=score is not None)
        if score is None:
            return _table(config, rows, scratch / FILE), None
        made = ScoredBy(GivenItems(rows, config.domain), score)
    path = scratch / given.FILE
    kept = str(path) if given.keep(made, path) else None
    return replace(config, domain=replace(config.domain, name=given.NAME, path=kept)), made


def _table(config: Config, rows: list[dict[str, Any]], path: Path) -> Config:
    """Rows as a table, which scores by itself: checked now, before there is a run."""
    write_rows(rows, path)
    table = replace(config.domain, name="table", path=str(path))
    try:
        TableDomain(table)
    except DomainError as error:
        raise DomainError(_in_rows(str(error), path)) from error
    return replace(config, domain=table)


def _in_rows(message: str, path: Path) -> str:
    """What is wrong with a line of the file, as what is wrong with a row of the list, counted from 0."""
    message = re.sub(
        rf"{re.escape(str(path))}, line (\d+)", lambda found: f"domain[{int(found[1]) - 1}]", message
    )
    message = re.sub(
        r"rows (\d+) and (\d+)", lambda m: f"rows {int(m[1]) - 1} and {int(m[2]) - 1} (from 0)", message
    )
    message = re.sub(r"\brow (\d+)\b", lambda found: f"domain[{int(found[1]) - 1}]", message)
    return message.replace(str(path), "domain").replace(path.name, "domain")


def _is_domain(domain: Any) -> bool:
    return callable(getattr(domain, "items", None)) and callable(getattr(domain, "score", None))


def _checked(domain: Any) -> Domain:
    """A user's `Domain`, looked at before anything slow starts.

    Raises:
        ConfigError: It lacks something, or its items are none.
    """
    for name in ("name", "brief", "wording"):
        if not hasattr(domain, name):
            raise ConfigError(
                f"domain has no {name}: a Domain has name, brief, wording, items(split), score(item, answer)"
            )
    for split in SPLITS:
        items = domain.items(split)
        if not items and split != "examples":
            raise ConfigError(f"domain.items({split!r}) is empty: train, validation and test need items")
        if not all(isinstance(item, Item) for item in items):
            raise ConfigError(f"domain.items({split!r}) must hold meta_search.Item objects")
    found: Domain = domain
    return found
