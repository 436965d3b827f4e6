"""Makes an agent's random numbers a function of its seed, item and repeat, in each branch separately.

Covered: the functions of `random` and of `numpy.random`, generators made without a seed (`random.Random()`,
`numpy.random.default_rng()`, `RandomState()`), and everything that draws from the system's entropy
(`os.urandom`, `random.SystemRandom`, `secrets`, `uuid.uuid4`): nothing within a sandbox needs a secret, and
an agent must be reproducible to be evaluated. Not covered: clocks, process ids, addresses (`id`, the default
`repr` of an object, and so the order of sets of such objects). The order of sets of strings and numbers is
fixed, as the sandbox fixes the seed of hashes.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from functools import cached_property
from random import Random
from typing import Any

__all__ = ["RandomStates", "install"]


class RandomStates:
    """The random states of one branch, each made on first use.

    Args:
        seed: Text from which all of them are seeded.
    """

    def __init__(self, seed: str) -> None:
        self.seed = seed

    @cached_property
    def random(self) -> Random:
        """What the functions of `random` draw from."""
        return Random(self.seed)

    @cached_property
    def pool(self) -> Random:
        """What replaces the system's entropy; reseeding from it gives other numbers."""
        return Random(f"{self.seed}pool")

    @cached_property
    def numpy(self) -> Any:
        """What the functions of `numpy.random` draw from."""
        return sys.modules["numpy"].random.RandomState(Random(f"{self.seed}numpy").getrandbits(32))


_NUMPY_DRAWS = """
beta binomial bytes chisquare choice dirichlet exponential f gamma geometric get_state gumbel hypergeometric
laplace logistic lognormal logseries multinomial multivariate_normal negative_binomial noncentral_chisquare
noncentral_f normal pareto permutation poisson power rand randint randn random random_integers random_sample
ranf rayleigh sample seed set_state shuffle standard_cauchy standard_exponential standard_gamma
standard_normal standard_t triangular uniform vonmises wald weibull zipf
"""
_NUMPY_ALIASES = {"ranf": "random_sample", "sample": "random_sample"}


class _Seeded(Random):
    """`random.Random` whose default seed comes from the branch, not from the system."""

    def seed(self, a: Any = None, version: int = 2) -> None:
        super().seed(_current().pool.getrandbits(64) if a is None else a, version)


_Seeded.__name__ = _Seeded.__qualname__ = "Random"


def install(current: Callable[[], RandomStates]) -> None:
    """Replace this process's sources of random numbers. For the sandbox's child only.

    Args:
        current: Returns the random states of the branch that is running.
    """
    global _current
    _current = current
    random.__dict__.update(_DRAWS, Random=_Seeded, _urandom=_pool_bytes)
    os.urandom = _pool_bytes
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.__dict__.update(_NUMPY)


def _current() -> RandomStates:
    raise RuntimeError("no agent is running")


def _pool_bytes(size: int, /) -> bytes:
    drawn: bytes = _current().pool.randbytes(size)
    return drawn


def _draw(state: str, name: str) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        if name == "seed" and args in ((), (None,)) and not kwargs:
            return None  # seeding from the clock would make runs differ
        return getattr(getattr(_current(), state), name)(*args, **kwargs)

    function.__name__ = function.__qualname__ = name
    return function


_DRAWS = {name: _draw("random", name) for name in random.__all__ if name[0].islower()}
_NUMPY = {name: _draw("numpy", _NUMPY_ALIASES.get(name, name)) for name in _NUMPY_DRAWS.split()}
