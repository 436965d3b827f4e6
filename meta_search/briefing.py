"""From an order of the guide to what an author is handed: parents, failures, examples, an LLM, a dry run."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace

from archive.records import Archive
from domains.domain import Item
from meta_search.authors.author import Context, Example, Failure, Parent, Trial, Worked
from meta_search.guide.guide import Order
from meta_search.members import Member, Members
from meta_search.scoring import Pairs, make_job
from meta_search.session import Session
from meta_search.types import Agent, Brief, CallReply, CallRequest, Demonstration, ItemJob, ItemResult, Scalar

__all__ = ["Briefing", "keywords"]

RULES = ("front", "best", "champion", "complementary")
MOST_FAILURES = 6
DRY_ITEMS = 2


def keywords(items: Sequence[Item]) -> dict[str, str]:
    """For every kind of item, words that stand in all its examples and in no example of another kind.

    One word where one suffices, else two. Kinds that no such words tell apart are left out; so are domains
    with a single kind.
    """
    by_kind: dict[str, list[set[str]]] = {}
    for item in items:
        words = set(re.findall(r"[a-z]{3,}", item.question.lower()))
        by_kind.setdefault(item.kind, []).append(words)
    if len(by_kind) < 2:
        return {}
    common = {kind: set.intersection(*texts) for kind, texts in by_kind.items()}
    found: dict[str, str] = {}
    for kind, shared in common.items():
        others = [text for other, texts in by_kind.items() if other != kind for text in texts]
        choice = _telling(sorted(shared), others)
        if choice:
            found[kind] = choice
    return found


def _telling(shared: Sequence[str], others: Sequence[set[str]]) -> str:
    """The fewest words that all others lack; long words first, as they mean most."""
    ordered = sorted(shared, key=lambda w: (sum(w in t for t in others), -len(w), w))
    # A route is matched as text, so a word must not be a part of another kind's word either.
    for word in ordered:
        if not any(word in " ".join(text) for text in others):
            return word
    for i, first in enumerate(ordered):
        for second in ordered[i + 1 :]:
            if not any(first in " ".join(t) and second in " ".join(t) for t in others):
                return f"{first} {second}"
    return ""


class Briefing:
    """Builds contexts. Keeps the pool of worked examples that all candidates of a run share.

    Args:
        session: The opened run.
        members: The agents so far.
        submit: Sends a job to the evaluator, through the archive: what was run before is not run again.
    """

    def __init__(
        self, session: Session, members: Members, submit: Callable[[ItemJob], Future[ItemResult]]
    ) -> None:
        self._session, self._members, self._submit = session, members, submit
        self._train = {item.id: item for item in session.domain.items("train")}
        examples = list(session.domain.items("examples"))
        self.examples = tuple(Example(i.question, i.target, i.kind) for i in examples)
        self._by_question = {i.question: i for i in examples}
        self.keywords = keywords(examples or list(self._train.values()))
        self.pool: list[Demonstration] = []
        self._closed = threading.Event()
        self._tokens: dict[str, int] = {}

    @property
    def pairs(self) -> Pairs:
        """What agents see as `self.examples`."""
        return tuple((e.question, e.answer) for e in self.examples)

    def brief(self, order: Order) -> Brief:
        """The order with its parents and inspirations chosen."""
        rng = random.Random(order.brief.seed)
        population = self._members.population()
        rule = order.parent_rule if order.parent_rule in RULES else "best"
        parents = population.choose_parents(rule, order.parents, rng)  # type: ignore[arg-type]
        others = [
            a for a in population.choose_parents("front", order.inspirations + 2, rng) if a not in parents
        ]
        brief = order.brief
        return Brief(
            number=brief.number,
            operator=brief.operator,
            author=brief.author,
            parents=tuple(parents),
            inspirations=tuple(others[: order.inspirations]),
            temperature=brief.temperature,
            tags=brief.tags,
            seed=brief.seed,
        )

    def context(self, brief: Brief, trial: Trial, values: Mapping[str, Scalar]) -> Context:
        """Everything an author may use."""
        return Context(
            brief=brief,
            config=self._session.config.author,
            parents=tuple(self._parent(self._members[a]) for a in brief.parents),
            inspirations=tuple(self._parent(self._members[a]) for a in brief.inspirations),
            domain=self._session.domain.brief,
            keywords=self.keywords,
            examples=self.examples,
            demonstrations=tuple(self.pool),
            ask=self._ask,
            try_out=self._try_out,
            teach=self._teach,
            keep=self._keep,
            trial=trial,
            values=values,
            rng=random.Random(brief.seed),
        )

    def _parent(self, member: Member) -> Parent:
        wrong = [r for r in member.rows("train") if not r.right and r.item in self._train]
        failures = [
            Failure(
                question=self._train[r.item].question,
                answer=r.answer,
                expected=self._train[r.item].target,
                kind=self._train[r.item].kind,
                detail=r.detail,
            )
            for r in wrong[:MOST_FAILURES]
        ]
        return Parent(
            agent=member.agent,
            score=member.score("train"),
            tokens=member.cost("train"),
            by_kind=member.by_kind(self._train),
            failures=tuple(failures),
            plan=member.candidate.plan,
            space=member.candidate.space,
            generation=member.candidate.generation,
        )

    def close(self) -> None:
        """The search is over: authors still at work get no further calls or runs."""
        self._closed.set()

    def _ask(self, request: CallRequest) -> CallReply:
        if self._closed.is_set():
            return CallReply("", fault="budget", message="the search has ended")
        reply = self._session.ask(request)
        self._tokens[request.agent] = self._tokens.get(request.agent, 0) + reply.used.tokens
        return reply

    def written_tokens(self, brief: Brief) -> int:
        """Tokens that the meta agent used to carry out a brief."""
        return self._tokens.get(f"brief-{brief.number}", 0)

    def _try_out(self, agent: Agent) -> list[ItemResult]:
        """Dry runs on a few train items of different kinds; nothing is asked of a model."""
        items = list(self._train.values())[:DRY_ITEMS]
        jobs = [make_job(self._session, agent, item, "train", 0, self.pairs) for item in items]
        futures = [self._session.evaluator.submit(replace(job, dry=True)) for job in jobs]
        return [future.result() for future in futures]

    def _teach(self, agent: Agent, examples: Sequence[Example], model: str) -> list[Worked]:
        """Run an agent on examples with one of the models; `repeat` tells the teachers apart."""
        repeat = 0 if model == "task" else 1
        if self._closed.is_set():
            return []
        futures = []
        for example in examples:
            item = self._by_question[example.question]
            job = make_job(self._session, agent, item, "examples", repeat, ())
            futures.append(self._submit(replace(job, model="meta" if model == "meta" else "task")))
        runs = []
        for example, future in zip(examples, futures, strict=True):
            result = future.result()
            runs.append(Worked(example, result.right, result))
        return runs

    def _keep(self, demonstrations: Sequence[Demonstration]) -> None:
        known = {d.question for d in self.pool}
        self.pool += [d for d in demonstrations if d.question not in known]

    def restore(self, archive: Archive) -> None:
        """The pool of an earlier sitting: what its agents carry, oldest first."""
        for record in archive.agents():
            self._keep(record.agent.demonstrations)
