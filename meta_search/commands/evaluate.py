"""`meta-search evaluate`: agents of a file or a run on one split, without a search and without racing."""

from __future__ import annotations

import contextlib
import queue
import re
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any

from archive.records import Archive
from domains.perturb.registry import check, plain_id
from meta_search.commands import estimate, evaluate_folder
from meta_search.commands.agents import Agents, read_agents
from meta_search.commands.resolve import resolved
from meta_search.commands.unchanged import check_unchanged
from meta_search.config import Config
from meta_search.errors import ConfigError, LLMError
from meta_search.outcomes import UNSCORED, most_frequent
from meta_search.report.robustness import drops, notes_of
from meta_search.report.tables import evaluation_row
from meta_search.report.verdict import score_line
from meta_search.run import folder as run_folder
from meta_search.run import ownership
from meta_search.run.caller import COMMAND_LINE, Caller
from meta_search.run.events import RaceEnded
from meta_search.run.fingerprint import fingerprint
from meta_search.run.folder import undone, write_config
from meta_search.run.judge_check import check_judge
from meta_search.run.kept_items import keep_items
from meta_search.run.measures import measured
from meta_search.run.members import Member, Members
from meta_search.run.news import with_news
from meta_search.run.perturbing import Perturbing
from meta_search.run.preflight import Ready, checked
from meta_search.run.progress import MOST_ROWS, Progress
from meta_search.run.recording import domain_facts
from meta_search.run.run import Run
from meta_search.run.session import open_session
from meta_search.run.signals import FINISH, STOP, Escalation, hangups, signals
from meta_search.run.target_check import check_targets
from meta_search.text import override
from meta_search.types import PERTURBED, Candidate, ItemJob, ItemResult, Split

__all__ = ["Evaluated", "evaluate", "evaluate_agents", "with_items"]

CUT = {"budget": "the budget is used up", "time": "budget.wall_s is over", "signal": "stopped by a signal"}

WINDOW = 2048  # items handed to the evaluator at a time: enough for every worker, little for the memory
AT_ONCE_S = 5.0  # as in a search
TICK_S = 0.5
SETTLE_S = 2.0  # for what is being scored when the evaluation ends
RESERVE_S = 3.0  # of `budget.wall_s`, to save what there is
SAY_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came of an evaluation.

    Attributes:
        folder: Its run folder.
        rows: One an agent in input order, see `report.tables.evaluation_row`; further `complete`, whether
            every item was run, `hint`, the most frequent fault with what mends it, or `""`, and `measures`,
            what the domain measures over all answers together, as `macro_f1` (name -> 0..1).
        cut: Why it ended before the end: `budget`, `time`, `signal`, `scorer`; `""` where it did not.
        why: The same in words.
        notes: What could not be perturbed, a sentence a perturbation.
    """

    folder: Path
    rows: list[dict[str, Any]]
    cut: str = ""
    why: str = ""
    notes: tuple[str, ...] = ()


def evaluate(agents: Agents, config: Config, caller: Caller = COMMAND_LINE) -> Evaluated:
    """Resolve a configuration and evaluate agents with it; see `evaluate_agents`."""
    if config.llm.mode == "replay":
        raise ConfigError("llm.mode=replay replays a whole search: `meta-search run llm.mode=replay …`")
    return evaluate_agents(agents, resolved(config), caller)


def evaluate_agents(
    agents: Agents, config: Config, caller: Caller = COMMAND_LINE, side_by_side: bool = False
) -> Evaluated:
    """Evaluate agents on `evaluate.split`, in a run folder of its own, or go on in that of `run.dir`.

    Budget, time and signals end it in good order: what is there is saved and returned.

    Args:
        agents: They.
        config: The configuration, resolved.
        caller: Who asks for it.
        side_by_side: Whether all agents run an item before the next: where it ends early, they have met the
            same.

    Raises:
        ConfigError: No such agents, or the question before the start was answered with no.
        LLMError: No endpoint can be used any more; what was evaluated is saved.
    """
    chosen = read_agents(agents)
    split = config.evaluate.split
    if check(config.domain.perturb) and split != "test":
        raise ConfigError(f"domain.perturb perturbs test items: leave out evaluate.split={split}")
    config = with_items(config)
    if config.llm.recording is not None:
        ownership.ask(Path(config.llm.recording), None, "taking its answers", caller.trust)
    if config.run.dir and (Path(config.run.dir) / run_folder.ARCHIVE).exists():
        ownership.ask(Path(config.run.dir), None, "going on with it", caller.trust)
        config = evaluate_folder.same_data(caller.same(config, Path(config.run.dir)))
    with hangups(config.run.on_hangup), checked(config, caller.domain) as ready:
        return _evaluated(chosen, ready.pinned(config), caller, ready, side_by_side)


def with_items(config: Config) -> Config:
    """An evaluation's configuration, `evaluate.items` being those of its split, test items included."""
    if config.evaluate.split != "test" or not config.evaluate.items:
        return config
    return replace(config, evaluate=replace(config.evaluate, test_items=config.evaluate.items))


