"""Which of an agent's train items an author is shown, and what of them: trace, and who does better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from itertools import zip_longest

from domains.domain import Item
from meta_search.authors.views import Failure, Solved
from meta_search.engine.traces import Traced
from meta_search.types import ItemResult

__all__ = ["failure", "right_one", "solved_by", "telling"]

MOST, FEWEST = 12, 6  # items; those beyond the first two of a kind are shown where there are few kinds
MOST_FAULTS, OF_A_KIND = 2, 2


def telling(
    wrong: Sequence[ItemResult], kinds: Mapping[str, str], solved: Container[str] = ()
) -> list[ItemResult]:
    """Wrong items in the order in which they help an author: one for each fault, answers, further faults.

    Answers come in rounds, one of each kind in each, the kinds first of which most went wrong. Of a kind
    those come first that another agent gets right, and of these those of which the scorer says what it has
    not said of others.

    Args:
        wrong: In the order of the items.
        kinds: Item -> its kind.
        solved: Items that another agent gets right.

    Returns:
        At most `MOST` of them; of answers two of each kind, more only up to `FEWEST` items in all.
    """
    first: dict[tuple[str, str], ItemResult] = {}
    for row in wrong:
        if row.kind != "ok":
            first.setdefault((row.kind, row.detail), row)
    faults = list(first.values())[:MOST_FAULTS]
    rounds = _rounds([row for row in wrong if row.kind == "ok"], kinds, solved)
    early = [row for each in rounds[:OF_A_KIND] for row in each]
    late = [row for each in rounds[OF_A_KIND:] for row in each]
    late += [row for row in wrong if row.kind != "ok" and row not in faults]
    shown = [*faults, *early][:MOST]
    return [*shown, *late[: max(0, FEWEST - len(shown))]]


def _rounds(
    answers: Sequence[ItemResult], kinds: Mapping[str, str], solved: Container[str]
) -> list[list[ItemResult]]:
    """Wrong answers dealt in rounds, each with one item of each kind that is left."""
    said = {row.feedback: row for row in reversed(answers)}  # the first of each
    by_kind: dict[str, dict[str, ItemResult]] = {}
    for row in answers:  # of several repeats of an item, the first
        by_kind.setdefault(kinds.get(row.item, ""), {}).setdefault(row.item, row)
    piles = [
        sorted(rows.values(), key=lambda row: (row.item not in solved, said[row.feedback] is not row))
        for rows in sorted(by_kind.values(), key=len, reverse=True)
    ]
    return [[row for row in dealt if row is not None] for dealt in zip_longest(*piles)]


def right_one(
    rows: Sequence[ItemResult], wrong: Sequence[ItemResult], kinds: Mapping[str, str]
) -> ItemResult | None:
    """A right item for contrast: of the kind that fails most, else of any; `None` where there is none.

    Args:
        rows: In the order of the items.
        wrong: What went wrong of them.
        kinds: Item -> its kind.
    """
    often = Counter(kinds.get(row.item, "") for row in wrong)
    right = [row for row in rows if row.right]
    return min(right, key=lambda row: -often[kinds.get(row.item, "")], default=None)


def failure(
    row: ItemResult, item: Item, traced: Traced = ((), ()), told: bool = True, by: Solved | None = None
) -> Failure:
    """An item as an author is shown it.

    Args:
        row: What an agent made of it.
        item: The item.
        traced: Its calls and programs.
        told: Whether the scorer's feedback is shown (`author.feedback`).
        by: Who gets it right.
    """
    return Failure(
        question=item.question,
        answer=row.answer,
        expected=item.target,
        kind=item.kind,
        detail=row.detail,
        outcome=row.kind,
        feedback=row.feedback if told else "",
        score=row.score or 0.0,
        item=row.item,
        trace=traced[0],
        programs=traced[1],
        solved=by,
    )


def solved_by(row: ItemResult, name: str, traced: Traced) -> Solved:
    """How an agent of that name got an item right."""
    return Solved(name, row.answer, *traced)
