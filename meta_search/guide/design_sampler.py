"""The sampler of designs: what the surrogate proposes, and TPE for whatever else an author asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from meta_search.types import Scalar

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import Trial

__all__ = ["design_sampler"]


def design_sampler(
    proposal: Mapping[str, Scalar], choices: Mapping[str, tuple[Scalar, ...]], others: Callable[[], Trial]
) -> BaseSampler:
    """A sampler for one trial; Optuna is imported when it is made.

    Args:
        proposal: Parameter -> value.
        choices: Parameter -> all choices, of the space; those that the proposal does not read take the first.
        others: The same trial where all others are known, the same one each time; asked for the parameters
            that are no part of the space.
    """
    import optuna

    class DesignSampler(optuna.samplers.BaseSampler):
        """Hands out a proposal that was made when the trial was asked for."""

        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, BaseDistribution]:
            categorical = optuna.distributions.CategoricalDistribution
            return {name: categorical(values) for name, values in choices.items()}

        def sample_relative(self, study: Any, trial: Any, search_space: Mapping[str, Any]) -> dict[str, Any]:
            return {name: proposal.get(name, choices[name][0]) for name in search_space}

        def sample_independent(
            self, study: Any, trial: Any, param_name: str, param_distribution: BaseDistribution
        ) -> Any:
            whole = others()
            known = whole.study.get_trials(deepcopy=False)[whole.number]
            return whole.study.sampler.sample_independent(whole.study, known, param_name, param_distribution)

    return DesignSampler()
