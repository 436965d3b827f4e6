"""Agents × domains × models: scores with intervals and costs, as tables of transfer print them.

After tables 3 to 5 of ADAS (Hu, Lu, Clune 2024, arXiv 2408.08435): a row an agent, a column a domain, a table
a model. The best agent of a column is marked only where it is significantly better than every other one
there: beating each of them is an intersection-union test, and the columns are Holm-corrected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from meta_search.report.comparing import ALPHA, compare
from meta_search.report.standing import Contender
from meta_search.report.tables import free_of, per_item, score_text, usd_text
from meta_search.text import one_line

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Cell", "Matrix", "shown_best"]

STAR = "★"
LEGEND = f"{STAR} significantly better than every other agent in its column (Holm-corrected over the columns)"
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Cell:
    """All agents on one domain with one model.

    Attributes:
        domain: Name of the column.
        model: Name of the table.
        folder: Run folder, seen from that of the matrix.
        rows: One an agent, as `evaluate --json` has them; one that cannot run there has `needs`, a sentence.
        why: Why it is not complete; `""` where it is, or has not begun and nothing was wrong.
        paid: What it has paid: `calls`, `tokens`, `cost_usd`, `seconds`.
        best: Id of the agent that is shown to be the best there, or `""`.
        quiet: Whether nothing is said of answers without a call (`domain.model_free=allow`).
    """

    domain: str
    model: str
    folder: str
    rows: tuple[Mapping[str, Any], ...] = ()
    why: str = ""
    paid: Mapping[str, float] = field(default_factory=dict)
    best: str = ""
    quiet: bool = False

    def row(self, agent: str) -> Mapping[str, Any] | None:
        return next((row for row in self.rows if row["agent"] == agent), None)

    def text(self, agent: str) -> tuple[str, str]:
        """Score with interval, and the cost of an item or why there is no score."""
        row = self.row(agent)
        if row is None:
            return "–", "not run"
        if row.get("needs"):
            return "–", str(row["needs"])
        if not row["items"]:
            return "–", one_line(self.why, 80) or "no item came to a score"
        score = score_text(row["score"], row["low"], row["high"]).strip()
        star = f" {STAR}" if agent == self.best else ""
        usd = f", {usd_text(per_item(row, 'cost_usd'))}" if row["cost_usd"] else ""
        short = "" if row["complete"] else ", cut short"
        used = f"{per_item(row, 'tokens'):,.0f} tok{usd}, n={row['items']}{short}"
        return f"{score}{star}", used + ("" if self.quiet else free_of({"model_free": 0.0, **row}))


@dataclass(frozen=True, slots=True)
class Matrix:
    """Agents × domains × models.

    Attributes:
        agents: Id and name, in input order.
        cells: In the order in which they are run: domain by domain, its models one after the other.
    """

    agents: tuple[tuple[str, str], ...]
    cells: tuple[Cell, ...]

    @property
    def domains(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(cell.domain for cell in self.cells))

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(cell.model for cell in self.cells))

    def cell(self, domain: str, model: str) -> Cell | None:
        return next((c for c in self.cells if (c.domain, c.model) == (domain, model)), None)

    @property
    def paid(self) -> dict[str, float]:
        """What all cells have paid."""
        keys = ("calls", "tokens", "cost_usd", "seconds")
        return {key: sum(cell.paid.get(key, 0) for cell in self.cells) for key in keys}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know: the mark, what was paid, which cells are not complete."""
        paid = self.paid
        usd = f", {usd_text(paid['cost_usd'])}" if paid["cost_usd"] else ""
        told = [f"In all: {paid['calls']:,} calls, {paid['tokens']:,} tokens{usd}, {paid['seconds']:,.0f} s."]
        told += [
            f"{c.domain} × {c.model} is not complete: {one_line(c.why, 300)}." for c in self.cells if c.why
        ]
        marked = any(cell.best for cell in self.cells)
        return (
            f"{LEGEND}." if marked else "In no column is an agent shown to be better than all others.",
            *told,
        )

    def as_json(self) -> dict[str, Any]:
        """As `matrix.json` and `--json` have it."""
        return {
            "agents": [{"agent": agent, "name": name} for agent, name in self.agents],
            "domains": list(self.domains),
            "models": list(self.models),
            "cells": [asdict(cell) for cell in self.cells],
            "paid": self.paid,
        }

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> Matrix:
        """Read `matrix.json`.

        Raises:
            ValueError: It is none.
        """
        try:
            agents = tuple((str(a["agent"]), str(a["name"])) for a in found["agents"])
            cells = tuple(Cell(**{**cell, "rows": tuple(cell["rows"])}) for cell in found["cells"])
            matrix = cls(agents, cells)
            for cell in cells:  # what is printed must be there
                for agent, _ in agents:
                    cell.text(agent)
            len(matrix.notes)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"no matrix: {error}") from error
        return matrix

    # -- as tables

    def tables(self) -> list[Table]:
        """A rich table a model."""
        from rich import box
        from rich.table import Table

        found = []
        for model in self.models:
            table = Table(title=one_line(model, 60), title_justify="left", box=box.SIMPLE_HEAD)
            table.add_column("agent", min_width=12)
            for domain in self.domains:
                table.add_column(f"{one_line(domain, 24)}\nscore % [95 %]", justify="right")
            for agent, name in self.agents:
                cells = [
                    cell.text(agent) if (cell := self.cell(d, model)) else ("–", "") for d in self.domains
                ]
                table.add_row(
                    one_line(name, LONGEST_NAME), *("\n".join(one_line(t, 90) for t in c) for c in cells)
                )
            found.append(table)
        return found

    def markdown(self) -> str:
        """The tables as Markdown."""
        parts = ["# Agents × domains × models"]
        for model in self.models:
            rows = [
                f"| agent | {' | '.join(map(_md, self.domains))} |",
                "|---" * (len(self.domains) + 1) + "|",
            ]
            for agent, name in self.agents:
                texts = [
                    cell.text(agent) if (cell := self.cell(d, model)) else ("–", "") for d in self.domains
                ]
                cells = [f"{_bold(_md(a))}<br>{_md(b)}" for a, b in texts]
                rows.append(f"| {_md(one_line(name, 80))} | {' | '.join(cells)} |")
            parts += [f"## {_md(model)}", "\n".join(rows)]
        return "\n\n".join([*parts, *map(_md, self.notes)]) + "\n"

    def html(self) -> str:
        """The tables as a page that opens offline, without scripts."""
        body = []
        for model in self.models:
            head = "".join(f"<th>{escape(one_line(d, 60))}</th>" for d in self.domains)
            rows = []
            for agent, name in self.agents:
                texts = [
                    cell.text(agent) if (cell := self.cell(d, model)) else ("–", "") for d in self.domains
                ]
                cells = "".join(_html_cell(*text) for text in texts)
                rows.append(f"<tr><th title='{escape(agent)}'>{escape(one_line(name, 80))}</th>{cells}</tr>")
            body.append(f"<h2>{escape(one_line(model, 80))}</h2><table><tr><th>agent</th>{head}</tr>")
            body.append("\n".join(rows) + "</table>")
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return PAGE.format(body="\n".join(body), notes=notes)


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark"><title>Agents × domains × models · meta-search</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1180px; padding: 0 1rem }}
table {{ border-collapse: collapse; display: block; overflow-x: auto }}
th, td {{ padding: .35rem .7rem; border-bottom: 1px solid #8884; text-align: right; vertical-align: top }}
th:first-child {{ text-align: left }} td small {{ display: block; opacity: .7 }} td.best {{ font-weight: 700
}} </style></head><body><h1>Agents × domains × models</h1> {body} {notes} </body></html>
"""


def _html_cell(score: str, cost: str) -> str:
    best = " class='best'" if STAR in score else ""
    return f"<td{best}>{escape(score)}<small>{escape(one_line(cost, 120))}</small></td>"


def _md(text: object) -> str:
    return "".join("\\" + c if c in "\\`*_[]<>|#" else c for c in one_line(text, 300))


def _bold(text: str) -> str:
    return f"**{text}**" if STAR in text else text


def shown_best(columns: Sequence[Sequence[Contender]]) -> list[str]:
    """For each column the id of the agent that is significantly better than every other one, or `""`.

    Args:
        columns: The agents of each column, each on its items.
    """
    leaders, p_values = [], []
    for column in columns:
        ran = [c for c in column if c.scores]
        best = max(ran, key=lambda c: sum(c.scores.values()) / len(c.scores), default=None)
        others = [compare(best, c) for c in ran if c is not best] if best else []
        leaders.append(best.agent if best else "")
        p_values.append(max((c.p if c.difference > 0 else 1.0 for c in others), default=1.0))
    return [agent if p < ALPHA else "" for agent, p in zip(leaders, _holm(p_values), strict=True)]


def _holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values of several tests, family-wise (S. Holm 1979, Scand. J. Statist. 6:65)."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, reached = [1.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        reached = max(reached, min(1.0, (len(p_values) - place) * p_values[i]))
        adjusted[i] = reached
    return adjusted
