"""What the final report costs: who can be tested within the budget, on how many items, and how often.

All of it is settled by costs and by what is left, before any test item is looked at: what came of the items
never decides how many there are, so that the tests of the verdict hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meta_search.final.baselines import Baseline
from meta_search.llm.budget import Left
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.types import Split, Usage

__all__ = [
    "FEWEST",
    "MARGIN",
    "MOST_SHARE",
    "RESERVE_S",
    "Each",
    "affordable",
    "budget_is_due",
    "each_of",
    "mean_cost",
    "repeats_within",
    "seconds_needed",
    "tokens_in_time",
    "who_is_left_out",
]

RESERVE_S = 6.0  # for the report itself
MARGIN = 1.25  # test items may be a little dearer than train items
ENOUGH = 20  # test items that best-of-n may not take from the others
FEWEST = 6  # test items with which something can be shown: five wins of five are p = 0.06
WANTED = 8  # test items for which the search ends earlier, where the report's share is too short
MOST_SHARE = 0.5  # of a limit of the budget that the report takes at the most for that
# Repeats of each test item at the most. Two of them bring too little: means of repeats are tested as graded
# scores, which takes more evidence (`python -m tests.bench.verdicts`, docs/verdict.md).
MOST_REPEATS, FEWEST_REPEATS = 5, 3

Each = tuple[float, float, float]  # calls, tokens, US dollars per item


def mean_cost(member: Member, split: Split) -> Each:
    """What an item of a split used on average."""
    usage, n = member.used(split), max(1, len(member.rows(split)))
    return usage.calls / n, usage.tokens / n, usage.cost_usd / n


def each_of(member: Member, matched: Sequence[Baseline]) -> Each:
    """What an item of a member is expected to cost: by its train items, or those of the seed it samples."""
    expected = next((b.per_item() for b in matched if b.member is member), None)
    if expected is None:
        return mean_cost(member, "train")
    # Samples at a higher temperature may be longer than expected.
    return tuple(map(max, expected, mean_cost(member, "test")))  # type: ignore[return-value]


def affordable(left: Left, each: Sequence[Each]) -> list[int]:
    """How many more items all contenders can surely run, by every limit there is; `each`: what one costs."""
    limits = (left.calls, left.tokens, left.usd)
    costs = [sum(column) for column in zip(*each, strict=True)] if each else [0.0] * 3
    return [int(a / (MARGIN * b)) for a, b in zip(limits, costs, strict=True) if a is not None and b > 0]


def tokens_in_time(run: Run, seconds: float) -> float | None:
    """Tokens that a time is good for, at the pace of the run so far; `None` without a limit or a pace."""
    spent = sum(run.session.status().paid.values(), Usage()).tokens
    pace = spent / max(1.0, run.session.elapsed)
    return pace * seconds if spent and seconds < float("inf") else None


def who_is_left_out(
    finalists: Sequence[Member],
    seeds: Sequence[Member],
    baselines: Sequence[Baseline],
    room: Callable[[Sequence[Member], Sequence[Baseline]], int],
) -> list[str]:
    """Ids of the contenders that there is no room for, the first to go first.

    Self-consistency is planned first and stays as long as one item can be run with it, as nothing can be
    claimed without it: out go best-of-n, further finalists and further seeds, the least promising first.
    A person's own agents stay.

    Args:
        finalists: Best first.
        seeds: Best first.
        baselines: At matched cost, self-consistency first.
        room: Test items that some members and baselines can be run on; all of them where it is no fewer.
    """
    members, kept, out = [*finalists, *seeds], list(baselines), list[str]()
    if room(members, kept) >= room(finalists[:1], ()):  # leaving out all of them would bring nothing
        return out
    if len(kept) > 1 and room(members, kept) < ENOUGH:
        out.append(kept.pop().member.agent.id)
    spare = [m for m in seeds[:0:-1] if not m.own]
    for member in [*finalists[:0:-1], *spare]:
        if room(members, kept) >= FEWEST:
            return out
        members.remove(member)
        out.append(member.agent.id)
    if kept and not room(members, kept):
        out.append(kept.pop().member.agent.id)
    return out


def repeats_within(run: Run, each: Sequence[Each]) -> int:
    """How often each test item is run: what is left of the report's share goes into repeats, all alike.

    Args:
        run: The run at work, no test item of the report run yet.
        each: What an item costs each contender.

    Returns:
        `evaluate.repeats` at least, `MOST_REPEATS` at most; whole repeats of all items alone.
    """
    wanted, items = run.config.evaluate.repeats, len(run.runner.items("test"))
    budget = run.config.budget
    left, share = run.session.status().left, budget.final_share
    limits = (("calls", left.calls), ("tokens", left.tokens), ("usd", left.usd))
    bounded = {name: None if n is None else min(n, share * getattr(budget, name)) for name, n in limits}
    room = affordable(Left(**bounded, wall_s=None), each)
    if not room:  # time alone is no budget that is to be used up
        return wanted
    seconds = run.progress.time_left() - RESERVE_S
    if budget.wall_s is not None:
        tokens = tokens_in_time(run, min(seconds, share * budget.wall_s))
        room += [] if tokens is None else [int(tokens / max(1.0, MARGIN * sum(e[1] for e in each)))]
    times = min(MOST_REPEATS, min(room, default=0) // max(1, items))
    return max(wanted, times) if times >= FEWEST_REPEATS else wanted


def _wanted(run: Run, finalists: Sequence[Member], seeds: Sequence[Member]) -> Each:
    """What `WANTED` test items of all contenders cost, samples at the best finalist's cost among them; all
    test items, where there are fewer."""
    costs = [mean_cost(m, "train") for m in (*finalists, finalists[0], *seeds)]
    items = min(WANTED, run.runner.planned("test"))
    times = (1 + len(run.config.domain.perturb)) * MARGIN * items
    calls, tokens, usd = (times * sum(column) for column in zip(*costs, strict=True))
    return calls, tokens, usd


def seconds_needed(run: Run, finalists: Sequence[Member], seeds: Sequence[Member]) -> float:
    """Seconds that the report needs for `WANTED` items of all contenders and the baseline at matched cost.

    By the pace of the run so far, and no more than `MOST_SHARE` of its time; 0 where nothing was found yet
    that could be a finalist.
    """
    spent = sum(run.session.status().paid.values(), Usage()).tokens
    wall = run.config.budget.wall_s
    if not finalists or not seeds or not spent or wall is None:
        return 0.0
    tokens = _wanted(run, finalists, seeds)[1]
    return min(MOST_SHARE * wall, RESERVE_S + tokens * run.session.elapsed / spent)


def budget_is_due(run: Run, finalists: Sequence[Member], seeds: Sequence[Member]) -> bool:
    """Whether the report needs all that is left of a limit of the budget, its share being too small."""
    if not finalists or not seeds:
        return False
    budget, paid = run.config.budget, sum(run.session.status().paid.values(), Usage())
    limits = (budget.calls, budget.tokens, budget.usd)
    spent = (paid.calls, paid.tokens, paid.cost_usd)
    return any(
        limit is not None and limit - done <= min(MOST_SHARE * limit, need)
        for limit, done, need in zip(limits, spent, _wanted(run, finalists, seeds), strict=True)
    )
