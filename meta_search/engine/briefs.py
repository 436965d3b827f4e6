"""Briefs on their way: asked of the guide, written by an author, told to the guide once their agent is known.

Everything here happens on the engine's thread, but for what an author does itself (`engine.workbench`).
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from meta_search.authors import registry
from meta_search.authors.author import Drawn, Trial
from meta_search.engine.admission import Admission
from meta_search.engine.alarm_bell import AlarmBell
from meta_search.engine.author_thread import in_thread, outcome_of
from meta_search.engine.context import Contexts
from meta_search.engine.happenings import BriefWritten
from meta_search.engine.modelled import Modelled
from meta_search.engine.open_brief import OpenBrief
from meta_search.engine.repair import repair_for
from meta_search.engine.restore import Restored
from meta_search.engine.studies import Studies
from meta_search.engine.tries import named_twin
from meta_search.engine.unpaid import Unpaid
from meta_search.engine.workbench import BriefWorkbench
from meta_search.guide.guide import Guide
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.text import one_line
from meta_search.types import Attempt, Brief, Candidate

__all__ = ["Briefs"]


class Briefs:
    """All briefs of a search that are not told.

    Args:
        run: The run at work.
        guide: Asked and told here only.

    Attributes:
        writing: `Brief.code` -> what authors are at work on.
        awaited: Agent -> the brief that it was written for, told once all its agents are evaluated.
        contexts: What authors are shown.
        modelled: The surrogate of the guide, which learns from every result.
        written: Candidates that briefs came to; repairs, and what people add, are not counted.
        barren: What the last briefs of this session came to, since there was a candidate: the stage of each
            one's last draft.
        unpaid: Whose calls the budget has no room for.
    """

    def __init__(self, run: Run, guide: Guide) -> None:
        self._run, self._guide = run, guide
        self._studies, self.contexts = Studies(run, guide), Contexts(run)
        self.modelled = Modelled(run, guide, self.contexts)
        self.writing: dict[int, OpenBrief] = {}
        self.awaited: dict[str, OpenBrief] = {}
        self.written = 0
        self.barren: list[str] = []
        self.unpaid = Unpaid(run, guide, self.contexts.pool)
        self._benches: list[BriefWorkbench] = []
        self._remarked = False
        self._admission = Admission(run)

    def lines(self) -> list[str]:
        """One line for each brief that is being written."""
        at_work = {bench.brief.code: bench for bench in self._benches if bench.brief is not None}
        doing = {code: bench.doing for code, bench in at_work.items()}
        far = {code: f", {bench.status}" for code, bench in at_work.items() if bench.status}
        return [
            f"writing: {doing.get(code) or f'{w.brief.author} by {w.brief.operator}{far.get(code, str())}'}"
            for code, w in self.writing.items()
        ]

    @property
    def begun(self) -> int:
        """Candidates that were or are being written; repairs, and what people add, are not counted."""
        return self.written + sum(not (w.repairs or w.added) for w in self.writing.values())

    @property
    def examples_due(self) -> bool:
        """Whether the search opened with worked examples, for all later agents to inherit, and their first
        agent is still written, mended or evaluated."""
        under_way = (*self.writing.values(), *self.awaited.values())
        first = [b for b in under_way if not (b.brief.number or b.added)]
        return any(self._began(b).operator == "bootstrap" for b in first)

    # -- the steps of the loop

    def ask(self) -> OpenBrief:
        """Ask the guide for a brief."""
        brief = self.contexts.brief(self._guide.ask())
        tuning, values = self._studies.tune(brief)
        left = 1.0 - self.begun / self._run.config.most_candidates
        proposal = None if tuning else self.modelled.design(brief, list(self.writing.values()), left)
        open_brief = OpenBrief(brief, self._guide.design(proposal).number, tuning, values)
        self._studies.asked(open_brief)
        self._run.journal.record(open_brief.asked())
        self.contexts.focus.asked(brief)
        self.unpaid.asked()
        return open_brief

    def write(self, open_brief: OpenBrief) -> None:
        """Have an author carry a brief out, in a thread of its own; a `BriefWritten` comes of it."""
        brief, journal = open_brief.brief, self._run.journal
        self.writing[brief.code] = open_brief
        whose = f" with {one_line(brief.model, 60)}" if brief.model else ""
        doing = f"{brief.author} writes by {brief.operator}{whose}"
        self._say(brief, f"«{_name_of(open_brief)}» is checked" if open_brief.added else doing)
        key = ("written", brief.code)
        self.contexts.course(brief)  # who may teach is settled in the order of the briefs, in a replay too
        journal.expect(key)
        self.contexts.lessons.take(brief)  # also where a replay never delivers it: others then wrote none
        if not journal.comes(key):
            return
        bench = BriefWorkbench(self._run, journal.chances(brief), brief, self._admission.leak)
        self._benches.append(bench)
        trial: Trial = Drawn(Random(brief.seed))
        if not (open_brief.repairs or open_brief.added):
            trial = self._guide.designs.under_way(open_brief.design)
        context = self.contexts.context(open_brief, trial, bench)
        bench.course = context.course
        author = registry.load(brief.author)()
        future = in_thread(lambda: author.write(context))
        future.add_done_callback(lambda done: journal.put(key, BriefWritten(open_brief, bench, done)))

    def archive(self, happened: BriefWritten, bell: AlarmBell) -> list[Candidate]:
        """Archive what an author came to: candidates that may be evaluated, and failed attempts.

        A brief that came to nothing is told to the guide at once; the bell counts what failed.
        """
        open_brief, bench = happened.open_brief, happened.bench
        brief = open_brief.brief
        self._benches.remove(bench)
        bench.finish()
        self.writing.pop(brief.code)
        written = outcome_of(brief, happened.outcome)
        candidates, attempts = self._admission.admit(brief, written, self._room(open_brief))
        refused = {} if candidates or open_brief.added else bench.refused
        if not (refused and self.unpaid.refused(brief, refused)):
            self._count(open_brief, candidates, attempts)
        bell.briefs += not open_brief.repairs
        bell.unpaid = self.unpaid.briefs, self.unpaid.why
        bell.stages.update(attempt.stage for attempt in attempts)
        self._keep(candidates, attempts, bench)
        if not open_brief.added:
            self._studies.written(open_brief)
        agents = tuple(candidate.agent.id for candidate in candidates)
        delivered = bench.delivered(brief, agents, written.used)
        self.contexts.keep(delivered)
        if delivered.found:
            self._run.runner.pen.set_meta("pool", self.contexts.pool_rows())
        self._run.journal.record(delivered)
        open_brief = open_brief.spent(delivered.writing_tokens, written.used, delivered.cost_usd)
        for line in self.contexts.lessons.delivered(brief, delivered.lessons):
            self._say(brief, line)
        self._remark(brief, written.note)
        for candidate in candidates:
            self._say(brief, f"«{candidate.agent.name}» {candidate.thought}")
            if not open_brief.added:
                self.awaited[candidate.agent.id] = open_brief
        if not candidates and open_brief.added:
            self._run.progress.print_line(f"«{_name_of(open_brief)}» was not added: {self._why(attempts)}")
            self.contexts.missed(brief, attempts)
        elif not candidates:
            self._say(brief, f"no candidate ({self._why(attempts)})")
            self._studies.tell(open_brief, self._chain(open_brief, None))
            self.contexts.missed(brief, attempts)
        return candidates

    def _why(self, attempts: Sequence[Attempt]) -> str:
        if not attempts:
            return "nothing was written"
        return named_twin(self._run.members, attempts[-1].stage, attempts[-1].message)

    def learn(self, member: Member) -> None:
        """A train evaluation is complete or was stopped: have a candidate that failed repaired, or tell the
        guide, if it waits for it.

        Of several candidates of a brief the best one counts, once all are through.
        """
        self.contexts.lessons.evaluated(member)
        open_brief = self.awaited.pop(member.agent.id, None)
        if open_brief is None or any(b.brief.code == open_brief.brief.code for b in self.awaited.values()):
            return
        best = self._run.members.best_of(open_brief.brief)
        repair = repair_for(open_brief, best, self._run)
        if repair is None or not self.unpaid.mends(repair.brief):
            self._studies.tell(open_brief, self._chain(open_brief, best))
        else:
            self._run.journal.record(repair.asked())
            self.write(repair)

    # -- beginnings and ends

    def restore(self, before: Restored) -> None:
        """Take up what earlier sessions left: tell what came of briefs, and have the others written."""
        self.written = before.written
        self.awaited = dict(before.awaited)
        for open_brief in before.failed.values():
            self._studies.tell(open_brief, self._chain(open_brief, None))
        for member in [self._run.members[agent] for agent in self.awaited]:
            if member.done:
                self.learn(member)
        for open_brief in before.writing.values():
            self.write(open_brief)

    def close(self) -> None:
        """The search is over: authors still at work get no further calls or runs."""
        for bench in self._benches:
            bench.close()
        self.contexts.close()

    # -- inside

    def _room(self, open_brief: OpenBrief) -> float:
        """Candidates that may come of a brief: what is left, with one for each that is being written."""
        if open_brief.repairs or open_brief.added:
            return 1
        return max(1, self._run.config.most_candidates - self.begun)

    def _count(
        self, open_brief: OpenBrief, candidates: Sequence[Candidate], attempts: Sequence[Attempt]
    ) -> None:
        """Briefs that come to nothing do not count, but as a sign that there is nothing more to find."""
        if open_brief.added:
            return
        if not candidates:
            self.barren.append(attempts[-1].stage if attempts else "nothing written")
        else:
            self.written += 0 if open_brief.repairs else len(candidates)
            self.barren.clear()

    def _keep(
        self, candidates: Sequence[Candidate], attempts: Sequence[Attempt], bench: BriefWorkbench
    ) -> None:
        """Keep what was written and found."""
        pen = self._run.runner.pen
        for attempt in attempts:
            pen.add_attempt(attempt)
        for candidate in candidates:
            pen.add_candidate(candidate, "added" if candidate.brief.kind == "added" else "candidate")
        if bench.importance:
            pen.put_importance(bench.importance)

    def _chain(self, open_brief: OpenBrief, last: Member | None) -> list[Member]:
        """The agents that a brief came to: its candidate, and those that repaired it; the first one first."""
        found, brief = [] if last is None else [last], open_brief.brief
        while brief.kind == "repair":
            found.insert(0, self._run.members[brief.parents[0]])
            brief = found[0].candidate.brief
        return found

    def _began(self, open_brief: OpenBrief) -> Brief:
        """The brief that a chain of repairs began with."""
        chain = self._chain(open_brief, None)
        return chain[0].candidate.brief if chain else open_brief.brief

    def _say(self, brief: Brief, line: str) -> None:
        what = "added" if brief.kind == "added" else "brief"
        self._run.progress.say(f"{what} {brief.number}: {line}")

    def _remark(self, brief: Brief, remark: str) -> None:
        """What an author has to say, once in a session."""
        if remark and not self._remarked:
            self._remarked = True
            self._say(brief, remark)


def _name_of(open_brief: OpenBrief) -> str:
    """Name of an agent that a person adds."""
    handed = open_brief.handed
    return "" if handed is None else one_line(handed.thought.partition("\n")[0], 60)
