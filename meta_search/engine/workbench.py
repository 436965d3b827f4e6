"""What an author does through the engine for one brief: ask, try out, teach. On the author's own thread.

Nothing of it is seen by others before the brief is delivered: what it found and used then reaches the engine
together with what was written, as one event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace

from domains.domain import Item
from meta_search.authors.author import Example, Worked
from meta_search.outcomes import UNSCORED
from meta_search.run.chances import Chances
from meta_search.run.journal import CHANCE, call_name
from meta_search.run.run import Run
from meta_search.types import (
    Agent,
    Brief,
    CallReply,
    CallRequest,
    Demonstration,
    Importance,
    ItemJob,
    ItemResult,
    OutcomeKind,
)

__all__ = ["BriefWorkbench"]

DRY_ITEMS = 2
ENDED = "the search has ended"


class BriefWorkbench:
    """The `authors.author.Workbench` of one brief.

    Args:
        run: The run at work.
        chances: What endpoint, budget or machine bring about on the way, not the agents.
        brief: Whose author it is for: with folds, it runs on the items that this one may be shown.

    Attributes:
        chances: As above.
        tokens: Used by the meta agent so far.
        found: Worked examples for the run's pool.
        importance: What components were found to be worth.
    """

    def __init__(self, run: Run, chances: Chances, brief: Brief | None = None) -> None:
        self._session, self._runner, self.chances = run.session, run.runner, chances
        self._examples: Mapping[str, Item] = {i.question: i for i in run.session.domain.items("examples")}
        folds = run.runner.folds
        train = run.runner.items("train") if folds.count else run.session.domain.items("train")
        self._train = [item for item in train if brief is None or folds.shows(brief, item.id)]
        self._closed = False
        self.tokens = 0
        self.found: list[Demonstration] = []
        self.importance: list[Importance] = []

    @property
    def refused(self) -> str:
        """`budget` where the budget refused anything that was asked for, else `""`."""
        return "budget" if any(kind == "budget" for _, _, kind, _ in self.chances.all) else ""

    @property
    def refusal(self) -> str:
        """What the budget said when it first refused something, `""` where it did not."""
        return next((message for _, _, kind, message in self.chances.all if kind == "budget"), "")

    def close(self) -> None:
        """The search is over: an author still at work gets no further calls or runs."""
        self._closed = True

    def ask(self, request: CallRequest) -> CallReply:
        """One call of the meta agent."""
        name = call_name(request)
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
        return reply

    def try_out(self, agent: Agent) -> list[ItemResult]:
        """Dry runs on a few train items; nothing is asked of a model."""
        items = self._train[:DRY_ITEMS]
        jobs = [replace(self._runner.job(agent, item, "train"), dry=True) for item in items]
        return self._results("try", jobs, self._session.evaluator.submit)

    def teach(self, agent: Agent, examples: Sequence[Example], model: str) -> list[Worked]:
        """Run an agent on examples with one of the models; `repeat` tells the teachers apart."""
        if self._closed:
            return []
        repeat = 0 if model == "task" else 1
        items = [self._examples[example.question] for example in examples]
        # Without `self.examples`: they hold the answer.
        jobs = [replace(self._runner.job(agent, i, "examples", repeat), examples=()) for i in items]
        if model == "meta":
            jobs = [replace(job, model="meta") for job in jobs]
        results = self._results("teach", jobs, self._runner.run)
        return [
            Worked(example, result.right, result) for example, result in zip(examples, results, strict=True)
        ]

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

    def record_importance(self, rows: Sequence[Importance]) -> None:
        """What components are worth, for the archive, once the brief is delivered."""
        self.importance += rows

    def keep(self, demonstrations: Sequence[Demonstration]) -> None:
        """Worked examples for the pool, once the brief is delivered."""
        self.found += demonstrations

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
