"""A run's books: what was paid, what may be spent, and what another run has paid already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from meta_search.llm.budget import Budget
from meta_search.llm.ledger import Entry, Ledger

__all__ = ["Books"]


@dataclass(frozen=True, slots=True)
class Books:
    """What every call is looked up in and charged to.

    Attributes:
        ledger: The record of calls.
        budget: What may be spent.
        other: Key -> row in another run's ledger, or `None`. What was asked there is answered from it before
            any endpoint is asked, and charged as it was there.
        free: Whether what is answered from there is charged nothing: a fork knows it.
    """

    ledger: Ledger
    budget: Budget
    other: Callable[[str], Entry | None] | None = None
    free: bool = False
