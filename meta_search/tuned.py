"""What an archive knows of tuned sources, read from its trials when asked for; nothing is stored twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archive.records import Archive, Record
from meta_search.report.tuning import FEWEST, Setting, Tuned
from meta_search.types import Parameter, Scalar, agent_id

__all__ = ["Tunings"]

OBJECTIVES = ("maximize", "minimize")  # score, used cost per item


class Tunings:
    """Looks up what tuning has found out about an agent's source; `None` where nobody has tuned it.

    Args:
        archive: The run; may still grow.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._studies = {name for name in archive.studies() if name.startswith("tuning/")}
        self._found: dict[str, Tuned] = {}

    def __call__(self, agent: str) -> Tuned | None:
        """Of one agent, by its id."""
        if not self._studies:
            return None
        (record,) = self._archive.get([agent])
        study = f"tuning/{agent_id(record.agent.source)}"
        if study not in self._studies:
            return None
        if study not in self._found:
            self._found[study] = self._tuned(study, record)
        return self._found[study]

    def _tuned(self, study: str, record: Record) -> Tuned:
        trials = [t for t in self._archive.trials(study) if t.values is not None and t.agent is not None]
        agents = {r.agent.id: r for r in self._archive.get(t.agent for t in trials if t.agent)}
        settings = []
        for trial in trials:
            told = {k: v for k, v in trial.params.items() if not k.startswith("_")}
            score, cost = trial.values or (0.0, 0.0)
            settings.append(_setting(agents[str(trial.agent)], trial.number, told, record.space, score, cost))
        parents = dict.fromkeys(p for r in agents.values() for p in r.parents if p not in agents)
        settings += self._declared(record, self._archive.get(parents))
        settings.sort(key=lambda s: (s.stopped, -s.score, s.cost))
        rows = [(t.number, t.params, t.values) for t in trials]
        return Tuned(record.space, tuple(settings), len(trials), importance(rows))

    def _declared(self, record: Record, parents: Sequence[Record]) -> list[Setting]:
        """Agents of the same source whom no trial made: it was tuned from them."""
        found = []
        for other in parents:
            evaluation = other.evaluations.get("train")
            if other.agent.source == record.agent.source and evaluation:
                used = evaluation.used
                cost = (used.tokens + used.calls) / max(1, evaluation.items)
                found.append(_setting(other, None, {}, record.space, evaluation.score, cost))
        return found


def _setting(
    record: Record,
    trial: int | None,
    told: Mapping[str, Scalar],
    space: Sequence[Parameter],
    score: float,
    cost: float,
) -> Setting:
    evaluation = record.evaluations.get("train")
    declared = {p.name: p.default for p in space}
    return Setting(
        agent=record.agent.id,
        trial=trial,
        values={**declared, **record.agent.values, **told},
        score=score,
        cost=cost,
        items=evaluation.items if evaluation else 0,
        stopped=bool(evaluation and evaluation.stopped),
    )


def importance(rows: Sequence[Any]) -> dict[str, tuple[float | None, float | None]]:
    """Parameter -> its share in score and in cost; empty with fewer than `FEWEST` trials."""
    if len(rows) < FEWEST:
        return {}
    from meta_search.guide.studies import Study

    study = Study("importance", 0, OBJECTIVES)
    study.restore(rows)
    score, cost = (study.importance(objective) for objective in range(len(OBJECTIVES)))
    names = {name: None for _, params, _ in rows for name in params if not name.startswith("_")}
    return {name: (score.get(name), cost.get(name)) for name in names}
