"""Optuna studies in memory, rebuilt from the archive on resume.

A sampler's seed is a function of run seed, study and trial number (DESIGN.md section 7), so that a study
that is rebuilt asks what the undisturbed one would have asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from meta_search.types import Scalar

__all__ = ["Asked", "Study"]

RANDOM_STARTS = 4


class Asked:
    """A trial that is under way: what an author or the engine may suggest from."""

    def __init__(self, trial: Any) -> None:
        self._trial = trial

    @property
    def number(self) -> int:
        return int(self._trial.number)

    @property
    def params(self) -> dict[str, Scalar]:
        return dict(self._trial.params)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._trial.suggest_categorical(name, list(choices))

    def suggest_int(self, name: str, low: int, high: int) -> int:
        return int(self._trial.suggest_int(name, low, high))

    def suggest_float(self, name: str, low: float, high: float) -> float:
        return float(self._trial.suggest_float(name, low, high))


class Study:
    """A TPE study with ask and tell (Bergstra et al. 2011; Optuna 5's multivariate TPE with constant liar).

    Args:
        name: Part of the sampler's seed and key in the archive's `trials`.
        seed: The run's seed.
        directions: `maximize` or `minimize` per objective.
        guided: False draws at random.
    """

    def __init__(self, name: str, seed: int, directions: Sequence[str], guided: bool = True) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.name = name
        self._seed = seed
        self._guided = guided
        self._open: dict[int, Any] = {}
        self._storage = optuna.storages.InMemoryStorage()
        self._study = optuna.create_study(
            study_name=name, storage=self._storage, directions=cast(Any, list(directions))
        )

    def _sampler(self, number: int) -> Any:
        import optuna

        digest = hashlib.sha256(f"{self._seed}/{self.name}/{number}".encode()).digest()
        seed = int.from_bytes(digest[:4], "big")
        if not self._guided:
            return optuna.samplers.RandomSampler(seed=seed)
        return optuna.samplers.TPESampler(n_startup_trials=RANDOM_STARTS, seed=seed, multivariate=True)

    def enqueue(self, params: Mapping[str, Scalar]) -> None:
        """Try these values first."""
        self._study.enqueue_trial(dict(params))

    def ask(self) -> Asked:
        """A new trial; several may be under way, each with a sampler of its own."""
        import optuna

        trials = self._study.get_trials(deepcopy=False)
        queued = (t.number for t in trials if t.state == optuna.trial.TrialState.WAITING)
        sampler = self._sampler(next(queued, len(trials)))
        view = optuna.load_study(study_name=self.name, storage=self._storage, sampler=sampler)
        trial = view.ask()
        self._open[trial.number] = trial
        return Asked(trial)

    def tell(self, number: int, values: Sequence[float] | None) -> None:
        """Tell a trial's objectives; `None` for a trial that came to nothing."""
        import optuna

        trial = self._open.pop(number, None)
        if trial is None:
            return
        if values is None:
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(trial, list(values))

    def export(self, number: int) -> dict[str, Any]:
        """A told trial's parameters, with what is needed to `restore` it under the key `_distributions`."""
        import optuna

        trial = self._study.get_trials(deepcopy=False)[number]
        told = {k: optuna.distributions.distribution_to_json(d) for k, d in trial.distributions.items()}
        return {**trial.params, "_distributions": told}

    def restore(
        self, rows: Sequence[tuple[int, Mapping[str, Any], Sequence[float] | None]], asked: int = 0
    ) -> None:
        """Put trials back as `export` gave them, by number; the others below `asked` were never told."""
        import optuna

        known = {number: (params, values) for number, params, values in rows}
        for number in range(max(max(known, default=-1) + 1, asked)):
            params, values = known.get(number, ({}, None))
            kinds = params.get("_distributions", {})
            self._study.add_trial(
                optuna.trial.create_trial(
                    state=optuna.trial.TrialState.FAIL
                    if values is None
                    else optuna.trial.TrialState.COMPLETE,
                    params={k: params[k] for k in kinds},
                    distributions={k: optuna.distributions.json_to_distribution(d) for k, d in kinds.items()},
                    values=None if values is None else list(values),
                )
            )

    def best(self, key: Callable[[Any], float]) -> dict[str, Scalar]:
        """Parameters of the finished trial with the greatest `key(values)`; empty if there is none."""
        done = [t for t in self._study.get_trials(deepcopy=False) if t.values is not None]
        return dict(max(done, key=lambda t: key(t.values)).params) if done else {}
