"""Sums for searches that are started from Python: rows, a scorer, and the words of a short search."""

from __future__ import annotations

from typing import Any

import meta_search
from meta_search.testing import CountingEndpoint

SILENT = "def forward(self, taskInfo):\n    return '7'\n"


def rows() -> list[dict[str, Any]]:
    """96 sums, as `answers.adds_below` answers them; the sum of a row's numbers is its answer."""
    return [{"question": f"What is {a} + {b}?", "answer": a + b} for a in range(3, 15) for b in range(20, 28)]


def near(item: meta_search.Item, answer: str) -> float:
    """Right if it is the sum; half right if it is one off."""
    off = abs(int(answer) - int(item.target)) if answer.strip().isdigit() else 9
    return {0: 1.0, 1: 0.5}.get(off, 0.0)


def short(endpoint: CountingEndpoint, *more: str) -> list[str]:
    """Overrides of a search of about a second, by the composer alone, without Ray."""
    return [
        *("llm=endpoint", f"llm.base_url={endpoint.base_url}", "llm.meta.model=m", "llm.task.model=m"),
        *("evaluate.executor=inline", "author=composer", "search.candidates=2", "evaluate.items=6"),
        *("evaluate.test_items=6", "search.seeds=[direct,chain_of_thought]", *more),
    ]
