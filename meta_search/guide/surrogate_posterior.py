"""Bayesian linear regression whose posterior is kept: it takes observations, and changes of them, one by one.

Source: Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, section 2.1 (the weight-space
view); the update of the covariance is the Sherman-Morrison formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meta_search.guide.surrogate_features import Feature

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Row = tuple[NDArray[np.intp], Array]  # places of features, their values

__all__ = ["Posterior"]

ROOM = 256  # features that there is room for at first; doubled as they come


class Posterior:
    """Effects of features: a normal distribution that is kept up to date.

    An observation is `y = x'w + e` with a precision (1 / variance of e). Its weight and value may change
    later: only what changed is taken in, in O(d²) for d features, so that nothing is ever refitted. A feature
    that is new is independent of all that was seen, with its prior variance.
    """

    def __init__(self) -> None:
        import numpy as np

        self._np = np
        self._places: dict[Feature, int] = {}
        self._covariance = np.zeros((ROOM, ROOM))
        self._mean = np.zeros(ROOM)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def mean(self) -> Array:
        """Of all effects (d)."""
        return self._mean[: len(self)]

    @property
    def covariance(self) -> Array:
        """Of all effects (d × d); a view."""
        return self._covariance[: len(self), : len(self)]

    def has(self, feature: Feature) -> bool:
        """Whether a feature was made."""
        return feature in self._places

    def place(self, feature: Feature) -> int | None:
        """Its place; `None` where it was not made."""
        return self._places.get(feature)

    def row(self, values: Mapping[Feature, tuple[float, float]]) -> Row:
        """Places and values of features, which are made where they are new.

        Args:
            values: Feature -> (its value, standard deviation of its effect before anything was seen).
        """
        places = [self._place(feature, sd) for feature, (_, sd) in values.items()]
        return self._np.array(places, dtype=self._np.intp), self._np.array([v for v, _ in values.values()])

    def change(self, row: Row, precision: float, weighted: float) -> None:
        """Take in an observation, or what has changed of it.

        Args:
            row: Its features.
            precision: By how much its precision grows; it may shrink to what it was before.
            weighted: By how much precision × value grows.
        """
        places, values = row
        along = self.covariance[:, places] @ values
        spread, known = float(along[places] @ values), float(self._mean[places] @ values)
        share = 1.0 + precision * spread
        self.mean[:] += along * ((weighted - precision * known) / share)
        if precision:
            self.covariance[:] -= self._np.outer(along * (precision / share), along)

    def mean_of(self, row: Row) -> float:
        """Mean of x'w."""
        places, values = row
        return float(self._mean[places] @ values)

    def dense(self, rows: Sequence[Row], weights: Sequence[float]) -> Array:
        """Their weighted sum as a vector (d)."""
        total = self._np.zeros(len(self))
        for (places, values), weight in zip(rows, weights, strict=True):
            total[places] += weight * values
        return total

    def root(self, noise: float = 1e-12) -> Array:
        """A matrix R with R R' = covariance (d × d)."""
        inner = self.covariance
        np = self._np
        whole: Any = np.linalg.cholesky(0.5 * (inner + inner.T) + noise * np.eye(len(self)))
        root: Array = np.asarray(whole, dtype=np.float64)
        return root

    def _place(self, feature: Feature, sd: float) -> int:
        place = self._places.get(feature)
        if place is None:
            place = self._places[feature] = len(self._places)
            if place == len(self._mean):
                self._grow()
            self._covariance[place, place] = sd * sd
        return place

    def _grow(self) -> None:
        np, n = self._np, len(self._mean)
        covariance, mean = np.zeros((2 * n, 2 * n)), np.zeros(2 * n)
        covariance[:n, :n], mean[:n] = self._covariance, self._mean
        self._covariance, self._mean = covariance, mean
