"""What an author is, and what is handed to it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from meta_search.authors.course import Course
from meta_search.authors.knowledge import Knowledge, Known
from meta_search.authors.views import (
    DomainFacts,
    Example,
    Failure,
    Findings,
    Lesson,
    LessonDue,
    Parent,
    TaskModel,
    Worked,
)
from meta_search.config import AuthorConfig, SandboxConfig
from meta_search.types import (
    Agent,
    Attempt,
    Brief,
    CallReply,
    CallRequest,
    Candidate,
    Demonstration,
    HandedIn,
    Importance,
    ItemResult,
    Scalar,
)
from meta_search.types.designs import Space

__all__ = [
    "Author",
    "Context",
    "Course",
    "DomainFacts",
    "Drawn",
    "Example",
    "Failure",
    "Findings",
    "Lesson",
    "LessonDue",
    "Parent",
    "TaskModel",
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

    def leak(self, agent: Agent) -> str:
        """Id of a scored item whose question the agent carries, `""` where it carries none; see
        `check.find_leak`. The engine refuses such an agent in any case."""
        ...

    def look(self, known: Known) -> Sequence[ItemResult]:
        """The results of an agent of `Context.knowledge` with their traces, in the same order."""
        ...

    def teach(self, agent: Agent, examples: Sequence[Example], model: str) -> list[Worked]:
        """Run an agent on examples with a model, `task` or `meta`; fewer where the search has ended."""
        ...

    def late(self) -> bool:
        """Whether teaching has taken its share of the time; to be asked before each round of it."""
        ...

    def learn(self, lesson: Lesson) -> None:
        """Keep what the meta agent has written down for later briefs, or why it came to nothing."""
        ...

    def keep(self, demonstrations: Sequence[Demonstration], teacher: str = "") -> None:
        """Add worked examples to the run's pool.

        Args:
            demonstrations: What scored right.
            teacher: Who worked them: `task`, `meta`, or `author` where the meta agent wrote them.
        """
        ...

    def say(self, line: str) -> None:
        """Tell people how far a brief is that takes long."""
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

    def hand_over(self, files: Mapping[str, str]) -> HandedIn:
        """Have the program of `author.command`, or a person, write an agent in the brief's folder.

        Args:
            files: Path in the folder -> text; what earlier calls for this brief put there stays.

        Returns:
            What it handed in. What it did wrong is a value too.
        """
        ...

    def run(self, agent: Agent, places: Sequence[int]) -> list[ItemResult]:
        """As `probe` of a whole agent; what scorer and exceptions say is the same in a replay."""
        ...

    def record_importance(self, rows: Sequence[Importance]) -> None:
        """Keep what components were found to be worth."""
        ...


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
        task: The model that agents call.
        room: Tokens that a prompt may tell the meta agent of the run, an estimate being good enough:
            `author.context`, else 1500 for the embedded models, else 24000 or what the window allows.
        sandbox: What agents are held to.
        course: What teaching may use in this brief, and what it has found; the only part that changes.
        lesson_due: What a new lesson is to rest on, where the brief begins with one
            (`authors.lessons.with_lesson`); else `None`.
        knowledge: What the run knew when the brief was handed out, for authors that look things up
            (`registry.AuthorSpec.looks`); `None` for others.
        space: Of the composer's designs; empty where the run has none.
        handed: For author `hand`: what a person handed in while the search ran; `None` for others.
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
    task: TaskModel = field(default_factory=TaskModel)
    room: int = 24_000
    sandbox: SandboxConfig = field(default_factory=SandboxConfig)
    course: Course = field(default_factory=Course)
    lesson_due: LessonDue | None = None
    knowledge: Knowledge | None = None
    space: Space = field(default_factory=lambda: Space(()))
    handed: HandedIn | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a brief: a candidate or `None`, and the drafts that failed on the way.

    Attributes:
        candidate: What is to be evaluated, or `None`.
        attempts: Drafts that failed.
        used: How many of the brief's evaluation attempts this took: one, unless failed drafts count as well.
        note: One line for the user, shown once in a run, or `""`.
        further: Further candidates of the same brief, where one reply held several. All are evaluated, and
            the brief is worth what the best of them is.
    """

    candidate: Candidate | None
    attempts: tuple[Attempt, ...] = ()
    used: int = 1
    note: str = ""
    further: tuple[Candidate, ...] = ()

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """All candidates, the first one first."""
        return () if self.candidate is None else (self.candidate, *self.further)


class Author(Protocol):
    """Turns a brief into a candidate. Called from several threads at once; keeps no state between briefs.

    Failures of the model or of a draft are `Attempt`s, not exceptions.
    """

    def write(self, context: Context) -> Written: ...
