"""What authors are shown of a run: the domain, agents with their evidence, what was tried and learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from meta_search.authors.evidence import Failure, Parent, Solved, Step
from meta_search.types import (
    Agent,
    Demonstration,
    ItemResult,
    Lesson,
)

__all__ = [
    "DomainFacts",
    "Example",
    "Failure",
    "Findings",
    "Lesson",
    "LessonDue",
    "Parent",
    "Solved",
    "Step",
    "TaskModel",
    "Tried",
    "WayRate",
    "Worked",
]


ASKING = {
    "tell": "An agent may answer items without asking a model; which share it does stands beside its score.",
    "refuse": "Every item needs a call to a model: an answer without one scores 0, whatever it says.",
}


@dataclass(frozen=True, slots=True)
class Example:
    """An item of the examples split. It is never scored, so its answer may be shown."""

    question: str
    answer: str
    kind: str


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


@dataclass(frozen=True, slots=True)
class TaskModel:
    """The model that agents call, as the meta agent is told of it.

    Attributes:
        name: As configured.
        window: Tokens that it can read and write in one call; 0 where that is not known.
        reply_tokens: Most tokens of an answer where an agent names no limit.
        request: One request as it arrives there: (role, content) pairs of the first call of an agent of the
            run; empty where no agent has run yet.
        teachable: Whether the meta model is another one, so that it may be the better teacher.
    """

    name: str = ""
    window: int = 0
    reply_tokens: int = 0
    request: tuple[tuple[str, str], ...] = ()
    teachable: bool = False


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """What an author is told about the domain.

    Attributes:
        brief: The domain's own paragraph: what the tasks are and how answers are scored.
        name: Name of the domain.
        keywords: Kind of item -> words that tell it from the other kinds, found on the examples split.
        examples: The examples split.
        questions: Of the train items, in order.
        kinds: Kind of item -> number of train items.
        instruction: What agents are told of the tasks (`domain.instruction`).
        wording: Output field -> what agents are told to put there.
        helpers: Methods of `self` that the domain grants.
        model_free: What becomes of answers without an LLM call (`domain.model_free`): allow, tell or refuse.
    """

    brief: str
    name: str = ""
    keywords: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    questions: tuple[str, ...] = ()
    kinds: Mapping[str, int] = field(default_factory=dict)
    instruction: str = ""
    wording: Mapping[str, str] = field(default_factory=dict)
    helpers: tuple[str, ...] = ()
    model_free: str = "tell"

    @property
    def asking(self) -> str:
        """What the meta agent is told of answers without an LLM call, in a line; `""` where it is nothing."""
        return ASKING.get(self.model_free, "")


@dataclass(frozen=True, slots=True)
class Tried:
    """An agent of the run in short: what it was meant to do, and what became of it.

    Attributes:
        id: Of the agent; empty for a brief that came to none.
        name: Its name.
        thought: The idea behind it.
        operator: That made it; `seed` for what the search began with.
        author: Who wrote it.
        parents: Ids of the agents that it was made from.
        score: On train, 0..1.
        low: Lower end of its 95 % interval.
        high: Upper end of it.
        items: Train items behind the score.
        tokens: Used per item.
        change: Kind of item -> score less that of its first parent, on the items that both were scored on.
        fate: What became of it, in a few words: kept, the reason why it was stopped, or how it failed.
        model_free: Share of the items that it answered without any LLM call, 0..1.
    """

    id: str
    name: str
    thought: str
    operator: str
    author: str
    parents: tuple[str, ...] = ()
    score: float = 0.0
    low: float = 0.0
    high: float = 1.0
    items: int = 0
    tokens: float = 0.0
    change: Mapping[str, float] = field(default_factory=dict)
    fate: str = ""
    model_free: float = 0.0


@dataclass(frozen=True, slots=True)
class WayRate:
    """What a way of working came to on a kind of item, over all agents of the run that took it.

    Attributes:
        way: Of working, see `block_table`.
        kind: Of the items; `""` over all.
        right: Sum of scores.
        items: Results behind it.
        tokens: Used per item.
    """

    way: str
    kind: str
    right: float
    items: int
    tokens: float = 0.0


@dataclass(frozen=True, slots=True)
class LessonDue:
    """What a new lesson is to rest on, where a brief begins with one.

    Attributes:
        agents: Evaluated agents of the run so far.
        since: Those of them that no lesson has seen yet, in the order in which their evaluations ended.
        best: The best agent so far, seeds included; `None` where no evaluation is complete.
        kinds: Kind of item -> (right of the best agent, evaluated items of it), on train.
        reached: Kind of item -> the highest share right that any agent reached, 0..1.
    """

    agents: int
    since: tuple[Tried, ...]
    best: Tried | None = None
    kinds: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    reached: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Findings:
    """What the run has found when a brief is handed out.

    Attributes:
        demonstrations: The pool of worked examples that all candidates share.
        known: All agents of the run with their plans, if they have one.
        archive: All evaluated agents in the order in which they came, for authors that see the whole
            archive (`registry.AuthorSpec.sees_archive`); else empty.
        tried: Every agent so far in short, children of the first parent first, then in the order in which
            they came; agents that failed too.
        rates: What ways of working came to, by kind.
        taught: Question of an example -> the model that worked it (`task`, `meta`, or `author` where the
            meta agent wrote it), for the examples that are in the pool.
        lesson: The newest lesson; `None` where there is none.
    """

    demonstrations: tuple[Demonstration, ...] = ()
    known: tuple[tuple[Agent, Mapping[str, Any] | None], ...] = ()
    archive: tuple[Parent, ...] = ()
    tried: tuple[Tried, ...] = ()
    rates: tuple[WayRate, ...] = ()
    taught: Mapping[str, str] = field(default_factory=dict)
    lesson: Lesson | None = None
