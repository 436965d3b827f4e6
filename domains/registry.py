"""Domains by name, in one table; each is imported when it is asked for.

A published benchmark is a file `conf/domain/NAME.yaml` with `base: table`, and nothing here.

To add a kind of domain: a line in `REGISTRY`, and a file with the class that the line names, which is built
with the group `domain` of the configuration (`settings.Settings`). `domain.name=NAME` then takes it;
`conf/domain/NAME.yaml` gives it a group of its own, for `domain=NAME`.

A domain of your own needs no entry here: `domain=table domain.path=questions.jsonl` for questions with
answers, `domain=python domain.path=my_domain.py` for anything else.
"""

from __future__ import annotations

from pkgutil import resolve_name
from typing import cast

from domains import given
from domains.domain import Domain
from domains.settings import Settings
from meta_search.errors import DomainError

__all__ = ["REGISTRY", "make", "names"]

REGISTRY: dict[str, str] = {
    "arc": "domains.arc:ArcDomain",
    "humaneval": "domains.programs:HumanEvalDomain",
    "ifeval": "domains.ifeval:IfevalDomain",
    "mbpp": "domains.programs:MbppDomain",
    "inspect": "domains.inspect.domain:InspectDomain",
    "dspy": "domains.imports.dspy_domain:DspyDomain",
    "lm_eval": "domains.imports.lm_eval_domain:LmEvalDomain",
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
    if config.name == given.NAME:  # of a run that was started from Python; nobody else can ask for it
        return given.KeptDomain(config)
    name = config.base or config.name
    if name not in REGISTRY:
        key = "domain.base" if config.base else "domain"
        raise DomainError(f"{key}={name}: no such domain; there are {', '.join(names())}")
    return cast(Domain, resolve_name(REGISTRY[name])(config))
