"""From an order of the guide to what an author is handed: parents, failures, examples, an LLM, a dry run.

All of it is a function of what was delivered until the brief was asked for, so that it is the same in a
replay, and in a resumed run, which builds it where the events come to that brief (`engine.restore`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from archive.select import Population
from meta_search.authors.author import (
    Context,
    Course,
    DomainFacts,
    Example,
    Findings,
    Parent,
    Trial,
    Workbench,
)
from meta_search.authors.designs import space_of
from meta_search.authors.knowledge import Knowledge
from meta_search.authors.registry import AUTHORS, spec_of
from meta_search.authors.views import Failure, Solved, TaskModel
from meta_search.engine.failures import failure, right_one, solved_by, telling
from meta_search.engine.focus import Focus
from meta_search.engine.hints import Hints
from meta_search.engine.keywords import keywords
from meta_search.engine.knowledge import knowledge
from meta_search.engine.lessons import Lessons
from meta_search.engine.open_brief import OpenBrief
from meta_search.engine.pool import Pool
from meta_search.engine.tally import Tally
from meta_search.engine.task_model import first_request, task_model
from meta_search.engine.to_tune import to_tune
from meta_search.engine.traces import Traces
from meta_search.engine.tries import Tries, lineage
from meta_search.engine.windows import prompt_room
from meta_search.guide.guide import Order
from meta_search.report.taught import Taught
from meta_search.run.events import BriefDelivered
from meta_search.run.folder import ARCHIVE
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.types import Attempt, Brief, ItemResult
from meta_search.types.operators import OPERATORS

__all__ = ["Contexts", "Sight", "keywords"]

TIMED_ITEMS = 24  # of an agent whose latency is told


@dataclass(frozen=True, slots=True)
class Sight:
    """What the run shows the author of a brief; the rest of a `Context` is made when it begins to write.

    Attributes:
        parents: See `Context`, as the others.
        inspirations: Likewise.
        domain: Likewise.
        findings: Likewise.
        task: Likewise.
        notes: Hints of people, see `config.AuthorConfig.notes`.
        knowledge: Likewise.
    """

    parents: tuple[Parent, ...]
    inspirations: tuple[Parent, ...]
    domain: DomainFacts
    findings: Findings
    task: TaskModel
    notes: str = ""
    knowledge: Knowledge | None = None


class Contexts:
    """Builds what authors are handed. Keeps the worked examples that all candidates of a run share.

    Args:
        run: The run at work.

    Attributes:
        keywords: Kind of item -> words that tell it from the others.
        space: Of the composer's designs.
        pool: The worked examples found so far, and what teaching them has used.
        lessons: What the meta agent has written down.
        hints: What people have told it meanwhile.
        focus: Agents that people want as parents.
        windows: Role -> tokens that its model can read and write in one call, where they are known.
    """

    def __init__(self, run: Run) -> None:
        session = self._session = run.session
        self._members = run.members
        self._runner, self._folds = run.runner, run.runner.folds
        train = run.runner.items("train") if self._folds.count else session.domain.items("train")
        self._train = {item.id: item for item in train}
        self._place = {item: place for place, item in enumerate(self._train)}
        self._kinds = {item.id: item.kind for item in train}
        self._evaluated = {item.id for item in run.runner.items("train")}
        examples = list(session.domain.items("examples"))
        self._examples = tuple(Example(i.question, i.target, i.kind) for i in examples)
        # With folds, words of items that some authors are not to see would be told.
        seen = () if self._folds.count or not examples else run.runner.items("train")
        self.keywords = keywords(examples or list(self._train.values()), seen)
        author = session.config.author
        self.space = space_of(author.ways, self.keywords, bool(examples), author.blocks or ())
        self.pool = Pool(session.config)
        self._questions = {item.id: item.question for item in examples}
        self.windows: Mapping[str, int] = {}
        self._fixed: dict[int, Sight] = {}
        self._traces = Traces(session.folder / ARCHIVE)
        self._latencies: dict[tuple[str, int, int | None], float] = {}  # by agent, its results, the fold
        self._tally = Tally(self._members, self._train, self._folds)
        self._tries = Tries(self._members, self._train, self._folds, session.config.search.failing)
        self.lessons = Lessons(run)
        self.hints, self.focus = Hints(), Focus()

    def brief(self, order: Order) -> Brief:
        """The order with its parents and inspirations chosen; none for an author that sees all agents."""
        rng = random.Random(order.brief.seed)
        told = self._session.config.author.temperature
        brief = order.brief if told is None else replace(order.brief, temperature=told)
        if AUTHORS[brief.author].sees_archive:
            return brief
        population = self._population(brief)
        rule = order.parent_rule
        chosen = population.choose_parents(rule, order.parents, rng)  # type: ignore[arg-type]
        parents = self.focus.among(chosen, {m.agent for m in population.members}, brief.seed)
        others = [
            a for a in population.choose_parents("front", order.inspirations + 2, rng) if a not in parents
        ]
        return replace(brief, parents=tuple(parents), inspirations=tuple(others[: order.inspirations]))

    def sight(self, brief: Brief) -> Sight:
        """What the author of a brief is shown, as things stand now."""
        self._tally.update()
        shown = [item for item in self._train.values() if self._folds.shows(brief, item.id)]
        wording = dict(self._session.domain.wording)
        request = first_request(self._members, {i.id: None for i in shown}, wording, self._traces.of)
        return Sight(
            parents=tuple(self._parent(self._members[a], brief, whole=True) for a in brief.parents),
            inspirations=tuple(self._parent(self._members[a], brief) for a in brief.inspirations),
            domain=DomainFacts(
                brief=self._session.domain.brief,
                name=self._session.config.domain.name,
                keywords=self.keywords,
                examples=self._examples,
                questions=tuple(item.question for item in shown),
                kinds=dict(Counter(item.kind for item in shown if item.id in self._evaluated)),
                instruction=self._session.config.domain.instruction or "",
                wording=wording,
                helpers=tuple(getattr(self._session.domain, "helpers", ())),
                model_free=self._session.config.domain.model_free,
            ),
            findings=self._findings(brief),
            task=task_model(self._session.config, request, self.windows.get("task", 0)),
            notes=self.hints.joined(self._session.config.author.notes),
            knowledge=self._knowledge(brief) if spec_of(brief.author).looks else None,
        )

    def close(self) -> None:
        """No author is shown anything any more."""
        self._traces.close()

    def look(self, brief: Brief) -> None:
        """Fix what the author of a brief is shown, before `context` is made for it."""
        self._fixed[brief.code] = self.sight(brief)

    def context(self, open_brief: OpenBrief, trial: Trial, bench: Workbench) -> Context:
        """Everything an author may use, as things stand now, or did when `look` was called for it.

        Args:
            open_brief: What is to be carried out.
            trial: What the composer suggests its design from.
            bench: What the author may do through the engine.
        """
        brief, config = open_brief.brief, self._session.config
        shown = self._fixed.pop(brief.code, None) or self.sight(brief)
        return Context(
            brief=brief,
            config=replace(config.author, notes=shown.notes),
            parents=shown.parents,
            inspirations=shown.inspirations,
            domain=shown.domain,
            findings=shown.findings,
            bench=bench,
            trial=trial,
            values=open_brief.values,
            rng=random.Random(brief.seed),
            context_tokens=config.llm.meta_context_tokens,
            attempts=config.search.attempts - open_brief.used,
            task=shown.task,
            room=prompt_room(config, self.windows.get("meta", 0)),
            sandbox=config.sandbox,
            course=self.course(brief),
            lesson_due=self.lessons.due(brief),
            knowledge=shown.knowledge,
            space=self.space,
            handed=open_brief.handed,
        )

    def _knowledge(self, brief: Brief) -> Knowledge:
        """What an author may look up."""
        return knowledge(self._members.all(), self.pool.demonstrations, brief, self._runner)

    def _findings(self, brief: Brief) -> Findings:
        spec = spec_of(brief.author)
        finished = self._members.finished() if spec.sees_archive or spec.reads_archive else ()
        archive = [m for m in finished if self._folds.may_follow(brief, m.candidate.brief)]
        return Findings(
            demonstrations=tuple(self.pool.demonstrations),
            known=tuple((m.agent, m.candidate.plan) for m in self._members),
            archive=tuple(self._parent(member, brief) for member in archive),
            tried=self._tries.all(brief),
            rates=self._tally.rates(brief),
            taught=dict(self.pool.taught),
            lesson=self.lessons.newest(brief),
        )

    def course(self, brief: Brief) -> Course:
        """What teaching may use in a brief; nothing where a repair or a smaller agent is asked for.

        To be asked for when a brief begins, even where a replay does not have it written: of the briefs under
        way only one may teach.
        """
        asked = OPERATORS.get(brief.operator)
        wants = asked is not None and not asked.shrinks and not asked.tunes and brief.kind == "asked"
        return self.pool.course(brief.code, self._questions, wants)

    def _population(self, brief: Brief) -> Population:
        """The agents that may become parents of a brief: with folds, those whose fold it shares."""
        members = self._members
        population = to_tune(members) if OPERATORS[brief.operator].tunes else members.population()
        if not self._folds.count:
            return replace(population, kinds=self._kinds)
        able = [
            m for m in population.members if self._folds.may_follow(brief, members[m.agent].candidate.brief)
        ]
        return Population(tuple(able), self._kinds)

    def _parent(self, member: Member, brief: Brief, whole: bool = False) -> Parent:
        """An agent as the author of a brief is shown it; the whole of it has traces, and its lineage."""
        # In the order of the items: the order in which they came is chance.
        rows = [r for r in member.rows("train") if r.item in self._train and self._folds.shows(brief, r.item)]
        rows.sort(key=lambda r: (r.repeat, self._place[r.item]))
        used = member.used("train")
        told = Parent(
            agent=member.agent,
            score=member.score("train"),
            tokens=member.cost("train"),
            by_kind=member.by_kind(self._train),
            plan=member.candidate.plan,
            space=member.candidate.space,
            generation=member.candidate.generation,
            thought=member.candidate.thought,
            scores=tuple(sorted(member.scores("train").values())),
            model_free=member.evaluation("train").free_share,
            calls=used.calls / max(1, len(member.rows("train"))),
        )
        wrong = [row for row in rows if not row.right]
        solved = {r.item for r in wrong if self._tally.solver(brief, r.item, r.agent) is not None}
        chosen = telling(wrong, self._kinds, solved)
        if not whole:
            return replace(told, failures=tuple(self._failure(row) for row in chosen))
        right = right_one(rows, wrong, self._kinds)
        return replace(
            told,
            failures=tuple(self._failure(row, brief) for row in chosen),
            right=() if right is None else (self._failure(right, brief),),
            latency_s=self._latency(member, brief, rows),
            lineage=lineage(member, self._members, self._train),
        )

    def _failure(self, row: ItemResult, brief: Brief | None = None) -> Failure:
        """An item as it is shown; with a brief, with its trace, and who gets it right."""
        item, told = self._train[row.item], self._session.config.author.feedback
        if brief is None:
            return failure(row, item, told=told)
        solver = None if row.right else self._tally.solver(brief, row.item, row.agent)
        by: Solved | None = None
        if solver is not None:
            by = solved_by(solver, self._members[solver.agent].agent.name, self._traces.of(solver))
        return failure(row, item, self._traces.of(row), told, by)

    def _latency(self, member: Member, brief: Brief, rows: Sequence[ItemResult]) -> float:
        """Seconds of an agent's calls per item. They are those of the calls that were sent, so that a replay
        has the same; whether calls overlap, they do not tell."""
        key = member.agent.id, len(rows), self._folds.held_out(brief)
        if key not in self._latencies:
            timed = [sum(call.latency_s for call in self._traces.of(row)[0]) for row in rows[:TIMED_ITEMS]]
            self._latencies[key] = sum(timed) / max(1, len(timed))
        return self._latencies[key]

    def missed(self, brief: Brief, attempts: Sequence[Attempt]) -> None:
        """A brief has come to nothing, for the last of these reasons."""
        self._tries.missed(brief, attempts)

    def keep(self, delivered: BriefDelivered) -> None:
        """Add to the pool what it does not have: a reply of each form to a question."""
        self.pool.take(delivered)

    def pool_rows(self) -> list[Taught]:
        """The pool as the archive keeps it for reports."""
        return self.pool.rows({example.question: example.kind for example in self._examples})
