"""The guide: which briefs paid, which parameters mattered, and what it would ask for next and why."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive.records import Archive
from archive.values import Trial
from meta_search.dashboard.views.bounded import Bounded
from meta_search.dashboard.views.kept import kept, sensibly
from meta_search.dashboard.views.shared import Json, config_of, part, usage
from meta_search.report import briefs, guidance
from meta_search.report.briefs import Asked
from meta_search.report.outside import outside_line
from meta_search.report.taught import pool_line
from meta_search.report.tuning import Tuned, Tunings, range_text, value_text, values_text
from meta_search.text import one_line
from meta_search.types import Parameter, Usage

__all__ = ["guide"]

MOST_ROWS = 500  # trials of a study that are shown, the newest
MOST_STUDIES = 40
MOST_COLUMNS = 40
MOST_TUNED, MOST_SETTINGS = 20, 100
MOST_BRIEFS = 1_000  # of which is told what they brought
FEWEST = 10  # trials from which importance is worked out
DRAWS = 100  # of the next brief, to tell how likely each is
MOST_NEXT = 12
SHOWN = ("briefs", "designs")  # studies of the whole run, in this order; then those of single sources


@sensibly
def guide(folder: Path, archive: Archive) -> Json:
    """`GuidePage` of the contract.

    Rows of `paid_off` further have their `group` (operator, rule or model) and all that `report.briefs` says
    of it; `best` is the largest gain. Those of `next` have gain, interval, cost and number of briefs.
    `tunings` says what tuning found out about single sources, see `report.tuning`.

    Args:
        folder: Of the run.
        archive: Its archive.
    """
    return _guide(folder, archive)


@kept
def _guide(folder: Path, archive: Archive) -> Json:
    whole = Bounded(archive)
    asked = briefs.asked(whole, whole.agents())[-MOST_BRIEFS:]
    trials = whole.trials("briefs")
    config = config_of(folder, archive)
    return {
        "paid_off": [
            *_paid_off("operator", asked, briefs.by_operator(asked)),
            *_paid_off("rule", asked, briefs.by_rule(asked)),
            *_paid_off("model", asked, briefs.by_model(asked)),
        ],
        "importance": _importance(trials),
        "next": _next(trials, config) or _outlooks(whole),
        "studies": _studies(whole),
        "tunings": _tunings(whole),
        "lines": _lines(whole),
    }


def _lines(whole: Bounded) -> list[str]:
    found = [outside_line(whole), pool_line(whole), whole.part, *guidance.guidance_lines(whole)]
    return [one_line(line, 400) for line in found if line]


def _paid_off(group: str, asked: Sequence[Asked], rows: Sequence[Json]) -> list[Json]:
    """Rows of `report.briefs`, with the largest gain of each."""
    best: dict[str, float] = {}
    spent: dict[str, Usage] = defaultdict(Usage)
    for one in asked:
        name = _name(group, one)
        spent[name] += one.writing + one.evaluating
        if one.gain is not None:
            best[name] = max(best.get(name, -1.0), one.gain)
    found = []
    for row in rows:
        name = f"{row['operator']}, {row['author']}" if group == "operator" else str(row[group])
        more = {"became_best": row["best"], "briefs": row["asked"], "best": best.get(name)}
        found.append({**row, **more, "group": group, "name": name, "usage": usage(spent[name])})
    return found


def _name(group: str, row: Asked) -> str:
    if group == "operator":
        return f"{one_line(row.operator, 24)}, {one_line(row.author, 24)}"
    return one_line(row.rule, 24) if group == "rule" else one_line(row.model, 40)


def _importance(trials: Sequence[Trial]) -> list[Json]:
    """What the choices of briefs are worth: shares in reaching the best values; empty of too few trials."""
    told = [t for t in trials if t.values is not None and t.params]
    if len(told) < FEWEST:
        return []
    from meta_search.guide.studies import importance_of

    shares = importance_of([(n, t.params, t.values) for n, t in enumerate(told)])
    return [{"parameter": one_line(name, 80), "share": share} for name, share in shares.items()]


@dataclass(frozen=True, slots=True)
class _Told:
    """A trial as `guide.brief_sampler` reads it."""

    params: Mapping[str, Any]
    values: Sequence[float] | None
    user_attrs: Mapping[str, Any]


def _next(trials: Sequence[Trial], config: Mapping[str, Any]) -> list[Json]:
    """How likely each operator and author is to be asked for next, from the bandit as the trials leave it.

    What earlier runs taught the bandit is not in the archive, so that a young search may ask for others.
    """
    choices = _choices(trials)
    if not choices or part(config, "search", "guided") is False or _is_other(config):
        return []
    from meta_search.guide.bandit import Menu, arm_of
    from meta_search.guide.brief_sampler import bandit_of
    from meta_search.guide.opening import Choices
    from meta_search.types.operators import OPERATORS

    operators = [o for o in map(str, choices.pop("operator", ())) if o in OPERATORS]
    authors, formats = (tuple(map(str, choices.pop(n, ()))) for n in ("author", "format"))
    models = tuple(map(str, choices.pop("model", ())))
    own = Choices(operators, authors, formats or ("plan",), models=dict.fromkeys(authors, models))
    others = {name: choices.get(name) or ("",) for name in ("parents", "temperature", "inspirations")}
    past = [
        _Told({k: v for k, v in t.params.items() if not k.startswith("_")}, t.values, _told_of(t))
        for t in trials
    ]
    bandit = bandit_of(past, Menu(own, others), ())
    drawn = Counter(arm_of(bandit.choose(seed)) for seed in range(DRAWS))
    rows = [
        _row(s.arm.operator, s.arm.author, drawn[s.arm] / DRAWS, (s.gain, s.low, s.high, s.cost), s.briefs)
        for s in bandit.outlooks()
    ]
    return sorted(rows, key=lambda row: -row["chance"])[:MOST_NEXT]


def _told_of(trial: Trial) -> Mapping[str, Any]:
    told = trial.params.get("_told")
    return told if isinstance(told, Mapping) else {}


def _is_other(config: Mapping[str, Any]) -> bool:
    """Whether a preset asks for briefs in a way of its own."""
    return part(config, "search", "name") in ("adas", "random")


def _choices(trials: Sequence[Trial]) -> dict[str, Sequence[Any]]:
    """What the newest trials could choose from: name -> choices."""
    found: dict[str, Sequence[Any]] = {}
    for trial in trials[-FEWEST:]:
        kinds = trial.params.get("_distributions")
        for name, stored in kinds.items() if isinstance(kinds, Mapping) else ():
            if options := _options(stored):
                found[str(name)] = options
    return found if {"operator", "author"} <= found.keys() else {}


def _options(stored: object) -> Sequence[Any]:
    """Choices of a distribution as Optuna writes it: a list, or whole numbers of a small range."""
    import json

    attributes = json.loads(stored).get("attributes", {}) if isinstance(stored, str) else {}
    if isinstance(choices := attributes.get("choices"), list):
        return choices[:100]
    low, high = attributes.get("low"), attributes.get("high")
    if isinstance(low, int) and isinstance(high, int) and 0 <= high - low <= 100:
        return range(low, high + 1)
    return ()


def _row(
    operator: str, author: str, chance: float | None, expected: tuple[float, float, float, float], n: int
) -> Json:
    gain, low, high, cost = expected
    seen = f"after {n} brief{'s' * (n != 1)}" if n else "not tried yet"
    why = (
        f"expected to bring {_percent(gain)} of the score that is left to gain"
        f" [{_percent(low)}, {_percent(high)}] at {cost:.1f}× the typical cost, {seen}"
    )
    return {
        "what": f"{one_line(operator, 24)} by {one_line(author, 24)}",
        "chance": chance,
        "why": why,
        "gain": gain,
        "low": low,
        "high": high,
        "cost": cost,
        "briefs": n,
    }


def _percent(share: float) -> str:
    return f"{100 * min(1.0, max(-1.0, share)):.0f} %"


def _outlooks(whole: Bounded) -> list[Json]:
    """What the guide itself expected at the end of the search."""
    found = []
    for row in guidance.guidance_rows(whole)[:MOST_NEXT]:
        gain, low, high, cost = (float(row[name]) for name in ("gain", "low", "high", "cost"))
        who, briefs_told = (str(row["operator"]), str(row["author"])), int(row["briefs"])
        found.append(_row(*who, None, (gain, low, high, cost), briefs_told))
    return found


def _studies(whole: Bounded) -> list[Json]:
    """Trials as tables: the newest of each study."""
    known = whole.studies()
    order = [name for name in SHOWN if name in known] + [name for name in known if name not in SHOWN]
    return [_study(name, whole.trials(name)) for name in order[:MOST_STUDIES]]


def _study(name: str, trials: Sequence[Trial]) -> Json:
    names = list(dict.fromkeys(k for t in trials for k in t.params if not k.startswith("_")))[:MOST_COLUMNS]
    values = max((len(t.values) for t in trials if t.values), default=1)
    heads = ["value"] if values == 1 else ["score", "cost", *(f"value {n}" for n in range(3, values + 1))]
    rows = [
        [
            *(t.number, t.state, t.agent),
            *_padded(t.values or (), len(heads)),
            *(_cell(t.params.get(key)) for key in names),
        ]
        for t in trials[-MOST_ROWS:]
    ]
    columns = ["trial", "state", "agent", *heads, *(one_line(key, 80) for key in names)]
    return {"study": one_line(name, 80), "trials": len(trials), "columns": columns, "rows": rows}


def _tunings(whole: Bounded) -> list[Json]:
    """What tuning has found out about the sources that were tuned: parameters, importance, settings tried."""
    studies = [name for name in whole.studies() if name.startswith("tuning/")]
    if not studies:
        return []
    from meta_search.guide.studies import parameter_importance

    tunings, found = Tunings(whole, parameter_importance), []
    for name in studies[-MOST_TUNED:]:
        agent = next((t.agent for t in whole.trials(name) if t.agent), None)
        if agent is not None and whole.get([agent]) and (tuned := tunings(agent)) is not None:
            found.append(_tuned(agent, tuned))
    return found


def _tuned(agent: str, tuned: Tuned) -> Json:
    settings = [
        {
            "agent": s.agent,
            "trial": s.trial,
            "values": values_text(s),
            "score": s.score,
            "items": s.items,
            "cost": s.cost,
            "stopped": s.stopped,
        }
        for s in tuned.settings[:MOST_SETTINGS]
    ]
    return {
        "agent": agent,
        "trials": tuned.trials,
        "doubt": tuned.doubt,
        "parameters": [_parameter(p, tuned.importance.get(p.name, (None, None))) for p in tuned.space],
        "settings": settings,
        "tried": len(tuned.settings),
    }


def _parameter(p: Parameter, shares: tuple[float | None, float | None]) -> Json:
    about = f"{p.kind}, {range_text(p)}, default {one_line(value_text(p.default), 40)}"
    return {"parameter": one_line(p.name, 80), "about": about, "score": shares[0], "cost": shares[1]}


def _padded(values: Iterable[float], n: int) -> list[float | None]:
    found = [value if math.isfinite(value) else None for value in values][:n]
    return [*found, *[None] * (n - len(found))]


def _cell(value: Any) -> str | float | None:
    if value is None or isinstance(value, bool):
        return None if value is None else str(value)
    return value if isinstance(value, int | float) else one_line(value, 120)
