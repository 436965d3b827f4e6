"""The bandit as a sampler of Optuna: it chooses the trials of the study of briefs.

The study stays what it is, frame and record: its trials hold what was asked for and what it was worth, and
`optuna-dashboard` shows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from meta_search.guide.bandit import Bandit, Menu, Tried, arm_of
from meta_search.guide.masks import may_ask, pasts
from meta_search.guide.worth import VALUE_OF_NOTHING, Worth
from meta_search.types.operators import OPERATORS

__all__ = ["BriefReader", "bandit_of", "brief_sampler", "known_of"]

WINDOW = 160  # newest briefs that are counted: two half-lives of one
FIRST = 0.25  # what the first brief of a run counts: it gains what is to be had once, by worked examples
FIXED = "fixed_params"  # where Optuna keeps the values of an enqueued trial


class BriefReader:
    """The trials of a study of briefs as the bandit takes them: every brief asks for all before it, so that
    those that were told are read once."""

    def __init__(self) -> None:
        self._told: dict[int, Tried] = {}

    def read(self, trials: Sequence[Any]) -> list[Tried]:
        """The newest of the briefs.

        Args:
            trials: Optuna's, by number. Those under way count as briefs that wait.
        """
        first = max(0, len(trials) - WINDOW)
        asked = enumerate(trials[first:], first)
        return [self._read(t, n) for n, t in asked if t.params.get("operator") in OPERATORS]

    def _read(self, trial: Any, number: int) -> Tried:
        weight = 1.0 if number else FIRST
        if not trial.values:
            return Tried(trial.params, None, weight=weight)
        if number not in self._told:
            worth = Worth.of(trial.values[0], trial.user_attrs)
            self._told[number] = Tried(trial.params, worth.brought, worth.cost, weight)
        return self._told[number]


def bandit_of(trials: Sequence[Any], menu: Menu, before: Sequence[Tried]) -> Bandit:
    """What is known after the trials of a study of briefs.

    Args:
        trials: Optuna's, by number.
        menu: What may be asked for, those included that rest now.
        before: What was known before, see `known_of`.
    """
    rows = [(n, t.params, t.values[0] if t.values else None) for n, t in enumerate(trials)]
    operators = may_ask(menu.choices.operators, pasts(rows, VALUE_OF_NOTHING))
    now = replace(menu, choices=replace(menu.choices, operators=tuple(operators)))
    return Bandit(BriefReader().read(trials), before, now)


def known_of(before: Sequence[Tried], menu: Menu) -> list[Tried]:
    """Of what was known before, what is of arms that a study has, those included that rest now."""
    arms = menu.arms()
    return [row for row in before if arm_of(row.params) in arms]


def brief_sampler(every: Menu, menu: Menu, briefs: BriefReader, before: Sequence[Tried], seed: int) -> Any:
    """A sampler of one trial.

    Args:
        every: What a brief of the study could ask for: Optuna takes no other choices in one study.
        menu: What may be asked for now.
        briefs: Reads the study's trials.
        before: What was known before the run, see `known_of`.
        seed: Of its draws.
    """
    import optuna

    class BriefSampler(optuna.samplers.BaseSampler):
        """Chooses all parameters of a brief together."""

        def __init__(self) -> None:
            self._chosen: dict[str, Any] = {}

        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
            if FIXED in trial.system_attrs:
                return {}
            # Not itself: what has one choice only is settled before this is asked.
            trials = [t for t in study.get_trials(deepcopy=False) if t.number != trial.number]
            self._chosen = Bandit(briefs.read(trials), before, menu).choose(seed)
            return {name: _distribution(every, self._chosen, name) for name in self._chosen}

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
            return dict(self._chosen)

        def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> Any:
            """Of an enqueued trial that leaves something open."""
            return optuna.samplers.RandomSampler(seed).sample_independent(study, trial, name, distribution)

    return BriefSampler()


def _distribution(menu: Menu, chosen: dict[str, Any], name: str) -> Any:
    """What a parameter is drawn from, as the guide suggests it."""
    import optuna

    choices = menu.choices
    if name == "inspirations":
        shown = [int(option or 0) for option in menu.others[name]]
        return optuna.distributions.IntDistribution(min(shown), max(shown))
    known = {
        "operator": choices.operators,
        "author": choices.authors,
        "format": choices.formats,
        "model": choices.models.get(OPERATORS[chosen["operator"]].author or chosen["author"], ()),
    }
    return optuna.distributions.CategoricalDistribution(list(known.get(name) or menu.others[name]))