def _evaluated(
    chosen: Sequence[Candidate], config: Config, caller: Caller, ready: Ready, side_by_side: bool
) -> Evaluated:
    """Evaluate agents in a run folder, once what they need was seen to be there."""
    split = config.evaluate.split
    earlier = evaluate_folder.open_folder(config)
    folder = earlier.folder
    if not earlier.goes_on:
        config = caller.keep(config, folder)
        ownership.sign(folder)
    with (
        contextlib.nullcontext() if earlier.goes_on else undone(folder),
        Progress(config, folder, earlier.elapsed_s, caller.live, split) as progress,
        with_news(caller, config, folder, progress) as caller,
        open_session(config, folder, earlier.elapsed_s, progress.say, ready) as session,
    ):
        if earlier.goes_on:
            with Archive(folder) as before:
                check_unchanged(
                    before, session.domain, evaluate_folder.elsewhere(folder), ("examples", split)
                )
        progress.attach(session)
        progress.phase = "evaluate"
        session.pen.set_meta("fingerprint", fingerprint(session.domain)).result()
        session.pen.set_meta("kind", "evaluate").result()
        session.pen.set_meta("domain", domain_facts(session.domain)).result()
        session.set_phase("final")  # all of the budget: there is no search
        journal = caller.journal()
        caller.listen(journal, progress)
        check_targets(session, progress.print_line, (split,))
        run = caller.attach(Run.of(session, progress, journal))
        if earlier.goes_on:
            write_config(folder, config)  # now that no other process writes there
            ownership.sign(folder)
            found = earlier.recall(run.runner, (c.agent for c in chosen), split)
            progress.say(f"going on with {folder}: {found} results are there already")
        else:
            estimate.before_evaluation(run, chosen)
        check_judge(session, progress.print_line, (split,), again=earlier.goes_on)
        perturbing = _perturbed(run)
        evaluation = EvaluationRun(run, chosen, split, perturbing, side_by_side)
        with signals(evaluation.interrupt):
            cut = evaluation.run()
        why = evaluation.why
        caller.done(run, cut and f"cut short: {why}", "")
        notes = notes_of(perturbing.facts()) if perturbing.names else ()
        return Evaluated(folder, evaluation.rows(), cut, why, tuple(notes))


def _perturbed(run: Run) -> Perturbing:
    """Have the run's test items perturbed, as `domain.perturb` says."""
    perturbing = Perturbing.of(run)
    if perturbing.names:
        items = run.runner.items("test")
        run.progress.say(f"perturbing {len(items)} test items: {', '.join(perturbing.names)}")
        perturbing.extend(items, lambda: run.progress.time_left() - RESERVE_S)
    return perturbing


