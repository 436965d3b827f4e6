"""Two agents on the same items: who won which, and whether that says anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from meta_search.report.comparing import compare
from meta_search.report.standing import Contender
from meta_search.report.verdict import measure_of
from meta_search.types import ItemResult

__all__ = ["ItemPair", "ItemPairs", "item_pairs"]

Fate = Literal["won", "lost", "tied", "unpaired"]
ORDER: tuple[Fate, ...] = ("lost", "won", "tied", "unpaired")
EVEN = 1e-9


@dataclass(frozen=True, slots=True)
class ItemPair:
    """One item of two agents.

    Attributes:
        item: Its id.
        ours: Score of the first, 0..1, the mean over its repeats; `None` where it came to none.
        theirs: Likewise of the second.
        fate: What became of it for the first; `unpaired` where one of them has no score.
    """

    item: str
    ours: float | None
    theirs: float | None
    fate: Fate


@dataclass(frozen=True, slots=True)
class ItemPairs:
    """Two agents on the items of a split.

    Attributes:
        pairs: An item each: those that the second won come first, then those that the first won.
        difference: Mean score of the first less that of the second on items of both, -1..1; `None` without
            such items.
        low: Lower end of its 95 % interval, likewise.
        high: Upper end of it.
        p: Two-sided p-value of no difference, for these two alone: who picks a pair among many after having
            looked finds small ones by chance. `None` where too much came to no score.
    """

    pairs: tuple[ItemPair, ...]
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None

    def count(self, fate: Fate) -> int:
        """How many items had this fate."""
        return sum(pair.fate == fate for pair in self.pairs)

    def as_json(self) -> dict[str, Any]:
        """As `archive diff --json` prints it; difference and interval in percentage points."""
        fates: tuple[Fate, ...] = ("won", "lost", "tied", "unpaired")
        ends = {"points": self.difference, "low": self.low, "high": self.high}
        test = {name: None if end is None else 100 * end for name, end in ends.items()} | {"p": self.p}
        items = [{"item": q.item, "ours": q.ours, "theirs": q.theirs, "outcome": q.fate} for q in self.pairs]
        return {**{fate: self.count(fate) for fate in fates}, **test, "items": items}


def item_pairs(ours: Iterable[ItemResult], theirs: Iterable[ItemResult]) -> ItemPairs:
    """Compare two agents item by item, by the test of the verdict (`report.comparing.compare`).

    Args:
        ours: Results of the first agent on a split.
        theirs: Results of the second.
    """
    mine, other = list(ours), list(theirs)
    measure = measure_of([*mine, *other])
    one, two = Contender.of("", "", mine, measure), Contender.of("", "", other, measure)
    pairs = [_pair(item, one.scores.get(item), two.scores.get(item)) for item in one.met | two.met]
    pairs.sort(key=lambda pair: (ORDER.index(pair.fate), pair.item))
    if not one.scores.keys() & two.scores.keys():
        return ItemPairs(tuple(pairs))
    found = compare(one, two)
    p = None if found.unsettled else found.p
    return ItemPairs(tuple(pairs), found.difference, found.low, found.high, p)


def _pair(item: str, ours: float | None, theirs: float | None) -> ItemPair:
    if ours is None or theirs is None:
        return ItemPair(item, ours, theirs, "unpaired")
    gain = ours - theirs
    return ItemPair(item, ours, theirs, "tied" if abs(gain) < EVEN else "won" if gain > 0 else "lost")
