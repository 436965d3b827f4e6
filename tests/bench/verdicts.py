"""Errors and power of the verdict, by simulation: `python -m tests.bench.verdicts [--searches N]`.

For each world and number of test items, simulated final reports of one finalist and one baseline: how often
it says "beats" where both are equally good, and where the finalist is 10 and 20 points better; how often the
interval holds the true difference; how often sentence and interval disagree; how often an agent that is
cheaper and 10 points worse is said to pay back.

`--aa N` simulates N whole final reports in which all agents are equally good, from the choice of finalists
and baselines on (`tests.bench.verdict_aa`); `--live N` evaluates N pairs of equal agents on a noisy endpoint,
gateway, sandbox and ledger included.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from meta_search.report.payback import Paid
from meta_search.report.standing import Contender
from meta_search.report.verdict import verdict
from tests.bench.verdict_worlds import WORLDS, Draw

ITEMS = (24, 42, 100)
GAINS = (0.0, 0.1, 0.2, -0.1)


@dataclass
class Told:
    """Counts over simulated reports."""

    beats: int = 0
    covered: int = 0
    apart: int = 0
    repaid: int = 0

    def __add__(self, other: Told) -> Told:
        return Told(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def report(draw: Draw, items: int, gain: float, number: int, told: Told) -> None:
    """Count what one simulated final report says."""
    rng = random.Random(f"{items} {gain} {number}")
    pairs = [draw(rng, gain) for _ in range(items)]
    measure = "right" if all(score in (0.0, 1.0) for pair in pairs for score in pair) else "score"
    sides = [
        Contender(
            name,
            name,
            {f"i{n}": pair[k] for n, pair in enumerate(pairs)},
            results=items,
            kind=kind,
            measure=measure,
            costs={f"i{n}": (50.0 + 50 * k + rng.random(), 0.0, 1.0) for n in range(items)},
        )
        for k, (name, kind) in enumerate((("X", "found"), ("Y", "seed")))
    ]
    found = verdict(sides[1:], sides[:1], paid=Paid(tokens=10_000), seed=number)
    best = found.best
    assert best is not None
    told.beats += found.outcome == "beats"
    told.covered += best.low <= gain <= best.high
    told.apart += (found.outcome == "beats") != (best.low > 0)
    payback = found.payback("Y")
    told.repaid += payback is not None and payback.case == "pays_back"


def row(name: str, items: int, by_gain: Sequence[Told], searches: int) -> list[str]:
    """A row of the table."""
    null, ten, twenty, worse = by_gain
    figures = (
        null.beats,
        ten.beats,
        twenty.beats,
        (null.covered + ten.covered) / 2,
        null.apart + ten.apart + twenty.apart,
        worse.repaid,
    )
    return [name, str(items), *(f"{100 * figure / searches:.1f}" for figure in figures)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=1e9, help="end after so many, with fewer reports")
    parser.add_argument("--items", type=int, nargs="+", default=ITEMS)
    parser.add_argument("--aa", type=int, metavar="N", help="simulate N reports of equal agents")
    parser.add_argument("--live", type=int, metavar="N", help="evaluate N pairs of equal agents")
    options = parser.parse_args()
    if options.aa or options.live:
        from tests.bench.verdict_aa import live, simulated

        (live if options.live else simulated)(options.live or options.aa)
        return
    cells = [(name, items) for name in WORLDS for items in options.items]
    told = {cell: [Told() for _ in GAINS] for cell in cells}
    ends, searches = time.monotonic() + 60 * options.minutes, 0
    while searches < options.searches and (time.monotonic() < ends or not searches):
        for (name, items), by_gain in told.items():
            for gain, counts in zip(GAINS, by_gain, strict=True):
                report(WORLDS[name], items, gain, searches, counts)
        searches += 1
    heads = ("items", "false beats", "beats at +10", "at +20", "interval holds", "apart", "false pays back")
    table = Table("world", *heads, title=f"{searches} simulated reports each, per cent", box=box.MARKDOWN)
    for (name, items), by_gain in told.items():
        table.add_row(*row(name, items, by_gain, searches))
    for items in options.items:  # all worlds together
        columns = zip(*(told[name, items] for name in WORLDS), strict=True)
        sums = [sum(column, Told()) for column in columns]
        table.add_row(*row("all worlds", items, sums, searches * len(WORLDS)))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
