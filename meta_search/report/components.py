"""Agents that were made smaller, beside what they were made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meta_search.report.source import Record
from meta_search.report.tables import evaluation_row, per_item
from meta_search.types import Split
from meta_search.types.operators import OPERATORS

__all__ = ["changes"]

SHRINKING = {name for name, spec in OPERATORS.items() if spec.shrinks}

Cells = dict[str, Any]


def changes(records: Sequence[Record], split: Split) -> list[Cells]:
    """Agents that were made smaller, beside what they were made from.

    Returns:
        Per child of operator `team` or `simplify` that uses fewer tokens per item than its parent, both
        evaluated on `split`: `operator`, `before` and `after`, each a row of `evaluate --json`.
    """
    by_id = {r.agent.id: r for r in records}
    rows = []
    for record in records:
        parent = next((by_id[p] for p in record.parents if p in by_id), None)
        mine = record.evaluations.get(split)
        theirs = parent.evaluations.get(split) if parent else None
        if record.operator in SHRINKING and parent and mine and theirs:
            before, after = evaluation_row(parent.agent, theirs), evaluation_row(record.agent, mine)
            if per_item(after, "tokens") < per_item(before, "tokens"):
                rows.append({"operator": record.operator, "before": before, "after": after})
    return rows
