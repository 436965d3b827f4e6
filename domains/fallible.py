"""Domains whose scorer is somebody's code and may fail: what they share beside how they read items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domains.domain import Item, Score, items_of
from domains.user_file import Ask
from meta_search.errors import DomainError
from meta_search.types import Split

__all__ = ["MOST_ANSWER", "Fallible"]

MOST_ANSWER = 2**20  # characters that are read of an answer, as of one that is scored confined


class Fallible:
    """Items of the splits, and a scorer of somebody's, which a subclass asks in `_scored`.

    Attributes:
        concurrency: Answers that are scored at a time in the engine's process; 0 leaves it to the engine.
    """

    _items: Mapping[Split, Sequence[Item]]
    concurrency: int = 0

    def items(self, split: Split) -> Sequence[Item]:
        """Items of a split, in an order that depends on the seed only."""
        return items_of(self._items, split)

    def score(self, item: Item, answer: str) -> Score:
        """As `try_score`; a scorer that fails is 0, and why the feedback."""
        try:
            return self.try_score(item, answer)
        except DomainError as error:
            return Score(0.0, str(error))

    def try_score(self, item: Item, answer: str, ask: Ask | None = None) -> Score:
        """What the scorer says, where it is not confined.

        Args:
            item: The item.
            answer: Of an agent; without any text it is wrong, and nobody is asked.
            ask: Asks the judge model, for scorers that do.

        Raises:
            DomainError: The scorer raised, gave no score, or is confined; names the line where it has one.
            JudgeUnread: What the judge of `domain.matcher=judge` says cannot be read.
        """
        if not isinstance(answer, str) or not answer.strip():
            return Score(0.0, "no answer")
        return self._scored(item, answer, ask)

    def _scored(self, item: Item, answer: str, ask: Ask | None) -> Score:
        raise NotImplementedError
