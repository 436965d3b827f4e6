"""What a matcher is: it compares an answer with a target and says what it is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeVar

from domains.domain import Item, Score

__all__ = ["NO_ITEM", "Matcher"]

NO_ITEM = Item("", "", "")
M = TypeVar("M", bound="Matcher")


class Matcher:
    """Compares answers with targets. Subclasses are frozen dataclasses, whose fields are the options.

    Attributes:
        name: As in `domain.matcher`.
        how: What a right answer is, as the meta agent is told.
        wording: What is expected in output fields, where it is not the shared wording.
        whole_lists: Whether a list in a table's cell is one target, and not several accepted ones.
        lone_lists: Whether a list of one part is such a target too, and not its part.
        targets_answer: Whether a target would be right as an answer; a pattern or a program's output is not.
        library: As what a confined process compares, where a library parses or runs answers, or `""`.
    """

    name: ClassVar[str] = ""
    how: ClassVar[str] = "a short text"
    wording: ClassVar[Mapping[str, str]] = {}
    whole_lists: ClassVar[bool] = False
    lone_lists: ClassVar[bool] = True
    targets_answer: ClassVar[bool] = True
    library: ClassVar[str] = ""

    @property
    def needs_target(self) -> bool:
        """Whether an item needs a right answer."""
        return True

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """What an answer is worth, 0..1, with feedback where it is wrong. Never raises on any answer.

        Args:
            answer: The answer as it was given, not empty.
            target: A right answer.
            item: Where more is in the question or the data, as options of a choice.
        """
        raise NotImplementedError

    def __call__(self, answer: str, target: str) -> bool:
        """Whether an answer is right."""
        return self.score(answer, target).value >= 1.0

    def fault(self, target: str) -> str:
        """Why nothing can be compared with a target, in a few words; `""` where it can."""
        return ""

    def fitted(self: M, targets: Sequence[str]) -> M:
        """The matcher for all targets of a domain, where it has something to learn from them."""
        return self
