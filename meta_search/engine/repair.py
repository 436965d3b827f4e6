"""Candidates whose evaluation fails, and the brief that has one repaired (operator `debug`).

Such a brief is no trial of the guide's study of briefs: nobody chose it, so that there is nothing to learn
from it, and it may come in the middle of the design of experiments that a search opens with, whose trials are
numbered in advance. It is the next link of the chain that its first brief began, takes its number from there,
and the first brief is told to the guide when the chain ends: by what all of it came to, and cost. So the
studies are asked and told as without any debugging, and a run that is resumed or replayed needs no count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meta_search.types import Brief, ItemResult

__all__ = ["repair_brief", "failing"]

LEAST = 0.01  # a mean score below it fails an attempt where one item's fault does (as in ADAS)


def failing(rows: Sequence[ItemResult], how: str) -> str:
    """Why an evaluation failed, in a few words; `""` where it did not.

    Args:
        rows: Scored results; those that say nothing of the agent are left out.
        how: `search.failing`: `all` or `any`.
    """
    faults = [r for r in rows if r.kind != "ok"]
    n = len(rows)
    if n and len(faults) == n:
        return f"faults on all of its {n} items"
    if how == "any" and any(r.kind != "bad_answer" for r in faults):  # in ADAS no answer is a wrong one
        return f"faults on {len(faults)} of its {n} items"
    if how == "any" and n and sum(r.score or 0.0 for r in rows) / n < LEAST:
        return f"nothing right in {n} items"
    return ""


def repair_brief(brief: Brief, agent: str, author: str) -> Brief:
    """The brief that has an agent repaired.

    Args:
        brief: What the agent was written for.
        agent: Its id.
        author: Who repairs it.
    """
    return replace(
        brief,
        kind="repair",
        repair=brief.repair + 1,
        operator="debug",
        author=author,
        parents=(agent,),
        inspirations=(),
    )
