"""The studies of `self.tune`: values for what agents declare, one study for each source."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from meta_search.guide.studies import Study
from meta_search.guide.trials import suggest, suggest_all
from meta_search.types import Parameter, Scalar

__all__ = ["Tunings"]


class Tunings:
    """Studies `tuning/SOURCE`, begun as they are needed. Agents of one source share one.

    Args:
        seed: The run's seed.
        guided: Whether TPE samples; else values are drawn uniformly.
    """

    def __init__(self, seed: int, guided: bool) -> None:
        self._seed, self._guided = seed, guided
        self._studies: dict[str, Study] = {}

    def __contains__(self, source: str) -> bool:
        return source in self._studies

    def __getitem__(self, source: str) -> Study:
        """The study of a source, begun where there is none."""
        if source not in self._studies:
            directions = ["maximize", "minimize"]  # score, cost
            self._studies[source] = Study(f"tuning/{source}", self._seed, directions, self._guided)
        return self._studies[source]

    def begin(self, source: str, space: Sequence[Parameter], settings: Sequence[Sequence[Any]]) -> None:
        """Begin the study of a source with settings that are known already.

        Args:
            source: Key of the study.
            space: What the agent declares.
            settings: [name -> value, score, used cost per item]; parameters that are not named are unknown.
        """
        study = self[source]
        for values, score, cost in settings if self._guided else ():
            shared = [p for p in space if p.name in values]
            study.recall(values, [score, cost], partial(suggest_all, shared))

    def ask(self, source: str, space: Sequence[Parameter]) -> tuple[int, dict[str, Scalar]]:
        """Values for what an agent declares.

        Args:
            source: Key of the study.
            space: What the agent declares.

        Returns:
            Trial number and name -> value.
        """
        trial = self[source].ask()
        return trial.number, {p.name: suggest(trial, p) for p in space}

    def tell(self, source: str, number: int, score: float | None, cost: float = 0.0) -> None:
        """Tell what a tuned agent came to.

        Args:
            source: Key of the study; one that was never begun is told nothing.
            number: Of the trial.
            score: On train, 0..1; `None` where it was never evaluated.
            cost: Used tokens per item.
        """
        if source in self:
            self[source].tell(number, None if score is None else [score, cost])
