"""The domain: what the tasks are, how answers are scored, kinds, worked items that may be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meta_search.authors.author import Context, Example
from meta_search.authors.sight.kinds import kind_name
from meta_search.authors.sight.part import Part, Piece, Said, of_pieces
from meta_search.authors.sight.tokens import shortened
from meta_search.text import one_line, passage

__all__ = ["domain"]

PER_KIND = 2
LEAST = 150  # tokens
MOST_KINDS = 16
MOST_TOLD = 200  # characters of a field's wording
MOST_BRIEF = 6_000  # characters of the domain's brief and instruction


def domain(context: Context) -> Part:
    """The domain; in little room its examples are fewer and shorter, then only the tasks are told."""
    ways = [[*_facts(context), *_examples(context, count)] for count in (PER_KIND, 1, 0)]
    part = of_pieces("domain", ways[0], 0.2, "the tasks", shorter=ways[1:], least=LEAST)

    def shrink(room: int) -> str:
        brief = shortened(context.domain.brief, room - 4)
        return part.shrink(room) or (f"Tasks: {brief}" if brief else "")

    return replace(part, shrink=shrink)


def _facts(context: Context) -> Iterator[Piece]:
    facts = context.domain
    yield f"Tasks: {passage(facts.brief, MOST_BRIEF)}"
    if facts.instruction.strip():
        yield f"Agents are told of them: {passage(facts.instruction, MOST_BRIEF)}"
    for field, text in sorted(facts.wording.items()):
        told = one_line(text, MOST_TOLD)
        yield (
            f'The field "{one_line(field, 40)}" is asked for as: {told}'
            if field
            else f"Added for all: {told}"
        )
    if facts.asking:
        yield facts.asking
    if len(facts.kinds) > 1:
        counts = ", ".join(f"{kind_name(kind)} {n}" for kind, n in list(facts.kinds.items())[:MOST_KINDS])
        more = len(facts.kinds) - MOST_KINDS
        yield f"Kinds of train items: {counts}{f', and {more} more' if more > 0 else ''}."


def _examples(context: Context, count: int) -> Iterator[Piece]:
    """So many worked items of each kind."""
    found = _by_kind(context.domain.examples)
    if not found or not count:
        return
    yield (
        f"Worked items of the examples split, which has {len(context.domain.examples)} "
        "(never scored, free to be used):"
    )
    for kind, examples in found[:MOST_KINDS]:
        if len(found) > 1:
            yield f"{kind_name(kind)}:"
        for example in examples[:count]:
            yield Said(f"{example.question.strip()}\n→ {example.answer.strip()}")


def _by_kind(examples: Sequence[Example]) -> list[tuple[str, list[Example]]]:
    found: dict[str, list[Example]] = {}
    for example in examples:
        found.setdefault(example.kind, []).append(example)
    return sorted(found.items())
