"""What each component of an agent is worth to it: by ratings, and by leaving it out.

A component is one `LLMAgentBase` of an agent, or one member of its team; traces name it
(`TraceCall.component`). Three methods, named in every `Importance`:

- `ratings`: the agents of a team rate one another as they work (DyLAN, arXiv 2310.02170, section 3.3).
- `judge`: for any agent; a judge model rates what went into each call, and importance flows backwards through
  the communication graph by the rule that teams have.
- `leave_out`: without a judge; the agent runs without one component (`meta_search.authors.leave_out`).

A leaf, as `outcomes` is: what runs agents or asks models is handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from meta_search.agent.team_network import edge_weights
from meta_search.agent.team_replies import parse_ratings
from meta_search.types import CallReply, CallRequest, Importance, ItemResult, TraceCall

__all__ = [
    "Component",
    "by_judge",
    "by_ratings",
    "components",
    "flow",
    "mean_score",
    "merged",
    "sources",
]

MOST_NAME = 80  # characters of a member's name, as its component has it
MOST_SHOWN = 1200  # characters of a reply that a judge is shown

JUDGE = (
    "A task, the replies of {n} workers to it, and the reply of a reader who had seen theirs. Rate how much "
    "each worker's reply helps towards a right answer, from 1 (useless) to 5 (excellent). Reply with a JSON "
    "list of {n} numbers, for worker 1 to worker {n}."
)


@dataclass(frozen=True, slots=True)
class Component:
    """A component over a number of items.

    Attributes:
        name: As `TraceCall.component`.
        items: Number of items in which it was asked.
        calls: Over all of them.
        tokens: Over all of them.
        final: How often its answer was an item's, or stood in it.
    """

    name: str
    items: int
    calls: int
    tokens: int
    final: int


def components(results: Iterable[ItemResult]) -> list[Component]:
    """The components that traces show, in the order in which they are first asked."""
    found: dict[str, Component] = {}
    for result in results:
        here = set()
        for call in result.trace:
            name = call.component or call.author
            c = found.get(name) or Component(name, 0, 0, 0, 0)
            found[name] = Component(
                name, c.items + (name not in here), c.calls + 1, c.tokens + call.tokens, c.final + call.final
            )
            here.add(name)
    return list(found.values())


def sources(call: TraceCall) -> list[int]:
    """Earlier calls whose answers went into a call, as `Info` or as text."""
    return sorted(i for i in {*call.inputs, *call.pasted} if i < call.index)


def mean_score(results: Sequence[ItemResult]) -> float:
    """Mean score, 0 for no results."""
    return math.fsum(r.score or 0.0 for r in results) / len(results) if results else 0.0


def by_ratings(agent: str, results: Sequence[ItemResult]) -> list[Importance]:
    """Importance of the members of an agent's teams by their own ratings: each network's scores, averaged.

    Members of one name in several teams of an item count together. Empty where no result has a network.
    """
    rated = [r for r in results if r.networks]
    totals: dict[str, float] = {}
    for result in rated:
        for network in result.networks:
            for role, score in zip(network.roles, network.scores, strict=True):
                name = role[:MOST_NAME]
                totals[name] = totals.get(name, 0.0) + score / len(result.networks)
    return _rows(agent, "ratings", {role: v / len(rated) for role, v in totals.items()}, rated)


def merged(agent: str, stored: Sequence[Importance], results: Sequence[ItemResult]) -> list[Importance]:
    """What is known of an agent's components: what was stored, and a team's own ratings on these results."""
    if any(row.method == "ratings" for row in stored):
        return list(stored)
    return [*sorted(by_ratings(agent, results), key=lambda row: -row.value), *stored]


def flow(trace: Sequence[TraceCall], weights: Mapping[int, Sequence[float]]) -> dict[int, float]:
    """Importance of an item's calls, backwards through its communication graph.

    The calls that make up the item's answer share 1 equally; beyond that a call's importance is the sum over
    the calls that its answer went into of edge weight times their importance (arXiv 2310.02170, section 3.3,
    for any graph in place of rounds).

    Args:
        trace: The item's calls, in order.
        weights: Call -> weights of its `sources`, in their order; uniform where missing.

    Returns:
        Call -> its importance, 0..1.
    """
    final = [call.index for call in trace if call.final]
    found = {call.index: 1 / len(final) if call.final else 0.0 for call in trace}
    for call in reversed(trace):
        before = [i for i in sources(call) if i in found]
        given = weights.get(call.index) or [1 / max(1, len(before))] * len(before)
        for source, weight in zip(before, given, strict=True):
            found[source] += weight * found[call.index]
    return found


def by_judge(
    agent: str,
    results: Sequence[ItemResult],
    questions: Sequence[str],
    ask: Callable[[CallRequest], CallReply],
    most_calls: int,
) -> list[Importance]:
    """Importance by a judge's ratings of what went into each call.

    A call with one source needs no judge: its weight is 1. Calls beyond the budget, and ratings that cannot
    be read, count as equal ratings.

    Args:
        agent: Id.
        results: Of the agent, with traces.
        questions: Of their items, in the same order.
        ask: Sends a request; its purpose is `judge`, its model `meta`.
        most_calls: Largest number of judgements.
    """
    totals: dict[str, float] = {}
    replayed = asked = 0
    judged = [(r, q) for r, q in zip(results, questions, strict=True) if any(c.final for c in r.trace)]
    for result, question in judged:
        weights: dict[int, list[float]] = {}
        calls = {call.index: call for call in result.trace}
        for call in result.trace:
            before = [calls[i] for i in sources(call) if i in calls]
            if len(before) < 2 or replayed + asked >= most_calls:
                continue
            reply = ask(_judgement(result, question, call, before))
            asked += reply.paid.calls > 0
            replayed += reply.paid.calls == 0 and reply.fault is None
            ratings = None if reply.fault else parse_ratings(reply.text, len(before))
            weights[call.index] = edge_weights(ratings, len(before))
        worth = flow(result.trace, weights)
        for call in result.trace:
            name = call.component or call.author
            totals[name] = totals.get(name, 0.0) + worth[call.index] / len(judged)
    rows = _rows(agent, "judge", totals, [r for r, _ in judged])
    return [replace(row, replayed=replayed, asked=asked) for row in rows]


def _judgement(
    result: ItemResult, question: str, call: TraceCall, before: Sequence[TraceCall]
) -> CallRequest:
    replies = [f"Worker {n}:\n{c.text.strip()[:MOST_SHOWN]}" for n, c in enumerate(before, 1)]
    shown = [f"Task:\n{question[: 4 * MOST_SHOWN]}", *replies, f"Reader:\n{call.text.strip()[:MOST_SHOWN]}"]
    return CallRequest(
        model="meta",
        messages=(
            ("system", "You are a fair and careful judge."),
            ("user", "\n\n".join([*shown, JUDGE.format(n=len(before))])),
        ),
        temperature=0.0,
        max_tokens=8 * len(before) + 16,
        seed=0,
        occurrence=f"{call.index}",
        purpose="judge",
        agent=result.agent,
        split=result.split,
        item=result.item,
        repeat=result.repeat,
        author="judge",
    )


def _rows(
    agent: str,
    method: Literal["ratings", "judge"],
    values: Mapping[str, float],
    results: Sequence[ItemResult],
) -> list[Importance]:
    parts = {c.name: c for c in components(results)}
    n = max(1, len(results))
    rows = []
    for name, value in values.items():
        part = parts.get(name)
        calls, tokens = (part.calls / n, part.tokens / n) if part else (0.0, 0.0)
        rows.append(Importance(agent, name, method, round(value, 6), len(results), calls, tokens))
    return rows