class EvaluationRun:
    """One evaluation under way. `run` once, on the thread that made it.

    Args:
        run: The run at work.
        chosen: The agents. One that stands twice among them runs once.
        split: Split to evaluate on.
        perturbing: What was made of its items, which are run beside them.
        side_by_side: Whether all agents run an item before the next.
    """

    def __init__(
        self,
        run: Run,
        chosen: Sequence[Candidate],
        split: Split,
        perturbing: Perturbing,
        side_by_side: bool = False,
    ) -> None:
        self._run = run
        self._folder, self._runner, self._progress = run.session.folder, run.runner, run.progress
        self._session = run.session
        self._settings, self._evaluator = run.config.run, run.session.evaluator
        self._asked = Escalation(run.config.run)
        self._until = float("inf")  # the monotonic time until which items may finish
        self._chosen, self._split = chosen, split
        self._agents = len({c.agent.id for c in chosen})
        self._perturbing, self._side_by_side = perturbing, side_by_side
        self._splits = (split, PERTURBED) if perturbing.names else (split,)
        self._planned = sum(map(run.runner.planned, self._splits))
        self._events: queue.SimpleQueue[tuple[Member, Future[ItemResult]] | None] = queue.SimpleQueue()
        self._running: dict[str, Member] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        self._best: list[Member] = []
        self._open = 0  # items handed to the evaluator and not back yet
        self._ran = 0
        self._said_at = 0.0
        self._cut = ""

    def interrupt(self, number: signal.Signals) -> None:
        """A signal came: the first Ctrl-C lets items in flight finish, the next signal stops in good order,
        one more where it stands, and from then on signals kill.

        Raises:
            KeyboardInterrupt: It is to end where it stands.
        """
        level, grace = self._asked.came(number), self._settings.grace_s
        if level > STOP:
            raise KeyboardInterrupt
        self._cut, self._until = "signal", time.monotonic()
        if level == FINISH:
            self._until += grace
            line = f"stopping: finishing what is in flight, within {grace:g} s; Ctrl-C again to stop at once"
            self._progress.end_within(grace, line)
            self._evaluator.drop_waiting()
        self._events.put(None)

    def run(self) -> str:
        """Evaluate all agents on all items, as far as budget, time and signals allow.

        Returns:
            What ended it early; `""` for nothing.
        """
        reason = ""
        try:
            self._run_items()
        except LLMError as error:
            reason = re.split(r"[.;] [Ee]verything ", str(error))[0]  # `resume` is for searches
        self._runner.cancel()
        if self._cut == "signal":  # answers that are under way, and paid, may come for a while
            self._session.end_within(max(AT_ONCE_S, self._until - time.monotonic()))
        self._take_what_came()
        for member in list(self._running.values()):
            self._finish(member)
        self._show(last=True)
        if self._runner.health.line:
            self._progress.print_line(self._runner.health.line)
        ended = {"why": self._cut or "error", "text": reason or self.why} if self._cut or reason else None
        keep_items(self._run, ("examples", *self._splits))
        self._runner.pen.set_meta("end", ended)  # an earlier session may have ended early
        self._runner.finish("cut short" if self._cut or reason else "done")
        if reason:
            told = f"what was evaluated is saved in {self._folder}"
            again = override("run.dir", str(self._folder))
            raise LLMError(f"{reason}; {told}: {again} goes on with it")
        return self._cut

    @property
    def why(self) -> str:
        """Why it ended before the end, in words; `""` where it did not."""
        told = {"budget": self._runner.refusal, "scorer": self._runner.health.line}.get(self._cut, "")
        return told or CUT.get(self._cut, self._cut)

    def rows(self) -> list[dict[str, Any]]:
        """One row an agent in input order."""
        return [self._rows.get(c.agent.id) or self._row(Member(c)) for c in self._chosen]

    def _run_items(self) -> None:
        jobs = self._jobs()
        while True:
            while self._open < WINDOW and not self._cut and (job := next(jobs, None)) is not None:
                future, member = self._runner.submit(job), self._running[job.agent.id]
                future.add_done_callback(partial(self._arrived, member))
                self._open += 1
            # What is in flight when the budget ends is paid: it may still come to its end.
            if not self._open or self._cut == "time" or time.monotonic() >= self._until:
                return
            with contextlib.suppress(queue.Empty):
                event = self._events.get(timeout=TICK_S)
                if event is not None:
                    self._open -= 1
                    self._take(*event)
            self._watch()

    def _jobs(self) -> Iterator[ItemJob]:
        """All items of one agent after the other, or all agents on one item after the other."""
        distinct: dict[str, Candidate] = {}
        for candidate in self._chosen:
            distinct.setdefault(candidate.agent.id, candidate)
        if not self._side_by_side:
            for candidate in distinct.values():
                yield from self._of_agent(candidate)
            return
        for place in zip_longest(*[list(self._of_agent(candidate)) for candidate in distinct.values()]):
            yield from (job for job in place if job is not None)

    def _of_agent(self, candidate: Candidate) -> Iterator[ItemJob]:
        """An agent's items, each with its perturbed ones behind it."""
        member = self._running[candidate.agent.id] = Member(candidate)
        self._run.members.add(member)
        self._runner.pen.add_candidate(candidate, "evaluated")
        jobs = {s: self._runner.next_jobs(member, s, self._planned) for s in self._splits}
        made: dict[tuple[str, int], list[ItemJob]] = {}
        for job in jobs.get(PERTURBED, ()):
            made.setdefault((plain_id(job.item), job.repeat), []).append(job)
        for job in jobs[self._split]:
            yield job
            yield from made.get((job.item, job.repeat), ())

    def _arrived(self, member: Member, future: Future[ItemResult]) -> None:
        self._events.put((member, future))

    def _take(self, member: Member, future: Future[ItemResult]) -> None:
        self._cut = self._runner.deliver(member, future) or self._cut
        self._ran += 1
        if member.agent.id in self._running and self._ran_of(member) >= self._planned:
            self._finish(member)

    def _take_what_came(self) -> None:
        """Results that came before the end, or are being scored, and were not looked at yet."""
        deadline = time.monotonic() + SETTLE_S
        with contextlib.suppress(queue.Empty):
            while self._open:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
                if event is None:
                    continue
                self._open -= 1
                member, future = event
                if future.cancelled() or future.exception():
                    continue
                if member.agent.id in self._running and future.result().kind not in UNSCORED:
                    member.add(future.result())

    def _ran_of(self, member: Member) -> int:
        return sum(member.ran(split) for split in self._splits)

    def _finish(self, member: Member) -> None:
        """Archive what there is of an agent and keep its row; its results are needed no longer."""
        del self._running[member.agent.id]
        for split in self._splits:
            self._runner.save(member, split)
        more = measured(self._session.domain, self._split, member.rows(self._split))
        row = self._rows[member.agent.id] = self._row(member, more)
        self._run.journal.record(RaceEnded(member.agent.id, self._split))
        if not row["items"]:
            return
        self._best = sorted([*self._best, member], key=lambda m: -m.score(self._split))
        for dropped in self._best[MOST_ROWS:]:
            dropped.forget()
        del self._best[MOST_ROWS:]
        now = time.monotonic()
        if now - self._said_at >= SAY_EVERY_S or len(self._rows) == self._agents:
            self._said_at = now
            tells = self._run.config.domain.model_free != "allow"
            told = (
                f"«{member.agent.name}» {score_line(member.rows(self._split), tells)} on {row['items']} items"
            )
            self._progress.say(f"{len(self._rows)} of {self._agents} agents evaluated: {told}")

    def _watch(self) -> None:
        """Show how far it is, and look at the clock."""
        self._show()
        self._runner.tick()
        if self._progress.time_left() < RESERVE_S:
            self._cut = self._cut or "time"

    def _show(self, last: bool = False) -> None:
        shown = Members()
        for member in [*self._best, *self._running.values()]:
            shown.add(member)
        lines = [f"«{m.agent.name}» {self._ran_of(m)}/{self._planned}" for m in self._running.values()]
        whole = f"{self._ran:,} of {self._agents * self._planned:,} items on {' and '.join(self._splits)}"
        self._progress.show(shown, () if last else (whole, *lines), last=last)

    def _row(self, member: Member, measures: Mapping[str, float] = MappingProxyType({})) -> dict[str, Any]:
        """A row of `evaluate --json`, with the drops under perturbation where there are any."""
        row = _row(member, self._split, measures)
        if not self._perturbing.names:
            return row
        plain, perturbed = (member.results.get(s, {}).values() for s in self._splits)
        names, agent = self._perturbing.names, member.agent
        found = drops(agent.id, agent.name, plain, perturbed, names)
        complete = row["complete"] and self._ran_of(member) >= self._planned
        told = {"drops": [asdict(drop) for drop in found], **self._perturbing.facts()}
        return {**row, "complete": complete, "perturbed": told}


def _row(
    member: Member, split: Split, measures: Mapping[str, float] = MappingProxyType({})
) -> dict[str, Any]:
    """A row of `evaluate --json`."""
    fault = most_frequent(member.results.get(split, {}).values())
    evaluation = member.evaluation(split) if member.ran(split) else None
    return {
        **evaluation_row(member.agent, evaluation),
        "complete": evaluation is not None and evaluation.complete,
        "hint": fault.explain(member.agent.source) if fault else "",
        "measures": dict(measures),
    }
