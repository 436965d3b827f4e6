"""What tuning has found out about an agent's source: its parameters, the settings tried, what matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meta_search.report.source import Archive, Record
from meta_search.text import one_line
from meta_search.types import Parameter, Scalar, agent_id

__all__ = [
    "FEWEST",
    "Setting",
    "Tuned",
    "Tunings",
    "lines",
    "range_text",
    "value_text",
    "values_text",
    "weights_text",
]

FEWEST = 10  # trials from which the importance of parameters is worked out
MOST_SHOWN = 20  # settings on a terminal

Row = tuple[int, Mapping[str, Any], Sequence[float] | None]  # number, parameters, values of a trial
Importances = Callable[[Sequence[Row]], Mapping[str, tuple[float | None, float | None]]]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of the parameters that was tried, with what came of it on train items.

    Attributes:
        agent: Id of the agent that has it.
        trial: Number of the trial that tried it; `None` where none did.
        values: Name -> value, defaults included.
        score: 0..1.
        cost: Used tokens and calls per item.
        items: Number of items it was tried on.
        stopped: Whether it was stopped before it had them all.
    """

    agent: str
    trial: int | None
    values: Mapping[str, Scalar]
    score: float
    cost: float
    items: int = 0
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Tuned:
    """All of it for one source.

    Attributes:
        space: The parameters.
        settings: Those that were tried, the best first.
        trials: Number of trials among them.
        importance: Name -> its share in the score and in the cost, each 0..1 and 1 in all, where there are
            trials enough; `None` for an objective in which all good settings are like the others.
    """

    space: tuple[Parameter, ...]
    settings: tuple[Setting, ...]
    trials: int
    importance: Mapping[str, tuple[float | None, float | None]]

    @property
    def doubt(self) -> str:
        """Why nothing is said of what matters; `""` where something is."""
        if self.importance:
            return ""
        trials = f"{self.trials} trial" + "s" * (self.trials != 1)
        return f"too few trials to tell which parameters matter ({trials}, at least {FEWEST} needed)"


class Tunings:
    """Looks up what tuning has found out about an agent's source; `None` where nobody has tuned it.

    Args:
        archive: The run; may still grow.
        importance: What each parameter is worth; see `guide.studies.parameter_importance`.
    """

    def __init__(self, archive: Archive, importance: Importances) -> None:
        self._archive, self._importance = archive, importance
        self._studies = {name for name in archive.studies() if name.startswith("tuning/")}
        self._found: dict[str, Tuned] = {}
        self._older: dict[str, str] | None = None

    def __call__(self, agent: str) -> Tuned | None:
        """Of one agent, by its id."""
        if not self._studies:
            return None
        (record,) = self._archive.get([agent])
        study = f"tuning/{agent_id(record.agent.source)}"
        study = study if study in self._studies else self._by_source().get(record.agent.source, "")
        if not study:
            return None
        if study not in self._found:
            self._found[study] = self._tuned(study, record)
        return self._found[study]

    def _by_source(self) -> dict[str, str]:
        """Source of the agents that were tuned -> study: older versions named studies otherwise."""
        if self._older is None:
            trials = {t.agent: name for name in self._studies for t in self._archive.trials(name) if t.agent}
            self._older = {r.agent.source: trials[r.agent.id] for r in self._archive.get(trials)}
        return self._older

    def _tuned(self, study: str, record: Record) -> Tuned:
        trials = [t for t in self._archive.trials(study) if t.values is not None and t.agent is not None]
        agents = {r.agent.id: r for r in self._archive.get(t.agent for t in trials if t.agent)}
        settings = []
        for trial in trials:
            chosen = {k: v for k, v in trial.params.items() if not k.startswith("_")}
            score, cost = trial.values or (0.0, 0.0)
            settings.append(
                _setting(agents[str(trial.agent)], trial.number, chosen, record.space, score, cost)
            )
        parents = dict.fromkeys(p for r in agents.values() for p in r.parents if p not in agents)
        settings += self._declared(record, self._archive.get(parents))
        settings.sort(key=lambda s: (s.stopped, -s.score, s.cost))
        rows = [(t.number, t.params, t.values) for t in trials]
        return Tuned(
            record.space, tuple(settings), len(trials), self._importance(rows) if len(rows) >= FEWEST else {}
        )

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
    chosen: Mapping[str, Scalar],
    space: Sequence[Parameter],
    score: float,
    cost: float,
) -> Setting:
    evaluation = record.evaluations.get("train")
    declared = {p.name: p.default for p in space}
    return Setting(
        agent=record.agent.id,
        trial=trial,
        values={**declared, **record.agent.values, **chosen},
        score=score,
        cost=cost,
        items=evaluation.items if evaluation else 0,
        stopped=bool(evaluation and evaluation.stopped and not record.same_as),
    )


def range_text(parameter: Parameter) -> str:
    """What a parameter may be."""
    if parameter.kind == "choice":
        return " | ".join(one_line(value_text(choice), 40) for choice in parameter.choices)
    return f"{parameter.low:g} to {parameter.high:g}"


def values_text(setting: Setting) -> str:
    """A setting in one line."""
    return ", ".join(f"{one_line(n, 40)}={one_line(value_text(v), 40)}" for n, v in setting.values.items())


def value_text(value: Scalar) -> str:
    """A value, floats to four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value) or '""'


def weights_text(tuned: Tuned, name: str) -> tuple[str, str]:
    """How much a parameter matters to score and cost, in per cent; `-` where nothing can be said."""
    score, cost = tuned.importance.get(name, (None, None))
    return _percent(score), _percent(cost)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def lines(tuned: Tuned) -> Iterator[str]:
    """For a terminal."""
    for p in tuned.space:
        score, cost = weights_text(tuned, p.name)
        weight = f"; importance for score {score}, for cost {cost}" if tuned.importance else ""
        about = f"{p.kind}, {range_text(p)}, default {one_line(value_text(p.default), 40)}"
        yield f"tuned {one_line(p.name, 40)}: {about}{weight}"
    if tuned.doubt:
        yield tuned.doubt
    for s in tuned.settings[:MOST_SHOWN]:
        made = "as declared" if s.trial is None else f"trial {s.trial}"
        ending = ", paused or stopped" if s.stopped else ""
        about = f"on {s.items} items{ending}, {s.cost:,.0f} tokens and calls per item"
        yield f"{100 * s.score:5.1f} % {about}: {values_text(s)} ({made}, {s.agent[:8]})"
    if len(tuned.settings) > MOST_SHOWN:
        yield f"and {len(tuned.settings) - MOST_SHOWN} more settings; --json has them all"
