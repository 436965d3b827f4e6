"""Numbers that are a function of their names: what a world is made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Draws"]

Array: TypeAlias = npt.NDArray[np.float64]


class Draws:
    """Draws by name: the same ones on every machine and in every order, whatever else was drawn.

    Args:
        seed: Another seed, other numbers.
    """

    def __init__(self, *seed: object) -> None:
        self._seed = "/".join(map(str, seed))

    def of(self, *name: object) -> np.random.Generator:
        """A generator of its own for a name."""
        told = "\x1f".join([self._seed, *map(repr, name)])
        return np.random.default_rng(
            int.from_bytes(hashlib.blake2b(told.encode(), digest_size=8).digest(), "big")
        )

    def normal(self, *name: object) -> float:
        """A standard normal draw."""
        return float(self.of(*name).standard_normal())

    def normals(self, n: int, *name: object) -> Array:
        """Standard normal draws: float, shape (n,)."""
        return self.of(*name).standard_normal(n)

    def uniforms(self, n: int, *name: object) -> Array:
        """Draws between 0 and 1: float, shape (n,)."""
        return self.of(*name).random(n)

    def weights(self, names: Iterable[str], spread: float, label: str) -> dict[str, float]:
        """Name -> its weight: log-normal of this spread; it depends on no other name."""
        return {name: float(np.exp(spread * self.normal(label, name))) for name in names}
