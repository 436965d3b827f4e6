"""What a domain measures over all answers of an agent together, beside its mean score: macro-F1 of labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domains.domain import Domain
from meta_search.types import UNSCORED, ItemResult, Split

__all__ = ["measured"]


def measured(domain: Domain, split: Split, rows: Iterable[ItemResult]) -> Mapping[str, float]:
    """Name -> value, 0..1; empty where the domain measures nothing, or nothing was answered.

    Args:
        domain: The run's.
        split: Whose items were answered.
        rows: The agent's results; those that came to no score are left out.
    """
    measures, told = getattr(domain, "measures", None), getattr(domain, "told_measures", None)
    if measures is None and told is None:
        return {}
    items = {item.id: item for item in domain.items(split)}
    scored = [row for row in rows if row.kind not in UNSCORED and row.item in items]
    if measures is None:
        means: Mapping[str, float] = told([row.feedback for row in scored]) if told else {}
        return means
    answered = [(items[row.item], row.answer) for row in scored]
    found: Mapping[str, float] = measures(answered) if answered else {}
    return found
