"""Curves and grids of abilities, in logits, that `item_response` is made of."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["bell", "kernel_of", "log_chances", "logistic", "normal"]


def logistic(x: Array) -> Array:
    """Chance of right."""
    import numpy as np

    return 1 / (1 + np.exp(-x))


def log_chances(x: Array) -> tuple[Array, Array]:
    """Logarithms of the chances of right and wrong."""
    import numpy as np

    return -np.logaddexp(0.0, -x), -np.logaddexp(0.0, x)


def bell(grid: Array, spread: float) -> Array:
    """Weights of a normal distribution around 0, 1 in all."""
    import numpy as np

    weights: Array = np.exp(-0.5 * (grid / spread) ** 2)
    weights /= weights.sum()
    return weights


def kernel_of(grid: Array, spread: float) -> Array:
    """From ability to ability on a kind of item; rows are abilities."""
    import numpy as np

    if spread < (grid[1] - grid[0]) / 3:
        return np.eye(len(grid))
    weights: Array = np.exp(-0.5 * ((grid[:, None] - grid) / spread) ** 2)
    weights /= weights.sum(1, keepdims=True)
    return weights


@lru_cache(1)
def _table() -> tuple[Array, Array]:
    """The normal distribution at points a hundredth apart: no other library is asked for it."""
    import math

    import numpy as np

    at = np.linspace(-9.0, 9.0, 1801)
    return at, np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in at])


def normal(z: Array) -> Array:
    """Its distribution function."""
    import numpy as np

    return np.interp(z, *_table())
