"""Briefs on their way: asked of the guide, written by an author, told to the guide once their agent is known.

Everything here happens on the engine's thread, but for what an author does itself (`engine.workbench`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from random import Random
from typing import TypeVar

from meta_search.authors import registry
from meta_search.authors.author import Drawn, Trial, Written
from meta_search.authors.check import find_leak
from meta_search.authors.names import distinct
from meta_search.engine.alarm_bell import AlarmBell
from meta_search.engine.context import Contexts
from meta_search.engine.happenings import BriefWritten
from meta_search.engine.open_brief import OpenBrief
from meta_search.engine.repair import failing, repair_brief
from meta_search.engine.restore import Restored
from meta_search.engine.studies import Studies
from meta_search.engine.workbench import BriefWorkbench
from meta_search.errors import MetaSearchError
from meta_search.guide.guide import Guide
from meta_search.run.events import BriefDelivered
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.text import error_line
from meta_search.types import Attempt, Brief, Candidate

__all__ = ["Briefs"]

T = TypeVar("T")


class Briefs:
    """All briefs of a search that are not told.

    Args:
        run: The run at work.
        guide: Asked and told here only.

    Attributes:
        writing: `Brief.code` -> what authors are at work on.
        awaited: Agent -> the brief that it was written for, told once the agent is evaluated.
        written: Candidates that briefs came to; repairs are not counted.
        barren: What the last briefs of this session came to, since there was a candidate: the stage of each
            one's last draft.
        stop: `budget` once an author could not be paid any more: no further brief is asked for.
        refusal: What the budget said then.
    """

    def __init__(self, run: Run, guide: Guide) -> None:
        self._run, self._guide = run, guide
        self._studies, self._contexts = Studies(run, guide), Contexts(run)
        self.writing: dict[int, OpenBrief] = {}
        self.awaited: dict[str, OpenBrief] = {}
        self.written = 0
        self.barren: list[str] = []
        self.stop = self.refusal = ""
        self._benches: list[BriefWorkbench] = []
        self._remarked = False
        domain = run.session.domain
        self._scored = {i.question: i.id for s in ("train", "validation", "test") for i in domain.items(s)}

    def lines(self) -> list[str]:
        """One line for each brief that is being written."""
        return [f"writing: {w.brief.author} by {w.brief.operator}" for w in self.writing.values()]

    @property
    def begun(self) -> int:
        """Candidates that were or are being written; repairs are not counted."""
        return self.written + sum(not w.repairs for w in self.writing.values())

    # -- the steps of the loop

    def ask(self) -> OpenBrief:
        """Ask the guide for a brief."""
        brief = self._contexts.brief(self._guide.ask())
        tuning, values = self._studies.tune(brief)
        open_brief = OpenBrief(brief, self._guide.design().number, tuning, values)
        self._studies.asked(open_brief)
        self._run.journal.record(open_brief.asked())
        return open_brief

    def write(self, open_brief: OpenBrief) -> None:
        """Have an author carry a brief out, in a thread of its own; a `BriefWritten` comes of it."""
        brief, journal = open_brief.brief, self._run.journal
        self.writing[brief.code] = open_brief
        self._say(brief, f"{brief.author} writes by {brief.operator}")
        key = ("written", brief.code)
        journal.expect(key)
        if not journal.comes(key):
            return
        bench = BriefWorkbench(self._run, journal.chances(brief), brief)
        self._benches.append(bench)
        trial: Trial = Drawn(Random(brief.seed))
        if not open_brief.repairs:
            trial = self._guide.designs.under_way(open_brief.design)
        context = self._contexts.context(open_brief, trial, bench)
        author = registry.load(brief.author)()
        future = in_thread(lambda: author.write(context))
        future.add_done_callback(lambda done: journal.put(key, BriefWritten(open_brief, bench, done)))

    def archive(self, happened: BriefWritten, bell: AlarmBell) -> Candidate | None:
        """Archive what an author came to: a candidate that may be evaluated, or failed attempts.

        A brief that came to nothing is told to the guide at once; the bell counts what failed.
        """
        open_brief, bench = happened.open_brief, happened.bench
        brief = open_brief.brief
        self._benches.remove(bench)
        self.writing.pop(brief.code)
        written = _outcome(brief, happened.outcome)
        candidate, attempts = self._admitted(brief, written)
        self._count(open_brief, candidate, attempts)
        bell.briefs += not open_brief.repairs
        bell.stages.update(attempt.stage for attempt in attempts)
        self._keep(candidate, attempts, bench)
        self._studies.written(open_brief)
        agent = None if candidate is None else candidate.agent.id
        found, chances = tuple(bench.found), bench.chances.all
        self._run.journal.record(
            BriefDelivered(brief.code, agent, bench.tokens, found, chances, written.used)
        )
        open_brief = open_brief.spent(bench.tokens, written.used)
        self._remark(brief, written.note)
        if candidate is None:
            self._say(brief, f"no candidate ({attempts[-1].message if attempts else 'nothing was written'})")
            if bench.refused and not self.stop:
                self.stop, self.refusal = bench.refused, bench.refusal
            self._studies.tell(open_brief, self._chain(open_brief, None))
        else:
            self._say(brief, f"«{candidate.agent.name}» {candidate.thought}")
            self.awaited[candidate.agent.id] = open_brief
        return candidate

    def learn(self, member: Member) -> None:
        """A train evaluation is complete or was stopped: have a candidate that failed repaired, or tell the
        guide, if it waits for it."""
        open_brief = self.awaited.pop(member.agent.id, None)
        if open_brief is None:
            return
        repair = self._repair(open_brief, member)
        if repair is None:
            self._studies.tell(open_brief, self._chain(open_brief, member))
        else:
            self._run.journal.record(repair.asked())
            self.write(repair)

    # -- beginnings and ends

    def restore(self, before: Restored) -> None:
        """Take up what earlier sessions left: tell what came of briefs, and have the others written."""
        self.written = before.written
        self.awaited = dict(before.awaited)
        self._contexts.keep(before.found)
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

    # -- inside

    def _admitted(self, brief: Brief, written: Written) -> tuple[Candidate | None, Sequence[Attempt]]:
        """Duplicates and agents that carry scored items are not evaluated; names are unique."""
        if written.candidate is None:
            return None, written.attempts
        agent = written.candidate.agent
        texts = [d.question for d in agent.demonstrations] + [str(v) for v in agent.values.values()]
        if agent.id in self._run.members:
            stage, message = "duplicate", f"is {agent.id}"
        elif leak := find_leak(agent.source, texts, self._scored):
            stage, message = "leak", f"carries the question of scored item {leak}"
        else:
            named = {m.agent.name: (m.agent, m.candidate.plan) for m in self._run.members}
            renamed = replace(agent, name=distinct(written.candidate, named))
            return replace(written.candidate, agent=renamed), written.attempts
        refusal = Attempt(brief.code, brief.author, brief.operator, stage, message, agent.source)
        return None, (*written.attempts, refusal)

    def _count(self, open_brief: OpenBrief, candidate: Candidate | None, attempts: Sequence[Attempt]) -> None:
        """Briefs that come to nothing do not count, but as a sign that there is nothing more to find."""
        if candidate is None:
            self.barren.append(attempts[-1].stage if attempts else "nothing written")
        else:
            self.written += not open_brief.repairs
            self.barren.clear()

    def _keep(self, candidate: Candidate | None, attempts: Sequence[Attempt], bench: BriefWorkbench) -> None:
        """Keep what was written and found."""
        pen = self._run.runner.pen
        for attempt in attempts:
            pen.add_attempt(attempt)
        if candidate is not None:
            pen.add_candidate(candidate, "candidate")
        self._contexts.keep(bench.found)
        if bench.importance:
            pen.put_importance(bench.importance)

    def _repair(self, open_brief: OpenBrief, member: Member) -> OpenBrief | None:
        """A brief of operator `debug` where the candidate failed and an attempt is left."""
        config = self._run.config
        author = registry.AUTHORS[config.author.name].repaired_by
        spent = open_brief.used >= config.search.attempts
        if not author or spent or not failing(member.rows("train"), config.search.failing):
            return None
        return replace(open_brief, brief=repair_brief(open_brief.brief, member.agent.id, author))

    def _chain(self, open_brief: OpenBrief, last: Member | None) -> list[Member]:
        """The agents that a brief came to: its candidate, and those that repaired it; the first one first."""
        found, brief = [] if last is None else [last], open_brief.brief
        while brief.kind == "repair":
            found.insert(0, self._run.members[brief.parents[0]])
            brief = found[0].candidate.brief
        return found

    def _say(self, brief: Brief, line: str) -> None:
        self._run.progress.say(f"brief {brief.number}: {line}")

    def _remark(self, brief: Brief, remark: str) -> None:
        """What an author has to say, once in a session."""
        if remark and not self._remarked:
            self._remarked = True
            self._say(brief, remark)


def _outcome(brief: Brief, future: Future[Written]) -> Written:
    """What an author came to. A fault in an author costs its brief, not the run; ours end the run."""
    try:
        return future.result()
    except MetaSearchError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, it is archived as a failed attempt)
        message = error_line(error)
        return Written(None, (Attempt(brief.code, brief.author, brief.operator, "draft", message),))


def in_thread(work: Callable[[], T]) -> Future[T]:
    """Run something in a daemon thread: an author that waits for a model must not hold up the end."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 (handed to whoever waits)
            future.set_exception(error)

    threading.Thread(target=run, name="author", daemon=True).start()
    return future
