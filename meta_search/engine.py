"""The loop: ask the guide for a brief, have an author write, evaluate, archive, tell the guide.

Steady state: `search.in_flight` candidates are always being written or evaluated. One thread, the caller's,
waits for what comes next; only it touches the guide and the members.
"""

from __future__ import annotations

import contextlib
import queue
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archive.records import Archive
from meta_search import closing, seeds
from meta_search.authors.author import Author, Written
from meta_search.authors.check import find_leak
from meta_search.authors.composer import Composer
from meta_search.authors.llm import LLMAuthor
from meta_search.briefing import Briefing
from meta_search.checks import resolved
from meta_search.config import Config, to_mapping
from meta_search.errors import ConfigError, MetaSearchError
from meta_search.guide.guide import VALUE_OF_NOTHING, Guide, gain_per_cost
from meta_search.guide.studies import Asked
from meta_search.members import Member, Members
from meta_search.progress import Progress
from meta_search.races import Races
from meta_search.report.verdict import Verdict
from meta_search.restoring import restore, unfinished
from meta_search.scoring import Runner
from meta_search.session import Session, new_folder, open_session, read_config, write_config
from meta_search.threads import in_thread, signals
from meta_search.types import Attempt, Brief, Candidate, Scalar, agent_id

__all__ = ["RunSummary", "Search", "evaluate", "open_run", "resume", "search"]

AUTHORS: dict[str, type[Author]] = {"llm": LLMAuthor, "composer": Composer}
TICK_S = 0.5


@dataclass(frozen=True, slots=True)
class RunSummary:
    """How a run ended.

    Attributes:
        folder: The run folder. status: Exit status: 0 done, 1 failed, 3 stopped before the end.
        sentence: Whether the best agent found beats the best seed on fresh test items.
        best: Id of the best agent, `""` if there is none.
    """

    folder: Path
    status: int
    sentence: str
    best: str = ""
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Writing:
    """A brief that an author is at work on."""

    brief: Brief
    design: Asked
    tuning: list[tuple[str, int]]


