"""Optuna studies in memory, rebuilt from the archive on resume.

A sampler's seed is a function of run seed, study and trial number, so that a study that is rebuilt asks what
the undisturbed one would have asked.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, cast

from meta_search.guide.design_sampler import design_sampler
from meta_search.guide.trials import Asked, remembered
from meta_search.types import Scalar

__all__ = ["Row", "Sampled", "Study", "importance_of", "parameter_importance"]

RANDOM_STARTS = 4
BEST = 5  # trials that count as the best where importance is asked for

Sampled = tuple[Mapping[str, Scalar], Mapping[str, tuple[Scalar, ...]]]  # a proposal; all choices there are
Row = tuple[int, Mapping[str, Any], Sequence[float] | None]  # number, exported parameters, values


class Study:
    """A study with ask and tell: TPE (Bergstra et al. 2011; Optuna 5's multivariate TPE with constant liar)
    unless it has a sampler of its own.

    Args:
        name: Part of the sampler's seed and key in the archive's `trials`.
        seed: The run's seed.
        directions: `maximize` or `minimize` per objective.
        guided: False draws at random.
        sampler: Seed -> an Optuna sampler for one trial, in place of TPE.
    """

    def __init__(
        self,
        name: str,
        seed: int,
        directions: Sequence[str],
        guided: bool = True,
        sampler: Callable[[int], Any] | None = None,
    ) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.name = name
        self._seed = seed
        self._guided, self._own = guided, sampler
        self._before = 0  # trials of earlier runs, which have no numbers here
        self._apart: dict[int, Asked] = {}
        self._storage = optuna.storages.InMemoryStorage()
        self._study = optuna.create_study(
            study_name=name, storage=self._storage, directions=cast(Any, list(directions))
        )
        self._space = optuna.search_space.IntersectionSearchSpace(include_pruned=True)

    def _sampler(self, number: int) -> Any:
        import optuna

        digest = hashlib.sha256(f"{self._seed}/{self.name}/{number}".encode()).digest()
        seed = int.from_bytes(digest[:4], "big")
        if not self._guided:
            return optuna.samplers.RandomSampler(seed=seed)
        if self._own is not None:
            return self._own(seed)
        return optuna.samplers.TPESampler(n_startup_trials=RANDOM_STARTS, seed=seed, multivariate=True)

    def _quick(self, sampler: Any) -> Any:
        """A new sampler compares the distributions of all trials to find what they have in common. Ours
        live for one trial, so the study keeps that: with 400 trials it was most of the time of an ask."""
        if self._guided and self._own is None and len(self._study.directions) == 1:
            sampler._search_space = self._space
        return sampler

    def enqueue(self, params: Mapping[str, Scalar]) -> None:
        """Try these values next."""
        self._study.enqueue_trial(dict(params))

    def recall(
        self, params: Mapping[str, Any], values: Sequence[float], suggest: Callable[[Asked], object]
    ) -> bool:
        """Learn from a trial of an earlier run, see `remembered`. Only before anything is asked or restored.

        Returns:
            False where this study could not have asked for it: nothing is learned then.
        """
        trial = remembered(params, values, suggest)
        if trial is not None:
            self._study.add_trial(trial)
            self._before += 1
        return trial is not None

    def ask(self) -> Asked:
        """A new trial; several may be under way, each with a sampler of its own."""
        trial = self._ask()
        return Asked(trial.number - self._before, lambda: trial)

    def ask_apart(self, proposal: Sampled | None = None) -> Asked:
        """A new trial for another thread: what it suggests depends on what the study knew when it was asked.

        The study learns the suggestions when it is told, or before by `learn`.

        Args:
            proposal: What it suggests, see `design_sampler`; the sampler of the study says the rest.
        """
        asked = self._set_apart(self._ask().number - self._before, proposal)
        self._apart[asked.number] = asked
        return asked

    def under_way(self, number: int) -> Asked:
        """A trial that was asked for apart and is not told."""
        return self._apart[number]

    def learn(self, number: int) -> None:
        """Take over what a trial apart has suggested; the others see it from now on."""
        asked = self._apart.pop(number, None)
        if asked is None:
            return
        trial = self._id(number)
        for name, distribution in asked.distributions.items():
            value = distribution.to_internal_repr(asked.params[name])
            self._storage.set_trial_param(trial, name, value, distribution)

    def _ask(self) -> Any:
        import optuna

        trials = self.trials()
        queued = (n for n, t in enumerate(trials) if t.state == optuna.trial.TrialState.WAITING)
        sampler = self._quick(self._sampler(next(queued, len(trials))))
        return optuna.load_study(study_name=self.name, storage=self._storage, sampler=sampler).ask()

    def _set_apart(self, number: int, proposal: Sampled | None) -> Asked:
        """The trial in a copy of the study as it is now. Optuna's trials in memory are never changed, but
        replaced, so that they can be copied when they are needed, by whoever needs them."""
        known, place = list(self._study.get_trials(deepcopy=False)), self._before + number

        @cache
        def whole() -> Any:
            return self._copied(known, self._sampler(number), place)

        def begin() -> Any:
            if proposal is None:
                return whole()
            # Who takes a proposal asks what others did of nothing else, as a rule: copying all trials for
            # each would take the longer the longer a search is.
            return self._copied(known[place : place + 1], design_sampler(*proposal, whole), 0)

        return Asked(number, begin)

    def _copied(self, trials: Sequence[Any], sampler: Any, place: int) -> Any:
        """A trial of these, in a study of their copies."""
        import optuna

        copy = optuna.create_study(
            storage=optuna.storages.InMemoryStorage(),
            directions=cast(Any, self._study.directions),
            sampler=sampler,
        )
        copy.add_trials(trials)
        return optuna.trial.Trial(copy, copy.get_trials(deepcopy=False)[place]._trial_id)

    def trials(self) -> Sequence[Any]:
        """Optuna's trials of this run, by number."""
        return self._study.get_trials(deepcopy=False)[self._before :]

    def _id(self, number: int) -> int:
        return int(self.trials()[number]._trial_id)

    def tell(
        self, number: int, values: Sequence[float] | None, about: Mapping[str, float] = MappingProxyType({})
    ) -> None:
        """Tell a trial's objectives; `None` for a trial that came to nothing. Only the first time counts.

        Args:
            number: Of the trial.
            values: One per objective.
            about: What is kept beside them, as user attributes of the trial.
        """
        import optuna

        trials = self.trials()
        if number >= len(trials) or trials[number].state.is_finished():
            return
        self.learn(number)
        for name, value in about.items():
            self._storage.set_trial_user_attr(trials[number]._trial_id, name, value)
        if values is None:
            self._study.tell(self._before + number, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(self._before + number, list(values))

    def importance(self, objective: int = 0) -> dict[str, float]:
        """Each parameter's share in reaching the best values of an objective, the largest first.

        By PED-ANOVA (Watanabe et al. 2023, arXiv 2304.10255): by how much the distribution of a parameter
        among the best trials differs from that among all. The best are a tenth, but five at least, and half
        of all at most.

        Returns:
            Name -> share, 1 in all; empty where the best are no different, or all are equally good.
        """
        import optuna

        told = self._study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
        sign = -1.0 if self._study.directions[objective] == optuna.study.StudyDirection.MAXIMIZE else 1.0
        if len({t.values[objective] for t in told}) < 2:
            return {}
        share = min(0.5, max(0.1, BEST / len(told)))
        with warnings.catch_warnings():  # that the target is minimised, and that values tie
            warnings.simplefilter("ignore")
            found = optuna.importance.get_param_importances(
                self._study,
                evaluator=optuna.importance.PedAnovaImportanceEvaluator(target_quantile=share),
                target=lambda trial: sign * trial.values[objective],
                normalize=False,
            )
        total = sum(found.values())
        return {name: value / total for name, value in found.items()} if total > 0 else {}

    def rows(self) -> list[tuple[int, Mapping[str, Any], float | None]]:
        """Number, parameters and first value of this run's trials, by number; `None` while it is not told."""
        trials = enumerate(self.trials())
        return [(number, t.params, t.values[0] if t.values else None) for number, t in trials]

    def has_parameters(self, number: int) -> bool:
        """Whether anything was suggested by a trial, so that its score says something."""
        return bool(self.trials()[number].params)

    def export(self, number: int) -> dict[str, Any]:
        """A trial's parameters, with what is needed to `restore` it: under the key `_distributions`, and what
        was told beside its values under `_told`."""
        import optuna

        trial = self.trials()[number]
        told = {k: optuna.distributions.distribution_to_json(d) for k, d in trial.distributions.items()}
        about = {"_told": dict(trial.user_attrs)} if trial.user_attrs else {}
        return {**trial.params, "_distributions": told, **about}

    def restore(
        self,
        rows: Sequence[Row],
        asked: int = 0,
        running: Sequence[Row] = (),
        again: Mapping[int, Mapping[str, Scalar]] = MappingProxyType({}),
        proposals: Mapping[int, Sampled] = MappingProxyType({}),
    ) -> None:
        """Put trials back by number, as `export` gave them; the others below `asked` were never told.

        Args:
            rows: (number, exported parameters, values) of the trials that were told.
            asked: Trials that were asked for, told or not.
            running: Trials that will still be told; their values are `None`.
            again: Trials that are asked for again, apart, with the values they must take.
            proposals: What those are to suggest, see `ask_apart`.
        """
        import optuna

        known = {row[0]: row for row in (*rows, *running)}
        open_ = {row[0] for row in running}
        for number in range(max(max([*known, *again], default=-1) + 1, asked)):
            if number in again:
                self.enqueue(again[number])
                self.ask_apart(proposals.get(number))
                continue
            _, params, values = known.get(number, (number, {}, None))
            state = "RUNNING" if number in open_ else "FAIL" if values is None else "COMPLETE"
            kinds = params.get("_distributions", {})
            self._study.add_trial(
                optuna.trial.create_trial(
                    state=optuna.trial.TrialState[state],
                    params={k: params[k] for k in kinds},
                    distributions={k: optuna.distributions.json_to_distribution(d) for k, d in kinds.items()},
                    values=None if values is None else list(values),
                    user_attrs=dict(params.get("_told", {})) if state == "COMPLETE" else {},
                )
            )


def importance_of(rows: Sequence[Row]) -> dict[str, float]:
    """What the parameters of a study with one objective, the more the better, are worth; see
    `Study.importance`.

    Args:
        rows: Trials that were told, numbered from 0.
    """
    study = Study("importance", 0, ("maximize",))
    study.restore([(number, params, [*values][:1]) for number, params, values in rows if values])
    return study.importance()


def parameter_importance(rows: Sequence[Row]) -> dict[str, tuple[float | None, float | None]]:
    """What tuned parameters are worth, from the trials of their study.

    Args:
        rows: Trials that were told, with two values each: score (up) and used cost per item (down).

    Returns:
        Parameter -> its share in score and in cost, see `Study.importance`; `None` where that says nothing.
    """
    directions = ("maximize", "minimize")
    study = Study("importance", 0, directions)
    study.restore(rows)
    score, cost = (study.importance(objective) for objective in range(len(directions)))
    names = {name: None for _, params, _ in rows for name in params if not name.startswith("_")}
    return {name: (score.get(name), cost.get(name)) for name in names}
