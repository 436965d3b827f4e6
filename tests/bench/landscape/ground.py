"""What a simulated search stands on: a recorded landscape, or a made world (`tests.bench.worlds`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from meta_search.types import Agent, Candidate, ItemJob, Parameter, TraceCall

__all__ = ["WORKED_PROGRAM", "Cell", "Ground", "Work"]

Work: TypeAlias = Any
"""What a candidate is, by which the ground knows it; it can be hashed. Each ground has a type of its own."""

WORKED_PROGRAM = "```python\nprint(1)\n```"


@dataclass(frozen=True, slots=True)
class Cell:
    """One agent on one item: score 0..1 (recorded ones are right or wrong), used calls and tokens, kind of
    outcome."""

    right: float
    calls: int
    tokens: int
    kind: str = "ok"


class Ground(Protocol):
    """A landscape under whole searches.

    Attributes:
        items: Names of all items. kind_of: their kinds.
        searched: Places of the items that are searched on: the first ones.
        keywords: Kind -> words that tell it in a question; empty where there is one kind. kinds: all.
        teaching_calls: What worked examples cost, once.
    """

    @property
    def items(self) -> Sequence[str]: ...
    @property
    def kind_of(self) -> Sequence[str]: ...
    @property
    def searched(self) -> range: ...
    @property
    def keywords(self) -> Mapping[str, str]: ...
    @property
    def kinds(self) -> Sequence[str]: ...
    @property
    def teaching_calls(self) -> int: ...

    def placed(self, candidate: Candidate, known: Mapping[str, Work]) -> Work:
        """What a candidate is. `known`: agent -> what earlier candidates are."""
        ...

    def rows(self, work: Work) -> Sequence[Cell]:
        """What comes of each item."""
        ...

    def declared(self, agent: Agent) -> tuple[Parameter, ...]:
        """What an agent declares to tune, as far as the ground knows what comes of it."""
        ...

    def lesson(self, job: ItemJob) -> TraceCall:
        """The call that works an example, which agents then show."""
        ...
