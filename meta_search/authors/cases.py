"""Items that a parent was run on, as the meta agent is shown them: what went in, what came out, the verdict.

Everything that items, models, agents and scorers say stands behind a mark on every line, and has a bounded
room: whatever it says, it cannot end its quotation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meta_search.authors.author import Context, Failure, Parent
from meta_search.authors.sight.quoting import marked
from meta_search.outcomes import UNSCORED, explain
from meta_search.text import one_line, passage
from meta_search.types import Agent, ItemResult

__all__ = ["cases_of", "known_cases", "minibatch", "mean", "quoted", "shown", "tried"]

MOST_EXPECTED = 200
LEAST = 120  # characters of a case that say anything


def minibatch(context: Context, most: int) -> list[int]:
    """Places of a few train items that the first parent was run on: failing ones, and one that is right.

    Which of them is drawn by the brief's seed. A parent that makes many calls an item gets fewer items.
    """
    parent, at = context.parents[0], _places(context)
    most = min(most, context.config.probe_items)
    if parent.calls > 1:
        most = min(most, max(2, int(context.config.probe_calls / parent.calls)))
    wrong = [at[f.question] for f in parent.failures if f.question in at]
    right = [at[f.question] for f in parent.right if f.question in at]
    if not right:  # evaluations begin with the first items
        right = [place for place in range(min(len(parent.scores), len(at))) if place not in wrong]
    wrong = context.rng.sample(wrong, min(len(wrong), most - bool(right)))
    return sorted({*wrong, *(context.rng.sample(right, 1) if right else ())})


def tried(context: Context, agent: Agent, places: Sequence[int]) -> dict[int, ItemResult]:
    """An agent on train items: place -> result; what came to no verdict is left out. The ledger pays for
    calls that were asked before, and for none of these again."""
    rows = zip(places, context.bench.probe(agent, places, ()), strict=False)
    return {place: result for place, result in rows if result.kind not in UNSCORED}


def mean(results: Sequence[ItemResult]) -> float:
    """Mean score."""
    return sum(r.score or 0.0 for r in results) / len(results) if results else 0.0


def cases_of(context: Context, results: Mapping[int, ItemResult]) -> list[Failure]:
    """Results with what is known of their items, failing ones first."""
    expected = {f.question: f.expected for p in context.parents for f in (*p.failures, *p.right)}
    found = [
        Failure(
            question := context.domain.questions[place],
            result.answer,
            expected.get(question, result.answer if result.right else ""),
            "",
            result.detail,
            result.kind,
            result.feedback if context.config.feedback else "",
            result.score or 0.0,
            trace=result.trace,
        )
        for place, result in results.items()
    ]
    return sorted(found, key=lambda case: case.right)


def known_cases(parent: Parent) -> list[Failure]:
    """What a brief tells of a parent's items, failing ones first, without running anything."""
    return [*parent.failures, *parent.right]


def shown(case: Failure, source: str, calls: Sequence[tuple[str, str, str]], room: int) -> str:
    """A case in quoted lines.

    Args:
        case: The item, as it went.
        source: Of the agent, in which its fault is explained.
        calls: (who, what it was given, what it replied) of the calls to be shown.
        room: Characters, about.
    """
    rows = [(f"{who} was given", given) if who else ("given", given) for who, given, _ in calls]
    replies = [(f"{who} replied" if who else "reply", reply) for who, _, reply in calls]
    parts = [part for pair in zip(rows, replies, strict=True) for part in pair]
    if not calls:
        parts = [("given", case.question)]
    if case.outcome != "ok":
        parts.append(("failure", explain(case.outcome, case.detail, source)))
    elif not calls or case.answer.strip() != calls[-1][2].strip():
        parts.append(("answer of the agent", case.answer))
    if not case.right and case.expected:
        parts.append(("right answer", one_line(case.expected, MOST_EXPECTED)))
    if case.feedback:
        parts.append(("scorer", case.feedback))
    each = max(LEAST, room // max(1, len(parts)))
    return "\n".join(f"{what}:\n{quoted(text, each)}" for what, text in parts)


def quoted(text: str, room: int) -> str:
    """A text behind a mark on every line, shortened in the middle."""
    return marked(passage(text, room) or "(nothing)")


def _places(context: Context) -> dict[str, int]:
    """Question of a train item -> its place."""
    return {q: place for place, q in reversed([*enumerate(context.domain.questions)])}
