"""Compare strategies of search on made worlds: `python -m tests.bench.worlds`.

Results are kept as they come (`META_SEARCH_BENCH_RUNS`, else `runs/`), so that a table may be made in pieces:
what is there already is not searched again. `--label` names the strategies anew, to compare two states of the
code in one table; `--show` only shows what is there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import track

from tests.bench.worlds.laws import COSTS, LAWS
from tests.bench.worlds.places import place, seeds
from tests.bench.worlds.recorded import FILES
from tests.bench.worlds.results import Results, folder
from tests.bench.worlds.searching import Task
from tests.bench.worlds.strategies import ORACLE, STRATEGIES
from tests.bench.worlds.tables import ALL, found, points, races

SEEDS, CALLS, CANDIDATES = 10, 1000, 120
GRID = (100, 200, 300, 600, 1000, 1500)
WIDTH = 150


def arguments() -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.worlds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="worlds of each law")
    parser.add_argument("--report", action="store_true", help="worlds for the report, not for development")
    parser.add_argument("--laws", nargs="+", default=list(LAWS), choices=[*LAWS, *FILES])
    names = [*STRATEGIES, ORACLE]
    parser.add_argument("--strategies", nargs="+", default=["default", "uniform", "random", ORACLE])
    parser.add_argument("--also", nargs="+", default=[], help="labels of results that are shown as well")
    parser.add_argument("--label", default="", help="is put behind the names of the strategies, after a @")
    parser.add_argument("--against", nargs="+", default=["uniform", "random", "default"])
    parser.add_argument("--calls", type=int, default=CALLS, help="where a search ends")
    parser.add_argument("--candidates", type=int, default=CANDIDATES, help="where it ends as well")
    parser.add_argument("--kinds", type=int, default=0, help="of items; drawn by the seed for 0")
    parser.add_argument("--items", type=int, default=0, help="searched on; drawn by the seed for 0")
    parser.add_argument("--costs", default="", choices=["", *COSTS], help="drawn by the seed for none")
    parser.add_argument("--blocks", nargs="+", default=[], help="of further stages, which widen the space")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--name", default="searches", help="of the file of results")
    parser.add_argument("--show", action="store_true", help="search nothing")
    options = parser.parse_args()
    for name in options.strategies:
        if name not in names:
            parser.error(f"no strategy is named {name}; known: {', '.join(names)}")
    return options


def tasks(options: argparse.Namespace, law: str, strategy: str, label: str) -> list[Task]:
    """The searches of a strategy on the worlds of a law."""
    made = [
        place(law, s, options.kinds, options.items, options.costs, options.blocks)
        for s in seeds(options.seeds, options.report)
    ]
    return [Task(one, strategy, options.calls, options.candidates, label) for one in made]


def main() -> None:
    options, console = arguments(), Console(width=WIDTH)
    labels = {f"{s}@{options.label}" if options.label else s: s for s in options.strategies}
    shown = [*labels, *(one for one in options.also if one not in labels)]
    by_law = {
        law: {label: tasks(options, law, labels.get(label, label), label) for label in shown}
        for law in options.laws
    }
    results, began = Results(folder() / f"{options.name}.jsonl"), time.monotonic()
    # World by world, so that a table that was cut has all strategies on the worlds that it has.
    todo = [by_law[law][label][n] for n in range(options.seeds) for law in by_law for label in labels]
    if not options.show:
        new = [task for task in todo if task.key() not in results.known]
        for _ in track(results.complete(new, options.processes), "searches", len(new), console=console):
            pass
        console.print(f"{len(new)} searches in {time.monotonic() - began:.0f} s")
    grid = [one for one in GRID if one <= options.calls]
    whole: dict[str, list[Task]] = {label: [] for label in shown}
    for law, of_law in by_law.items():
        report(console, law, results, of_law, options, grid)
        for label, those in of_law.items():
            whole[label] += those
    if len(by_law) > 1:
        report(console, ALL, results, whole, options, grid)


def report(
    console: Console,
    law: str,
    results: Results,
    by_strategy: dict[str, list[Task]],
    options: argparse.Namespace,
    grid: Sequence[int],
) -> None:
    """Tables over the worlds on which all strategies were tried."""
    there = [
        n
        for n in range(len(next(iter(by_strategy.values()))))
        if all(those[n].key() in results.known for those in by_strategy.values())
    ]
    if not there:
        console.print(f"{law}: nothing is there yet")
        return
    rows = {label: results.of([those[n] for n in there]) for label, those in by_strategy.items()}
    against = [one for one in options.against if one in rows]
    console.print(f"\n[bold]{law}[/bold]: {len(there)} worlds")
    console.print(found(law, rows, against, options.calls))
    reference = against[-1] if against else next(iter(rows))
    console.print(points(law, rows, reference, grid), races(law, rows))


if __name__ == "__main__":
    main()
