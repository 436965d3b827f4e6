"""What an archive gives back: agents with their evidence, trials, events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archive import codec
from meta_search.types import Agent, Brief, Evaluation, Parameter, Split

__all__ = ["Event", "Record", "Trial", "record_of", "trial_of"]


@dataclass(frozen=True, slots=True)
class Record:
    """An archived agent with its evidence.

    Attributes:
        agent: The agent itself.
        author: Who wrote it.
        operator: By which it was written.
        generation: Length of its lineage; 0 for seeds.
        thought: What its author wrote about the idea.
        parents: Ids of the agents it was made from, best first.
        brief: What asked for it.
        plan: What a composer compiled it from.
        space: Its parameters.
        status: population, paused, partial, duplicate, finalist, seed, ….
        created: Seconds since the epoch.
        evaluations: Split -> evaluation.
        same_as: Id of the agent that it behaves as, where it is counted as that one; `""` for others.
    """

    agent: Agent
    author: str
    operator: str
    generation: int
    thought: str = ""
    parents: tuple[str, ...] = ()
    brief: Brief | None = None
    plan: Mapping[str, Any] | None = None
    space: tuple[Parameter, ...] = ()
    status: str = ""
    created: float = 0.0
    evaluations: Mapping[Split, Evaluation] = field(default_factory=dict)
    same_as: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial of one of the guide's studies; `values` is `None` until it has ended."""

    study: str
    number: int
    params: Mapping[str, Any]
    values: tuple[float, ...] | None
    state: str
    agent: str | None
    created: float


@dataclass(frozen=True, slots=True)
class Event:
    """A numbered decision of the engine, for replay. `created` is in seconds since the epoch."""

    seq: int
    kind: str
    data: Mapping[str, Any]
    created: float


def record_of(row: tuple[Any, ...], evaluations: Mapping[Split, Evaluation], same_as: str = "") -> Record:
    """A record from a row in the order of `codec.AGENT_COLUMNS`, its evaluations, and whom it behaves as."""
    agent, brief, plan, space = codec.record_of(row)
    status, author, operator, generation, created, thought = row[2:8]
    return Record(
        agent=agent,
        author=author,
        operator=operator,
        generation=generation,
        thought=thought,
        parents=tuple(p for p in dict.fromkeys(brief.parents) if p != agent.id),
        brief=brief,
        plan=plan,
        space=space,
        status=status,
        created=created,
        evaluations=evaluations,
        same_as=same_as,
    )


def trial_of(row: Mapping[str, Any]) -> Trial:
    """A trial from a row of `trials`, by column."""
    return Trial(
        study=row["study"],
        number=row["number"],
        params=codec.load(row["params"]),
        values=None if row["values"] is None else tuple(codec.load(row["values"])),
        state=row["state"],
        agent=row["agent"],
        created=row["created"],
    )
