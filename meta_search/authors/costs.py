"""What a plan costs before anybody has run it: least and most LLM calls, from the costs of its blocks."""

from __future__ import annotations

from meta_search.authors.block_table import BLOCKS, NONE, solver
from meta_search.authors.plan import Cell, Plan

__all__ = ["calls_of"]

Calls = tuple[int, int]  # least and most
NOTHING = (0, 0)


def calls_of(plan: Plan, cell: Cell | None = None, rounds: int = 1) -> Calls:
    """Least and most LLM calls for an item, with the plan's own number of votes.

    Args:
        plan: The plan.
        cell: What it does with the item; that with items that no route takes unless given.
        rounds: How often a complaint of a check is answered (`check_rounds`).
    """
    cell = cell or plan.cell
    way, second = solver(cell.way).calls, solver(solver(cell.way).second).calls
    answer = _plus(way, _checked(plan, cell, way, second, rounds))
    prepare = BLOCKS[cell.prepare].calls if cell.prepare != NONE else NOTHING
    steps = len(plan.steps)
    return _plus((steps, steps), prepare, _combined(plan, answer, second))


def _checked(plan: Plan, cell: Cell, way: Calls, second: Calls, rounds: int) -> Calls:
    """What the stages behind an answer cost: an answer that is none is not checked, but asked for anew."""
    if cell.check == NONE:
        return NOTHING
    check, failed = BLOCKS[cell.check], BLOCKS[plan.failed]
    asked = _plus(check.calls, second if check.other else NOTHING)
    follows = _plus(failed.calls, second if failed.other else way)
    return min(asked[0], follows[0]), rounds * (asked[1] + follows[1])


def _combined(plan: Plan, answer: Calls, second: Calls) -> Calls:
    n, (least, most) = plan.samples, answer
    own = BLOCKS[plan.combine].calls
    if plan.combine == "decided":
        return (n // 2 + 1) * least, n * most
    if plan.combine == "cascade":
        doubted = min(n, 2) * least + second[0]
        return min(n * least, doubted), n * most + second[1]
    return n * least + own[0], n * most + own[1]


def _plus(*calls: Calls) -> Calls:
    return sum(least for least, _ in calls), sum(most for _, most in calls)
