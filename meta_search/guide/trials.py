"""Trials of Optuna: one that is under way, and one of an earlier run."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from meta_search.types import Parameter, Scalar

__all__ = ["Asked", "rechosen", "remembered", "suggest", "suggest_all"]


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

    def amend(self, name: str, value: Scalar) -> None:
        """Take another value than the one that was suggested: the study learns of this one."""
        trial = self._trial
        distribution = trial.distributions[name]
        internal = distribution.to_internal_repr(value)
        trial.storage.set_trial_param(trial._trial_id, name, internal, distribution)
        trial._cached_frozen_trial.params[name] = value

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._trial.suggest_categorical(name, list(choices))

    def suggest_int(self, name: str, low: int, high: int) -> int:
        return int(self._trial.suggest_int(name, low, high))

    def suggest_float(self, name: str, low: float, high: float) -> float:
        return float(self._trial.suggest_float(name, low, high))


def rechosen(params: Mapping[str, Any], choices: Mapping[str, Sequence[Scalar]]) -> Mapping[str, Any]:
    """Exported parameters of a trial whose choices were others once.

    Args:
        params: As `Study.export` gave them.
        choices: Name -> the choices that there are now; a value that is none of them stays as it was drawn.
    """
    import optuna

    kinds = dict(params.get("_distributions", {}))
    for name, options in choices.items():
        if name in kinds and params[name] in options:
            now = optuna.distributions.CategoricalDistribution(list(options))
            kinds[name] = optuna.distributions.distribution_to_json(now)
    return {**params, **({"_distributions": kinds} if kinds else {})}


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


def suggest_all(parameters: Sequence[Parameter], trial: Asked) -> None:
    """A value for each of these parameters.

    Raises:
        ValueError: One is not what it was when it was first met.
    """
    for parameter in parameters:
        _suggested(trial, parameter)


def suggest(trial: Asked, parameter: Parameter) -> Scalar:
    """A value, or the default where a parameter changed its kind or its choices since it was first met."""
    try:
        return _suggested(trial, parameter)
    except ValueError:
        return parameter.default


def _suggested(trial: Asked, parameter: Parameter) -> Scalar:
    if parameter.kind == "choice":
        value: Scalar = trial.suggest_categorical(parameter.name, list(parameter.choices))
        return value
    low, high = parameter.low or 0.0, parameter.high or 0.0
    if parameter.kind == "int":
        return trial.suggest_int(parameter.name, int(low), int(high))
    return min(high, max(low, float(f"{trial.suggest_float(parameter.name, low, high):.4g}")))
