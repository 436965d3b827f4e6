"""Which of several agents is truly the best: a posterior from the items that they have run, paired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

__all__ = ["chance_to_be_best"]

DRAWS = 4_000
SEED = 0


def chance_to_be_best(scores: Sequence[Mapping[str, float]]) -> list[float]:
    """The chance of each agent to have the highest mean score over all items of the domain.

    Items are weighted anew in each draw, all agents' by the same weights (the Bayesian bootstrap), so that
    what is hard for all of them says nothing. One item more for each agent, which it alone gets right, keeps
    few items from saying much. On items that it has not run, an agent is taken for as good, next to those who
    ran them all, as it is on its own.

    Source: Rubin 1981, The Bayesian bootstrap, Annals of Statistics 9.

    Args:
        scores: Of each agent, item -> score, 0..1. One without any scores is as likely the best as others.

    Returns:
        Chances in the order of the agents; they add up to 1. The same for the same scores.
    """
    return list(_chances(tuple(tuple(sorted(mine.items())) for mine in scores)))


@lru_cache(4)  # a search asks again and again whether its report is due, and seeds seldom have new scores
def _chances(told: tuple[tuple[tuple[str, float], ...], ...]) -> tuple[float, ...]:
    import numpy as np

    if not told:
        return ()
    scores = [dict(mine) for mine in told]
    items = sorted({item for mine in scores for item in mine})
    found = np.array([[mine.get(item, np.nan) for item in items] for mine in scores])
    found = np.concatenate([found.reshape(len(scores), len(items)), np.eye(len(scores))], axis=1)
    seen = ~np.isnan(found)
    values = np.where(seen, found, 0.0)
    # What is typical of an item, by those who ran most of them.
    most = seen[:, : len(items)].sum(1)
    whole = most == most.max()
    typical = np.where(
        seen[whole].any(0), values[whole].sum(0) / np.maximum(seen[whole].sum(0), 1), values[whole].mean()
    )
    weights = np.random.default_rng(SEED).standard_exponential((DRAWS, found.shape[1]))
    ahead = (weights @ (values - typical * seen).T) / (weights @ seen.T)
    best = ahead >= ahead.max(1, keepdims=True) - 1e-12
    chances = (best / best.sum(1, keepdims=True)).mean(0)
    return tuple(float(chance) for chance in chances)
