"""What counts: accuracy before cost, how sure a score is, what decides, what may not be copied."""

from __future__ import annotations

from meta_search.authors.author import Context
from meta_search.authors.sight.part import Part
from meta_search.authors.sight.quoting import MATERIAL
from meta_search.authors.sight.tokens import tokens
from meta_search.authors.templating import render
from meta_search.types.evaluations import wilson

__all__ = ["compared_on", "points_of", "purpose"]


def purpose(context: Context) -> Part:
    """The purpose of it all, in a paragraph."""
    items = compared_on(context)
    points = points_of(items)
    text = render(context.config.prompts, "purpose", items=items, points=points, quotations=MATERIAL)
    return Part("purpose", text, share=0.1, least=tokens(text))


def compared_on(context: Context) -> int:
    """Train items that agents are scored on: of all that there are, those that the run takes."""
    return sum(context.domain.kinds.values()) or len(context.domain.questions)


def points_of(items: int) -> int:
    """Half of the 95 % Wilson interval of an agent that is right on half of so many items, in points."""
    low, high = wilson(items / 2, items)
    return round(50 * (high - low))
