"""How much of what is left of the search's budget something would take.

Counted by what agents used, not by what was paid: that is recorded, so that a replay comes to the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from meta_search.config import BudgetConfig, SandboxConfig
from meta_search.run.members import Member
from meta_search.types import SEARCHED, Usage

__all__ = ["may_take_much", "rest_of", "share_of_left", "used_by"]

MUCH = 0.10  # of what is left


def used_by(members: Iterable[Member]) -> Usage:
    """What agents have used in the search so far."""
    return sum((m.used(split) for m in members for split in SEARCHED), Usage())


def rest_of(member: Member, planned: int) -> Usage:
    """What the rest of an agent's evaluation on train would use, by what its items used so far.

    Args:
        member: The agent.
        planned: Item × repeat pairs of a full evaluation.
    """
    mine, n = member.used("train"), max(1, len(member.rows("train")))
    times = max(0, planned - n) / n
    return Usage(round(mine.calls * times), round(mine.tokens * times), cost_usd=mine.cost_usd * times)


def share_of_left(budget: BudgetConfig, spent: Usage, more: Usage) -> float:
    """The share of what is left for the search, of the limit that is nearest; 0 without a limit.

    Args:
        budget: The limits of the run.
        spent: What agents have used.
        more: What else would be used.
    """
    limits = (
        (budget.usd, spent.cost_usd, more.cost_usd),
        (budget.tokens, spent.tokens, more.tokens),
        (budget.calls, spent.calls, more.calls),
    )
    shares = [
        asked / max(limit * (1.0 - budget.final_share) - used, 1e-9)
        for limit, used, asked in limits
        if limit is not None and asked
    ]
    return max(shares, default=0.0)


def may_take_much(budget: BudgetConfig, sandbox: SandboxConfig, spent: Usage, items: int) -> bool:
    """Whether items of an unknown agent could take much of what is left, if they use all that they may.

    Args:
        budget: The limits of the run.
        sandbox: The limits of an item.
        spent: What agents have used.
        items: How many.
    """
    if budget.usd is not None:  # what tokens cost, only the gateway knows
        return True
    if budget.tokens is not None and sandbox.tokens is None:
        return True
    worst = Usage(sandbox.calls * items, (sandbox.tokens or 0) * items)
    return share_of_left(budget, spent, worst) > MUCH
