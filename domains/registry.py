"""Domains by name, each imported only when it is asked for.

A domain of one's own needs no entry here: `domain=table domain.path=questions.jsonl` for questions with
answers, `domain=python domain.path=my_domain.py` for anything else.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import cast

from domains.domain import Domain
from domains.settings import Settings
from meta_search.errors import DomainError

__all__ = ["REGISTRY", "make", "names"]

REGISTRY: Mapping[str, str] = {
    "mgsm": "domains.mgsm:MgsmDomain",
    "python": "domains.python_file:PythonDomain",
    "reasoning": "domains.reasoning:ReasoningDomain",
    "table": "domains.table:TableDomain",
}


def names() -> tuple[str, ...]:
    """Names of all domains, sorted; imports none of them."""
    return tuple(sorted(REGISTRY))


def make(config: Settings) -> Domain:
    """Build the domain that `config.name` names.

    Args:
        config: The group `domain` of the configuration, or anything with its attributes.

    Raises:
        DomainError: An unknown name, or a domain that cannot be read or has too few items; one line.
    """
    try:
        module, attribute = REGISTRY[config.name].split(":")
    except KeyError:
        raise DomainError(f"domain={config.name}: no such domain; there are {', '.join(names())}") from None
    build = cast(Callable[[Settings], Domain], getattr(importlib.import_module(module), attribute))
    return build(config)
