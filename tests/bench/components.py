"""SIMULATION: components of the published agents, and what leaving each out costs, with a scripted model.

`python -m tests.bench.components` prints the whole table.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from meta_search.authors.leave_out import LeftOut, leave_out, whole
from meta_search.authors.simplify import Smaller, smallest
from meta_search.importance import components, mean_score
from meta_search.types import Agent, ItemResult
from tests.bench.published import FILE, VARIABLE
from tests.bench.row import ROWS, NotYet, Row
from tests.bench.simulated import Simulation

ACCURACY, ITEMS, BUDGET = 0.6, 24, 5000
QUICK_AGENTS, QUICK_ITEMS = 6, 4


def published() -> list[Agent]:
    """The agents of the archive at `$META_SEARCH_BENCH_ADAS`, or in `../shared/data`."""
    path = Path(os.environ.get(VARIABLE, FILE))
    if not path.exists():
        raise NotYet(f"needs an archive that ADAS published: name the file in ${VARIABLE}")
    return [Agent.of(entry["name"], entry["code"]) for entry in json.loads(path.read_text())]


def measure(quick: bool) -> Row:
    """Leave out every component of every agent."""
    found = list(rows(quick))
    cheaper = [row for row in found if row["after"]]
    calls = [sum(row[side] or row["before"] for row in found) / len(found) for side in ("before", "after")]
    items, replayed, asked = (
        QUICK_ITEMS if quick else ITEMS,
        *(sum(row[key] for row in found) for key in ("replayed", "asked")),
    )
    return Row(
        *ROWS["components"],
        figure=f"{sum(row['components'] for row in found)} components in {len(found)} agents; {len(cheaper)} "
        f"agents cheaper at no lower score, calls an item {calls[0]:.1f} to {calls[1]:.1f} on average",
        ok=all(row["components"] for row in found) and 2 * len(cheaper) > len(found),
        note=f"simulation, not a model: each call right with chance {ACCURACY}, joins the most frequent "
        f"answer that it is shown; {items} items; {replayed:,} calls replayed, {asked:,} asked",
    )


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """One row an agent: see `row_of`."""
    agents, items = published(), ITEMS
    if quick:
        agents, items = agents[:QUICK_AGENTS], QUICK_ITEMS
    with Simulation(ACCURACY) as simulation:
        for agent in agents:
            before = whole(agent, simulation.probe, range(items))
            found = leave_out(agent, simulation.probe, before, BUDGET)
            yield row_of(agent, found, smallest(agent, simulation.probe, found, BUDGET))


def row_of(agent: Agent, found: LeftOut, made: Smaller | None) -> dict[str, Any]:
    """An agent, its components, the most and the least important, and what it costs without what can go.

    Returns:
        `name`, `components` (number), `most`, `least` (name and importance), `score` and `new_score` (0..1),
        `before` and `after` (calls an item; `after` is `None` where nothing could go), `tokens` and
        `new_tokens` (per item), `gone` (number), `replayed`, `asked`.
    """
    ranked = sorted(found.rows, key=lambda r: -r.value)
    ends = [f"{row.component} {row.value:+.2f}" for row in (ranked[:1] + ranked[-1:])] or ["–", "–"]
    return {
        "name": agent.name,
        "components": len(components(found.before)),
        "most": ends[0],
        "least": ends[1],
        "score": mean_score(found.before),
        "new_score": mean_score(made.after) if made else None,
        "before": _mean(found.before, "calls"),
        "after": _mean(made.after, "calls") if made else None,
        "tokens": _mean(found.before, "tokens"),
        "new_tokens": _mean(made.after, "tokens") if made else None,
        "gone": len(made.left_out) if made else 0,
        "replayed": found.replayed,
        "asked": found.asked,
    }


def _mean(results: list[ItemResult], what: str) -> float:
    return sum(float(getattr(r.used, what)) for r in results) / max(1, len(results))


def print_table(title: str, found: list[dict[str, Any]]) -> None:
    """Print rows of `row_of`."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        *("agent", "components", "most important", "least important", "right %", "calls/item"),
        *("tokens/item", "left out", "replayed", "asked"),
        title=title,
    )
    for row in found:
        changed = row["after"] is not None
        table.add_row(
            row["name"][:34],
            str(row["components"]),
            row["most"],
            row["least"],
            f"{100 * row['score']:.0f}" + (f" → {100 * row['new_score']:.0f}" if changed else ""),
            f"{row['before']:.1f}" + (f" → {row['after']:.1f}" if changed else ""),
            f"{row['tokens']:.0f}" + (f" → {row['new_tokens']:.0f}" if changed else ""),
            str(row["gone"]),
            f"{row['replayed']:,}",
            f"{row['asked']:,}",
        )
    Console(width=190).print(table)


if __name__ == "__main__":
    print_table(
        f"SIMULATION: a scripted model right with chance {ACCURACY} a call; {ITEMS} items", list(rows(False))
    )
