"""A run as files that other programs open: `meta-search export RUN --as optuna FILE`."""

from __future__ import annotations

from pathlib import Path

from archive.guard import making_sense
from archive.records import Archive
from meta_search.errors import ConfigError
from meta_search.guide.optuna_journal import StudyTrials, TrialRow, write_journal
from meta_search.text import one_line

__all__ = ["KINDS", "export_optuna"]

KINDS = ("optuna",)
OBJECTIVES = {
    "briefs": {"worth": "maximize"},
    "designs": {"score": "maximize"},
    "tuning": {"score": "maximize", "tokens per item": "minimize"},
}
"""Kind of study -> what its trials were told. What a brief is worth: `engine.studies`."""


def export_optuna(folder: Path, file: Path) -> tuple[int, int]:
    """Write the studies of a run, which may be at work, as a journal for optuna-dashboard.

    Args:
        folder: The run.
        file: Where to; must not exist.

    Returns:
        The numbers of studies and of trials.

    Raises:
        ConfigError: The file exists, or the run has no studies; one line.
    """
    if file.exists():
        raise ConfigError(f"{file} exists already: name a new file")
    with Archive(folder) as archive, making_sense(archive.path):
        names = archive.studies()
        if not names:
            raise ConfigError(f"{folder} has no trials yet: the guide has asked for nothing")
        studies = [_study(archive, folder.resolve().name, name) for name in names]
        return len(studies), write_journal(studies, file)


def _study(archive: Archive, run: str, name: str) -> StudyTrials:
    kind, _, source = name.partition("/")
    metrics = OBJECTIVES.get(kind, OBJECTIVES["designs"])
    trials = archive.trials(name)
    agents = {record.agent.id: record for record in archive.get({t.agent for t in trials if t.agent})}
    about: dict[str, str | float] = {"run": run, "study": one_line(name, 200)}
    tuned = next((agents[t.agent].agent.name for t in trials if t.agent in agents), "") if source else ""
    if tuned:
        about["tunes"] = one_line(tuned, 200)

    def beside(agent: str | None) -> dict[str, str | float]:
        record = agents.get(agent or "")
        if record is None:
            return {"agent": agent} if agent else {}
        found = record.evaluations.get("train")
        scored: dict[str, str | float] = {}
        if found and found.items:
            scored = {"score": found.score, "low": found.low, "high": found.high, "items": found.items}
        name = one_line(record.agent.name, 200)
        return {"agent": record.agent.id, "agent name": name, **scored}

    rows = [
        TrialRow(t.params, t.values, t.state, t.created, {"number": t.number, **beside(t.agent)})
        for t in trials
    ]
    return StudyTrials(one_line(f"{run}/{name}", 200), metrics, rows, about)
