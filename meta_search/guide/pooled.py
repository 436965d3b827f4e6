"""Additive effects of choices, pooled: a Bayesian linear model that is worked out exactly.

Each observation is the sum of one effect for each of its features (an operator, an author, the two together,
…) and noise. An effect is drawn around 0 with a standard deviation that its group has in common, a share of
that of the noise: what was seldom tried is drawn towards what it has in common with others, which is partial
pooling (Gelman & Hill 2007, chapter 12). The variance of the noise is inverse-gamma, so that the posterior
is a normal-inverse-gamma in closed form (Gelman et al., Bayesian Data Analysis, section 14.2).

Apart from `surrogate_posterior`, whose noise is known and which takes thousands of results one by one: here a
hundred briefs are fitted at once, those of long ago by less than before, and their noise is to be learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["EVERYWHERE", "Effects", "Feature", "Observation", "Prior", "fitted"]

Feature = tuple[str, str]  # group, level
EVERYWHERE: Feature = ("", "")  # what all observations have in common


class Observation(NamedTuple):
    """A value that was seen.

    Attributes:
        features: What it is the sum of.
        value: In any unit.
        weight: Observations that it counts for.
    """

    features: tuple[Feature, ...]
    value: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Prior:
    """What is assumed before anything is seen.

    Attributes:
        mean: Of the sum of all effects.
        mean_spread: Standard deviation of what all have in common, as a share of the noise.
        noise: Standard deviation of the noise.
        sure: Observations that `noise` counts for.
        spreads: Group -> standard deviation of its effects, as a share of the noise.
    """

    mean: float
    noise: float
    spreads: Mapping[str, float]
    mean_spread: float = 1.0
    sure: float = 6.0


class Effects:
    """The posterior of all effects.

    Args:
        places: Feature -> its place.
        mean: Of all effects.
        root: Lower Cholesky factor of their precision, in units of the noise's variance.
        noise: Standard deviation of the noise.
    """

    def __init__(self, places: Mapping[Feature, int], mean: Any, root: Any, noise: float) -> None:
        self._places, self._mean, self._root, self.noise = places, mean, root, noise

    def draw(self, seed: int, share: float = 1.0) -> Mapping[Feature, float]:
        """One draw of all effects from the posterior, for Thompson sampling.

        Args:
            seed: Of the draw.
            share: Of the posterior's standard deviations that it has.
        """
        import numpy as np

        luck = np.random.default_rng(seed).standard_normal(len(self._mean))
        return self._named(self._mean + share * self.noise * np.linalg.solve(self._root.T, luck))

    def means(self) -> Mapping[Feature, float]:
        """Posterior means of all effects."""
        return self._named(self._mean)

    def of(self, features: Sequence[Feature]) -> tuple[float, float]:
        """Posterior mean and standard deviation of a sum of effects, that of all of them included."""
        import numpy as np

        row = np.zeros(len(self._mean))
        row[[self._places[f] for f in (EVERYWHERE, *features) if f in self._places]] = 1.0
        return float(row @ self._mean), self.noise * float(np.linalg.norm(np.linalg.solve(self._root, row)))

    def _named(self, values: Any) -> Mapping[Feature, float]:
        return dict(zip(self._places, values.tolist(), strict=True))


def fitted(seen: Sequence[Observation], features: Sequence[Feature], prior: Prior) -> Effects:
    """The posterior after some observations.

    Args:
        seen: In an order that does not depend on chance, as sums depend on it in their last digits.
        features: All that are asked for, seen or not.
        prior: What is assumed before.
    """
    import numpy as np

    named = (f for observation in seen for f in observation.features)
    places = {f: n for n, f in enumerate(dict.fromkeys((EVERYWHERE, *features, *named)))}
    spreads = np.array([prior.spreads[group] if group else prior.mean_spread for group, _ in places])
    mask = np.zeros((len(seen), len(places)))
    mask[:, 0] = 1.0
    columns = [places[f] for observation in seen for f in observation.features]
    mask[np.repeat(np.arange(len(seen)), [len(o.features) for o in seen]), columns] = 1.0
    values = np.array([o.value - prior.mean for o in seen])
    weights = np.array([o.weight for o in seen])
    weighed = mask * weights[:, None]
    precision = np.diag(spreads**-2.0) + mask.T @ weighed
    root = np.linalg.cholesky(precision)
    right = weighed.T @ values
    mean = np.linalg.solve(root.T, np.linalg.solve(root, right))
    left = float(weights @ values**2 - right @ mean)  # what effects do not explain, their own size included
    variance = (prior.sure * prior.noise**2 + max(0.0, left)) / (prior.sure + float(weights.sum()))
    mean[0] += prior.mean
    return Effects(places, mean, root, variance**0.5)
