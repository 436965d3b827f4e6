"""The agents to start from: evidence, thought, lineage, and the whole source or plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from meta_search.authors.author import Context, Parent
from meta_search.authors.drafts import plan_of
from meta_search.authors.sight.kinds import counts, percent
from meta_search.authors.sight.lineage import lineage_lines
from meta_search.authors.sight.part import NEVER, Part, Piece, Said, Source, fitted, of_pieces
from meta_search.authors.sight.quoting import fenced, named
from meta_search.authors.sight.tokens import tokens
from meta_search.types.evaluations import wilson

__all__ = ["calls_of", "evidence", "parents", "plans"]

MOST_THOUGHT = 600  # characters
MISSED = "agents to start from"
MOST_SURE = 1_500  # tokens that the first one is sure of


def parents(context: Context) -> Part:
    """The parents with their sources. In little room the later ones lose theirs first, then lineages go; the
    first one's stays whole as long as it can, as edits have to match it."""
    return _part(context, "parents", _source)


def plans(context: Context) -> Part:
    """The parents with their plans; with the source where there is none."""
    return _part(context, "plans", lambda parent: _plan(parent) or _source(parent))


def calls_of(parent: Parent) -> str:
    """Its calls an item, in words."""
    calls = f"{parent.calls:.3g}"
    return f"{calls} call{'' if calls == '1' else 's'}"


def evidence(parent: Parent) -> str:
    """What was measured of an agent, in a line."""
    items = len(parent.scores) or sum(n for _, n in parent.by_kind.values())
    low, high = wilson(min(parent.score, 1.0) * items, items)
    sure = f" [{100 * low:.0f}, {100 * high:.0f}] of {items} items" if items else ""
    cost = [f"{parent.tokens:.0f} tokens"]
    cost += [calls_of(parent)] if parent.calls else []
    cost += [f"{parent.latency_s:.1f} s"] if parent.latency_s else []
    free = f"; answered {percent(parent.model_free)} of them without a model" if parent.model_free else ""
    return f"{percent(parent.score)}{sure}; {', '.join(cost)} an item{free}"


def _part(context: Context, name: str, body: Callable[[Parent], list[Piece]]) -> Part:
    everyone = [(parent, f"Agent {i}", body(parent)) for i, parent in enumerate(context.parents, 1)]
    none: list[Piece] = []
    others = [(parent, f"Another agent {i}", none) for i, parent in enumerate(context.inspirations, 1)]
    if not everyone and not others:
        return Part(name, "")
    first_only = [(p, head, shown if i == 0 else none) for i, (p, head, shown) in enumerate(everyone)]
    whole = [(p, head, _unbroken(shown)) for p, head, shown in first_only]
    ways = [
        list(_all([*everyone, *others], True)),
        list(_all([*everyone, *others], False)),
        list(_all([*whole, *others], False)),
        list(_all(whole, False)),
        list(_all(first_only, False)),
        list(_all([(p, head, none) for p, head, _ in everyone], False)),
    ]
    # The first two are for rooms that hold every source to the letter: a shortened one cannot be edited.
    ways[:2] = [[piece for part in way for piece in _unbroken([part])] for way in ways[:2]]
    least = min(MOST_SURE, tokens(fitted(ways[3], NEVER)) + 1)
    return of_pieces(name, ways[0], 0.35, MISSED, shorter=ways[1:], least=least)


def _all(shown: Sequence[tuple[Parent, str, Sequence[Piece]]], lineage: bool) -> Iterator[Piece]:
    for place, (parent, head, body) in enumerate(shown):
        if place:
            yield "\n"
        yield from _about(parent, head, lineage)
        yield from body


def _about(parent: Parent, head: str, lineage: bool) -> Iterator[Piece]:
    origin = "given" if parent.generation == 0 else f"generation {parent.generation}"
    yield f"{head}, {named(parent.agent.name)} ({origin}): {evidence(parent)}."
    kinds = list(parent.by_kind)
    if parent.by_kind and kinds != [""]:
        yield f"Right by kind: {counts(parent.by_kind)}."
    if parent.thought.strip():
        yield "Its thought:"
        yield Said(parent.thought, MOST_THOUGHT)
    if lineage and len(parent.lineage) > 1:
        yield "How it came to be, step by step, on the items that both were scored on:"
        yield "\n".join(lineage_lines(parent.lineage))


def _source(parent: Parent) -> list[Piece]:
    found: list[Piece] = []
    if parent.agent.values:
        values = json.dumps(dict(sorted(parent.agent.values.items())), ensure_ascii=False)
        found += ["Values that are tuned:", Said(values, 1_000)]
    if parent.agent.demonstrations:
        found.append(f"It carries {len(parent.agent.demonstrations)} worked examples of the pool.")
    return [*found, Source(parent.agent.source)]


def _plan(parent: Parent) -> list[Piece]:
    plan = plan_of(parent)
    if plan is None:
        return []
    stored = {key: value for key, value in plan.to_mapping().items() if key not in ("name", "thought")}
    return ["Its plan:", Said(json.dumps(stored, ensure_ascii=False), 4_000)]


def _unbroken(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces with sources as words of our own, which are shown whole or not at all."""
    return [fenced(piece.text) if isinstance(piece, Source) else piece for piece in pieces]
