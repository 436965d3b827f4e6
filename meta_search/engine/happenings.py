"""What happens in a search and is handled by its loop: values that come out of one queue."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from meta_search.authors.author import Written
from meta_search.engine.open_brief import OpenBrief
from meta_search.engine.workbench import BriefWorkbench
from meta_search.run.members import Member
from meta_search.types import ItemResult, Split

__all__ = ["BlockEmpty", "BriefWritten", "Evaluated", "ItemRun"]


@dataclass(frozen=True, slots=True)
class BriefWritten:
    """An author is through with a brief.

    Attributes:
        open_brief: The brief.
        bench: What the author did through the engine.
        outcome: What it wrote, or what it raised.
    """

    open_brief: OpenBrief
    bench: BriefWorkbench
    outcome: Future[Written]


@dataclass(frozen=True, slots=True)
class ItemRun:
    """An item of an agent's race has come to an end.

    Attributes:
        member: The agent.
        split: The split of the race.
        result: The scored result, or what went wrong; archived by now unless its outcome is `UNSCORED`.
    """

    member: Member
    split: Split
    result: Future[ItemResult]


@dataclass(frozen=True, slots=True)
class BlockEmpty:
    """A block of a race had no item left to run: all were run in an earlier session."""

    member: Member
    split: Split


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An agent's evaluation on train is complete, or was stopped.

    Attributes:
        member: The agent.
        promising: Whether it is among the best so far and goes on to validation.
    """

    member: Member
    promising: bool
