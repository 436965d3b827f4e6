"""Which briefs paid: what came of them by operator and author, and by the rule that chose the parents."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meta_search.report.paired import mean_interval
from meta_search.report.source import Archive, Record, is_seed, item_scores
from meta_search.text import one_line
from meta_search.types import SEARCHED, Split, Usage
from meta_search.types.operators import rule_of

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Asked", "asked", "by_model", "by_operator", "by_rule", "model_lines", "table"]

SPLIT: Split = "train"  # what the guide learns from
FEWEST = 5  # gains that make an interval
NO_RULE = "–"

Cells = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A brief and what came of it.

    Attributes:
        number: `Brief.code` of the brief.
        operator: By which it was to be carried out.
        author: Who was to carry it out.
        rule: By which its parents were chosen, `–` for none.
        agent: Id of the candidate, `""` without one.
        full: Whether the candidate was evaluated on all train items, and is no other one over again.
        stopped: Whether it was stopped before, or failed on them.
        gain: Its score minus that of its best parent (the best seed's if it has none), over the train items
            that both have, -1..1; `None` without any, and where it behaves as another agent.
        best: Whether it was the best agent so far when its evaluation was complete.
        value: The gain per cost, as the guide learnt it; `None` where it did not learn of this brief.
        writing: Used by the meta agent.
        evaluating: Used by the candidate on train and validation items.
        model: The meta model that was to write, of several; `""` where there is one.
    """

    number: int
    operator: str
    author: str
    rule: str
    agent: str = ""
    full: bool = False
    stopped: bool = False
    gain: float | None = None
    best: bool = False
    value: float | None = None
    writing: Usage = field(default_factory=Usage)
    evaluating: Usage = field(default_factory=Usage)
    model: str = ""


def asked(archive: Archive, records: Sequence[Record]) -> list[Asked]:
    """All briefs of a run, in the order in which they were asked for.

    Args:
        archive: The run; may still grow.
        records: All its agents.
    """
    by_id = {r.agent.id: r for r in records}
    agents = {e.data["brief"]: e.data["agent"] for e in archive.events("delivery") if "brief" in e.data}
    trials = {t.number: t for t in archive.trials("briefs")}
    written, leaders, gains = archive.writing(), _leaders(archive, by_id), _Gains(archive, records)
    rows = []
    for data in (event.data for event in archive.events("ask")):
        number, trial = data["brief"], trials.get(data["brief"])
        record = by_id.get(agents.get(number) or "")
        evaluation = record.evaluations.get(SPLIT) if record else None
        same = record is not None and bool(record.same_as)
        used = [e.used for split in SEARCHED if record and (e := record.evaluations.get(split))]
        rows.append(
            Asked(
                number=number,
                operator=data["operator"],
                author=data["author"],
                rule=_rule(data["operator"], trial.params if trial else {}),
                agent=record.agent.id if record else "",
                full=bool(evaluation and evaluation.complete),
                stopped=bool(evaluation and evaluation.stopped and not same),
                gain=gains.of(record.agent.id, data["parents"]) if record and not same else None,
                best=bool(record and record.agent.id in leaders),
                value=trial.values[0] if trial and trial.values else None,
                writing=written.get(number, Usage()),
                evaluating=sum(used, Usage()),
                model=str(data.get("model", "")),
            )
        )
    return rows


def _rule(operator: str, params: Mapping[str, Any]) -> str:
    """The rule by which parents were chosen: some operators force one, whatever the study had chosen."""
    return rule_of(operator, str(params.get("parents", NO_RULE)))


def _leaders(archive: Archive, by_id: Mapping[str, Record]) -> set[str]:
    """Agents that were the best of all complete ones when they were complete; of equals the cheaper."""
    found, best = set(), (-1.0, 0.0)
    for event in archive.events("race"):
        record = by_id.get(event.data["agent"])
        evaluation = record.evaluations.get(SPLIT) if record else None
        ended = event.data["split"] == SPLIT and "to" not in event.data
        if record and evaluation and ended and evaluation.complete and evaluation.items:
            used = evaluation.used
            standing = (evaluation.score, -(used.tokens + used.calls) / evaluation.items)
            if standing > best:
                best = standing
                found.add(record.agent.id)
    return found


class _Gains:
    """Paired differences of scores on train items."""

    def __init__(self, archive: Archive, records: Sequence[Record]) -> None:
        self._archive = archive
        self._scores: dict[str, Mapping[str, float]] = {}
        whole = [(e, r) for r in records if (e := r.evaluations.get(SPLIT)) and e.complete]
        seeds = [(e.score, r.agent.id) for e, r in whole if is_seed(r)]
        self._seed = max(seeds)[1:] if seeds else ()

    def of(self, agent: str, parents: Sequence[str]) -> float | None:
        mine, found = self._of(agent), []
        for other in parents or self._seed:
            theirs = self._of(other)
            shared = [item for item in mine if item in theirs]
            if shared:
                found.append(sum(mine[item] - theirs[item] for item in shared) / len(shared))
        return min(found, default=None)

    def _of(self, agent: str) -> Mapping[str, float]:
        if agent not in self._scores:
            self._scores[agent] = item_scores(self._archive, agent, SPLIT)
        return self._scores[agent]


def by_operator(rows: Sequence[Asked]) -> list[Cells]:
    """`_sums` of each pair of `operator` and `author`, those that gained most first."""
    return _grouped(
        rows, lambda row: {"operator": one_line(row.operator, 24), "author": one_line(row.author, 24)}
    )


