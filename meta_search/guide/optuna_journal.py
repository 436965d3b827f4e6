"""The guide's studies as a journal of Optuna's, which optuna-dashboard and `optuna.load_study` open."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

__all__ = ["StudyTrials", "TrialRow", "write_journal"]

STATES = {"complete": "COMPLETE", "fail": "FAIL", "running": "RUNNING"}


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A trial as the archive keeps it.

    Attributes:
        params: As `Study.export` gave them, distributions included.
        values: One per objective; `None` where it came to nothing, or is under way.
        state: `complete`, `fail` or `running`.
        created: Seconds since the epoch.
        about: What is kept beside it, as user attributes: texts and numbers.
    """

    params: Mapping[str, Any]
    values: Sequence[float] | None
    state: str
    created: float
    about: Mapping[str, str | float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class StudyTrials:
    """A study with its trials by number.

    Attributes:
        name: Its name in the journal.
        metrics: Name -> `maximize` or `minimize`, one per objective.
        trials: They.
        about: User attributes of the study.
    """

    name: str
    metrics: Mapping[str, str]
    trials: Sequence[TrialRow]
    about: Mapping[str, str | float] = field(default_factory=lambda: MappingProxyType({}))


def write_journal(studies: Sequence[StudyTrials], file: Path) -> int:
    """Write studies to a new journal file. All at once: Optuna's own way locks and syncs for every trial.

    Args:
        studies: They.
        file: Where to; must not exist.

    Returns:
        The number of trials.

    Raises:
        OSError: The file cannot be written.
    """
    import optuna
    from optuna.storages.journal import BaseJournalBackend, JournalFileBackend

    class Collected(BaseJournalBackend):
        """Keeps the lines of a journal in memory."""

        def __init__(self) -> None:
            self.lines: list[dict[str, Any]] = []

        def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
            return iter(self.lines[log_number_from:])

        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            self.lines += logs

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    collected = Collected()
    storage = optuna.storages.JournalStorage(collected)
    with warnings.catch_warnings():  # of choices that are no plain values, and of what is experimental
        warnings.simplefilter("ignore")
        for study in studies:
            made = optuna.create_study(
                storage=storage, study_name=study.name, directions=cast(Any, list(study.metrics.values()))
            )
            made.set_metric_names(list(study.metrics))
            for name, value in study.about.items():
                made.set_user_attr(name, value)
            made.add_trials([_trial(row, len(study.metrics)) for row in study.trials])
    with file.open("x"):
        pass
    JournalFileBackend(str(file)).append_logs(collected.lines)
    return sum(len(study.trials) for study in studies)


def _trial(row: TrialRow, objectives: int) -> Any:
    """A trial of Optuna's. A parameter that is not what its distribution says is kept as an attribute."""
    import optuna

    told = row.params.get("_distributions", {})
    params, kinds = {}, {}
    about: dict[str, Any] = {**row.about, **dict(row.params.get("_told", {}))}
    for name, value in row.params.items():
        if name.startswith("_"):
            continue
        kind = _distribution(told.get(name), value)
        if kind is None:
            about[f"param {name}"] = value
        else:
            params[name], kinds[name] = value, kind
    values = list(row.values) if row.values is not None and len(row.values) == objectives else None
    state = STATES.get(row.state, "FAIL") if values is not None or row.state != "complete" else "FAIL"
    trial = optuna.trial.create_trial(
        state=optuna.trial.TrialState[state],
        params=params,
        distributions=kinds,
        values=values if state == "COMPLETE" else None,
        user_attrs=about,
    )
    at = datetime.fromtimestamp(row.created)  # noqa: DTZ006 (Optuna's times are local ones without a zone)
    trial.datetime_start = at
    if state != "RUNNING":
        trial.datetime_complete = at
    return trial


def _distribution(told: Any, value: Any) -> Any:
    """What a parameter was drawn from; `None` where that is not known, or could not give this value."""
    import optuna

    try:
        kind = optuna.distributions.json_to_distribution(told)
        return kind if kind._contains(kind.to_internal_repr(value)) else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
