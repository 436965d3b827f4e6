"""What an author does through the engine for one brief: ask, try out, teach. On the author's own thread.

Nothing of it is seen by others before the brief is delivered: what it found and used then reaches the engine
together with what was written, as one event.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace

from archive.records import Archive
from domains.domain import Item
from meta_search.authors.author import Course, Example, Lesson, Worked
from meta_search.authors.knowledge import Known
from meta_search.engine.hand_over import ENDED, HandOver
from meta_search.outcomes import UNSCORED
from meta_search.run.chances import Chances
from meta_search.run.events import BriefDelivered
from meta_search.run.journal import CHANCE, call_name
from meta_search.run.run import Run
from meta_search.types import (
    Agent,
    Brief,
    CallReply,
    CallRequest,
    Demonstration,
    HandedIn,
    Importance,
    ItemJob,
    ItemResult,
    OutcomeKind,
    meta_role,
)

__all__ = ["BriefWorkbench"]

DRY_ITEMS = 2
BY_META = 1  # the repeat of an item that the meta model works to teach
SAID = "said"  # by scorer or exception, of a run that is not archived


class BriefWorkbench:
    """The `authors.author.Workbench` of one brief.

    Args:
        run: The run at work.
        chances: What endpoint, budget or machine bring about on the way, not the agents.
        brief: Whose author it is for: with folds, it runs on the items that this one may be shown.
        leak: Agent -> id of a scored item that it carries, or `""`.

    Attributes:
        chances: As above.
        brief: As above.
        tokens: Used by the meta agent so far.
        cost_usd: What that cost, in US dollars.
        course: What teaching may use, and what it has found; the author's context has the same one.
        found: Worked examples for the run's pool, with their teachers.
        importance: What components were found to be worth.
        lessons: What the meta agent has written down, or why it came to nothing.
        handed: What a program, or a person, handed in.
        status: How far its author says it is.
    """

    def __init__(
        self,
        run: Run,
        chances: Chances,
        brief: Brief | None = None,
        leak: Callable[[Agent], str] = lambda agent: "",
    ) -> None:
        self._session, self._runner, self.chances = run.session, run.runner, chances
        self._members = run.members
        self._examples: Mapping[str, Item] = {i.question: i for i in run.session.domain.items("examples")}
        folds = run.runner.folds
        train = run.runner.items("train") if folds.count else run.session.domain.items("train")
        self._train = [item for item in train if brief is None or folds.shows(brief, item.id)]
        self._closed, self._leak = False, leak
        wall, share = run.session.config.budget.wall_s, run.session.config.author.teach_share
        self._most_taught_s = math.inf if wall is None else share * wall
        self._taught_s, self._looks = 0.0, 0
        self.tokens, self.cost_usd = 0, 0.0
        self.course = Course()
        self.found: list[tuple[Demonstration, str]] = []
        self.importance: list[Importance] = []
        self.lessons: list[Lesson] = []
        self.handed: list[HandedIn] = []
        self.status, self._progress = "", run.progress
        self.brief, self._desk_lock = brief, threading.Lock()
        self._desk: HandOver | None = None

    @property
    def refused(self) -> Mapping[str, str]:
        """What the budget has refused, and what it said of each first: `ask` for a call of the meta agent,
        `teach` for an example that the meta model was to work, `run` for an agent's item."""
        found: dict[str, str] = {}
        for what, name, kind, message in self.chances.all:
            if kind == "budget":
                by_meta = what == "teach" and name.endswith(f"/{BY_META}")
                found.setdefault(what if what == "ask" or by_meta else "run", message)
        return found

    @property
    def doing(self) -> str:
        """What somebody outside of the search is waited for; `""` where nobody is."""
        return "" if self._desk is None else self._desk.doing

    def close(self) -> None:
        """The search is over: an author still at work gets no further calls or runs; its program is ended."""
        with self._desk_lock:
            self._closed = True
            if self._desk is not None:
                self._desk.close()

    def finish(self) -> None:
        """The brief is delivered: what its folder holds of the archive can be had again, and goes."""
        if self._desk is not None:
            self._desk.finish()

    def hand_over(self, files: Mapping[str, str]) -> HandedIn:
        """The brief in a folder for `author.command`; in a replay, what was handed in back then."""
        handed = self.chances.handed_in()
        if handed is None:
            handed = self._hand_over(files)
        self.handed.append(handed)
        return handed

    def _hand_over(self, files: Mapping[str, str]) -> HandedIn:
        with self._desk_lock:
            if self._closed or self.brief is None:
                return HandedIn(fault=ENDED, final=True)
            if self._desk is None:
                session = self._session
                say = self._progress.say_later
                self._desk = HandOver(session.config, session.folder, self.brief, self._leak, say)
        return self._desk(files)

    def ask(self, request: CallRequest) -> CallReply:
        """One call of the meta agent."""
        name = call_name(request)
        chosen = "" if self.brief is None else self.brief.model
        if chosen and (request.model, request.purpose) == ("meta", "meta"):  # others are for the first one
            request = replace(request, model=meta_role(chosen))
        if self._closed:
            reply = CallReply("", fault="budget", message=ENDED)
            self.chances.met(("ask", name, "budget", ENDED), endpoint=False)
        elif (due := self.chances.due("ask", name)) is not None:
            reply = CallReply("", fault=due[0], message=due[1])  # type: ignore[arg-type]
        else:
            reply = self._session.ask(request)
            if reply.fault:
                self.chances.met(("ask", name, reply.fault, reply.message))
        self.tokens += reply.used.tokens
        self.cost_usd += reply.used.cost_usd
        return reply

    def try_out(self, agent: Agent) -> list[ItemResult]:
        """Dry runs on a few train items; nothing is asked of a model."""
        items = self._train[:DRY_ITEMS]
        jobs = [replace(self._runner.job(agent, item, "train"), dry=True) for item in items]
        return self._results("try", jobs, self._session.evaluator.submit)

    def leak(self, agent: Agent) -> str:
        """Id of a scored item whose question the agent carries, `""` for none."""
        return self._leak(agent)

    def look(self, known: Known) -> list[ItemResult]:
        """Traces are read from the archive: after a resume, nothing else has them."""
        wanted = {(r.item, r.repeat): place for place, r in enumerate(known.results)}
        with Archive(self._session.folder) as archive:
            rows = archive.results(known.candidate.agent.id, "train")
        found = [row for row in rows if (row.item, row.repeat) in wanted]
        return sorted(found, key=lambda row: wanted[row.item, row.repeat])

    def say(self, line: str) -> None:
        """How far it is: shown with what is under way, and as a line of its own."""
        self.status = line
        self._progress.later(line if self.brief is None else f"brief {self.brief.number}: {line}")

    def teach(self, agent: Agent, examples: Sequence[Example], model: str) -> list[Worked]:
        """Run an agent on examples with one of the models; `repeat` tells the teachers apart."""
        if self._closed:
            return []
        repeat = 0 if model == "task" else BY_META
        items = [self._examples[example.question] for example in examples]
        # Without `self.examples`: they hold the answer.
        jobs = [replace(self._runner.job(agent, i, "examples", repeat), examples=()) for i in items]
        if model == "meta":
            jobs = [replace(job, model="meta") for job in jobs]
        # Teachers are no agents of the run: what they come to is in the ledger, and in the pool.
        kept = agent.id in self._members
        began = time.monotonic()
        results = self._results("teach", jobs, self._runner.run if kept else self._runner.probe)
        self._taught_s += time.monotonic() - began
        return [
            Worked(example, result.right, result) for example, result in zip(examples, results, strict=True)
        ]

    def late(self) -> bool:
        """Whether this brief has taught for its share of the wall time; in a replay, whether it had."""
        self._looks += 1
        look = str(self._looks)
        if self.chances.due("late", look) is not None:
            return True
        if self.chances.replayed or self._taught_s <= self._most_taught_s:
            return False
        self.chances.met(("late", look, "timeout", f"taught for {self._taught_s:.0f} s"))
        return True

    def probe(self, agent: Agent, places: Sequence[int], without: Sequence[str]) -> list[ItemResult]:
        """Runs on train items, by their places, without the components named; see `Workbench.probe`."""
        if self._closed:
            return []
        evaluated = {item.id for item in self._runner.items("train")}
        items = [item for item in self._train if item.id in evaluated]
        jobs = [
            replace(self._runner.job(agent, items[place], "train"), mute=tuple(without))
            for place in places
            if place < len(items)
        ]
        return self._results("probe", jobs, self._runner.probe)

    def run(self, agent: Agent, places: Sequence[int]) -> list[ItemResult]:
        """A probe of the whole agent, with the scorer's words as they were recorded."""
        return [self._as_said(result) for result in self.probe(agent, places, ())]

    def record_importance(self, rows: Sequence[Importance]) -> None:
        """What components are worth, for the archive, once the brief is delivered."""
        self.importance += rows

    def learn(self, lesson: Lesson) -> None:
        """What the meta agent has written down, for later briefs, once this one is delivered."""
        self.lessons.append(lesson)

    def keep(self, demonstrations: Sequence[Demonstration], teacher: str = "") -> None:
        """Worked examples for the pool, once the brief is delivered."""
        self.found += [(shown, teacher) for shown in demonstrations]

    def delivered(self, brief: Brief, agents: Sequence[str], used: int) -> BriefDelivered:
        """What has come of a brief, as an event.

        Args:
            brief: It.
            agents: Ids of the candidates.
            used: Evaluation attempts that it took.
        """
        course, cost = self.course, self.course.used
        return BriefDelivered(
            brief=brief.code,
            agent=agents[0] if agents else None,
            tokens=self.tokens,
            found=tuple(shown for shown, _ in self.found),
            chances=self.chances.all,
            used=used,
            teachers=tuple(teacher for _, teacher in self.found),
            missed=tuple((self._examples[question].id, form, by) for question, form, by in course.failed),
            teaching=(cost.calls, cost.tokens, round(cost.cost_usd, 9)),
            further=tuple(agents[1:]),
            lessons=tuple(self.lessons),
            handed=tuple(self.handed),
            cost_usd=self.cost_usd if self._session.config.llm.meta.models else 0.0,
        )

    def _as_said(self, result: ItemResult) -> ItemResult:
        """With what scorer or exception said as it was recorded: it goes into prompts, and may be in other
        words each time (a duration, an address).
        """
        if result.kind in CHANCE:
            return result
        name, ok = f"{result.agent}/{result.item}", result.kind == "ok"
        due, words = self.chances.due(SAID, name), result.feedback if ok else result.detail
        if due is None and words:
            self.chances.met((SAID, name, result.kind, words), endpoint=False)
        if due is None or due[0] != result.kind:
            return result
        return replace(result, feedback=due[1]) if ok else replace(result, detail=due[1])

    def _results(
        self, what: str, jobs: Sequence[ItemJob], run: Callable[[ItemJob], Future[ItemResult]]
    ) -> list[ItemResult]:
        """Results in the order of the jobs; those that chance brought the recorded author are not run."""
        begun = [(job, self.chances.due(what, _name(job))) for job in jobs]
        futures = [run(job) if due is None else _of_chance(job, *due) for job, due in begun]
        results = []
        for (job, due), future in zip(begun, futures, strict=True):
            result = future.result()
            if due is None and result.kind in CHANCE:
                chance = (what, _name(job), result.kind, result.detail)
                self.chances.met(chance, endpoint=result.kind in UNSCORED)
            results.append(result)
        return results


def _of_chance(job: ItemJob, kind: OutcomeKind, message: str) -> Future[ItemResult]:
    found: Future[ItemResult] = Future()
    where = (job.agent.id, job.split, job.item, job.repeat)
    found.set_result(ItemResult(*where, kind, detail=message, score=0.0))
    return found


def _name(job: ItemJob) -> str:
    return "/".join((job.agent.id, job.item, str(job.repeat), *job.mute))
