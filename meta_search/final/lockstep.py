"""The way of the report's contenders through the same test items, side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from itertools import dropwhile, zip_longest
from math import inf

from meta_search.final.field import Field
from meta_search.final.gathering import gather
from meta_search.final.reserve import RESERVE_S, affordable, each_of, repeats_within
from meta_search.run.members import Member
from meta_search.run.perturbing import Perturbing
from meta_search.run.run import Run
from meta_search.types import PERTURBED, ItemJob, ItemResult

__all__ = ["ROUND", "Cut", "counted", "run_field"]

ROUND = 6  # test items all contenders run before the clock is looked at

Cut = dict[str, set[tuple[str, int]]]  # agent -> test items and repeats that do not count


def run_field(run: Run, field: Field, perturbing: Perturbing) -> tuple[bool, Cut]:
    """Run all contenders on test items in lockstep until items, budget or time are used up.

    Where test items are perturbed, each round runs what was made of its items as well, so that budget and
    clock pay both of a pair or none.

    All meet the same items, so that comparisons are paired. Where budget or clock end it in the middle of a
    round, what counts ends for all of them before the first item that anyone was not through with: else an
    agent could spend the budget, or the time, on the items that it had better not finish.

    How often each item is run is planned once, by costs and what is left, before the first one is run.

    Returns:
        Whether everyone has test results, and what of those that came does not count.
    """
    everyone, runner, journal = field.everyone, run.runner, run.journal
    if everyone and not perturbing.names:
        _plan_repeats(run, field)
    each, cut = 0.0, Cut()  # seconds that one more item of everybody may take

    while journal.decide("round", partial(_has_time, run, each)):
        began = time.monotonic()
        size = journal.decide("items", partial(_next_round, run, field, perturbing.times, each))
        lanes = [[(m, job) for job in runner.next_jobs(m, "test", size)] for m in everyone]
        # Item by item: where the clock ends it, everybody has run the same items but for the last.
        places = [[one for one in place if one is not None] for place in zip_longest(*lanes)]
        jobs = [one for place in places for one in place]
        if jobs:
            stop = gather(run, [(m, runner.submit(job)) for m, job in jobs])
            for member in everyone:
                runner.save(member, "test")
            if stop:
                cut = _unfinished(places)
                break
        if not _run_perturbed(run, field, perturbing):
            break
        if not jobs:
            break
        each = 1.2 * (time.monotonic() - began) / size
    runner.cancel()
    return bool(everyone) and all(m.rows("test") for m in everyone), cut


def _plan_repeats(run: Run, field: Field) -> None:
    """Settle how often each test item is run."""
    each = [each_of(m, field.matched) for m in field.everyone]
    times = run.journal.decide("repeats", lambda: repeats_within(run, each))
    if times > run.config.evaluate.repeats:
        run.progress.say(f"each test item is run {times} times: the report's share of the budget allows it")
    run.runner.repeat("test", times)


def _run_perturbed(run: Run, field: Field, perturbing: Perturbing) -> bool:
    """Run what is made of the test items that all contenders are through with. Returns whether to go on."""
    if not perturbing.names or not field.everyone:
        return True
    runner = run.runner
    met = [{item for item, _ in m.results.get("test", {})} for m in field.everyone]
    through = set.intersection(*met)
    items = [item for item in runner.items("test") if item.id in through]
    perturbing.extend(items, partial(_time_left, run))
    most = runner.planned(PERTURBED)
    each = [[(m, job) for job in runner.next_jobs(m, PERTURBED, most)] for m in field.everyone]
    jobs = [one for place in zip_longest(*each) for one in place if one is not None]
    stop = gather(run, [(m, runner.submit(job)) for m, job in jobs])
    for member in field.everyone:
        runner.save(member, PERTURBED)
    return not stop


def _unfinished(places: Sequence[Sequence[tuple[Member, ItemJob]]]) -> Cut:
    """What does not count of a round that was ended: all from the first item on that was not run by all."""

    def through(member: Member, job: ItemJob) -> bool:
        return (job.item, job.repeat) in member.results.get("test", {})

    cut: Cut = {}
    for place in dropwhile(lambda place: all(through(*one) for one in place), places):
        for member, job in place:
            cut.setdefault(member.agent.id, set()).add((job.item, job.repeat))
    return cut


def counted(member: Member, cut: Cut) -> list[ItemResult]:
    """The results of a member on the test items that count, those without a score among them."""
    dropped = cut.get(member.agent.id, set())
    return [r for place, r in member.results.get("test", {}).items() if place not in dropped]


def _time_left(run: Run) -> float:
    return run.progress.time_left() - RESERVE_S


def _has_time(run: Run, seconds: float) -> bool:
    return _time_left(run) > seconds


def _next_round(run: Run, field: Field, times: int, seconds: float) -> int:
    """Items of the next round, by every limit of the budget and by the clock.

    Args:
        run: The run at work.
        field: Who runs them.
        times: Runs of each item by each contender, with what is made of it.
        seconds: That one more item of everybody may take; 0 where that is not known yet.
    """
    each = [each_of(m, field.matched) for m in field.everyone]
    limits = affordable(run.session.status().left, [(times * a, times * b, times * c) for a, b, c in each])
    in_time = [max(1, int(_time_left(run) / seconds))] if seconds > 0 and _time_left(run) < inf else []
    return min([ROUND, *limits, *in_time])
