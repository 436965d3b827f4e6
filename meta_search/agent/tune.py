"""`self.tune`: parameters that an agent declares where it uses them (define by run).

The interface follows Optuna's `trial.suggest_*` (Akiba et al. 2019, arXiv 1907.10902, section 2): the search
space of an agent is known once it has run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Tune"]


class Tune:
    """Returns the values chosen for this agent and records which parameters it declares.

    Args:
        values: Name -> value chosen by the guide. A missing parameter takes its default.

    Attributes:
        space: Name -> declaration of a parameter (`name`, `kind`, `default`, and its bounds or choices).
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        self.space: dict[str, dict[str, Any]] = {}

    def int(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """An integer in `low..high`, both included; `default` is `low` unless given."""
        low, high = sorted((int_(low), int_(high)))
        if not -MOST_INT <= low <= high <= MOST_INT:
            raise ValueError(f"tune.int({name!r}, …): needs bounds within ±2**53")
        default = int_(_clip(low if default is None else round(default), low, high))
        self._declare(name, "int", default, low=low, high=high)
        value = self._values.get(name, default)
        return round(_clip(value, low, high)) if isinstance(value, (int_, float_)) else default

    def float(self, name: str, low: float, high: float, default: float | None = None) -> float:
        """A number in `low..high`, both included; `default` is `low` unless given."""
        low, high = sorted((float_(low), float_(high)))
        if not -MOST_FLOAT <= low <= high <= MOST_FLOAT:
            raise ValueError(f"tune.float({name!r}, {low}, {high}): needs finite bounds")
        default = _clip(low if default is None else float_(default), low, high)
        self._declare(name, "float", default, low=low, high=high)
        value = self._values.get(name, default)
        return float_(_clip(value, low, high)) if isinstance(value, (int_, float_)) else default

    def choice(self, name: str, choices: Sequence[Any], default: Any = None) -> Any:
        """One of `choices` (strings, numbers or booleans); `default` is the first unless given."""
        options = list(choices)
        if not options:
            raise ValueError(f"tune.choice({name!r}, []): needs at least one choice")
        if not all(option is None or isinstance(option, (str, int_, float_)) for option in options):
            raise TypeError(
                f"tune.choice({name!r}): needs strings, numbers or booleans; let it choose an index"
            )
        if not all(_storable(option) for option in options):
            raise ValueError(f"tune.choice({name!r}): needs finite numbers of 64 bits")
        default = options[0] if default is None or default not in options else default
        self._declare(name, "choice", default, choices=options)
        value = self._values.get(name, default)
        return value if value in options else default

    def _declare(self, name: str, kind: str, default: Any, **limits: Any) -> None:
        if str(name).startswith("_"):
            raise ValueError(f"tune.{kind}({name!r}): names that begin with _ are the search's own")
        self.space.setdefault(str(name), {"name": str(name), "kind": kind, "default": default, **limits})


# The methods above are named as agents call them and so hide the built-in types within the class.
int_, float_ = int, float
MOST_INT, MOST_FLOAT = 2**53, 1e300


def _clip(value: Any, low: Any, high: Any) -> Any:
    return max(low, min(high, value))


def _storable(value: Any) -> bool:
    return not isinstance(value, int_ | float_) or abs(value) < 2**63  # which NaN is not
