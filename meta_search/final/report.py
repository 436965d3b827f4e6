"""The end of a run: finalists beside baselines on fresh test items; and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from archive.records import Archive
from meta_search.dashboard.one_file import write_report
from meta_search.final.field import Field, choose_field
from meta_search.final.laps import qualify
from meta_search.final.lockstep import Cut, counted, run_field
from meta_search.report.chosen import chosen
from meta_search.report.payback import Paid
from meta_search.report.standing import Contender, Kind
from meta_search.report.verdict import Verdict, measure_of, untested, verdict
from meta_search.run.fork import freshness, origin
from meta_search.run.kept_items import keep_items
from meta_search.run.measures import measured
from meta_search.run.members import Member
from meta_search.run.perturbing import Perturbing
from meta_search.run.run import Run
from meta_search.run.session import Session
from meta_search.text import one_line
from meta_search.types import PERTURBED, UNSCORED, ItemResult, Usage

__all__ = ["Ending", "final_report"]


LEAST_COST = 0.5  # of the winner's per item, for a baseline to be one at matched cost


@dataclass(frozen=True, slots=True)
class Ending:
    """What the final report came to.

    Attributes:
        verdict: What it says.
        best: Id of the agent to take, `""` without any; see `report.chosen`.
        complete: Whether all contenders have test results.
        stopped: Whether a person had the run end before its end.
    """

    verdict: Verdict
    best: str
    complete: bool
    stopped: bool = False

    @property
    def status(self) -> str:
        """What the archive and the page say of the run."""
        return "stopped" if self.stopped else "done" if self.complete else "cut short"


def final_report(run: Run, stopped: Callable[[], bool] = lambda: False) -> Ending:
    """Run finalists and baselines on test items in lockstep, and say what came of it.

    Args:
        run: The run at work, its search over.
        stopped: Says, once the test items were run, whether a person had the run end before its end.
    """
    session, runner = run.session, run.runner
    run.progress.phase = "final"
    qualify(run)
    field = choose_field(run)
    for agent in _finalists_before(session) - {member.agent.id for member in field.finalists}:
        before = run.members.get(agent)
        if before is None or not before.same_as:  # one that turned out to be another's equal stays that
            runner.pen.set_status(agent, "population")
    for member in field.finalists:
        runner.pen.set_status(member.agent.id, "finalist")
    names = ", ".join(f"«{m.agent.name}»" for m in field.everyone)
    run.progress.say(f"final report on fresh test items: {names}")
    perturbing = Perturbing.of(run)
    complete, cut = run_field(run, field, perturbing)
    if perturbing.names:
        runner.pen.set_meta("perturbed", perturbing.facts())
    run.progress.show(run.members, (), last=True)
    for member in field.everyone:
        runner.save(member, "test")
    runner.finish("reporting")
    field = replace(
        field, notes=(*field.notes, *_how_chosen(run, field, cut), *_measures(session, field, cut))
    )
    paid = run.journal.decide("paid", lambda: _paid(session))
    tells = run.config.domain.model_free != "allow"
    result = _verdict(field, Paid.of(paid), cut, tells)
    if unmatched := _unmatched(field, result):
        field = replace(field, untested=unmatched)
        result = _verdict(field, Paid.of(paid), cut, tells)
    runner.pen.set_meta("final", _final(field, paid, cut))
    runner.pen.set_meta("verdict", result.text)
    if result.take is not None:
        runner.pen.set_meta("best", result.take.agent)
    keep_items(run, ("test", PERTURBED))
    ending = Ending(result, "", complete, stopped())
    runner.finish(ending.status)  # before the page, which tells it
    with Archive(session.folder) as archive:
        page = session.folder / "report.html"
        write_report(archive, result, page, session.folder.name)
        take = chosen(archive, result)
    return replace(ending, best=take.agent if take else "")


def _finalists_before(session: Session) -> set[str]:
    """Finalists of an earlier final report of the run."""
    with Archive(session.folder) as archive:
        return set((archive.meta("final") or {}).get("finalists", ()))


def _verdict(field: Field, paid: Paid, cut: Cut, tells: bool) -> Verdict:
    measure = measure_of(row for m in field.everyone for row in m.rows("test"))

    def side(members: Sequence[Member], kind: Kind) -> list[Contender]:
        found = ((m, counted(m, cut)) for m in members)
        return [
            Contender.of(m.agent.id, m.agent.name, rows, measure, "own" if m.own else kind, tells)
            for m, rows in found
        ]

    baselines = side(field.seeds, "seed") + side([b.member for b in field.matched], "matched")
    baselines += [untested(field.untested)] if field.untested else []
    return verdict(baselines, side(field.finalists, "found"), paid=paid, notes=field.notes)


def _how_chosen(run: Run, field: Field, cut: Cut) -> list[str]:
    """How finalists were chosen, where it was by folds, and how often they were tested, if more than once."""
    line = run.runner.folds.line() if field.finalists else ""
    runs = Counter(r.item for member in field.everyone[:1] for r in counted(member, cut))
    low, high = min(runs.values(), default=0), max(runs.values(), default=0)
    often = f"{high}" if low == high else f"{low} to {high}"
    repeated = f"Each test item was run {often} times, and counts once: by its mean." if high > 1 else ""
    with Archive(run.session.folder) as archive:
        seen = freshness(origin(archive), list(runs))
    return [note for note in (line, repeated, seen) if note]


def _measures(session: Session, field: Field, cut: Cut) -> list[str]:
    """A sentence for each thing that the domain measures over all test answers together."""
    found: dict[str, list[str]] = {}
    for member in field.everyone:
        for name, value in measured(session.domain, "test", counted(member, cut)).items():
            found.setdefault(name, []).append(f"{one_line(member.agent.name, 48)} {100 * value:.1f}")
    return [f"{name.replace('_', '-')} (in %): {', '.join(told)}." for name, told in found.items()]


def _unmatched(field: Field, result: Verdict) -> str:
    """Name of the self-consistency that the winner would have to beat, and which nobody tested.

    Baselines at matched cost are made for the best finalist by train and validation; another one may win.
    """
    seed = next((m for m in field.seeds if m.cost("test")), None)
    if result.outcome != "beats" or result.best is None or seed is None:
        return ""
    winner = result.best.finalist
    tested = {m.agent.id for m in (seed, *(b.member for b in field.matched))}
    most = max((s.tokens_per_item for s in result.baselines if s.agent in tested), default=0.0)
    if most >= LEAST_COST * winner.tokens_per_item:
        return ""
    own = next((s.tokens_per_item for s in result.baselines if s.agent == seed.agent.id), 0.0)
    times = round(winner.tokens_per_item / max(1.0, own))
    return f"self-consistency ({times} × {one_line(seed.agent.name, 48)})"


def _paid(session: Session) -> dict[str, float]:
    """What the run has paid over all sessions; recorded, as a replay pays nothing and takes other times."""
    with Archive(session.folder) as archive:
        usage = sum(archive.usage().values(), Usage())
    paid = Paid(usage.tokens, round(usage.cost_usd, 6), round(session.elapsed, 1), usage.reasoning_tokens)
    return {name: value for name, value in asdict(paid).items() if value or name != "thought"}


def _final(field: Field, paid: Any, cut: Cut) -> dict[str, Any]:
    """What `report.verdict.archive_verdict` needs to say the same again."""
    return {
        "finalists": [m.agent.id for m in field.finalists],
        "baselines": [m.agent.id for m in field.baselines],
        "notes": list(field.notes),
        "untested": [field.untested] if field.untested else [],
        "paid": paid,
        "left_out": {m.agent.id: _left_out(counted(m, cut)) for m in field.everyone},  # not archived
        "cut": {agent: sorted(pairs) for agent, pairs in cut.items()},
    }


def _left_out(rows: Sequence[ItemResult]) -> list[tuple[str, int, str]]:
    """Item, repeat and outcome of the results that came to no score."""
    return [(r.item, r.repeat, r.kind) for r in rows if r.kind in UNSCORED]
