"""Tables of results: by law, and over all."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from rich.table import Table

from tests.bench.landscape.measures import NEVER, Interval
from tests.bench.worlds.measures import calls_until, over_seeds, points_at, ratio
from tests.bench.worlds.searching import Result
from tests.bench.worlds.strategies import ORACLE

__all__ = ["ALL", "found", "points", "races"]

ALL = "all laws"

ByStrategy = Mapping[str, Sequence[Result]]


def found(law: str, results: ByStrategy, against: Sequence[str], cap: int) -> Table:
    """Used calls until what is found is within an item of the best, for good."""
    shown = Table(
        *(
            "strategy",
            "calls: median",
            "never",
            "restricted mean",
            *(f"as share of {one}" for one in against),
        ),
        title=f"{law}: used calls until the choice is within an item of the best design, for good "
        f"(restricted means up to {cap} calls, 95 % by bootstrap over worlds)",
    )
    hits = {name: [calls_until(r) for r in rows] for name, rows in results.items()}
    for name, ours in hits.items():
        shares = [
            "" if name == other or other not in hits else share(ratio(ours, hits[other], cap))
            for other in against
        ]
        middle = over_seeds(ours, statistics.median)
        mean = over_seeds([min(cap, hit) for hit in ours])
        shown.add_row(name, calls(middle), f"{ours.count(NEVER)} of {len(ours)}", calls(mean), *shares)
    return shown


def points(law: str, results: ByStrategy, against: str, grid: Sequence[int]) -> Table:
    """Held-out points better than another strategy's after so many calls."""
    shown = Table(
        "strategy",
        *(f"{one} calls" for one in grid),
        title=f"{law}: expected held-out score, in points over «{against}»'s after as many calls",
    )
    for name, rows in results.items():
        cells = []
        for one in grid:
            ours = [points_at(r, NEVER if name == ORACLE else one) for r in rows]
            theirs = [points_at(r, one) for r in results[against]]
            if name == against:
                cells.append(f"({statistics.fmean(ours):.1f})")
            else:
                cells.append(signed(over_seeds([a - b for a, b in zip(ours, theirs, strict=True)])))
        shown.add_row(name, *cells)
    return shown


def races(law: str, results: ByStrategy) -> Table:
    """What races saved and lost, and what a search took."""
    shown = Table(
        *("strategy", "calls", "candidates", "stopped", "calls saved", "would-be finalists lost"),
        "CPU seconds a search",
        title=f"{law}: whole searches",
    )
    for name, rows in results.items():
        if name == ORACLE:
            continue
        used, full = (sum(r.saved[n] for r in rows) for n in (0, 1))
        lost, places = (sum(r.lost[n] for r in rows) for n in (0, 1))
        briefs = sum(r.briefs for r in rows)
        shown.add_row(
            name,
            f"{statistics.median(r.used for r in rows):.0f}",
            f"{briefs / len(rows):.0f}",
            f"{sum(r.stopped for r in rows) / max(1, briefs):.0%}",
            f"{1 - used / max(1, full):.0%}",
            f"{lost / max(1, places):.1%}",
            f"{statistics.fmean(r.seconds for r in rows):.1f}",
        )
    return shown


def calls(interval: Interval) -> str:
    """As `585 (400 to never)`."""
    middle, low, high = ("never" if value == NEVER else f"{value:.0f}" for value in interval)
    return f"{middle} ({low} to {high})"


def share(interval: Interval) -> str:
    """As `0.62 (0.50 to 0.75)`."""
    middle, low, high = interval
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def signed(interval: Interval) -> str:
    """As `+2.8 (+2.0 to +3.6)`."""
    middle, low, high = interval
    return f"{middle:+.1f} ({low:+.1f} to {high:+.1f})"
