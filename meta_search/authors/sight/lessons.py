"""What the meta agent has written down of the search so far."""

from __future__ import annotations

from meta_search.authors.author import Context
from meta_search.authors.sight.part import Part, Said, of_pieces

__all__ = ["lessons"]

MOST = 6_000  # characters


def lessons(context: Context) -> Part:
    """The newest lesson; in little room shortened in the middle."""
    lesson = context.findings.lesson
    if lesson is None or not lesson.text.strip():
        return Part("lessons", "")
    head = f"What you wrote down after {lesson.agents} evaluated agents (your own words, not facts):"
    return of_pieces("lessons", [head, Said(lesson.text, MOST)], 0.1, "your lessons")
