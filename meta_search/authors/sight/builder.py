"""Fills a prompt's room in tokens with parts, in order of worth.

First the parts without which a prompt is of little use get the least that they need, then every part its
share of the room; what some leave goes to the others, the worthiest first. A part becomes shorter in its
middle and says so, or is left out whole and named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from meta_search.authors.author import Context
from meta_search.authors.sight.domain import domain
from meta_search.authors.sight.items import items
from meta_search.authors.sight.lessons import lessons
from meta_search.authors.sight.notes import notes
from meta_search.authors.sight.parents import parents, plans
from meta_search.authors.sight.part import Part
from meta_search.authors.sight.pool import pool
from meta_search.authors.sight.purpose import purpose
from meta_search.authors.sight.runtime import runtime
from meta_search.authors.sight.task_model import task_model
from meta_search.authors.sight.tokens import tokens
from meta_search.authors.sight.tried import tried
from meta_search.authors.sight.ways import ways
from meta_search.authors.templating import names_in, render

__all__ = ["LEFT_OUT", "PARTS", "filled", "sighted"]

# In order of worth; templates decide in which order they stand, so that what changes least comes first.
PARTS: Mapping[str, Callable[[Context], Part]] = {
    "purpose": purpose,
    "domain": domain,
    "task_model": task_model,
    "runtime": runtime,
    "pool": pool,
    "parents": parents,
    "plans": plans,
    "items": items,
    "tried": tried,
    "lessons": lessons,
    "notes": notes,
    "ways": ways,
}
LEFT_OUT = "left_out"  # what templates call the line on parts that found no room
BETWEEN = 2  # tokens between two parts
TOLD = 40  # tokens that the line on what is left out is sure of


def sighted(context: Context, template: str, system: str = "", **values: Any) -> str:
    """A prompt with as much of the run as `context.room` holds.

    Args:
        context: Of the brief.
        template: Its name; the parts that it names are those that it gets.
        system: What else the model is sent, which takes room too.
        values: What else the template may name.
    """
    folder = context.config.prompts
    named = names_in(folder, template)
    made = [make(context) for name, make in PARTS.items() if name in named]
    empty = dict.fromkeys((*PARTS, LEFT_OUT), "")
    room = context.room - tokens(system) - tokens(render(folder, template, **{**empty, **values}))
    while True:
        text = render(folder, template, **{**empty, **filled(made, room), **values})
        over = tokens(text) + tokens(system) - context.room
        if over <= 0 or room <= 0:
            return text
        room -= over


def filled(parts: Sequence[Part], room: int) -> dict[str, str]:
    """What parts say in so many tokens.

    Args:
        parts: In order of worth.
        room: Tokens for all of them.

    Returns:
        Name -> text, `""` for a part that found no room; `LEFT_OUT` -> the line that names these.
    """
    kept = [part for part in parts if part.whole]
    costs = {part.name: tokens(part.whole) + BETWEEN for part in kept}
    if sum(costs.values()) <= room:
        return {part.name: part.whole for part in kept}
    whole, room = room, max(0, room - TOLD)
    # Where all shares together are more than the room, they are cut alike.
    scale = min(1.0, 1 / (sum(part.share for part in kept) or 1.0))
    texts = dict.fromkeys((part.name for part in kept), "")
    for wanted in (
        {part.name: part.least + BETWEEN for part in kept if part.least},
        {part.name: int(part.share * scale * room) for part in kept},
        costs,
    ):
        for part in kept:
            before = texts[part.name]
            left = room - sum(map(_cost, texts.values()))
            most = min(_cost(before) + left, wanted.get(part.name, 0))
            if most > _cost(before) and before != part.whole:
                texts[part.name] = _within(part, most) or before
    told = _missed([part for part in kept if not texts[part.name]])
    fits = _cost(told) <= whole - sum(map(_cost, texts.values()))
    return {**texts, LEFT_OUT: told if fits else ""}


def _within(part: Part, room: int) -> str:
    room -= BETWEEN
    if room <= 0:
        return ""
    return part.whole if tokens(part.whole) <= room else part.shrink(room)


def _cost(text: str) -> int:
    return tokens(text) + BETWEEN if text else 0


def _missed(parts: Sequence[Part]) -> str:
    names = [part.missed for part in parts if part.missed]
    return f"Left out for want of room: {', '.join(names)}." if names else ""
