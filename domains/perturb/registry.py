"""The perturbations of `domain.perturb`, in one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domains.domain import Domain, Item
from domains.perturb.choices import other_options
from domains.perturb.numbers import other_numbers
from domains.perturb.order import other_order
from domains.perturb.outcome import LeftOut
from meta_search.errors import DomainError

__all__ = ["PERTURBATIONS", "Kind", "by_rule", "check", "perturbed_id", "plain_id"]

MARK = "~"  # between an item's id and the perturbation


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to perturb.

    Attributes:
        what: What is otherwise, for messages and tables.
        rule: The rule: item, working and seed -> item; `None` where there is none.
        asks: Whether the meta model writes what no rule can, and a judge looks at it.
    """

    what: str
    rule: Callable[[Item, str, int], Item] | None = None
    asks: bool = False


PERTURBATIONS: dict[str, Kind] = {
    "paraphrase": Kind("other words", asks=True),
    "context": Kind("irrelevant sentences added", asks=True),
    "choices": Kind("options in another order, one more", lambda item, _, seed: other_options(item, seed)),
    "numbers": Kind("other numbers, answer recomputed", other_numbers),
    "order": Kind(
        "facts or options in another order", lambda item, _, seed: other_order(item, seed), asks=True
    ),
}


def check(names: Sequence[str]) -> tuple[str, ...]:
    """The perturbations that a user named, each once, in their order.

    Raises:
        DomainError: There is no such one.
    """
    for name in names:
        if name not in PERTURBATIONS:
            raise DomainError(
                f"domain.perturb={name}: no such perturbation; there are {', '.join(PERTURBATIONS)}"
            )
    return tuple(dict.fromkeys(names))


def perturbed_id(item: str, name: str) -> str:
    """Id of a perturbed item."""
    return f"{item}{MARK}{name}"


def plain_id(item: str) -> str:
    """Id of the item that a perturbed one was made of."""
    return item.rpartition(MARK)[0]


def by_rule(domain: Domain, item: Item, name: str, seed: int) -> Item:
    """An item perturbed by the rule, under an id of its own.

    Args:
        domain: Where it comes from; its `working(item)`, if it has one, tells how the answer comes about.
        item: The item.
        name: The perturbation.
        seed: Seed of the draws.

    Raises:
        LeftOut: No rule can; says why.
    """
    rule = PERTURBATIONS[name].rule
    if rule is None:
        raise LeftOut("no rule can do this")
    working: Any = getattr(domain, "working", None)
    told = str(working(item)) if callable(working) else ""
    made = rule(item, told, seed)
    return replace(made, id=perturbed_id(item.id, name))
