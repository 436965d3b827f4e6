"""What an author is, and what is handed to it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
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

__all__ = ["Author", "Context", "Drawn", "Example", "Failure", "Parent", "Trial", "Worked", "Written"]


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
    """An item of the examples split, with its answer: free to be shown."""

    question: str
    answer: str
    kind: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A train item that a parent got wrong.

    Attributes:
        kind: Kind of the item. outcome: kind of the outcome, one of `types.OUTCOME_KINDS`.
        detail: One line on a fault, or the scorer's note on an answer.
    """

    question: str
    answer: str
    expected: str
    kind: str
    detail: str = ""
    outcome: OutcomeKind = "ok"


@dataclass(frozen=True, slots=True)
class Parent:
    """An agent of the population as an author sees it.

    Attributes:
        score: On train, 0..1. tokens: used per item.
        by_kind: Kind of item -> (right, evaluated) on train.
        failures: Faults first, one of each, then wrong answers.
        plan: The plan it was compiled from, if it was.
        thought: The idea behind it. scores: Of its train items, in ascending order.
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
    """A teacher's run on one example, and whether it scored right."""

    example: Example
    right: bool
    result: ItemResult


def _no_runs(agent: Agent, places: Sequence[int], without: Sequence[str]) -> list[ItemResult]:
    return []


def _no_note(rows: Sequence[Importance]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Context:
    """Everything an author may use for one brief.

    Attributes:
        parents, inspirations: As the brief names them, best first.
        domain: The domain's brief.
        keywords: Kind of item -> words that tell it from the others (found on the examples split).
        examples: The examples split.
        demonstrations: Worked examples found so far in this run.
        ask: Sends one request of the meta agent and waits.
        try_out: Free dry run in the sandbox against a scripted LLM, on one train item or more.
        teach: Runs an agent on examples with a model ("task" or "meta").
        keep: Adds demonstrations to the run's pool.
        trial: The Optuna trial of the composer's design.
        values: For operator `tune`: what the tuning study chose for the first parent's parameters.
        probe: Runs an agent on train items, by their places, without the components named: scored results
            with traces, of which nothing is kept but the calls. Fewer where the search has ended.
        note: Keeps what components were found to be worth.
        family: Name of the domain. questions: Of the train items, in order.
        known: All agents of the run with their plans, if they have one.
        archive: For author `adas`: all agents of the population, in the order in which they came.
        room: Tokens that the meta model can read and write in one call; 0 where that is not known.
        attempts: Evaluations that the brief's chain has left (`search.attempts`), this one included.
    """

    brief: Brief
    config: AuthorConfig
    parents: tuple[Parent, ...]
    inspirations: tuple[Parent, ...]
    domain: str
    keywords: Mapping[str, str]
    examples: tuple[Example, ...]
    demonstrations: tuple[Demonstration, ...]
    ask: Callable[[CallRequest], CallReply]
    try_out: Callable[[Agent], list[ItemResult]]
    teach: Callable[[Agent, Sequence[Example], str], list[Worked]]
    keep: Callable[[Sequence[Demonstration]], None]
    trial: Trial
    values: Mapping[str, Scalar]
    rng: random.Random
    probe: Callable[[Agent, Sequence[int], Sequence[str]], list[ItemResult]] = _no_runs
    note: Callable[[Sequence[Importance]], None] = _no_note
    family: str = ""
    questions: tuple[str, ...] = ()
    known: tuple[tuple[Agent, Mapping[str, Any] | None], ...] = ()
    archive: tuple[Parent, ...] = ()
    room: int = 0
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a brief: a candidate or `None`, and the drafts that failed on the way.

    Attributes:
        used: Of the brief's evaluation attempts, how many this took: one, unless failed drafts count as well.
        note: One line to be shown once in a run, or `""`.
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