class Search:
    """One search over an opened session."""

    def __init__(self, session: Session, progress: Progress, resumed: Archive | None = None) -> None:
        config = session.config
        self.session, self.config, self.progress = session, config, progress
        self.members = Members()
        self.runner = Runner(session)
        self.briefing = Briefing(session, self.members, self.runner.submit)
        authors = ("llm", "composer") if config.author.name == "mixed" else (config.author.name,)
        search = config.search
        self.guide = Guide(config.seed, search.operators, authors, config.author.formats, search.guided)
        self.events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        pairs = self.briefing.pairs
        self.races = Races(config, self.members, self.runner, pairs, self.events.put, self._evaluated)
        self.writing: dict[int, Writing] = {}
        self.told: dict[str, Writing] = {}
        self.waiting: list[Member] = []
        self.written = 0
        self.stop = ""
        self.scored = {
            item.question: item.id
            for split in ("train", "validation", "test")
            for item in session.domain.items(split)
        }
        for candidate in seeds.candidates(config.search.seeds):
            self._admit(candidate, seed=True)
        if resumed is not None:
            self.written = restore(resumed, self.members, self.runner, self.guide)
            self.briefing.restore(resumed)
            self.waiting = [m for m in self.members.all() if not m.done]
            for member in unfinished(self.members, self.runner):
                self.races.validate(member)

    # -- the loop

    def run(self) -> RunSummary:
        """Search until candidates or budget are used up, then report on fresh test items."""
        with signals(self._signal):
            while not self._finished():
                self._fill()
                self._next()
            self.races.drop()
            if self.stop == "signal":
                return self._stopped()
            try:
                return self._close()
            except KeyboardInterrupt:
                return self._stopped()

    def _finished(self) -> bool:
        if self.progress.search_time_left() <= 0:
            self.stop = self.stop or "time"
        self.stop = self.stop or self.races.stop
        busy = bool(self.waiting or self.writing or self.races.running())
        return bool(self.stop) or (self.written >= self.config.search.candidates and not busy)

    def _fill(self) -> None:
        """Keep `in_flight` candidates going: written ones first, then seeds and briefs in turns."""
        while not self.stop and len(self.races.running()) + len(self.writing) < self.config.search.in_flight:
            written = next((m for m in self.waiting if not m.seed), None)
            more = self.written + len(self.writing) < self.config.search.candidates
            briefs = more and self.races.seeds_known()
            seeds_run = any(m.seed for m in self.races.running())
            if written is None and briefs and (seeds_run or not self.waiting):
                self._write()
            elif self.waiting:
                member = written or self.waiting[0]
                self.waiting.remove(member)
                self.races.start(member)
            else:
                break

    def _next(self) -> None:
        """Handle one event, or let time pass."""
        with contextlib.suppress(queue.Empty):
            self.events.get(timeout=TICK_S)()
        self.progress.show(self.members, self._in_flight())
        self.runner.tick()

    # -- writing

    def _write(self) -> None:
        """Ask the guide for a brief and hand it to an author."""
        order = self.guide.ask()
        brief = self.briefing.brief(order)
        if brief.operator == "tune":  # no model is asked: the tuning study chooses the values
            brief = replace(brief, author="composer")
        writing = Writing(brief, self.guide.design(), [])
        values = self._tuned_values(writing)
        self.writing[brief.number] = writing
        self.runner.event("ask", {"brief": brief.number, "operator": brief.operator, "author": brief.author})
        context = self.briefing.context(brief, writing.design, values)
        author = AUTHORS[brief.author]()
        self.progress.say(f"brief {brief.number}: {brief.author} writes by {brief.operator}")
        future = in_thread(lambda: author.write(context))
        future.add_done_callback(lambda done: self.events.put(lambda: self._written(writing, done)))

    def _tuned_values(self, writing: Writing) -> dict[str, Scalar]:
        """Values for what the first parent declares; agents of one source share a study."""
        brief = writing.brief
        if brief.operator != "tune" or not brief.parents:
            return {}
        parent = self.members[brief.parents[0]].candidate
        if not parent.space:
            return {}
        lineage = agent_id(parent.agent.source)
        number, values = self.guide.tune(lineage, parent.space)
        writing.tuning.append((lineage, number))
        return values

    def _written(self, writing: Writing, future: Future[Written]) -> None:
        """A candidate, or failed attempts: archive them and go on."""
        self.writing.pop(writing.brief.number, None)
        self.written += 1
        written = _outcome(writing.brief, future)
        candidate = written.candidate
        attempts = list(written.attempts)
        refusal = None if candidate is None else self._refusal(candidate)
        if candidate is not None and refusal is not None:
            attempts.append(refusal)
            candidate = None
        for attempt in attempts:
            self.runner.write("add_attempt", attempt)
        if candidate is None:
            why = attempts[-1].message if attempts else "nothing was written"
            self.progress.say(f"brief {writing.brief.number}: no candidate ({why})")
            self._tell(writing, None, 0.0)
            return
        self.progress.say(f"brief {writing.brief.number}: «{candidate.agent.name}» {candidate.thought}")
        self.told[candidate.agent.id] = writing
        self.waiting.append(self._admit(candidate))

    def _refusal(self, candidate: Candidate) -> Attempt | None:
        """Duplicates and agents that carry scored items are not evaluated."""
        brief, agent = candidate.brief, candidate.agent
        if agent.id in self.members:
            return Attempt(
                brief.number, brief.author, brief.operator, "duplicate", f"is {agent.id}", agent.source
            )
        texts = [d.question for d in agent.demonstrations] + [str(v) for v in agent.values.values()]
        leak = find_leak(agent.source, texts, self.scored)
        if leak:
            message = f"carries the question of scored item {leak}"
            return Attempt(brief.number, brief.author, brief.operator, "leak", message, agent.source)
        return None

    def _admit(self, candidate: Candidate, seed: bool = False) -> Member:
        member = Member(candidate, seed)
        self.members.add(member)
        if seed:
            self.waiting.append(member)
        self.runner.write("add_candidate", candidate, "seed" if seed else "candidate")
        return member

    # -- evaluating

    def _evaluated(self, member: Member) -> None:
        """A train evaluation is complete or was stopped: say so, and tell the guide."""
        score, n = member.score("train"), len(member.rows("train"))
        ending = f": stopped, {member.stopped}" if member.stopped else ""
        self.progress.say(f"«{member.agent.name}» {score:.0%} right on {n} train items{ending}")
        writing = self.told.pop(member.agent.id, None)
        if writing is not None:
            self._tell(
                writing, member, member.cost("train") * n + self.briefing.written_tokens(writing.brief)
            )

    def _tell(self, writing: Writing, member: Member | None, cost: float) -> None:
        """Tell every study what came of the brief."""
        brief = writing.brief
        value: float | None = None
        score: float | None = None
        if member is not None:
            score = member.score("train")
            scores = member.scores("train")
            gains = []
            for parent in brief.parents:
                shared = [i for i in self.members[parent].scores("train") if i in scores]
                theirs = self.members[parent].scores("train")
                gains.append(sum(scores[i] - theirs[i] for i in shared) / max(1, len(shared)))
            costs = [m.cost("train") * len(m.rows("train")) for m in self.members.all() if m.done]
            value = gain_per_cost(min(gains, default=score), cost, statistics.median(costs))
        guide, trial = self.guide, self.runner.trial
        guide.tell(brief.number, value)
        trial(
            "briefs",
            brief.number,
            guide.briefs.export(brief.number),
            [VALUE_OF_NOTHING if value is None else value],
            member,
        )
        design = writing.design.number
        told = score if writing.design.params else None
        guide.tell_design(design, told)
        trial("designs", design, guide.designs.export(design), None if told is None else [told], member)
        for lineage, number in writing.tuning:
            cost_now = member.cost("train") if member else 0.0
            guide.tell_tuning(lineage, number, score, cost_now)
            values = None if score is None else [score, cost_now]
            trial(f"tuning/{lineage}", number, guide.tuning(lineage).export(number), values, member)
        self.runner.event("tell", {"brief": brief.number, "value": value})

    # -- beginnings and ends

    def _stopped(self) -> RunSummary:
        self.runner.finish("stopped")
        self.progress.say(
            f"stopped; everything is saved. Go on with: meta-search resume {self.session.folder}"
        )
        return RunSummary(self.session.folder, 3, "stopped before the end")

    def _close(self) -> RunSummary:
        self.briefing.close()
        self.session.host.call("set_phase", "final").result()
        ending = closing.final_report(
            self.session, self.members, self.runner, self.briefing.pairs, self.progress
        )
        self.runner.finish("done" if ending.complete else "cut short")
        status = 0 if ending.complete else 3
        return RunSummary(self.session.folder, status, ending.verdict.sentence, ending.best, ending.verdict)

    def _in_flight(self) -> tuple[str, ...]:
        writing = [f"writing: {w.brief.author} by {w.brief.operator}" for w in self.writing.values()]
        return (*writing, *self.races.lines())

    def _signal(self) -> None:
        """The first signal ends the search in good order; a second one, or one in the report, at once."""
        if self.stop == "signal" or self.progress.phase == "final":
            raise KeyboardInterrupt
        self.stop = "signal"
        self.events.put(lambda: None)


