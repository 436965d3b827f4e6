"""What teaching may use in a brief, what it has found, and what is not asked again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from meta_search.types import Demonstration, Usage

__all__ = ["AUTHOR", "META", "TASK", "Course", "Limits", "Miss"]

TASK, META, AUTHOR = "task", "meta", "author"
"""Who a worked example is of: one of the models, or the meta agent, which wrote it knowing the answer."""

Miss = tuple[str, str, str]
"""Question of an example, form of the reply (`Demonstration.form`), teacher: nothing right came of these."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What teaching may use; `None` is no limit.

    Attributes:
        calls: LLM calls.
        tokens: Prompt and completion tokens.
        usd: US dollars.
    """

    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None

    def less(self, used: Usage) -> Limits:
        """What is left after something was used."""
        return Limits(
            None if self.calls is None else max(0, self.calls - used.calls),
            None if self.tokens is None else max(0, self.tokens - used.tokens),
            None if self.usd is None else max(0.0, self.usd - used.cost_usd),
        )

    def holds(self, each: Usage) -> float:
        """How many times something of this cost fits; infinite where nothing limits it."""
        shares = (
            (self.calls, each.calls),
            (self.tokens, each.tokens),
            (self.usd, each.cost_usd),
        )
        found = [left // cost if cost else 0 if left <= 0 else float("inf") for left, cost in _set(shares)]
        return max(0.0, min(found, default=float("inf")))


def _set(shares: Iterable[tuple[float | None, float]]) -> list[tuple[float, float]]:
    return [(left, cost) for left, cost in shares if left is not None]


NOTHING = Limits(0, 0, 0.0)


@dataclass(slots=True)
class Course:
    """The teaching of one brief, shared by everything that works on it. Belongs to the author's thread.

    Attributes:
        first: Whether the meta model teaches before the task model (`author.teach`).
        each: Worked examples that a kind of item is to have of a form.
        limits: What teaching may still use in this brief.
        missed: What is not asked again: of the run before, and of this brief.
        failed: What this brief has added to it, in order.
        found: Worked examples of this brief, with their teachers, in order.
        used: What teaching has used in this brief, as if nothing were shared.
        dearest: The most that one example has cost so far.
    """

    first: bool = False
    each: int = 3
    limits: Limits = NOTHING
    missed: set[Miss] = field(default_factory=set)
    failed: list[Miss] = field(default_factory=list)
    found: list[tuple[Demonstration, str]] = field(default_factory=list)
    used: Usage = field(default_factory=Usage)
    dearest: Usage = field(default_factory=Usage)

    def room(self, expected: Usage) -> float:
        """How many further examples fit, each taken to cost what the dearest has; the first ones what is
        expected."""
        return self.limits.less(self.used).holds(self.dearest if self.dearest.calls else expected)

    def charge(self, used: Usage) -> None:
        """One example, right or wrong, has cost this."""
        self.used = self.used + used
        if used.tokens > self.dearest.tokens:
            self.dearest = used

    def fail(self, miss: Miss) -> None:
        """Nothing right came of this."""
        if miss not in self.missed:
            self.missed.add(miss)
            self.failed.append(miss)
