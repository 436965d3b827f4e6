"""The contenders of the final report, and their way through the same test items, side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import dropwhile, zip_longest

from archive.select import SHRINKAGE
from meta_search.final.baselines import Baseline, matched
from meta_search.llm.budget import Left
from meta_search.run.folds import NO_FOLDS, Folds, cross_validated
from meta_search.run.members import Member, Members
from meta_search.run.perturbing import Perturbing
from meta_search.run.run import Run
from meta_search.text import one_line
from meta_search.types import PERTURBED, ItemJob, ItemResult, Split, Usage

__all__ = [
    "MOST_SHARE",
    "Cut",
    "Field",
    "choose_field",
    "contenders",
    "counted",
    "run_field",
    "seconds_needed",
]

BASELINES = 2  # best seeds that are tested beside the finalists
ROUND = 6  # test items all contenders run before the clock is looked at
RESERVE_S = 6.0  # for the report itself
MARGIN = 1.25  # test items may be a little dearer than train items
OWN_TESTED = 5  # of a person's own agents that are tested whatever they scored, the best of them
ENOUGH = 20  # test items that best-of-n may not take from the others; self-consistency may, as claims need it
WANTED = 8  # test items for which the search ends earlier, where the report's share is too short
MOST_SHARE = 0.5  # of `budget.wall_s` that the report takes at the most for that
FEWEST = 6  # test items with which something can be shown: five wins of five are p = 0.06

Each = tuple[float, float, float]  # calls, tokens, US dollars per item
Cut = dict[str, set[tuple[str, int]]]  # agent -> test items and repeats that do not count


@dataclass(frozen=True, slots=True)
class Field:
    """Who meets on the test items.

    Attributes:
        finalists: Best first.
        seeds: The best hand-made agents, best first; those that the person brought along in any case.
        matched: Baselines at the used cost of the best finalist.
        notes: Why there are none of those, or fewer.
        untested: Name of the self-consistency that a claim needs and that cannot be tested, or `""`.
    """

    finalists: tuple[Member, ...]
    seeds: tuple[Member, ...]
    matched: tuple[Baseline, ...] = ()
    notes: tuple[str, ...] = ()
    untested: str = ""

    @property
    def baselines(self) -> tuple[Member, ...]:
        return (*self.seeds, *(b.member for b in self.matched))

    @property
    def everyone(self) -> tuple[Member, ...]:
        return (*self.finalists, *self.baselines)


def choose_field(run: Run) -> Field:
    """Finalists, seeds, and what baselines at matched cost the budget of the report allows; all archived."""
    members, config = run.members, run.config
    finalists, seeds = contenders(members, config.search.finalists, run.runner.folds)
    field = Field(tuple(finalists), tuple(seeds))
    if not finalists:
        return replace(field, notes=(_why_none(members),))
    if not seeds:
        return field
    asking = next((s for s in seeds if s.cost("train")), seeds[0])  # a model: others have nothing to sample
    found = matched(finalists[0], asking, config.sandbox.calls)
    # Baselines of an earlier session are members already, with their results.
    known = tuple(replace(b, member=members.made_alike(b.member.agent) or b.member) for b in found.baselines)
    whole = replace(field, matched=known)
    kept = run.journal.decide("baselines", lambda: _within_budget(run, whole))
    for baseline in known:
        if baseline.member.agent.id in kept:
            run.runner.pen.add_candidate(baseline.member.candidate, "baseline")
    missing = [b for b in known if b.member.agent.id not in kept]
    names = {b.way: one_line(b.member.agent.name, 80) for b in missing}
    notes = [f"{names[b.way]}, a baseline at matched cost, {_why_skipped(b)}" for b in missing]
    untested = names.get("self-consistency", found.untested)
    chosen = tuple(b for b in known if b not in missing)
    return replace(
        field, matched=chosen, notes=(*([found.note] if found.note else []), *notes), untested=untested
    )


def _why_none(members: Members) -> str:
    """Why no agent that the search wrote is a finalist."""
    written = [m for m in members.all() if not m.seed]
    if not written:
        return "The search wrote no agent."
    if len(written) == 1:
        return "The one agent that the search wrote did not finish the train items."
    stopped = sum(bool(m.stopped) for m in written)
    why = f" ({stopped} stopped early)." if stopped else "."
    return f"Of {len(written)} agents that the search wrote, none finished the train items{why}"


def _why_skipped(baseline: Baseline) -> str:
    if baseline.way == "self-consistency":
        return f"was not tested: within the budget, it would leave fewer than {FEWEST} test items."
    return "was skipped: running it would leave too few test items within the budget."


def contenders(
    members: Members, finalists: int, folds: Folds = NO_FOLDS
) -> tuple[list[Member], list[Member]]:
    """Finalists and the best seeds by what train and validation say of them together, best first; with folds
    by cross-validation.

    Of seeds, those that the person brought along are there in any case, up to `OWN_TESTED` of them.
    Validation alone would choose no better where all of it is there, and worse where the budget cut it short
    (`python -m tests.bench.landscape.choosing`).
    """
    ready = [m for m in members.all() if m.done and not m.stopped and m.rows("train")]
    typical = sum(m.score("train") for m in ready) / max(1, len(ready))
    scores = [m.scores("train") for m in ready] if folds.count else []

    def expected(member: Member) -> float:
        if folds.count:
            return cross_validated(folds, member.candidate.brief, member.scores("train"), scores)
        return _expected(member, typical)

    def rank(member: Member) -> tuple[float, float]:
        return (-expected(member), member.cost("train"))

    found = sorted((m for m in ready if not m.seed), key=rank)
    seeds = sorted((m for m in ready if m.seed), key=rank)
    own = [m for m in seeds if m.own] + [m for m in members.all() if m.own and m not in ready]
    others = seeds[:BASELINES]
    return found[:finalists], [*others, *(m for m in own[:OWN_TESTED] if m not in others)]


def _expected(member: Member, typical: float) -> float:
    """Mean score on train and validation items, drawn towards the typical score: few items say little."""
    scores = [*member.scores("train").values(), *member.scores("validation").values()]
    return (sum(scores) + SHRINKAGE * typical) / (len(scores) + SHRINKAGE)


def _within_budget(run: Run, field: Field) -> list[str]:
    """Ids of the baselines at matched cost that there is room for.

    Self-consistency is only left out where fewer test items would be left than show anything: no claim can be
    made without it.
    """
    status, kept, planned = run.session.status(), list(field.matched), run.runner.planned("test")
    spent = sum(status.paid.values(), Usage()).tokens
    pace = spent / max(1.0, run.session.elapsed)  # tokens a second, so far
    seconds = run.progress.time_left() - RESERVE_S
    tokens = pace * seconds if spent and seconds < float("inf") else None

    def room(chosen: Sequence[Baseline]) -> int:
        one = [_each(m, chosen) for m in replace(field, matched=tuple(chosen)).everyone]
        times = 1 + len(run.config.domain.perturb)
        each = [(times * a, times * b, times * c) for a, b, c in one]
        in_time = [] if tokens is None else [int(tokens / max(1.0, MARGIN * sum(e[1] for e in each)))]
        return min([planned, *affordable(status.left, each), *in_time])

    scarce = room(()) > room(kept)  # where even leaving out all of them brings nothing, they stay
    while scarce and kept and room(kept) < min(planned, ENOUGH if len(kept) > 1 else FEWEST):
        kept.pop()
    return [b.member.agent.id for b in kept]


def seconds_needed(run: Run) -> float:
    """Seconds that the report needs for `WANTED` items of all contenders and the baseline at matched cost.

    By the pace of the run so far, and no more than `MOST_SHARE` of its time; 0 where nothing was found yet
    that could be a finalist.
    """
    finalists, seeds = contenders(run.members, run.config.search.finalists, run.runner.folds)
    spent = sum(run.session.status().paid.values(), Usage()).tokens
    wall = run.config.budget.wall_s
    if not finalists or not seeds or not spent or wall is None:
        return 0.0
    used = [_mean(m, "train")[1] for m in (*finalists, *seeds)]
    times = 1 + len(run.config.domain.perturb)
    tokens = times * MARGIN * WANTED * (sum(used) + used[0])  # samples cost as much as the best finalist
    return min(MOST_SHARE * wall, RESERVE_S + tokens * run.session.elapsed / spent)


def _each(member: Member, matched_: Sequence[Baseline]) -> Each:
    """What an item of a member is expected to cost: by its train items, or those of the seed it samples."""
    expected = next((b.per_item() for b in matched_ if b.member is member), None)
    if expected is None:
        return _mean(member, "train")
    # Samples at a higher temperature may be longer than expected.
    return tuple(map(max, expected, _mean(member, "test")))  # type: ignore[return-value]


def _mean(member: Member, split: Split) -> Each:
    usage, n = member.used(split), max(1, len(member.rows(split)))
    return usage.calls / n, usage.tokens / n, usage.cost_usd / n


def run_field(run: Run, field: Field, perturbing: Perturbing) -> tuple[bool, Cut]:
    """Run all contenders on test items in lockstep until items, budget or time are used up.

    Where test items are perturbed, each round runs what was made of its items as well, so that budget and
    clock pay both of a pair or none.

    All meet the same items, so that comparisons are paired. Where budget or clock end it in the middle of a
    round, what counts ends for all of them before the first item that anyone was not through with: else an
    agent could spend the budget, or the time, on the items that it had better not finish.

    Returns:
        Whether everyone has test results, and what of those that came does not count.
    """
    everyone, runner, journal = field.everyone, run.runner, run.journal
    last, cut = 0.0, Cut()  # seconds that the next round may take

    def another() -> bool:
        return run.progress.time_left() - RESERVE_S > last

    while journal.decide("round", another):
        began = time.monotonic()
        size = journal.decide(
            "items", lambda: _next_round(run.session.status().left, field, perturbing.times)
        )
        each = [[(m, job) for job in runner.next_jobs(m, "test", size)] for m in everyone]
        # Item by item: where the clock ends it, everybody has run the same items but for the last.
        places = [[one for one in place if one is not None] for place in zip_longest(*each)]
        jobs = [one for place in places for one in place]
        if jobs:
            stop = _gather(run, [(m, runner.submit(job)) for m, job in jobs])
            for member in everyone:
                runner.save(member, "test")
            if stop:
                cut = _unfinished(places)
                break
        if not _run_perturbed(run, field, perturbing):
            break
        if not jobs:
            break
        last = 1.2 * (time.monotonic() - began)
    runner.cancel()
    return bool(everyone) and all(m.rows("test") for m in everyone), cut


def _run_perturbed(run: Run, field: Field, perturbing: Perturbing) -> bool:
    """Run what is made of the test items that all contenders are through with. Returns whether to go on."""
    if not perturbing.names or not field.everyone:
        return True
    runner = run.runner
    met = [{item for item, _ in m.results.get("test", {})} for m in field.everyone]
    through = set.intersection(*met)
    items = [item for item in runner.items("test") if item.id in through]
    perturbing.extend(items, lambda: run.progress.time_left() - RESERVE_S)
    most = runner.planned(PERTURBED)
    each = [[(m, job) for job in runner.next_jobs(m, PERTURBED, most)] for m in field.everyone]
    jobs = [one for place in zip_longest(*each) for one in place if one is not None]
    stop = _gather(run, [(m, runner.submit(job)) for m, job in jobs])
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


def _next_round(left: Left, field: Field, times: int = 1) -> int:
    each = [_each(m, field.matched) for m in field.everyone]
    return min([ROUND, *affordable(left, [(times * a, times * b, times * c) for a, b, c in each])])


def affordable(left: Left, each: Sequence[Each]) -> list[int]:
    """How many more items all contenders can surely run, by every limit there is; `each`: what one costs."""
    limits = (left.calls, left.tokens, left.usd)
    costs = [sum(column) for column in zip(*each, strict=True)] if each else [0.0] * 3
    return [int(a / (MARGIN * b)) for a, b in zip(limits, costs, strict=True) if a is not None and b > 0]


def _gather(run: Run, futures: Sequence[tuple[Member, Future[ItemResult]]]) -> bool:
    """Take results as they come. True if time or budget ended before all were there.

    What had come by then is paid and archived, so it is taken too: else this report would know of fewer items
    than the archive.
    """
    open_ = {future: member for member, future in futures}

    def take(timeout_s: float) -> tuple[bool, bool]:
        found = run.runner.arrived(open_, timeout_s)
        stops = [run.runner.deliver(open_.pop(future), future) for future in found]
        return bool(found), any(stops)

    def rest() -> bool:
        while open_ and take(0.0)[0]:
            pass
        return True

    while open_:
        if take(0.5)[1]:
            return rest()
        run.progress.show(run.members, _lines(run, [m for m, _ in futures]))
        run.runner.tick()
        if run.journal.expired(lambda: run.progress.time_left() < RESERVE_S / 2):
            return rest()
    return False


def _lines(run: Run, members: Sequence[Member]) -> tuple[str, ...]:
    """One line for each contender."""
    planned = run.runner.planned("test")
    return tuple(f"test: «{m.agent.name}» {len(m.rows('test'))}/{planned}" for m in dict.fromkeys(members))
