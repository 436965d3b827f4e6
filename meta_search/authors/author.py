"""What an author is, and what is handed to it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from meta_search.config import AuthorConfig
from meta_search.types import (
    Agent,
    Attempt,
    Brief,
    CallReply,
    CallRequest,
    Candidate,
    Demonstration,
    Importance,
    ItemResult,
    OutcomeKind,
    Parameter,
    Scalar,
)

__all__ = [
    "Author",
    "Context",
    "DomainFacts",
    "Drawn",
    "Example",
    "Failure",
    "Findings",
    "Parent",
    "Trial",
    "Workbench",
    "Worked",
    "Written",
]


class Trial(Protocol):
    """The part of an Optuna trial that the composer needs."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any: ...

    def suggest_int(self, name: str, low: int, high: int) -> int: ...


class Drawn:
    """Stands for a trial where no study learns from it: draws uniformly."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._rng.choice(choices)

    def suggest_int(self, name: str, low: int, high: int) -> int:
        return self._rng.randint(low, high)


@dataclass(frozen=True, slots=True)
class Example:
    """An item of the examples split. It is never scored, so its answer may be shown."""

    question: str
    answer: str
    kind: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A train item that a parent got wrong.

    Attributes:
        question: Of the item.
        answer: What the parent answered; empty after a fault.
        expected: The right answer.
        kind: Kind of the item.
        detail: One line on a fault.
        outcome: Kind of the outcome, one of `types.OUTCOME_KINDS`.
        feedback: What the scorer says of the answer beyond its score; free text of several lines, in which
            the answer may have had a part.
        score: Of the answer, less than 1.
    """

    question: str
    answer: str
    expected: str
    kind: str
    detail: str = ""
    outcome: OutcomeKind = "ok"
    feedback: str = ""
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Parent:
    """An agent of the population as an author sees it.

    Attributes:
        agent: The agent.
        score: On train, 0..1.
        tokens: Used per item.
        by_kind: Kind of item -> (right, evaluated) on train.
        failures: Faults first, one of each, then wrong answers.
        plan: The plan it was compiled from, if it was.
        space: The parameters that it declares.
        generation: 0 for seeds, else one more than the greatest of its parents.
        thought: The idea behind it.
        scores: Of its train items, 0..1 each, in ascending order.
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


@dataclass(frozen=True, slots=True)
class Worked:
    """An example that an agent worked through with one of the models, the teacher.

    Attributes:
        example: The example.
        right: Whether the answer was right.
        result: The run, with its trace.
    """

    example: Example
    right: bool
    result: ItemResult


class Workbench(Protocol):
    """What an author may do through the engine while it carries a brief out; blocks till it is done.

    Nothing of it is seen by other briefs before this one is delivered.
    """

    def ask(self, request: CallRequest) -> CallReply:
        """Send one request to the meta model. Faults of the endpoint are values in the reply."""
        ...

    def try_out(self, agent: Agent) -> list[ItemResult]:
        """Run an agent in the sandbox against a scripted model, on one train item or more; costs nothing."""
        ...

    def teach(self, agent: Agent, examples: Sequence[Example], model: str) -> list[Worked]:
        """Run an agent on examples with a model, `task` or `meta`; fewer where the search has ended."""
        ...

    def keep(self, demonstrations: Sequence[Demonstration]) -> None:
        """Add worked examples to the run's pool."""
        ...

    def probe(self, agent: Agent, places: Sequence[int], without: Sequence[str]) -> list[ItemResult]:
        """Run an agent on train items without some of its components.

        Args:
            agent: The agent.
            places: Train items by their position, from 0.
            without: Names of the components that stay silent; empty runs the whole agent.

        Returns:
            Scored results with traces, in the order of the places; fewer where the search has ended. Only
            the calls behind them are kept.
        """
        ...

    def record_importance(self, rows: Sequence[Importance]) -> None:
        """Keep what components were found to be worth."""
        ...


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """What an author is told about the domain.

    Attributes:
        brief: The domain's own paragraph: what the tasks are and how answers are scored.
        name: Name of the domain.
        keywords: Kind of item -> words that tell it from the other kinds, found on the examples split.
        examples: The examples split.
        questions: Of the train items, in order.
    """

    brief: str
    name: str = ""
    keywords: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """What the run has found when a brief is handed out.

    Attributes:
        demonstrations: The pool of worked examples that all candidates share.
        known: All agents of the run with their plans, if they have one.
        archive: All evaluated agents in the order in which they came, for authors that see the whole
            archive (`registry.AuthorSpec.sees_archive`); else empty.
    """

    demonstrations: tuple[Demonstration, ...] = ()
    known: tuple[tuple[Agent, Mapping[str, Any] | None], ...] = ()
    archive: tuple[Parent, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """Everything an author may use for one brief.

    Attributes:
        brief: What to write.
        config: The group `author` of the configuration.
        parents: As the brief names them, best first.
        inspirations: Further agents to be shown, best first.
        domain: What the tasks are.
        findings: What the run has found so far.
        bench: Calls the meta model, runs agents.
        trial: The Optuna trial of the composer's design.
        values: For operator `tune`: what the tuning study chose for the first parent's parameters.
        rng: Seeded by the brief.
        context_tokens: Tokens that the meta model can read and write in one call; 0 where that is not known.
        attempts: Evaluations that the brief and its repairs have left (`search.attempts`), this one included.
    """

    brief: Brief
    config: AuthorConfig
    parents: tuple[Parent, ...]
    inspirations: tuple[Parent, ...]
    domain: DomainFacts
    findings: Findings
    bench: Workbench
    trial: Trial
    values: Mapping[str, Scalar]
    rng: random.Random
    context_tokens: int = 0
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a brief: a candidate or `None`, and the drafts that failed on the way.

    Attributes:
        candidate: What is to be evaluated, or `None`.
        attempts: Drafts that failed.
        used: How many of the brief's evaluation attempts this took: one, unless failed drafts count as well.
        note: One line for the user, shown once in a run, or `""`.
    """

    candidate: Candidate | None
    attempts: tuple[Attempt, ...] = ()
    used: int = 1
    note: str = ""


class Author(Protocol):
    """Turns a brief into a candidate. Called from several threads at once; keeps no state between briefs.

    Failures of the model or of a draft are `Attempt`s, not exceptions.
    """

    def write(self, context: Context) -> Written: ...
