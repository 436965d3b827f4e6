"""The plots of the report as plotly figures: plain mappings that the page hands to `Plotly.newPlot`.

Building them without plotly's Python classes saves seconds of import; plotly.js checks them all the same.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from meta_search.report.tables import Row, per_item, score_text
from meta_search.text import one_line
from meta_search.types import Split, pareto_front

__all__ = ["progress", "score_and_cost"]

Figure = dict[str, Any]

COLOURS: Mapping[str, str] = {"seed": "#98a2b3", "found": "#4f7cff", "finalist": "#f59e0b"}
LINE = "#12a67c"
FAINT = "rgba(128,128,128,0.22)"
WIDE_RANGE = 20  # a logarithmic axis pays from this ratio of most to least on


def score_and_cost(rows: Sequence[Row], finalists: frozenset[str], split: Split) -> Figure:
    """Scatter of score against used tokens per item, with the Pareto front.

    Args:
        rows: `tables.agent_row` objects whose evaluation is complete and of the same split.
        finalists: Ids to be marked.
        split: Name of that split, for the axis.
    """
    cost = [per_item(r, "tokens") for r in rows]
    front = pareto_front([(r["score"], c) for r, c in zip(rows, cost, strict=True)])
    on_front = sorted(front, key=cost.__getitem__)
    heights = [100 * rows[i]["score"] for i in on_front]
    traces = [_steps("Pareto front", [cost[i] for i in on_front], heights, 2, dash="dot")]
    for kind in ("seed", "found", "finalist"):
        chosen = [i for i, r in enumerate(rows) if _kind(r, finalists) == kind]
        if chosen:
            traces.append(_points(kind, [rows[i] for i in chosen], [cost[i] for i in chosen]))
    positive = [c for c in cost if c > 0]
    wide = len(positive) == len(cost) and positive and max(positive) > WIDE_RANGE * min(positive)
    layout = _layout("used tokens per item", f"score on {split} items, %")
    layout["xaxis"] |= {"type": "log"} if wide else {"rangemode": "tozero"}
    return {"data": traces, "layout": layout}


def progress(rows: Sequence[Row], created: Sequence[float], split: Split) -> Figure:
    """Best score so far, over the number of agents or, at the press of a button, over minutes.

    Args:
        rows: `tables.agent_row` objects with a score, in the order in which they came in.
        created: Seconds since the epoch at which each came in.
        split: Name of the split that the scores are of.
    """
    order = list(range(1, len(rows) + 1))
    minutes = [(c - min(created)) / 60 for c in created]
    best, line = 0.0, []
    for row in rows:
        best = max(best, row["score"] if row["complete"] else 0.0)
        line.append(100 * best)
    traces = [_steps("best so far", order, line, 2.5)]
    axes: list[tuple[Sequence[float], Sequence[float]]] = [(order, minutes)]
    for kind, complete in (("seed", True), ("found", True), ("stopped early", False)):
        chosen = [i for i, r in enumerate(rows) if _named(r) == (kind, complete)]
        if not chosen:
            continue
        points = _points(kind, [rows[i] for i in chosen], [order[i] for i in chosen])
        points["error_y"] = {"visible": False}
        traces.append(points)
        axes.append(([order[i] for i in chosen], [minutes[i] for i in chosen]))
    layout = _layout("agents", f"score on {split} items, %")
    layout["updatemenus"] = [_buttons(axes)]
    return {"data": traces, "layout": layout}


def _steps(name: str, x: Sequence[float], y: Sequence[float], width: float, **line: str) -> Figure:
    """A trace of horizontal and vertical lines from point to point."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(x),
        "y": list(y),
        "line": {"color": LINE, "width": width, "shape": "hv", **line},
        "hoverinfo": "skip",
    }


def _buttons(axes: Sequence[tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """A menu of two buttons; `axes`: for each trace its x by agents and by minutes."""
    return {
        "type": "buttons",
        "direction": "right",
        "x": 1,
        "xanchor": "right",
        "y": 1.13,
        "yanchor": "top",
        "showactive": False,
        "pad": {"t": 0, "r": 0},
        "bgcolor": "rgba(128,128,128,0.12)",
        "bordercolor": FAINT,
        "buttons": [
            {
                "label": label,
                "method": "update",
                "args": [{"x": [a[k] for a in axes]}, {"xaxis.title.text": title}],
            }
            for k, (label, title) in enumerate((("by agents", "agents"), ("by time", "minutes")))
        ],
    }


def _kind(row: Row, finalists: frozenset[str]) -> str:
    return "finalist" if row["agent"] in finalists else "seed" if row["seed"] else "found"


def _named(row: Row) -> tuple[str, bool]:
    if not row["complete"]:
        return "stopped early", False
    return "seed" if row["seed"] else "found", True


def _points(kind: str, rows: Sequence[Row], x: Sequence[float]) -> Figure:
    scores = [100 * r["score"] for r in rows]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": kind,
        "x": list(x),
        "y": scores,
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [100 * r["high"] - s for r, s in zip(rows, scores, strict=True)],
            "arrayminus": [s - 100 * r["low"] for r, s in zip(rows, scores, strict=True)],
            "thickness": 1,
            "width": 0,
            "color": "rgba(128,128,128,0.35)",
        },
        "marker": {
            "color": COLOURS.get(kind, "rgba(128,128,128,0.4)"),
            "size": 13 if kind == "finalist" else 9,
            "symbol": {"finalist": "star", "seed": "diamond", "stopped early": "x-thin-open"}.get(
                kind, "circle"
            ),
            "line": {"width": 1, "color": "rgba(255,255,255,0.7)"},
        },
        "text": [_hover(r) for r in rows],
        "hovertemplate": "%{text}<extra></extra>",
        "customdata": [r["agent"] for r in rows],
    }


def _hover(row: Row) -> str:
    """Hover text. plotly.js reads tags in it, hence the name, which a model wrote, is escaped."""
    lines = [
        f"<b>{html.escape(one_line(row['name'], 60))}</b>",
        f"{score_text(row['score'], row['low'], row['high']).strip()} % on {row['items']} items",
        f"{per_item(row, 'tokens'):,.0f} tokens, {per_item(row, 'calls'):.1f} calls per item",
        html.escape(f"{one_line(row['operator'], 20)} by {one_line(row['author'], 20)}"),
    ]
    return "<br>".join(lines)


def _layout(x: str, y: str) -> Figure:
    axis = {"gridcolor": FAINT, "zeroline": False, "linecolor": FAINT, "automargin": True}
    return {
        "xaxis": axis | {"title": {"text": x}},
        "yaxis": axis | {"title": {"text": y}, "range": [-3, 103]},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#7d8796"},
        "margin": {"l": 60, "r": 20, "t": 34, "b": 84},
        "legend": {"orientation": "h", "x": 0, "y": -0.24, "yanchor": "top"},
        "hoverlabel": {"align": "left"},
        "height": 420,
    }
