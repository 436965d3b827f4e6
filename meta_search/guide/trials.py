"""Trials of Optuna: one that is under way, and one of an earlier run."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from meta_search.types import Scalar

__all__ = ["Asked", "remembered"]


class Asked:
    """A trial that is under way: what an author or the engine may suggest from.

    Args:
        number: Its ordinal.
        begin: Makes Optuna's trial when something is first suggested; on the thread that suggests.
    """

    def __init__(self, number: int, begin: Callable[[], Any]) -> None:
        self.number = number
        self._begin = begin
        self._begun: Any = None

    @property
    def _trial(self) -> Any:
        if self._begun is None:
            self._begun = self._begin()
        return self._begun

    @property
    def params(self) -> dict[str, Scalar]:
        return {} if self._begun is None else dict(self._begun.params)

    @property
    def distributions(self) -> dict[str, Any]:
        """Name -> what it was drawn from, as Optuna has it."""
        return {} if self._begun is None else dict(self._begun.distributions)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._trial.suggest_categorical(name, list(choices))

    def suggest_int(self, name: str, low: int, high: int) -> int:
        return int(self._trial.suggest_int(name, low, high))

    def suggest_float(self, name: str, low: float, high: float) -> float:
        return float(self._trial.suggest_float(name, low, high))


def remembered(
    params: Mapping[str, Any], values: Sequence[float], suggest: Callable[[Asked], object]
) -> Any | None:
    """A trial of an earlier run as this one would have asked for it; `None` where it could not have.

    Args:
        params: Name -> value; what `suggest` does not ask for is left out.
        values: What it was told.
        suggest: Suggests all parameters of a trial.
    """
    import optuna

    asked = Asked(-1, lambda: optuna.trial.FixedTrial(dict(params)))
    with warnings.catch_warnings():  # of values out of range, which the trial that is made here refuses
        warnings.simplefilter("ignore")
        try:
            suggest(asked)
            return optuna.trial.create_trial(
                params=asked.params, distributions=asked.distributions, values=list(values)
            )
        except ValueError:
            return None
