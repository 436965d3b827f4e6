"""The contenders of the final report: who meets on the test items, and who is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from meta_search.final.baselines import Baseline, matched
from meta_search.final.laps import scored, seeds_that_ran
from meta_search.final.qualifying import chosen, ranked
from meta_search.final.reserve import (
    FEWEST,
    MARGIN,
    RESERVE_S,
    affordable,
    each_of,
    tokens_in_time,
    who_is_left_out,
)
from meta_search.guide.surrogate import NOISE
from meta_search.run.folds import NO_FOLDS, Folds, cross_validated
from meta_search.run.members import Member, Members
from meta_search.run.run import Run
from meta_search.text import one_line
from meta_search.types import drawn_in

__all__ = ["Field", "choose_field", "contenders"]

OWN_TESTED = 5  # of a person's own agents that are tested whatever they scored, the best of them


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
    """Finalists, seeds, baselines at matched cost, as far as the report's budget allows; all archived."""
    members, config = run.members, run.config
    finalists, seeds = contenders(members, config.search.finalists, run.runner.folds)
    field = Field(tuple(finalists), tuple(seeds))
    if not finalists:
        return replace(field, notes=(_why_none(members), *_left_waiting(members)))
    if not seeds:
        return field
    asking = next((s for s in seeds if s.cost("train")), seeds[0])  # a model: others have nothing to sample
    found = matched(finalists[0], asking, config.sandbox.calls)
    # Baselines of an earlier session are members already, with their results.
    known = tuple(replace(b, member=members.made_alike(b.member.agent) or b.member) for b in found.baselines)
    out = run.journal.decide("left out", lambda: _left_out(run, finalists, seeds, known))
    for baseline in known:
        if baseline.member.agent.id not in out:
            run.runner.pen.add_candidate(baseline.member.candidate, "baseline")
    notes = [] if not found.note else [found.note]
    notes += [_why_skipped(b.way, b.member) for b in known if b.member.agent.id in out]
    notes += [_why_skipped("", m) for m in (*finalists, *seeds) if m.agent.id in out]
    notes += _left_waiting(members)
    gone = [b for b in known if b.member.agent.id in out and b.way == "self-consistency"]
    return Field(
        finalists=tuple(m for m in finalists if m.agent.id not in out),
        seeds=tuple(m for m in seeds if m.agent.id not in out),
        matched=tuple(b for b in known if b.member.agent.id not in out),
        notes=tuple(notes),
        untested=one_line(gone[0].member.agent.name, 80) if gone else found.untested,
    )


def _why_none(members: Members) -> str:
    """Why no agent that the search wrote is a finalist."""
    written = [m for m in members.all() if not m.seed]
    if not written:
        return "The search wrote no agent."
    if len(written) == 1:
        return "The one agent that the search wrote did not finish the train items."
    stopped = sum(bool(m.stopped) for m in written)
    why = f" ({stopped} paused or stopped)." if stopped else "."
    return f"Of {len(written)} agents that the search wrote, none finished the train items{why}"


def _why_skipped(way: str, member: Member) -> str:
    name = one_line(member.agent.name, 80)
    if not way:
        return f"{name} was skipped: running it would leave fewer than {FEWEST} test items within the budget."
    told = f"{name}, a baseline at matched cost,"
    if way == "self-consistency":
        return f"{told} was not tested: the budget left pays for no test item with it."
    return f"{told} was skipped: running it would leave too few test items within the budget."


def _left_waiting(members: Members) -> list[str]:
    """Which seeds no item was run of, where there are any."""
    names = [one_line(m.agent.name, 80) for m in members.all() if m.seed and not m.rows("train")]
    told = f"Seeds that were not run, as the search ended before their turn: {', '.join(names)}."
    return [told] if names else []


def contenders(
    members: Members, finalists: int, folds: Folds = NO_FOLDS
) -> tuple[list[Member], list[Member]]:
    """Finalists and seeds, best first.

    Finalists are chosen by what train and validation say of them together, with folds by cross-validation;
    seeds by their chance to be the best, see `final.qualifying`.

    A seed counts where its race was stopped, too. Those that the person brought along are there in any case,
    up to `OWN_TESTED` of them. Validation alone would choose no better where all of it is there, and worse
    where the budget cut it short (`python -m tests.bench.landscape.choosing`).
    """
    ready = members.finished()
    typical = sum(m.score("train") for m in ready) / max(1, len(ready))
    scores = [m.scores("train") for m in ready] if folds.count else []

    def expected(member: Member) -> float:
        if folds.count:
            return cross_validated(folds, member.candidate.brief, member.scores("train"), scores)
        return _expected(member, typical)

    def rank(member: Member) -> tuple[float, float]:
        return (-expected(member), member.cost("train"))

    found = sorted((m for m in ready if not m.seed), key=rank)
    seeds = sorted(seeds_that_ran(members), key=rank)
    own = [m for m in seeds if m.own] + [m for m in members.all() if m.own and m not in seeds]
    others = [seeds[place] for place in chosen(ranked([scored(m) for m in seeds]))]
    return found[:finalists], [*others, *(m for m in own[:OWN_TESTED] if m not in others)]


def _expected(member: Member, typical: float) -> float:
    """Score on fresh items, by train and validation.

    Where the surrogate says what train has shown (`Member.expected`), that is the prior of what validation
    shows; else the mean over the items of both, drawn towards the typical score: few items say little.
    """
    if member.expected is not None:
        mean, sd = member.expected
        seen = member.scores("validation").values()
        share = sd**2 / (sd**2 + NOISE / len(seen)) if seen else 0.0
        return mean + share * (sum(seen) / max(1, len(seen)) - mean)
    scores = [*member.scores("train").values(), *member.scores("validation").values()]
    return drawn_in(sum(scores), len(scores), typical)


def _left_out(
    run: Run, finalists: Sequence[Member], seeds: Sequence[Member], baselines: Sequence[Baseline]
) -> list[str]:
    """Ids of those that there is no room for on the test items; see `reserve.who_is_left_out`.

    Never one that an earlier session has tested: a verdict that is known would change by whom it forgets.
    """
    left, planned = run.session.status().left, run.runner.planned("test")
    tokens = tokens_in_time(run, run.progress.time_left() - RESERVE_S)
    times = 1 + len(run.config.domain.perturb)

    def room(members: Sequence[Member], matched_: Sequence[Baseline]) -> int:
        one = [each_of(m, matched_) for m in (*members, *(b.member for b in matched_))]
        each = [(times * a, times * b, times * c) for a, b, c in one]
        in_time = [] if tokens is None else [int(tokens / max(1.0, MARGIN * sum(e[1] for e in each)))]
        return min([planned, *affordable(left, each), *in_time])

    tested = {m.agent.id for m in (*finalists, *seeds, *(b.member for b in baselines)) if m.rows("test")}
    return [agent for agent in who_is_left_out(finalists, seeds, baselines, room) if agent not in tested]
