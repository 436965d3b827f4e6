"""One agent against another, item by item, with the tests of the verdict."""

from __future__ import annotations

from pathlib import Path

from archive.records import Archive
from archive.values import Record
from meta_search.dashboard.views.inspecting import kinds_of, known_items, question_line, split_of
from meta_search.dashboard.views.shared import Json
from meta_search.report.item_pairs import item_pairs
from meta_search.text import one_line
from meta_search.types import Split

__all__ = ["versus"]

MOST_RESULTS = 20_000  # of each agent
MOST_ITEMS = 2_000  # that are listed; those on which the two differ come first


def versus(folder: Path, archive: Archive, *, agent: str, vs: str, split: str = "") -> Json:
    """`Versus` of the contract; `points`, `low` and `high` are differences of scores, -1..1.

    Args:
        folder: Of the run.
        archive: Its archive.
        agent: Whose wins are counted: id, the start of one, or a name.
        vs: The other one.
        split: On which items; by default on those that both have met.

    Raises:
        ArchiveError: No agent is called so, or several are.
    """
    ours, theirs = archive.record(agent), archive.record(vs)
    on = split_of(archive, split) if split else _shared(archive, ours, theirs)
    mine = archive.results(ours.agent.id, on, trace=False, most=MOST_RESULTS)
    other = archive.results(theirs.agent.id, on, trace=False, most=MOST_RESULTS)
    found = item_pairs(mine, other)
    known = known_items(archive, on)
    kinds = kinds_of(archive, on, known.values())
    return {
        "split": on,
        "agent": ours.agent.id,
        "vs": theirs.agent.id,
        "won": found.count("won"),
        "lost": found.count("lost"),
        "tied": found.count("tied"),
        "p": found.p,
        "points": found.difference,
        "low": found.low,
        "high": found.high,
        "items": [
            {
                "item": one_line(pair.item, 200),
                "kind": kinds.get(pair.item, ""),
                "question": question_line(known.get(pair.item)),
                "ours": pair.ours,
                "theirs": pair.theirs,
                "outcome": pair.fate,
            }
            for pair in found.pairs[:MOST_ITEMS]
        ],
    }


def _shared(archive: Archive, ours: Record, theirs: Record) -> Split:
    """The best split for telling two agents apart: test items, if both have met them."""
    order: tuple[Split, ...] = ("test", "train", "validation", "perturbed", "examples")
    both = [split for split in order if split in ours.evaluations and split in theirs.evaluations]
    return next(iter(both), split_of(archive, ""))
