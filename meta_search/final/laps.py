"""Before the report seeds go on to more items, where it is open which one is the best."""

from __future__ import annotations

from collections.abc import Mapping

from meta_search.final.gathering import gather
from meta_search.final.qualifying import next_lap
from meta_search.final.reserve import MARGIN, RESERVE_S, Each, mean_cost, tokens_in_time
from meta_search.run.members import Member, Members
from meta_search.run.run import Run
from meta_search.types import SEARCHED, ItemJob

__all__ = ["qualify", "scored", "seeds_that_ran", "too_long"]

LAP = 6  # items of each seed between two looks
SHARE = 0.2  # of what is left for the report that goes into this at the most


def seeds_that_ran(members: Members) -> list[Member]:
    """Seeds with results on train, those included whose race was stopped."""
    return [m for m in members.all() if m.seed and m.done and m.rows("train")]


def scored(member: Member) -> Mapping[str, float]:
    """Item -> score on train and validation, by which seeds are chosen; never on test."""
    return {f"{split} {item}": score for split in SEARCHED for item, score in member.scores(split).items()}


def qualify(run: Run) -> None:
    """Run seeds on train and validation items that they have not met, while it is open which one is the best.

    As long as what is left for the report allows it, `SHARE` of it; see `final.qualifying`.
    """
    seeds = seeds_that_ran(run.members)
    limits, spent = _limits(run), [0.0, 0.0, 0.0]
    time_left = run.progress.time_left()

    def lap() -> list[str]:
        missing = [bool(_missing(run, m, 1)) for m in seeds]
        go_on = [seeds[place] for place in next_lap([scored(m) for m in seeds], missing)]
        costs = [LAP * MARGIN * sum(column) for column in zip(*map(_cost, go_on), strict=True)] or spent
        over = (n is not None and a + b > SHARE * n for n, a, b in zip(limits, spent, costs, strict=True))
        late = too_long(run, costs[1], time_left)
        return [] if late or any(over) else [m.agent.id for m in go_on]

    told = False
    while names := run.journal.decide("lap", lap):
        if not told:
            told = True
            who = ", ".join(f"«{run.members[name].agent.name}»" for name in names)
            run.progress.say(f"which seed is the best is open: {who} run on more train and validation items")
        jobs = [(m, job) for m in map(run.members.__getitem__, names) for job in _missing(run, m, LAP)]
        for member, _ in jobs:
            spent = [a + b for a, b in zip(spent, _cost(member), strict=True)]
        stop = gather(run, [(member, run.runner.submit(job)) for member, job in jobs])
        for member in dict.fromkeys(member for member, _ in jobs):
            for split in SEARCHED:
                run.runner.save(member, split)
        if stop:
            break


def too_long(run: Run, tokens: float, time_left: float) -> bool:
    """Whether a lap would end after `SHARE` of the report's time, at the pace of the run so far.

    Args:
        run: The run at work.
        tokens: That the lap uses.
        time_left: Seconds that were left for the report before the first lap.
    """
    if time_left == float("inf"):
        return False
    seconds = run.progress.time_left() - RESERVE_S - (1 - SHARE) * time_left
    most = tokens_in_time(run, seconds)
    return seconds < 0 or (most is not None and tokens > most)


def _missing(run: Run, member: Member, most: int) -> list[ItemJob]:
    """The next items of train, then validation, that a seed has not run."""
    jobs: list[ItemJob] = []
    for split in SEARCHED:
        jobs += run.runner.next_jobs(member, split, most - len(jobs))
    return jobs


def _limits(run: Run) -> list[float | None]:
    left = run.session.status().left
    return [left.calls, left.tokens, left.usd]


def _cost(member: Member) -> Each:
    return mean_cost(member, "train")
