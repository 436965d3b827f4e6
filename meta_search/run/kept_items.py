"""Items in the archive, so that people can look at them; whatever writes, chooses or runs agents never does.

Those of test and their perturbations come in once the final report is made, those of an evaluation once it
has run them, so that an archive that somebody reads while a search goes on holds no test item.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice

from domains.domain import Item
from meta_search.run.run import Run
from meta_search.types import ArchivedItem, Split

__all__ = ["MOST_ITEMS", "MOST_PUBLIC", "MOST_QUESTION", "MOST_TARGET", "MOST_TEXT", "archived", "keep_items"]

MOST_QUESTION, MOST_TARGET, MOST_PUBLIC = 20_000, 4_000, 4_000  # characters of an item
MOST_TEXT = 32 * 2**20  # characters of all items of a call of `keep_items`
MOST_ITEMS = 20_000  # of a split
AT_ONCE = 200  # items of a write
TOO_MUCH = "left out: the items of this run are too large together"


def keep_items(run: Run, splits: Sequence[Split], afresh: bool = False) -> None:
    """Write items to the archive, as the run evaluates them.

    Args:
        run: The run at work.
        splits: Their splits.
        afresh: Whether what an earlier session wrote is forgotten: a search that goes on has no test items.
    """
    rows = _rows(run, splits)
    part = list(islice(rows, AT_ONCE))
    while part or afresh:
        run.runner.pen.put_items(part, afresh)
        part, afresh = list(islice(rows, AT_ONCE)), False


def _rows(run: Run, splits: Sequence[Split]) -> Iterator[ArchivedItem]:
    left = MOST_TEXT
    for split in splits:
        found = run.session.domain.items(split) if split == "examples" else run.runner.items(split)
        for item in islice(found, MOST_ITEMS):
            row = (
                archived(split, item) if left > 0 else ArchivedItem(split, item.id, item.kind, note=TOO_MUCH)
            )
            left -= len(row.question) + len(row.target or "")
            yield row


def archived(split: Split, item: Item) -> ArchivedItem:
    """An item, its texts cut where they are long, which its note says."""
    notes: list[str] = []
    public = {}
    if item.public:
        if len(json.dumps(dict(item.public), default=str)) <= MOST_PUBLIC:
            public = dict(item.public)
        else:
            notes.append(f"public data left out: more than {MOST_PUBLIC:,} characters")
    question = _cut(str(item.question), MOST_QUESTION, "question", notes)
    target = _cut(str(item.target), MOST_TARGET, "target", notes)
    return ArchivedItem(split, item.id, item.kind, question, target, public, "; ".join(notes))


def _cut(text: str, most: int, what: str, notes: list[str]) -> str:
    if len(text) <= most:
        return text
    notes.append(f"{what} cut: the first {most:,} of {len(text):,} characters")
    return text[:most]
