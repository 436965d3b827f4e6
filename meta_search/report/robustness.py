"""What perturbing the test items costs agents: their scores on items as they are and perturbed, side by side.

After Meta Probing Agents (DyVal 2, Zhu et al. 2024, arXiv 2402.14865, table 1). An agent is compared with
itself, item by item, on those test items that were perturbed; the interval is that of the paired difference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from meta_search.report.comparing import compare
from meta_search.report.source import Archive, meta_value
from meta_search.report.standing import Contender
from meta_search.report.verdict import measure_of
from meta_search.text import one_line
from meta_search.types import PERTURBED, ItemResult

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Drop", "Robustness", "drops", "of_archive", "robustness_table"]

MARK = "~"
MOST_REASONS = 3

Pair = tuple[str, int]  # item, repeat


@dataclass(frozen=True, slots=True)
class Drop:
    """One agent under one perturbation.

    Attributes:
        agent: Id.
        name: As shown.
        role: `finalist`, `baseline`, or `agent` in an evaluation.
        perturbation: Which.
        items: Test items that were scored both ways.
        plain: Score on them as they are, 0..1.
        perturbed: Score on them perturbed, 0..1.
        difference: `perturbed` less `plain`, -1..1; negative is a drop.
        low: Lower end of its 95 % interval.
        high: Upper end of it.
        p: Two-sided p-value of a difference of zero.
        graded: Whether scores are graded, and not shares of right answers.
    """

    agent: str
    name: str
    role: str
    perturbation: str
    items: int
    plain: float
    perturbed: float
    difference: float
    low: float
    high: float
    p: float
    graded: bool = False

    @property
    def text(self) -> str:
        """`82.0 % as they are, 74.0 % perturbed: -8.0 points [-15.1, -0.9]`."""
        if not self.items:
            return "no item was scored both ways"
        if self.graded:
            told = f"{self.plain:.2f} as they are, {self.perturbed:.2f} perturbed: {self.difference:+.2f}"
            return f"{told} [{self.low:+.2f}, {self.high:+.2f}]"
        told = f"{100 * self.plain:.1f} % as they are, {100 * self.perturbed:.1f} % perturbed"
        points = f"{100 * self.difference:+.1f} points [{100 * self.low:+.1f}, {100 * self.high:+.1f}]"
        return f"{told}: {points}"


@dataclass(frozen=True, slots=True)
class Robustness:
    """What came of perturbing the test items of a run.

    Attributes:
        drops: One an agent and perturbation.
        notes: How many items could be perturbed, and why others could not, a sentence a perturbation.
        facts: As the archive has them: `names`, `made`, `by_model`, `left_out`.
    """

    drops: tuple[Drop, ...]
    notes: tuple[str, ...]
    facts: Mapping[str, Any]

    @property
    def lines(self) -> tuple[str, ...]:
        """All there is to say, a sentence each."""
        told = (
            f"{d.perturbation}: {one_line(d.name, 48)} {d.text} on {d.items} items"
            for d in self.drops
            if d.items
        )
        return (*told, *self.notes)

    def as_json(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"drops": [asdict(drop) for drop in self.drops], "notes": list(self.notes), **self.facts}


def drops(
    agent: str,
    name: str,
    plain: Iterable[ItemResult],
    perturbed: Iterable[ItemResult],
    names: Sequence[str],
    role: str = "agent",
    only: Mapping[str, Collection[Pair]] | None = None,
) -> list[Drop]:
    """One agent under each perturbation.

    Args:
        agent: Id.
        name: As shown.
        plain: Its results on test items as they are, those without a score among them.
        perturbed: Its results on perturbed ones.
        names: The perturbations.
        role: What it is in the report.
        only: Perturbation -> item and repeat of the pairs that count; all that it has run where not given.
    """
    as_they_are = {(r.item, r.repeat): r for r in plain}
    rows = list(perturbed)
    found = []
    for kind in names:
        others = {(k, r.repeat): replace(r, item=k) for r in rows if (k := _item(r.item, kind))}
        pairs = sorted(as_they_are.keys() & others.keys())
        if only is not None:
            pairs = [pair for pair in pairs if pair in only.get(kind, ())]
        found.append(_drop(agent, name, role, kind, [(as_they_are[p], others[p]) for p in pairs]))
    return found


def _item(perturbed: str, kind: str) -> str:
    """The id of the item that a perturbed one was made of; `""` where it was perturbed otherwise."""
    item, mark, name = perturbed.rpartition(MARK)
    return item if mark and name == kind else ""


def _drop(
    agent: str, name: str, role: str, kind: str, pairs: Sequence[tuple[ItemResult, ItemResult]]
) -> Drop:
    measure = measure_of(row for pair in pairs for row in pair)
    plain = Contender.of(agent, name, [a for a, _ in pairs], measure)
    changed = Contender.of(agent, name, [b for _, b in pairs], measure)
    both = plain.scores.keys() & changed.scores.keys()
    if not both:
        return Drop(agent, name, role, kind, 0, 0.0, 0.0, 0.0, -1.0, 1.0, 1.0)
    found = compare(changed, plain)
    before, after = (sum(c.scores[i] for i in both) / len(both) for c in (plain, changed))
    return Drop(
        agent,
        one_line(name, 48),
        role,
        kind,
        items=len(both),
        plain=before,
        perturbed=after,
        difference=found.difference,
        low=found.low,
        high=found.high,
        p=found.p,
        graded=measure == "score",
    )


def of_archive(archive: Archive) -> Robustness | None:
    """What a run's archive tells; `None` where no test items were perturbed.

    In a search that are finalists and baselines, on the pairs that all of them were through with; in an
    evaluation all agents.
    """
    facts = meta_value(archive, "perturbed")
    if not isinstance(facts, Mapping) or not facts.get("names"):
        return None
    names = [str(name) for name in facts["names"]]
    roles = _roles(archive)
    records = {r.agent.id: r.agent.name for r in archive.get(roles)}
    rows = {
        agent: (archive.results(agent, "test", trace=False), archive.results(agent, PERTURBED, trace=False))
        for agent in records
    }
    only = _shared(rows, names) if meta_value(archive, "final") else None
    found = [
        drop
        for agent, name in records.items()
        if rows[agent][1] or meta_value(archive, "final")
        for drop in drops(agent, name, rows[agent][0], rows[agent][1], names, roles[agent], only)
    ]
    found.sort(key=lambda drop: names.index(drop.perturbation))
    return Robustness(tuple(found), tuple(notes_of(facts)), dict(facts))


def _roles(archive: Archive) -> dict[str, str]:
    """Agents of the report, in their order, and what they are in it."""
    final = meta_value(archive, "final")
    if not isinstance(final, Mapping):
        return {record.agent.id: "agent" for record in archive.agents()}
    return {
        **dict.fromkeys(map(str, final.get("finalists", ())), "finalist"),
        **dict.fromkeys(map(str, final.get("baselines", ())), "baseline"),
    }


def _shared(rows: Mapping[str, Sequence[Sequence[ItemResult]]], names: Sequence[str]) -> dict[str, set[Pair]]:
    """Perturbation -> pairs that all agents have run both ways, where anybody has."""
    found: dict[str, set[Pair]] = {}
    for kind in names:
        each = []
        for plain, perturbed in rows.values():
            ran = {(r.item, r.repeat) for r in plain}
            each.append(ran & {(_item(r.item, kind), r.repeat) for r in perturbed})
        found[kind] = set.intersection(*each) if each else set()
    return found


def notes_of(facts: Mapping[str, Any]) -> list[str]:
    """How many items could be perturbed, and why the others could not."""
    told = []
    for name in facts["names"]:
        made, left = int(facts["made"].get(name, 0)), dict(facts["left_out"].get(name, {}))
        written = int(facts["by_model"].get(name, 0))
        how = f" ({written} by the meta model, the others by rule)" if written and written < made else ""
        how = " (by the meta model)" if written and written == made else how
        line = f"{name}: {made} of {made + sum(left.values())} test items were perturbed{how}"
        if left:
            reasons = [f"{one_line(why, 100)} ({n})" for why, n in list(left.items())[:MOST_REASONS]]
            others = sum(list(left.values())[MOST_REASONS:])
            reasons += [f"other reasons ({others})"] if others else []
            line += f"; {sum(left.values())} left out: {', '.join(reasons)}"
        told.append(line + ".")
    return told


def robustness_table(found: Sequence[Drop]) -> Table:
    """A rich table: one row an agent and perturbation."""
    from rich import box
    from rich.table import Table

    table = Table(title="On perturbed test items", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("perturbation", no_wrap=True)
    table.add_column("agent")
    table.add_column("items", justify="right")
    for head in ("as they\nare %", "perturbed\n%", "difference\n[95 % interval]", "p"):
        table.add_column(head, justify="right", no_wrap=True)
    for drop in found:
        scale = 1 if drop.graded else 100
        form = ".2f" if drop.graded else ".1f"
        cells = [f"{scale * value:{form}}" for value in (drop.plain, drop.perturbed)]
        ends = f"[{scale * drop.low:+{form}}, {scale * drop.high:+{form}}]"
        cells += [f"{scale * drop.difference:+{form}} {ends}", f"{drop.p:.2g}"] if drop.items else []
        role = "" if drop.role == "agent" else f" ({drop.role})"
        shown = cells if drop.items else ["-", "-", "-", "-"]
        table.add_row(drop.perturbation, f"{one_line(drop.name, 40)}{role}", str(drop.items), *shown)
    return table