def by_rule(rows: Sequence[Asked]) -> list[Cells]:
    """`_sums` of each `rule` that chose parents, those that gained most first."""
    return _grouped([r for r in rows if r.rule != NO_RULE], lambda row: {"rule": one_line(row.rule, 24)})


def by_model(rows: Sequence[Asked]) -> list[Cells]:
    """`_sums` of each meta `model`, where there are several, those that gained most first.

    Further `usd`, what writing and evaluating cost, and the points gained (gains less losses) per million
    tokens and per US dollar, `per_token` and `per_usd`; `None` where nothing was compared, or nothing cost
    anything.
    """
    own = [row for row in rows if row.model]
    found = _grouped(own, lambda row: {"model": one_line(row.model, 40)})
    for cells in found:
        mine = [row for row in own if one_line(row.model, 40) == cells["model"]]
        spent = sum((row.writing + row.evaluating for row in mine), Usage())
        gains = [row.gain for row in mine if row.gain is not None]
        points = 100 * sum(gains) if gains else None
        cells["usd"] = spent.cost_usd
        cells["per_token"] = _ratio(points, spent.tokens / 1e6)
        cells["per_usd"] = _ratio(points, spent.cost_usd)
    return found


def _ratio(points: float | None, cost: float) -> float | None:
    return points / cost if points is not None and cost > 0 else None


def model_lines(rows: Sequence[Asked]) -> list[str]:
    """What each of several meta models brought, a line each, for the terminal."""
    found = []
    for row in by_model(rows):
        told = f"{row['model']}: {row['written']} of {row['asked']} briefs written, {row['improved']} better"
        if row["mean"] is not None:
            told += f", {gain_text(row)} points a brief"
        if row["per_token"] is not None:
            told += f", {row['per_token']:+.0f} points per million tokens"
        if row["per_usd"] is not None:
            told += f", {row['per_usd']:+.1f} points per US dollar"
        found.append(told)
    return found


def _grouped(rows: Sequence[Asked], name: Callable[[Asked], Cells]) -> list[Cells]:
    groups: dict[tuple[str, ...], list[Asked]] = defaultdict(list)
    for row in rows:
        groups[tuple(name(row).values())].append(row)
    found = [{**name(group[0]), **_sums(group)} for group in groups.values()]
    return sorted(found, key=lambda r: (-(r["mean"] if r["mean"] is not None else -2), -r["asked"]))


def _sums(rows: Sequence[Asked]) -> Cells:
    """What some briefs came to.

    Returns:
        Numbers of briefs: `asked`, `written` (a candidate came of it), `full` and `stopped` (its evaluation),
        `compared` (its gain is known), `improved` (a gain), `best` (it became the best agent). Gains, or
        `None`: `median`, `mean`, and `low` and `high`, the 95 % interval of the mean, from five
        gains on. `value`: mean value as the guide learnt it, or `None`. Used in all: `writing_calls`,
        `writing_tokens`, `calls`, `tokens` (by the candidates).
    """
    gains = [r.gain for r in rows if r.gain is not None]
    values = [r.value for r in rows if r.value is not None]
    writing, evaluating = sum((r.writing for r in rows), Usage()), sum((r.evaluating for r in rows), Usage())
    low, high = mean_interval(gains, draws=2_000) if len(gains) >= FEWEST else (None, None)
    return {
        "asked": len(rows),
        "written": sum(bool(r.agent) for r in rows),
        "full": sum(r.full for r in rows),
        "stopped": sum(r.stopped for r in rows),
        "compared": len(gains),
        "improved": sum(gain > 0 for gain in gains),
        "best": sum(r.best for r in rows),
        "median": statistics.median(gains) if gains else None,
        "mean": statistics.fmean(gains) if gains else None,
        "low": low,
        "high": high,
        "value": statistics.fmean(values) if values else None,
        "writing_calls": writing.calls,
        "writing_tokens": writing.tokens,
        "calls": evaluating.calls,
        "tokens": evaluating.tokens,
    }


def table(rows: Sequence[Asked]) -> Table:
    """A rich table of `by_operator`, for the terminal; fits 80 columns."""
    from rich import box
    from rich.table import Table

    found = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    found.add_column("which briefs paid off", min_width=9)
    heads = ("written\n/asked", "in full\n/paused", "better", "best\nso far", "gain in points\nmean [95 %]")
    for head in (*heads, "tokens"):
        found.add_column(head, justify="right", no_wrap=True)
    for row in by_operator(rows):
        found.add_row(
            one_line(f"{row['operator']}, {row['author']}", 60),
            f"{row['written']}/{row['asked']}",
            f"{row['full']}/{row['stopped']}",
            f"{row['improved']}",
            f"{row['best']}",
            gain_text(row),
            f"{row['writing_tokens'] + row['tokens']:,}",
            style="" if row["improved"] else "dim",
        )
    return found


def gain_text(row: Mapping[str, Any]) -> Any:
    """Mean gain of a row of `_sums` in points, with its interval where there is one."""
    from rich.text import Text  # brackets are no markup

    if row["mean"] is None:
        return Text("-")
    interval = "" if row["low"] is None else f" [{100 * row['low']:.0f}, {100 * row['high']:.0f}]"
    return Text(f"{100 * row['mean']:+.1f}{interval}")
