"""The end of a run: finalists beside baselines on fresh test items; and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from archive.records import Archive
from meta_search.final.field import Field, choose_field, run_field
from meta_search.guide.studies import parameter_importance
from meta_search.report.html import write_report
from meta_search.report.payback import Paid
from meta_search.report.standing import Contender, Kind
from meta_search.report.tuning import Tunings
from meta_search.report.verdict import Verdict, measure_of, verdict
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.run.session import Session
from meta_search.types import Usage

__all__ = ["Ending", "final_report"]


@dataclass(frozen=True, slots=True)
class Ending:
    """What the final report came to; `complete` is false where it was cut short."""

    verdict: Verdict
    best: str
    complete: bool

    @property
    def status(self) -> str:
        """What the archive and the page say of the run."""
        return "done" if self.complete else "cut short"


def final_report(run: Run) -> Ending:
    """Run finalists and baselines on test items in lockstep, and say what came of it."""
    session, runner = run.session, run.runner
    run.progress.phase = "final"
    field = choose_field(run)
    for agent in _finalists_before(session) - {member.agent.id for member in field.finalists}:
        runner.pen.set_status(agent, "population")
    for member in field.finalists:
        runner.pen.set_status(member.agent.id, "finalist")
    names = ", ".join(f"«{m.agent.name}»" for m in field.everyone)
    run.progress.say(f"final report on fresh test items: {names}")
    complete = run_field(run, field)
    run.progress.tell()
    for member in field.everyone:
        runner.save(member, "test")
    runner.finish("reporting")
    paid = run.journal.decide("paid", lambda: _paid(session))
    result = _verdict(field, Paid.of(paid))
    runner.pen.set_meta("final", _final(field, paid))
    runner.pen.set_meta("verdict", result.text)
    best = result.best.finalist.agent if result.best is not None else _best_of(field.everyone)
    ending = Ending(result, best, complete)
    runner.finish(ending.status)  # before the page, which tells it
    with Archive(session.folder) as archive:
        page = session.folder / "report.html"
        write_report(archive, result, page, session.folder.name, Tunings(archive, parameter_importance))
    runner.pen.set_meta("best", best)
    return ending


def _finalists_before(session: Session) -> set[str]:
    """Finalists of an earlier final report of the run."""
    with Archive(session.folder) as archive:
        return set((archive.meta("final") or {}).get("finalists", ()))


def _verdict(field: Field, paid: Paid) -> Verdict:
    measure = measure_of(row for m in field.everyone for row in m.rows("test"))

    def side(members: Sequence[Member], kind: Kind) -> list[Contender]:
        found = ((m.agent, list(m.results.get("test", {}).values())) for m in members)
        return [Contender.of(agent.id, agent.name, rows, measure, kind) for agent, rows in found]

    baselines = side(field.seeds, "seed") + side([b.member for b in field.matched], "matched")
    return verdict(baselines, side(field.finalists, "found"), paid=paid, notes=field.notes)


def _paid(session: Session) -> dict[str, float]:
    """What the run has paid over all sessions; recorded, as a replay pays nothing and takes other times."""
    with Archive(session.folder) as archive:
        usage = sum(archive.usage().values(), Usage())
    return asdict(Paid(usage.tokens, round(usage.cost_usd, 6), round(session.elapsed, 1)))


def _final(field: Field, paid: Any) -> dict[str, Any]:
    """What `report.verdict.archive_verdict` needs to say the same again."""
    return {
        "finalists": [m.agent.id for m in field.finalists],
        "baselines": [m.agent.id for m in field.baselines],
        "notes": list(field.notes),
        "paid": paid,
        "left_out": {m.agent.id: m.ran("test") - len(m.rows("test")) for m in field.everyone},  # not archived
    }


def _best_of(members: Sequence[Member]) -> str:
    return members[0].agent.id if members else ""
