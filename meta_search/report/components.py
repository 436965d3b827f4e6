"""Who hears whom within an agent, and what each component is worth: a drawing and a table for the report."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meta_search.importance import Component, components, merged
from meta_search.report.graphs import Graph, unrolled
from meta_search.report.source import Archive, Record
from meta_search.report.tables import evaluation_row, per_item
from meta_search.text import one_line
from meta_search.types import Importance, ItemResult, Split
from meta_search.types.operators import OPERATORS

__all__ = ["changes", "drawings", "section"]

MOST_NODES = 24  # components drawn, those most often asked
MOST_COLUMNS = 12
COLUMN, ROW, MARGIN = 190, 62, 30  # pixels
SMALLEST, LARGEST = 7, 24  # radius
METHODS = ("ratings", "judge", "leave_out")
SHRINKING = {name for name, spec in OPERATORS.items() if spec.shrinks}

Cells = dict[str, Any]
Edge = tuple[str, str]
Place = tuple[str, int]  # component, column


@dataclass(frozen=True, slots=True)
class _Node:
    x: float
    y: float
    radius: float
    value: float | None
    final: bool


def section(archive: Archive, records: Sequence[Record], chosen: Sequence[str], split: Split) -> Any:
    """The section of the page, as safe HTML; empty where no agent has a trace.

    Args:
        archive: The run.
        records: All its agents.
        chosen: Ids of the agents that are drawn.
        split: Whose results are looked at.
    """
    from markupsafe import Markup

    drawn = drawings(archive, records, chosen, split)
    changed = changes(records, split)
    if not drawn and not changed:
        return Markup("")
    parts = [Markup('<section id="components"><h2>Components: who hears whom, and what each is worth</h2>')]
    if changed:
        parts.append(_changes_table(changed, split))
    parts += [_agent(row, is_open=not i) for i, row in enumerate(drawn)]
    return Markup("\n").join([*parts, Markup("</section>")])


def changes(records: Sequence[Record], split: Split) -> list[Cells]:
    """Agents that were made smaller, beside what they were made from.

    Returns:
        Per child of operator `team` or `simplify` that uses fewer tokens per item than its parent, both
        evaluated on `split`: `operator`, `before` and `after`, each a row of `evaluate --json`.
    """
    by_id = {r.agent.id: r for r in records}
    rows = []
    for record in records:
        parent = next((by_id[p] for p in record.parents if p in by_id), None)
        mine = record.evaluations.get(split)
        theirs = parent.evaluations.get(split) if parent else None
        if record.operator in SHRINKING and parent and mine and theirs:
            before, after = evaluation_row(parent.agent, theirs), evaluation_row(record.agent, mine)
            if per_item(after, "tokens") < per_item(before, "tokens"):
                rows.append({"operator": record.operator, "before": before, "after": after})
    return rows


def drawings(archive: Archive, records: Sequence[Record], chosen: Sequence[str], split: Split) -> list[Cells]:
    """Agents with their components.

    Returns:
        Per agent that has a trace with two components or more: `agent`, `name`, `components` (`Component`s),
        `importance` (method -> component -> `Importance`), `items`, and `svg`, the drawing.
    """
    by_id = {r.agent.id: r for r in records}
    found = []
    for agent in (i for i in chosen if i in by_id):
        results = [r for r in archive.results(agent, split) if r.trace]
        parts = components(results)
        if len(parts) < 2:
            continue
        worth: dict[str, dict[str, Importance]] = defaultdict(dict)
        for row in merged(agent, archive.importance(agent), results):
            worth[row.method][row.component] = row
        shown = sorted(parts, key=lambda c: -c.calls)[:MOST_NODES]
        method = next((m for m in METHODS if m in worth), "")
        values = {name: row.value for name, row in worth[method].items()} if method else {}
        found.append(
            {
                "agent": agent,
                "name": one_line(by_id[agent].agent.name, 80),
                "components": [part for part in parts if part in shown],
                "importance": dict(worth),
                "items": len(results),
                "svg": _svg(results, shown, values),
            }
        )
    return found


def _placed(heard: Graph, names: Sequence[str], values: Mapping[str, float]) -> dict[Place, _Node]:
    """Where circles stand, and how large they are."""
    columns: dict[int, list[Place]] = defaultdict(list)
    for place in sorted(heard, key=lambda place: names.index(place[0])):
        columns[place[1]].append(place)
    height = ROW * max(map(len, columns.values()))
    most = max([1e-9, *values.values()])
    placed = {}
    for i, column in enumerate(sorted(columns)):
        here = columns[column]
        for k, place in enumerate(here):
            value = values.get(place[0])
            radius = SMALLEST + (LARGEST - SMALLEST) * math.sqrt(max(0.0, value or 0.0) / most)
            x, y = MARGIN + COLUMN * i, height * (k + 0.5) / len(here)
            placed[place] = _Node(x, y, radius, value, bool(heard.nodes[place]["final"]))
    return placed


def _ratings(results: Sequence[ItemResult]) -> dict[Edge, float]:
    """(from, to) -> mean weight that a member of a team gave another's replies."""
    given: dict[Edge, list[float]] = defaultdict(list)
    for network in (n for r in results for n in r.networks):
        for rows in network.weights:
            for i, row in enumerate(rows):
                for j, weight in enumerate(row):
                    given[network.roles[j], network.roles[i]].append(weight)
    return {edge: statistics.fmean(weights) for edge, weights in given.items()}


