"""Agents as authors are shown them: how they scored, what they got wrong, and how they came to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from meta_search.types import Agent, OutcomeKind, Parameter, TraceCall, TraceProgram

__all__ = ["Failure", "Parent", "Solved", "Step"]


@dataclass(frozen=True, slots=True)
class Solved:
    """How an agent of the run got an item right that another one got wrong.

    Attributes:
        name: Of the agent.
        answer: Its answer.
        trace: Its calls on the item.
        programs: What it had run.
    """

    name: str
    answer: str
    trace: tuple[TraceCall, ...] = ()
    programs: tuple[TraceProgram, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A train item that a parent got wrong; or right, where it stands among `Parent.right`.

    Attributes:
        question: Of the item.
        answer: What the parent answered; empty after a fault.
        expected: The right answer.
        kind: Kind of the item.
        detail: One line on a fault.
        outcome: Kind of the outcome, one of `types.OUTCOME_KINDS`.
        feedback: What the scorer says of the answer beyond its score; free text of several lines, in which
            the answer may have had a part.
        score: Of the answer; less than 1 where it is wrong.
        item: Id of the item.
        trace: The parent's calls on the item, in program order.
        solved: Another agent of the run that got the item right, the cheapest one, if there is one.
        programs: What the parent had run, in program order; `TraceProgram.after` says between which calls.
    """

    question: str
    answer: str
    expected: str
    kind: str
    detail: str = ""
    outcome: OutcomeKind = "ok"
    feedback: str = ""
    score: float = 0.0
    item: str = ""
    trace: tuple[TraceCall, ...] = ()
    solved: Solved | None = None
    programs: tuple[TraceProgram, ...] = ()

    @property
    def right(self) -> bool:
        """Whether the answer is right after all: one among `Parent.right`."""
        return self.score >= 1

    @property
    def verdict(self) -> str:
        """How the item ended, in a word or two."""
        if self.outcome != "ok":
            return "failed"
        return "right" if self.right else f"scored {self.score:.2f}" if self.score > 0 else "wrong"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an agent's lineage: what it changed against the best of its own parents.

    Attributes:
        name: Of the agent.
        thought: The idea behind it.
        operator: That made it; `seed` for the first.
        by_kind: Kind of item -> (right before, right now, items), on the items that both were scored on;
            right is a sum of scores, as in `Parent.by_kind`.
    """

    name: str
    thought: str
    operator: str
    by_kind: Mapping[str, tuple[float, float, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parent:
    """An agent of the population as an author sees it.

    Attributes:
        agent: The agent.
        score: On train, 0..1.
        tokens: Used per item.
        by_kind: Kind of item -> (right, evaluated) on train.
        failures: At most 12, those first that help most: faults, one of each, then wrong answers, kind by
            kind in turns, of each kind those first that another agent gets right.
        plan: The plan it was compiled from, if it was.
        space: The parameters that it declares.
        generation: 0 for seeds, else one more than the greatest of its parents.
        thought: The idea behind it.
        scores: Of its train items, 0..1 each, in ascending order.
        calls: LLM calls per item.
        latency_s: Seconds that the endpoint took per item, its calls one after the other, on the first 24
            items; 0 for inspirations and in `Findings.archive`, which come without traces.
        right: An item that it got right, with its trace, for contrast; empty where there is none.
        lineage: How it came to be, the oldest step first, itself last.
        model_free: Share of its train items that it answered without any LLM call, 0..1.
    """

    agent: Agent
    score: float
    tokens: float
    by_kind: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    plan: Mapping[str, Any] | None = None
    space: tuple[Parameter, ...] = ()
    generation: int = 0
    thought: str = ""
    scores: tuple[float, ...] = ()
    calls: float = 0.0
    latency_s: float = 0.0
    right: tuple[Failure, ...] = ()
    lineage: tuple[Step, ...] = ()
    model_free: float = 0.0