def _outcome(brief: Brief, future: Future[Written]) -> Written:
    """What an author came to. A fault in an author costs its brief, not the run; ours end the run."""
    try:
        return future.result()
    except MetaSearchError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, it is archived as a failed attempt)
        message = " ".join(f"{type(error).__name__}: {error}".split())
        return Written(None, (Attempt(brief.number, brief.author, brief.operator, "draft", message),))


def search(config: Config, *, overrides: Sequence[str] = (), live: bool = True) -> RunSummary:
    """Run a search to its end.

    Args:
        config: The configuration. overrides: As they were typed, kept with the run.
        live: Show progress while it runs.

    Raises:
        MetaSearchError: The run cannot start or go on; what was done is saved.
    """
    config = resolved(config)
    return _run(config, new_folder(config), overrides, live, resumed=False)


def resume(folder: Path, overrides: Sequence[str] = (), live: bool = True) -> RunSummary:
    """Go on with a run where it stopped. `budget.*`, `llm.max_concurrency` and `ray.address` may change."""
    from meta_search.compose import amend

    with Archive(folder) as archive:
        if archive.meta("kind") == "evaluate":
            raise ConfigError(f"{folder} is an evaluation, not a search: run `meta-search evaluate` again")
    config = amend(read_config(folder), overrides)
    write_config(folder, config)
    return _run(config, folder, overrides, live, resumed=True)


def open_run(run: str) -> Archive:
    """The archive of a run, read-only."""
    from meta_search import runs

    return Archive(runs.resolve(run))


def evaluate(agents: str, config: Config, live: bool = True) -> list[dict[str, Any]]:
    """Evaluate agents on a split; see `closing.evaluate_agents`."""
    return closing.evaluate_agents(agents, resolved(config), live)


def _run(config: Config, folder: Path, overrides: Sequence[str], live: bool, resumed: bool) -> RunSummary:
    with contextlib.ExitStack() as stack:
        before = stack.enter_context(Archive(folder)) if resumed else None
        elapsed = float((before.meta("elapsed_s") if before else 0.0) or 0.0)
        progress = stack.enter_context(Progress(config, folder, elapsed, live))
        session = stack.enter_context(open_session(config, folder, elapsed, progress.say))
        progress.attach(session)
        session.write("set_meta", "config", to_mapping(config)).result()
        session.write("set_meta", "overrides", list(overrides)).result()
        summary = Search(session, progress, before).run()
    if live:
        closing.print_end(summary.folder, summary.verdict, summary.sentence, summary.best)
    return summary
