"""What the views of single agents and items share: items and their kinds, texts of bounded length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archive import inspecting
from archive.records import Archive
from meta_search.dashboard.views.shared import MOST_NAME, Json, interval
from meta_search.errors import ArchiveError
from meta_search.text import one_line, printable
from meta_search.types import (
    PERTURBED,
    SPLITS,
    ArchivedItem,
    ItemResult,
    Split,
    wilson_by_item,
)

__all__ = [
    "MOST_LINE",
    "MOST_TEXT",
    "distinct",
    "kind_of",
    "kinds_of",
    "known_items",
    "mean_interval",
    "question_line",
    "scores_interval",
    "shown",
    "split_of",
]

MOST_LINE, MOST_TEXT = 200, 40_000  # characters


def shown(text: object, most: int = MOST_TEXT) -> str:
    """Text of several lines as the page shows it: without controls, cut in the middle where it is long."""
    whole = text if isinstance(text, str) else "" if text is None else str(text)
    if len(whole) > most:
        half = most // 2
        told = f"\n[… {len(whole) - 2 * half:,} characters left out …]\n"
        whole = whole[:half] + told + whole[-half:]
    return printable(whole)


def question_line(item: ArchivedItem | None) -> str:
    """The beginning of a question, for tables."""
    return one_line(item.question, MOST_LINE) if item else ""


def split_of(archive: Archive, wanted: str) -> Split:
    """A split by its name; of none, the one that most is known on.

    Raises:
        ArchiveError: There is no such split.
    """
    for split in (*SPLITS, PERTURBED):
        if split == wanted:
            return split
    if wanted:
        raise ArchiveError(f"no split is called {one_line(wanted, 40)}: {', '.join(SPLITS)}, {PERTURBED}")
    return next(iter(inspecting.evaluated_splits(archive)), "train")


def mean_interval(results: Sequence[ItemResult]) -> Json:
    """`Interval` of results, as evaluations have it; those without a score are left out."""
    return scores_interval((result.item, result.score) for result in results if result.score is not None)


def scores_interval(scores: Iterable[tuple[str, float]]) -> Json:
    """`Interval` of scores, each with its item."""
    by_item: dict[str, list[float]] = {}
    for item, one in scores:
        by_item.setdefault(item, []).append(one)
    means = [sum(scores) / len(scores) for scores in by_item.values()]
    if not means:
        return interval(None)
    n = sum(map(len, by_item.values()))
    low, high = wilson_by_item(means, n)
    score = sum(sum(scores) for scores in by_item.values()) / n
    return {"score": score, "low": low, "high": high, "items": n}


def known_items(archive: Archive, split: Split) -> dict[str, ArchivedItem]:
    """The items of a split by their ids, as far as people may look at them."""
    return {item.item: item for item in archive.items(split)} if inspecting.is_open(archive, split) else {}


def kinds_of(archive: Archive, split: Split, known: Iterable[ArchivedItem]) -> dict[str, str]:
    """Item -> kind, of items that have one.

    Args:
        archive: Of the run.
        split: Their split.
        known: Its items. Those of an archive of an earlier version say no kind, which stands elsewhere.
    """
    found = {item.item: one_line(item.kind, MOST_NAME) for item in known}
    if any(found.values()) or not found:
        return {item: kind for item, kind in found.items() if kind}
    facts = archive.meta("domain")
    kinds = facts.get("kinds") if isinstance(facts, dict) else None
    of_split = kinds.get(split) if isinstance(kinds, dict) else None
    rows = of_split.items() if isinstance(of_split, dict) else ()
    return {str(item): one_line(kind, MOST_NAME) for item, kind in rows}


def kind_of(archive: Archive, item: ArchivedItem | None, split: Split) -> str:
    """The kind of one item, `""` where it has none."""
    if item is None or item.kind or not item.note:
        return one_line(item.kind, MOST_NAME) if item else ""
    return kinds_of(archive, split, [item]).get(item.item, "")


def distinct(values: Iterable[str]) -> list[str]:
    """Values in their order, each once."""
    return list(dict.fromkeys(values))
