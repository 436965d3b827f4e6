"""Compare strategies of search on the recorded landscape: `python -m tests.bench.landscape.compare`."""

from __future__ import annotations

import statistics
import time

from rich.console import Console
from rich.table import Table

from tests.bench.landscape.measures import (
    NEVER,
    Interval,
    Saving,
    calls_until,
    median,
    ratio,
    regret_at,
    saving,
)
from tests.bench.landscape.simulate import Trace
from tests.bench.landscape.strategies import STRATEGIES, searches
from tests.bench.landscape.table import Landscape, arguments

SEEDS, CANDIDATES, CALLS = 50, 40, 1500
ITEM = 1  # of regret
GRID = (100, 150, 200, 300, 400, 600, 800)
AGAINST = ("random", "adas schedule")
WIDTH = 120


def main() -> None:
    parser = arguments("compare", __doc__, SEEDS)
    parser.add_argument(
        "--recorded", action="store_true", help="search on the first half of the items always"
    )
    options = parser.parse_args()
    landscape, console = Landscape.read(options.file), Console(width=WIDTH)
    seeds, found = range(options.seeds), {}
    halves = [landscape if options.recorded else landscape.shuffled(seed) for seed in seeds]
    for name, strategy in STRATEGIES.items():
        began = time.process_time()
        found[name] = searches(landscape, strategy, seeds, CANDIDATES, CALLS, options.recorded)
        console.print(f"[dim]{name}: {strategy.about} ({time.process_time() - began:.0f} s CPU)[/dim]")
    wrong, cells, _ = landscape.disagreements()
    console.print(
        f"{landscape.about}\n{len(landscape.recorded)} designs run on {len(landscape.items)} items; mixed "
        f"ones differ from the composition of pure ones in {wrong} of {cells} cells. {options.seeds} seeds, "
        + ("the recorded halves." if options.recorded else "another half searched on for each.")
        + f" Searches end after {CANDIDATES} briefs or {CALLS} calls; {landscape.teaching_calls} calls of "
        "teaching once each.",
        markup=False,  # the settings hold lists
    )
    console.print(
        until(halves, found, True), until(halves, found, False), curve(halves, found), races(halves, found)
    )


def until(halves: list[Landscape], found: dict[str, list[Trace]], stays: bool) -> Table:
    """Used calls until regret is small, and against the default."""
    when = "for good" if stays else "for the first time"
    shown = Table(
        *("strategy", f"calls, {when}", "never", *(f"as share of {name}" for name in AGAINST)),
        title=f"Used calls until held-out regret is at most one item {when}: median, 95 % by bootstrap",
    )
    hits = {
        name: [calls_until(h, t, ITEM, stays) for h, t in zip(halves, traces, strict=True)]
        for name, traces in found.items()
    }
    for name, ours in hits.items():
        shares = ["" if name == other else told(ratio(ours, hits[other]), "%") for other in AGAINST]
        shown.add_row(name, told(median(ours)), f"{ours.count(NEVER)}", *shares)
    return shown


def races(halves: list[Landscape], found: dict[str, list[Trace]]) -> Table:
    """What races saved and lost."""
    shown = Table(
        *("strategy", "calls in all (median)", "candidates", "calls saved", "would-be finalists lost"),
        title="Races in whole searches",
    )
    for name, traces in found.items():
        total = sum((saving(h, t) for h, t in zip(halves, traces, strict=True)), Saving())
        calls = statistics.median(trace.calls for trace in traces)
        candidates = statistics.mean(len(trace.evaluations) for trace in traces)
        shown.add_row(
            name, f"{calls:.0f}", f"{candidates:.0f}", f"{total.saved:.0%}", f"{total.lost_share:.1%}"
        )
    return shown


def curve(halves: list[Landscape], found: dict[str, list[Trace]]) -> Table:
    """Mean regret over used calls."""
    shown = Table(
        "strategy", *(f"{calls} calls" for calls in GRID), title="Mean held-out regret, in items of 20"
    )
    for name, traces in found.items():
        means = [
            statistics.mean(regret_at(h, t, calls) for h, t in zip(halves, traces, strict=True))
            for calls in GRID
        ]
        shown.add_row(name, *(f"{mean:.2f}" for mean in means))
    return shown


def told(interval: Interval, unit: str = "") -> str:
    """As text: a number of calls, or a share in per cent."""

    def one(value: float) -> str:
        return "never" if value == NEVER else f"{value:.0%}" if unit else f"{value:.0f}"

    return f"{one(interval[0])} ({one(interval[1])} to {one(interval[2])})"


if __name__ == "__main__":
    main()
