"""Briefs on their way: asked of the guide, written by an author, told to the guide once their agent is known.

Everything here happens on the engine's thread, but for what an author does itself (`errands`).
"""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, TypeVar

from meta_search.authors import registry
from meta_search.authors.author import Drawn, Trial, Written
from meta_search.authors.check import find_leak
from meta_search.engine.context import Briefing
from meta_search.engine.open_brief import Writing
from meta_search.engine.repair import debug_brief, failing
from meta_search.engine.warm_start import WARM, known_settings
from meta_search.engine.workbench import Errand
from meta_search.errors import MetaSearchError, in_one_line
from meta_search.guide.guide import VALUE_OF_NOTHING, Guide, gain_per_cost
from meta_search.operators import OPERATORS
from meta_search.run.journal import Journal
from meta_search.run.members import Member, Members
from meta_search.run.progress import Progress
from meta_search.run.runner import Runner
from meta_search.run.session import Session
from meta_search.types import Attempt, Brief, Candidate, Scalar, agent_id

if TYPE_CHECKING:
    from meta_search.engine.restore import Restored

__all__ = ["Briefs"]

T = TypeVar("T")


class Briefs:
    """All briefs of a search that are not told.

    Args:
        session: The opened run. members: All agents. runner: The way to the archive.
        guide: Asked and told here only. journal: Numbers what happens.
        progress: Shows what happens.
        admit: Called with each candidate that may be evaluated.

    Attributes:
        writing: Brief -> what authors are at work on.
        awaited: Agent -> what is told once the agent is evaluated.
        written: Briefs that were delivered, whatever came of them; those that mend are not counted.
        stop: `budget` once an author could not be paid any more: no further brief is asked for.
    """

    def __init__(
        self,
        session: Session,
        members: Members,
        runner: Runner,
        guide: Guide,
        journal: Journal,
        progress: Progress,
        admit: Callable[[Candidate], None],
    ) -> None:
        self._session, self._members, self._runner, self._guide = session, members, runner, guide
        self._journal, self._progress, self._admit = journal, progress, admit
        self.briefing = Briefing(session, members)
        self.writing: dict[int, Writing] = {}
        self.awaited: dict[str, Writing] = {}
        self.written = 0
        self.stop = ""
        self._errands: list[Errand] = []
        self._noted = False
        self._scored = {
            item.question: item.id
            for split in ("train", "validation", "test")
            for item in session.domain.items(split)
        }

    def lines(self) -> list[str]:
        """What is being written, a line each."""
        return [f"writing: {w.brief.author} by {w.brief.operator}" for w in self.writing.values()]

    @property
    def begun(self) -> int:
        """Briefs that were delivered or are being written; those that mend are not counted."""
        return self.written + sum(not w.mends for w in self.writing.values())

    def close(self) -> None:
        """The search is over: authors still at work get no further calls or runs."""
        for errand in self._errands:
            errand.close()

    def restore(self, before: Restored) -> None:
        """Take up what earlier sittings left: tell what came of briefs, and have the others written."""
        self.written = before.written
        self.awaited = dict(before.awaited)
        self.briefing.keep(before.found)
        for writing in before.failed.values():
            self.tell(writing, None)
        for member in [self._members[agent] for agent in self.awaited if self._members[agent].done]:
            self.evaluated(member)
        for writing in before.writing.values():
            self.write(writing)

    def ask(self) -> None:
        """Ask the guide for a brief and hand it to an author."""
        guide, runner = self._guide, self._runner
        brief = self.briefing.brief(guide.ask())
        number, tuning, values = brief.number, *self._tuned(brief)
        writing = Writing(brief, guide.design().number, tuning, values)
        runner.trial("briefs", number, guide.briefs.export(number), state="running")
        for source, trial in tuning:
            runner.trial(f"tuning/{source}", trial, guide.tuning(source).export(trial), state="running")
        self._journal.note("ask", writing.told())
        self.write(writing)

    def write(self, writing: Writing) -> None:
        """Hand a brief to its author."""
        brief, journal = writing.brief, self._journal
        self.writing[brief.code] = writing
        self._progress.say(f"brief {brief.number}: {brief.author} writes by {brief.operator}")
        key = ("written", brief.code)
        journal.expect(key)
        if not journal.comes(key):
            return
        runner, chances = self._runner, journal.chances(brief.code)
        errand = Errand(self._session, runner.run, self.briefing.pairs, chances, runner.probe)
        self._errands.append(errand)
        trial: Trial = Drawn(Random(brief.seed))
        if not writing.mends:
            trial = self._guide.designs.under_way(writing.design)
        left = self._session.config.search.attempts - writing.used
        context = self.briefing.context(brief, trial, writing.values or {}, errand, left)
        author = registry.load(brief.author)()
        future = in_thread(lambda: author.write(context))
        future.add_done_callback(
            lambda done: journal.put(key, lambda: self._delivered(writing, errand, done))
        )

    def _tuned(self, brief: Brief) -> tuple[tuple[tuple[str, int], ...], dict[str, Scalar]]:
        """Values for what the first parent declares; agents of one source share a study."""
        if not OPERATORS[brief.operator].tunes or not brief.parents:
            return (), {}
        member = self._members[brief.parents[0]]
        parent = member.candidate
        if not parent.space:
            return (), {}
        source = agent_id(parent.agent.source)
        if not self._guide.tunes(source):
            known = self._journal.find(f"{WARM}{source}", lambda: known_settings(member, self._members))
            self._guide.begin_tuning(source, parent.space, known or ())
        number, values = self._guide.tune(source, parent.space)
        return ((source, number),), values

    def _delivered(self, writing: Writing, errand: Errand, future: Future[Written]) -> None:
        """A candidate, or failed attempts: archive them and go on."""
        brief, runner, guide = writing.brief, self._runner, self._guide
        self._errands.remove(errand)
        self.writing.pop(brief.code)
        self.written += not writing.mends
        written = _outcome(brief, future)
        candidate, attempts = self._judged(brief, written)
        for attempt in attempts:
            runner.write("add_attempt", attempt)
        if candidate is not None:
            runner.write("add_candidate", candidate, "candidate")
        self.briefing.keep(errand.found)
        if errand.noted:
            runner.write("put_importance", errand.noted)
        guide.designs.learn(writing.design)
        runner.trial("designs", writing.design, guide.designs.export(writing.design), state="running")
        agent = None if candidate is None else candidate.agent.id
        more = {"used": written.used} if written.used != 1 else {}
        self._journal.note("delivery", {"brief": brief.code, "agent": agent, **errand.told(), **more})
        writing = writing.written(errand.tokens, written.used)
        if written.note and not self._noted:
            self._noted = True
            self._progress.say(f"brief {brief.number}: {written.note}")
        if candidate is None:
            why = attempts[-1].message if attempts else "nothing was written"
            self._progress.say(f"brief {brief.number}: no candidate ({why})")
            self.stop = self.stop or errand.refused
            self.tell(writing, None)
        else:
            self._progress.say(f"brief {brief.number}: «{candidate.agent.name}» {candidate.thought}")
            self.awaited[candidate.agent.id] = writing
            self._admit(candidate)

    def _judged(self, brief: Brief, written: Written) -> tuple[Candidate | None, Sequence[Attempt]]:
        """Duplicates and agents that carry scored items are not evaluated."""
        if written.candidate is None:
            return None, written.attempts
        agent = written.candidate.agent
        texts = [d.question for d in agent.demonstrations] + [str(v) for v in agent.values.values()]
        if agent.id in self._members:
            stage, message = "duplicate", f"is {agent.id}"
        elif leak := find_leak(agent.source, texts, self._scored):
            stage, message = "leak", f"carries the question of scored item {leak}"
        else:
            return written.candidate, written.attempts
        refusal = Attempt(brief.code, brief.author, brief.operator, stage, message, agent.source)
        return None, (*written.attempts, refusal)

    def evaluated(self, member: Member) -> None:
        """A train evaluation is complete or was stopped: have a candidate that failed mended, or tell the
        guide, if it waits for it."""
        writing = self.awaited.pop(member.agent.id, None)
        if writing is not None and not self._mended(writing, member):
            self.tell(writing, member)

    def _mended(self, writing: Writing, member: Member) -> bool:
        """Ask for a brief of operator `debug` where the candidate failed and an attempt is left."""
        config = self._session.config
        author = registry.AUTHORS[config.author.name].repaired_by
        spent = writing.used >= config.search.attempts
        if not author or spent or not failing(member.rows("train"), config.search.failing):
            return False
        mending = replace(writing, brief=debug_brief(writing.brief, member.agent.id, author))
        self._journal.note("ask", mending.told())
        self.write(mending)
        return True

    def _chain(self, writing: Writing, member: Member | None) -> list[Member]:
        """The agents that a brief came to: its candidate, and those that mended it; the first one first."""
        found, brief = [] if member is None else [member], writing.brief
        while brief.kind == "repair":
            found.insert(0, self._members[brief.parents[0]])
            brief = found[0].candidate.brief
        return found

    def tell(self, writing: Writing, last: Member | None) -> None:
        """Tell every study what came of the brief: `last`, what its chain ends with.

        Design and values are those of its first candidate, whom nobody has mended.
        """
        number, guide, trial = writing.brief.number, self._guide, self._runner.trial
        chain = self._chain(writing, last)
        judged = bool(chain) and bool(chain[-1].rows("train"))  # not if the endpoint failed it on every item
        member = chain[0] if chain and chain[0].rows("train") else None
        score = None if member is None else member.score("train")
        value = self._value(writing, chain) if judged else None
        told = VALUE_OF_NOTHING if value is None else value
        guide.tell(number, value)
        trial("briefs", number, guide.briefs.export(number), [told], chain[-1] if chain else None)
        design = guide.designs.export(writing.design)
        worth = [score] if score is not None and guide.designs.has_parameters(writing.design) else None
        guide.tell_design(writing.design, worth[0] if worth else None)
        trial("designs", writing.design, design, worth, member)
        for source, tuned in writing.tuning:
            cost = member.cost("train") if member else 0.0
            guide.tell_tuning(source, tuned, score, cost)
            values = None if score is None else [score, cost]
            trial(f"tuning/{source}", tuned, guide.tuning(source).export(tuned), values, member)
        self._journal.note("tell", {"brief": number, "value": value})

    def _value(self, writing: Writing, chain: Sequence[Member]) -> float:
        """The last child's gain over the best parent per cost of the chain; its score where it has none."""
        member = chain[-1]
        scores = member.scores("train")
        gains = []
        for parent in chain[0].candidate.brief.parents:
            theirs = self._members[parent].scores("train")
            shared = [item for item in theirs if item in scores]
            gains.append(sum(scores[i] - theirs[i] for i in shared) / max(1, len(shared)))
        done = [m for m in self._members.all() if m.done and m.rows("train")]
        spent = [m.cost("train") * len(m.rows("train")) for m in done]
        cost = sum(m.cost("train") * len(m.rows("train")) for m in chain) + writing.tokens
        gain = min(gains, default=member.score("train"))
        return gain_per_cost(gain, cost, statistics.median(spent or [0.0]))


def _outcome(brief: Brief, future: Future[Written]) -> Written:
    """What an author came to. A fault in an author costs its brief, not the run; ours end the run."""
    try:
        return future.result()
    except MetaSearchError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, it is archived as a failed attempt)
        message = in_one_line(error)
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
