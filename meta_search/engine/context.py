"""From an order of the guide to what an author is handed: parents, failures, examples, an LLM, a dry run."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from archive.select import Population
from domains.domain import Item
from meta_search.authors.author import (
    Context,
    DomainFacts,
    Example,
    Failure,
    Findings,
    Parent,
    Trial,
    Workbench,
)
from meta_search.authors.registry import AUTHORS
from meta_search.engine.open_brief import OpenBrief
from meta_search.guide.guide import Order
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.types import Brief, Demonstration, ItemResult, unknown

__all__ = ["Contexts", "keywords", "telling"]

MOST_FAILURES = 6
MOST_FAULTS = 2


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


def telling(wrong: Sequence[ItemResult]) -> list[ItemResult]:
    """Wrong items in the order in which they help an author: one for each fault, answers, further faults.

    Of answers those come first of which the scorer says what it has not said of others.
    """
    first: dict[tuple[str, str], ItemResult] = {}
    for row in wrong:
        if row.kind != "ok":
            first.setdefault((row.kind, row.detail), row)
    shown = list(first.values())[:MOST_FAULTS]
    answers = [r for r in wrong if r.kind == "ok"]
    said = {r.feedback: r for r in reversed(answers)}  # the first of each
    answers.sort(key=lambda r: said[r.feedback] is not r)
    return [*shown, *answers, *(r for r in wrong if r.kind != "ok" and r not in shown)]


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


class Contexts:
    """Builds what authors are handed. Keeps the worked examples that all candidates of a run share.

    Args:
        run: The run at work.

    Attributes:
        keywords: Kind of item -> words that tell it from the others.
        pool: The worked examples found so far.
    """

    def __init__(self, run: Run) -> None:
        session = self._session = run.session
        self._members = run.members
        self._folds = run.runner.folds
        train = run.runner.items("train") if self._folds.count else session.domain.items("train")
        self._train = {item.id: item for item in train}
        self._place = {item: place for place, item in enumerate(self._train)}
        examples = list(session.domain.items("examples"))
        self._examples = tuple(Example(i.question, i.target, i.kind) for i in examples)
        self.keywords = keywords(examples or list(self._train.values()))
        self.pool: list[Demonstration] = []

    def brief(self, order: Order) -> Brief:
        """The order with its parents and inspirations chosen; none for an author that sees all agents."""
        rng = random.Random(order.brief.seed)
        told = self._session.config.author.temperature
        brief = order.brief if told is None else replace(order.brief, temperature=told)
        if AUTHORS[brief.author].sees_archive:
            return brief
        population = self._population(brief)
        rule = order.parent_rule
        parents = population.choose_parents(rule, order.parents, rng)  # type: ignore[arg-type]
        others = [
            a for a in population.choose_parents("front", order.inspirations + 2, rng) if a not in parents
        ]
        return replace(brief, parents=tuple(parents), inspirations=tuple(others[: order.inspirations]))

    def context(self, open_brief: OpenBrief, trial: Trial, bench: Workbench) -> Context:
        """Everything an author may use, as things stand now.

        Args:
            open_brief: What is to be carried out.
            trial: What the composer suggests its design from.
            bench: What the author may do through the engine.
        """
        brief, config = open_brief.brief, self._session.config
        finished = self._members.finished() if AUTHORS[brief.author].sees_archive else ()
        archive = [m for m in finished if self._folds.may_follow(brief, m.candidate.brief)]
        shown = [item for item in self._train.values() if self._folds.shows(brief, item.id)]
        return Context(
            brief=brief,
            config=config.author,
            parents=tuple(self._parent(self._members[a], brief) for a in brief.parents),
            inspirations=tuple(self._parent(self._members[a], brief) for a in brief.inspirations),
            domain=DomainFacts(
                brief=self._session.domain.brief,
                name=config.domain.name,
                keywords=self.keywords,
                examples=self._examples,
                questions=tuple(item.question for item in shown),
            ),
            findings=Findings(
                demonstrations=tuple(self.pool),
                known=tuple((m.agent, m.candidate.plan) for m in self._members),
                archive=tuple(self._parent(member, brief) for member in archive),
            ),
            bench=bench,
            trial=trial,
            values=open_brief.values,
            rng=random.Random(brief.seed),
            context_tokens=config.llm.meta_context_tokens,
            attempts=config.search.attempts - open_brief.used,
        )

    def _population(self, brief: Brief) -> Population:
        """The agents that may become parents of a brief: with folds, those whose fold it shares."""
        population, members = self._members.population(), self._members
        if not self._folds.count:
            return population
        able = [
            m for m in population.members if self._folds.may_follow(brief, members[m.agent].candidate.brief)
        ]
        return Population(tuple(able))

    def _parent(self, member: Member, brief: Brief) -> Parent:
        # In the order of the items: the order in which they came is chance.
        rows = [r for r in member.rows("train") if not r.right and r.item in self._train]
        rows = [r for r in rows if self._folds.shows(brief, r.item)]
        wrong = telling(sorted(rows, key=lambda r: (r.repeat, self._place[r.item])))
        failures = [
            Failure(
                question=self._train[r.item].question,
                answer=r.answer,
                expected=self._train[r.item].target,
                kind=self._train[r.item].kind,
                detail=r.detail,
                feedback=r.feedback if self._session.config.author.feedback else "",
                score=r.score or 0.0,
                outcome=r.kind,
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
            thought=member.candidate.thought,
            scores=tuple(sorted(member.scores("train").values())),
        )

    def keep(self, demonstrations: Sequence[Demonstration]) -> None:
        """Add to the pool what it does not have: a reply of each form to a question."""
        self.pool += unknown(demonstrations, self.pool)
