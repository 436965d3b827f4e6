"""An agent's wrong items, the most telling first: what it answered, and what the scorer said of that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from meta_search.outcomes import UNSCORED, explain
from meta_search.text import one_line, passage
from meta_search.types import ItemResult, OutcomeKind, Split

__all__ = ["MOST_ANSWER", "WrongItem", "wrong_items"]

MOST_ANSWER = 300  # characters
MOST_FAULT = 400


@dataclass(frozen=True, slots=True)
class WrongItem:
    """An item that an agent did not get right.

    Attributes:
        split: Split of the item.
        item: Id of the item.
        repeat: Which repeat, from 0.
        outcome: How it ended; `ok` with an answer.
        score: 0..1, less than 1.
        answer: What the agent answered, printable, cut in the middle.
        feedback: What the scorer said of it, printable lines; `""` where it said nothing.
        fault: What ended the item otherwise than with an answer and what to do about it, one line, or `""`.
    """

    split: Split
    item: str
    repeat: int
    outcome: OutcomeKind
    score: float
    answer: str
    feedback: str
    fault: str

    def as_json(self) -> dict[str, Any]:
        """As `archive show --json` prints it."""
        return {name: getattr(self, name) for name in self.__slots__}


def wrong_items(results: Iterable[ItemResult], source: str = "") -> list[WrongItem]:
    """The items that were not right, those left out of scores not among them.

    The worst scores come first, and among equal ones those whose feedback, or fault, no earlier one has.

    Args:
        results: Of one agent.
        source: The agent's, to quote where a fault happened.
    """
    found = [_wrong(r, source) for r in results if r.kind not in UNSCORED and not r.right]
    first: dict[tuple[float, str], WrongItem] = {}
    for wrong in found:
        first.setdefault(_told(wrong), wrong)
    return sorted(found, key=lambda wrong: (wrong.score, first[_told(wrong)] is not wrong))


def _told(wrong: WrongItem) -> tuple[float, str]:
    return wrong.score, wrong.feedback or wrong.fault


def _wrong(result: ItemResult, source: str) -> WrongItem:
    r = result
    fault = "" if r.kind == "ok" else one_line(explain(r.kind, r.detail, source), MOST_FAULT)
    answer = passage(r.answer, MOST_ANSWER)
    said = passage(r.feedback)
    return WrongItem(r.split, one_line(r.item, 80), r.repeat, r.kind, r.score or 0.0, answer, said, fault)
