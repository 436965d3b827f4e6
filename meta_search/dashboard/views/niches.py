"""Niches: a grid over two axes with the best agent of each cell, as quality-diversity search has it.

After MAP-Elites (Mouret and Clune 2015, arXiv 1504.04909). Behaviour is an agent's scores item by item; its
two axes are the directions in which the agents differ most (principal components).
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from archive import summaries
from archive.records import Archive
from archive.summaries import AgentRow, Scored
from meta_search.dashboard.views.kept import kept, sensibly
from meta_search.dashboard.views.shared import Json, evaluated_split, shown_name
from meta_search.report.source import item_scores
from meta_search.text import one_line
from meta_search.types import Split

__all__ = ["AXES", "niches"]

AXES = (
    *("behaviour_1", "behaviour_2", "tokens_per_item", "calls_per_item"),
    *("source_lines", "operator", "author", "generation"),
)
MOST = 3_000  # agents that are sorted into cells: the best of them
MOST_READ = 100  # of which every item is read, where an axis is their behaviour
BINS = 8
MOST_NAMES = 12  # of a named axis; the rest are one


@dataclass(frozen=True, slots=True)
class _Agent:
    row: AgentRow
    scored: Scored


@sensibly
def niches(folder: Path, archive: Archive, x: str = "", y: str = "") -> Json:
    """`Niches` of the contract; further `split`, and `agents` of how many (`of`) are sorted in.

    Args:
        folder: Of the run.
        archive: Its archive.
        x: One of `AXES`, or anything else for the number of tokens.
        y: One of `AXES`, or anything else for the operator.
    """
    x = x if x in AXES else "tokens_per_item"
    y = y if y in AXES else "operator"
    return _niches(folder, archive, x=x, y=y)


@kept
def _niches(folder: Path, archive: Archive, x: str, y: str) -> Json:
    split = evaluated_split(archive)
    same = summaries.same_as(archive)
    most = MOST_READ if any(axis.startswith("behaviour") for axis in (x, y)) else MOST
    rows_of = summaries.evaluated_of(archive, split, summaries.best_ids(archive, split, most))
    whole = [row for row in rows_of if row.items and row.agent not in same]
    best = sorted(whole, key=lambda row: (-row.sure, row.tokens))
    known = summaries.some_rows(archive, [row.agent for row in best])
    agents = [_Agent(known[row.agent], row) for row in best if row.agent in known]
    columns, rows = (_bins(archive, axis, agents, split) for axis in (x, y))
    cells: dict[tuple[int, int], list[_Agent]] = defaultdict(list)
    for agent, column, line in zip(agents, columns.places, rows.places, strict=True):
        cells[column, line].append(agent)
    return {
        "axes": list(AXES),
        "x": x,
        "y": y,
        "x_bins": columns.names,
        "y_bins": rows.names,
        "cells": [_cell(place, found) for place, found in sorted(cells.items())],
        "split": split,
        "agents": len(agents),
        "of": summaries.how_many(archive, split)["complete"],
    }


def _cell(place: tuple[int, int], found: Sequence[_Agent]) -> Json:
    best = found[0]  # they come best first
    e = best.scored
    name = {"agent": best.row.id, "name": shown_name(best.row.name)}
    return {
        "x": place[0],
        "y": place[1],
        "agents": len(found),
        "best": {**name, "score": e.score, "low": e.low, "high": e.high},
    }


@dataclass(frozen=True, slots=True)
class _Bins:
    """An axis: names of its bins, and the bin of each agent."""

    names: list[str]
    places: list[int]


def _bins(archive: Archive, axis: str, agents: Sequence[_Agent], split: Split) -> _Bins:
    if axis in ("operator", "author"):
        return _named([one_line(getattr(agent.row, axis), 24) for agent in agents])
    if axis == "generation":
        return _numbered([float(agent.row.generation) for agent in agents], log=False)
    if axis.startswith("behaviour"):
        return _behaviour(archive, agents, split, int(axis[-1]) - 1)
    measure: Mapping[str, Callable[[_Agent], float]] = {
        "tokens_per_item": lambda agent: agent.scored.tokens / agent.scored.items,
        "calls_per_item": lambda agent: agent.scored.calls / agent.scored.items,
    }
    if axis == "source_lines":
        lines = summaries.source_lines(archive, [agent.row.id for agent in agents])
        return _numbered([float(lines.get(agent.row.id, 0)) for agent in agents], log=True)
    return _numbered([measure[axis](agent) for agent in agents], log=True)


def _named(values: Sequence[str]) -> _Bins:
    """A bin a name, the most frequent ones first."""
    counts = Counter(values)
    names = [name for name, _ in counts.most_common(MOST_NAMES)]
    if len(counts) > MOST_NAMES:
        names = [*names[:-1], "others"]
    return _Bins(names, [names.index(v) if v in names else len(names) - 1 for v in values])


def _numbered(values: Sequence[float], log: bool) -> _Bins:
    """Bins of equal width, on a logarithmic scale where they span more than a factor of 8."""
    if not values:
        return _Bins([], [])
    low, high = min(values), max(values)
    if low == high:
        return _Bins([_number(low)], [0] * len(values))
    scaled = log and low > 0 and high / low > BINS
    to: Callable[[float], float] = math.log if scaled else float
    width = (to(high) - to(low)) / BINS
    edges = [to(low) + width * n for n in range(BINS + 1)]
    back = [math.exp(edge) if scaled else edge for edge in edges]
    places = [min(BINS - 1, max(0, int((to(v) - to(low)) / width))) for v in values]
    return _Bins([f"{_number(a)} – {_number(b)}" for a, b in itertools.pairwise(back)], places)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2g}"


def _behaviour(archive: Archive, agents: Sequence[_Agent], split: Split, which: int) -> _Bins:
    """The place of each agent along one direction in which their scores item by item differ most."""
    import numpy as np

    scores = [item_scores(archive, agent.row.id, split) for agent in agents]
    items = sorted(set().union(*scores)) if scores else []
    if len(agents) < 2 or not items:
        return _numbered([0.0] * len(agents), log=False)
    table = np.array([[own.get(item, np.nan) for item in items] for own in scores])
    means = np.nanmean(table, axis=0)
    centred = np.where(np.isnan(table), 0.0, table - means)
    _, spread, directions = np.linalg.svd(centred, full_matrices=False)
    if which >= len(spread) or spread[which] < 1e-9:
        return _numbered([0.0] * len(agents), log=False)
    direction = directions[which]
    direction = direction * (1 if direction[np.argmax(np.abs(direction))] > 0 else -1)  # the same each time
    return _numbered([float(value) for value in centred @ direction], log=False)
