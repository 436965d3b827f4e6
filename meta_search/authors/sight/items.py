"""Train items that the parents got wrong, whole: question, expected, answer, feedback, and the calls.

Faults come first, then items that a sibling solved, one or two of each kind; a right one stands beside them
for contrast.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from meta_search.authors.author import Context, Failure, Parent
from meta_search.authors.sight.kinds import kind_name
from meta_search.authors.sight.part import Part, Piece, Said, of_pieces
from meta_search.authors.sight.quoting import named
from meta_search.authors.sight.traces import trace_pieces
from meta_search.outcomes import explain

__all__ = ["chosen", "items"]

HEAD = "Items that were wrong (train items: they must not stand in an agent's source):"
PER_KIND, MOST_ITEMS = 2, 8
LEAST = 200  # tokens
MOST_QUESTION, MOST_ANSWER, MOST_FEEDBACK = 6_000, 2_000, 4_000  # characters

Chosen = tuple[Parent, Failure]


def items(context: Context) -> Part:
    """The wrong items with their traces; in little room fewer of them, then without traces."""
    wrong = chosen(context.parents)
    right = [(p, item) for p in context.parents[:1] for item in p.right[:1]]
    if not wrong and not right:
        return Part("items", "")
    with_traces = [_pieces(wrong[:n], right, True) for n in range(len(wrong), 0, -1)]
    without = [_pieces(wrong[:n], (), False) for n in range(len(wrong), 0, -1)]
    ways = [*with_traces, *without] or [_pieces((), right, True)]
    return of_pieces("items", ways[0], 0.35, "items that were wrong", shorter=ways[1:], least=LEAST)


def chosen(parents: Sequence[Parent]) -> list[Chosen]:
    """Which items are shown: of every parent faults, then what a sibling solved, then others; two of a kind.

    The parents take turns, so that each of them is seen.
    """
    rows = [_of_one(parent) for parent in parents]
    turns = [row[i] for i in range(max(map(len, rows), default=0)) for row in rows if i < len(row)]
    return turns[:MOST_ITEMS]


def _of_one(parent: Parent) -> list[Chosen]:
    ranked = sorted(parent.failures, key=lambda f: (f.outcome == "ok", f.solved is None))
    found: list[Chosen] = []
    shown: Counter[tuple[str, bool]] = Counter()
    for failure in ranked:
        kind = (failure.kind, failure.outcome != "ok")
        shown[kind] += 1
        if shown[kind] <= PER_KIND:
            found.append((parent, failure))
    return found


def _pieces(wrong: Sequence[Chosen], right: Sequence[Chosen], traces: bool) -> list[Piece]:
    found: list[Piece] = [HEAD] if wrong else []
    for number, (parent, failure) in enumerate(wrong, 1):
        found += _item(f"Item {number}", parent, failure, traces)
    for parent, item in right:
        found.append("\nAnd one that was right, for contrast:" if wrong else "A train item that was right:")
        found += _item("Right item", parent, item, traces)
    return found


def _item(head: str, parent: Parent, item: Failure, traces: bool) -> Iterator[Piece]:
    kind = f" ({kind_name(item.kind)})" if item.kind else ""
    yield f"\n{head}{kind}, by {named(parent.agent.name)}: {item.verdict}. It asks:"
    if item.outcome != "ok":
        yield Said(item.question, MOST_QUESTION)
        yield "It ended as:"
        yield Said(explain(item.outcome, item.detail, parent.agent.source))
    else:
        yield Said(item.question, MOST_QUESTION)
    if item.expected.strip():
        yield "Expected:"
        yield Said(item.expected, MOST_ANSWER)
    if item.outcome == "ok":
        yield "Answered:"
        yield Said(item.answer.strip() or "(nothing)", MOST_ANSWER)
    if item.feedback.strip():
        yield "The scorer says:"
        yield Said(item.feedback, MOST_FEEDBACK)
    if not traces:
        return
    yield from trace_pieces(item.trace, item.programs, item.question)
    if item.solved is not None:
        yield f"{named(item.solved.name)} got it right, with the answer:"
        yield Said(item.solved.answer.strip() or "(nothing)", MOST_ANSWER)
        yield from trace_pieces(item.solved.trace, item.solved.programs, item.question)