def _svg(results: Sequence[ItemResult], parts: Sequence[Component], values: Mapping[str, float]) -> Any:
    from markupsafe import Markup

    names, n = [part.name for part in parts], len(results)
    heard, rated = unrolled([r.trace for r in results], names, MOST_COLUMNS), _ratings(results)
    nodes = _placed(heard, names, values)
    width = max(node.x for node in nodes.values()) + COLUMN
    height = max(node.y for node in nodes.values()) + ROW / 2
    drawn = []
    for a, b, count in heard.edges(data="weight"):
        weight = rated.get((a[0], b[0]))
        figures = f"{count / n:.1f} answers per item" + ("" if weight is None else f", weight {weight:.2f}")
        share = min(1.0, count / n) if weight is None else weight
        drawn.append(
            _edge(nodes[a], nodes[b], share, f"{one_line(a[0], 60)} → {one_line(b[0], 60)}: {figures}")
        )
    drawn += [
        _circle(node, place[0], f"{heard.nodes[place]['calls'] / n:.1f} calls per item here")
        for place, node in nodes.items()
    ]
    head = Markup('<svg viewBox="0 0 {:.0f} {:.0f}" width="{:.0f}" role="img" style="max-width:100%">')
    return head.format(width, height, width) + Markup("").join(drawn) + Markup("</svg>")


def _edge(a: _Node, b: _Node, share: float, title: str) -> Any:
    from markupsafe import Markup

    middle = (a.x + b.x) / 2
    # What skips columns goes by their circles.
    bow = min(ROW / 2, ROW / 5 * ((b.x - a.x) / COLUMN - 1)) if b.x > a.x + COLUMN else 0.0
    path = (
        f"M{a.x:.0f} {a.y:.0f} C{middle:.0f} {a.y + bow:.0f} {middle:.0f} {b.y + bow:.0f} {b.x:.0f} {b.y:.0f}"
    )
    return Markup(
        '<path d="{}" fill="none" stroke="var(--accent)" stroke-opacity="{:.2f}" stroke-width="{:.1f}">'
        "<title>{}</title></path>"
    ).format(path, 0.15 + 0.45 * share, 1 + 4 * share, title)


def _circle(node: _Node, name: str, figures: str) -> Any:
    from markupsafe import Markup

    value = "" if node.value is None else f" {node.value:.2f}"
    worth = "" if node.value is None else f", importance {node.value:.2f}"
    return Markup(
        '<g><title>{}</title><circle cx="{:.0f}" cy="{:.0f}" r="{:.1f}" fill="var(--card)" '
        'stroke="var(--{})" stroke-width="3"/><text x="{:.0f}" y="{:.0f}" font-size="12" '
        'fill="var(--text)">{}</text></g>'
    ).format(
        f"{one_line(name, 120)}: {figures}{worth}",
        *(node.x, node.y, node.radius),
        "good" if node.final else "accent",
        *(node.x + node.radius + 4, node.y - 7),
        one_line(name, 20) + value,
    )


def _agent(row: Cells, is_open: bool) -> Any:
    from markupsafe import Markup

    head = Markup(
        '<details{}><summary><span class="name">{}</span> <span class="faint small">{} · {} components, {} '
        "items</span></summary>"
    ).format(
        Markup(" open" if is_open else ""),
        row["name"],
        row["agent"][:8],
        len(row["components"]),
        row["items"],
    )
    legend = Markup(
        '<p class="small faint">Left to right: calls wait for those on their left. Larger circles are more '
        "important; green ones give the answer. Thicker lines pass on more; hover over them for figures.</p>"
    )
    return head + row["svg"] + legend + _table(row) + Markup("</details>")


def _table(row: Cells) -> Any:
    from markupsafe import Markup

    methods = [m for m in METHODS if m in row["importance"]]
    head = Markup("").join(Markup('<th class="r">{}</th>').format(m.replace("_", " ")) for m in methods)
    lines = []
    for part in row["components"]:
        cells = [f"{part.calls / row['items']:.1f}", f"{part.tokens / row['items']:,.0f}"]
        for method in methods:
            known = row["importance"][method].get(part.name)
            cells.append("–" if known is None else f"{known.value:+.2f}")
        shown = Markup("").join(Markup('<td class="r">{}</td>').format(cell) for cell in cells)
        lines.append(Markup("<tr><td>{}</td>{}</tr>").format(one_line(part.name, 120), shown))
    replayed = sum(i.replayed for i in row["importance"].get("leave_out", {}).values())
    asked = sum(i.asked for i in row["importance"].get("leave_out", {}).values())
    note = f"Leaving out: {replayed} calls replayed, {asked} asked." if replayed + asked else ""
    table = Markup(
        '<table><thead><tr><th>component</th><th class="r">calls/item</th><th class="r">tokens/item</th>{}'
        '</tr></thead><tbody>{}</tbody></table><p class="small faint">{}</p>'
    )
    return table.format(head, Markup("").join(lines), note)


def _changes_table(rows: Sequence[Cells], split: Split) -> Any:
    from markupsafe import Markup

    def side(row: Cells) -> list[str]:
        score = "–" if row["score"] is None else f"{100 * row['score']:.1f}"
        interval = f" [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
        cost = [f"{per_item(row, 'calls'):.1f}", f"{per_item(row, 'tokens'):,.0f}"]
        return [one_line(row["name"], 60), score + interval, str(row["items"]), *cost]

    lines = []
    for row in rows:
        for which in ("before", "after"):
            cells = Markup("").join(Markup("<td>{}</td>").format(cell) for cell in side(row[which]))
            lines.append(Markup("<tr><td>{}</td><td>{}</td>{}</tr>").format(row["operator"], which, cells))
    return Markup(
        '<p class="small faint">Simplified agents on {} items, before and after.</p><table><thead><tr>'
        "<th>operator</th><th></th><th>agent</th><th>right, %</th><th>items</th><th>calls/item</th>"
        "<th>tokens/item</th></tr></thead><tbody>{}</tbody></table>"
    ).format(split, Markup("").join(lines))
