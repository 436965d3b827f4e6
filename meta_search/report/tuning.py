"""What tuning has found out about an agent's source: its parameters, the settings tried, what matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from meta_search.report.source import clean
from meta_search.types import Parameter, Scalar

__all__ = ["FEWEST", "Setting", "Tuned", "lines", "range_text", "value_text", "values_text", "weights_text"]

FEWEST = 10  # trials from which the importance of parameters is worked out
MOST_SHOWN = 20  # settings on a terminal


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of the parameters that was tried, with what came of it on train items.

    Attributes:
        agent: Id of the agent that it made. trial: its number; `None` where nobody chose it.
        values: Name -> value, defaults included.
        score: 0..1. cost: used tokens and calls per item.
        items: How many it was tried on. stopped: whether it was stopped before it had them all.
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
        space: The parameters. settings: those tried, the best first. trials: how many of them were chosen.
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
        return f"too few trials to tell which parameters matter ({trials}; it takes {FEWEST})"


def range_text(parameter: Parameter) -> str:
    """What a parameter may be."""
    if parameter.kind == "choice":
        return " | ".join(clean(value_text(choice), 40) for choice in parameter.choices)
    return f"{parameter.low:g} to {parameter.high:g}"


def values_text(setting: Setting) -> str:
    """A setting in one line."""
    return ", ".join(f"{clean(n, 40)}={clean(value_text(v), 40)}" for n, v in setting.values.items())


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
        about = f"{p.kind}, {range_text(p)}, default {clean(value_text(p.default), 40)}"
        yield f"tuned {clean(p.name, 40)}: {about}{weight}"
    if tuned.doubt:
        yield tuned.doubt
    for s in tuned.settings[:MOST_SHOWN]:
        made = "as declared" if s.trial is None else f"trial {s.trial}"
        ending = ", stopped early" if s.stopped else ""
        about = f"on {s.items} items{ending}, {s.cost:,.0f} tokens and calls an item"
        yield f"{100 * s.score:5.1f} % {about}: {values_text(s)} ({made}, {s.agent[:8]})"
    if len(tuned.settings) > MOST_SHOWN:
        yield f"and {len(tuned.settings) - MOST_SHOWN} more settings; --json has them all"
