"""Hints of the person who runs the search."""

from __future__ import annotations

from meta_search.authors.author import Context
from meta_search.authors.sight.part import NEVER, Part
from meta_search.authors.sight.tokens import shortened, tokens

__all__ = ["notes"]

MOST_SURE = 120  # tokens
HEAD = "Notes of the person who runs this search:"


def notes(context: Context) -> Part:
    """The notes (`author.notes`), as they stand; in little room shortened in the middle."""
    said = context.config.notes.strip()
    if not said:
        return Part("notes", "")

    def shrink(room: int) -> str:
        text = shortened(said, room - 20)
        return f"{HEAD}\n{text}" if text else ""

    whole = shrink(NEVER)
    return Part("notes", whole, shrink, 0.05, "a person's notes", min(MOST_SURE, tokens(whole)))
