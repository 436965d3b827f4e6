"""What the run knew when a brief was handed out, for an author that looks things up.

It is fixed then: the author is answered the same after kill and resume, and in a replay, whatever else
arrives while it works. Train items only; with folds, without the items and agents that the brief may not be
shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from meta_search.types import Candidate, Demonstration, ItemResult

__all__ = ["Knowledge", "Known", "TrainItem"]


@dataclass(frozen=True)
class Known:
    """An agent of the run with its evidence.

    Attributes:
        candidate: The agent with its brief.
        fate: What became of it, in a few words.
        results: On train items that came to a score, in the order of repeats and items. They may lack their
            traces, which `Workbench.look` reads.
    """

    candidate: Candidate
    fate: str
    results: tuple[ItemResult, ...] = ()

    @cached_property
    def score(self) -> float:
        """Mean score over its results, 0..1."""
        return sum(r.score or 0.0 for r in self.results) / len(self.results) if self.results else 0.0

    @cached_property
    def tokens(self) -> float:
        """Used per item."""
        return sum(r.used.tokens for r in self.results) / len(self.results) if self.results else 0.0

    @cached_property
    def calls(self) -> float:
        """LLM calls per item."""
        return sum(r.used.calls for r in self.results) / len(self.results) if self.results else 0.0


@dataclass(frozen=True, slots=True)
class TrainItem:
    """A train item that agents are scored on.

    Attributes:
        id: Of the item.
        question: What agents are asked.
        answer: The right answer.
        kind: Kind of the item.
    """

    id: str
    question: str
    answer: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the run knew.

    Attributes:
        agents: In the order in which they came.
        items: Of train, in their order; `Workbench.probe` names them by their places.
        pool: The worked examples that all candidates share.
    """

    agents: Sequence[Known] = ()
    items: Sequence[TrainItem] = ()
    pool: tuple[Demonstration, ...] = ()
