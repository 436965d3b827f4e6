"""The arithmetic of a team's network: weights of edges, importance, agreement, and how many calls it makes.

After DyLAN (Liu et al. 2023, arXiv 2310.02170), sections 3.2 to 3.4. Pure functions, so that they can be
checked by hand and against other implementations.

Shapes: `answers[r][i]` is agent i's answer in round r, `None` where it was not active. `weights[r][i][j]` is
the weight that agent i gave in round r to agent j of round r - 1; `weights[0]` is empty, and so is the row of
an agent that was not active.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

__all__ = ["classes", "edge_weights", "importance", "most_calls", "quorum"]

MAX_RATING = 5
Equal = Callable[[str, str], bool]


def edge_weights(ratings: Sequence[float | None] | None, n: int) -> list[float]:
    """Weights of the edges from n predecessors, by the ratings that they got.

    Args:
        ratings: 1 to 5 each, in the order of the predecessors; `None` for a missing one, or for all.
        n: Number of predecessors.

    Returns:
        n numbers of 0..1: rating / 5, clipped to 0..1, divided by their sum. Uniform where ratings are
        missing (any of them), of the wrong number, or all zero; empty for no predecessors.
    """
    if n <= 0:
        return []
    given = [math.nan if r is None else float(r) for r in ratings or ()]
    if len(given) != n or any(math.isnan(r) for r in given):
        return [1 / n] * n
    shares = [min(1.0, max(0.0, r / MAX_RATING)) for r in given]
    total = math.fsum(shares)
    # Denormal ratings: their sum may be positive and still divide nothing.
    return [share / total for share in shares] if total > 1e-300 else [1 / n] * n


def importance(
    answers: Sequence[Sequence[str | None]],
    weights: Sequence[Sequence[Sequence[float]]],
    final: str | None,
    equal: Equal,
) -> list[list[float]]:
    """Agent importance scores, backwards through the network (arXiv 2310.02170, section 3.3).

    In the last round with active agents, those that gave the final answer share 1 equally; if nobody did,
    all are 0. In earlier rounds, an agent's importance is the sum over its successors of edge weight times
    their importance. An agent's score is the sum over rounds.

    Args:
        answers: `answers[r][i]`, see the top of this module.
        weights: `weights[r][i][j]`, see the top of this module.
        final: The team's answer; `None` gives 0 for all.
        equal: Whether two answers are the same.

    Returns:
        `importance[r][i]`, of the shape of `answers`: 0..1, 0 where an agent was not active.
    """
    result = [[0.0] * len(row) for row in answers]
    last = max((r for r, row in enumerate(answers) if any(a is not None for a in row)), default=None)
    if last is None or final is None:
        return result
    winners = [i for i, a in enumerate(answers[last]) if a is not None and equal(a, final)]
    for i in winners:
        result[last][i] = 1 / len(winners)
    for r in range(last, 0, -1):
        for i, row in enumerate(weights[r]):
            for j, weight in enumerate(row):
                if result[r][i] and answers[r - 1][j] is not None:
                    result[r - 1][j] += weight * result[r][i]
    return result


def quorum(n: int, share: float = 2 / 3) -> int:
    """How many of n active agents must agree: `floor(share * n) + 1`, but at most n."""
    return min(n, math.floor(share * n + 1e-9) + 1)


def classes(answers: Sequence[str | None], equal: Equal) -> list[list[int]]:
    """Positions of equal answers together, in the order of their first members.

    An answer joins the first class whose first member it equals: similarity of texts is not transitive, and
    this takes the fewest comparisons. `None` and empty answers agree with nobody and are left out.

    Args:
        answers: Answer of each agent.
        equal: Whether two answers are the same.

    Returns:
        Classes of positions in `answers`.
    """
    found: list[list[int]] = []
    for i, answer in enumerate(answers):
        if not answer:
            continue
        for members in found:
            if equal(answers[members[0]] or "", answer):
                members.append(i)
                break
        else:
            found.append([i])
    return found


def most_calls(n: int, rounds: int, keep: int = 2, select_from: int = 3, select_round: int = 3) -> int:
    """The most LLM calls that a team makes on one task: nobody ever agrees.

    With n agents, R rounds and k kept: n * R for n <= 3; else, with k <= 3, 2n for R = 2 and
    2n + 1 + k (R - 2) for more. If more than 3 are kept, each round from the third on costs a ranking.

    Args:
        n: Agents.
        rounds: Rounds.
        keep: How many a ranker keeps.
        select_from: A ranker chooses where more than this many are active.
        select_round: First round, from 1, before which a ranker may choose.
    """
    calls, active = 0, n
    for number in range(1, rounds + 1):
        if number >= select_round and active > select_from:
            calls, active = calls + 1, min(keep, active)
        calls += active
    return calls
