"""Calls that races save against finalists that they lose: `python -m tests.bench.landscape.racing`.

Every rule of stopping races the same candidates in the same order: those that the default search wrote when
nothing was stopped. So rules differ in nothing else, and many can be tried. The races in force, which pause
and go on, are measured in searches of their own, where what pauses changes what is written next.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table

from meta_search.guide.racing import Standing
from tests.bench.landscape.evidence import TESTS, Paired, Test
from tests.bench.landscape.measures import Saving, saving
from tests.bench.landscape.simulate import SEEDS as SEED_AGENTS
from tests.bench.landscape.simulate import EndedRace, Trace
from tests.bench.landscape.stopping import ALPHA, Race, decide, last_finalist, pair
from tests.bench.landscape.strategies import STRATEGIES, searches
from tests.bench.landscape.table import SEARCH, Design, Landscape, arguments

__all__ = ["in_force", "race", "wilcoxon"]

SEEDS, CANDIDATES, BLOCK, FINALISTS = 50, 40, 6, 2
ALPHAS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
MOST_LOST, LEAST_SAVED = 0.02, 0.40

Decide = Callable[[Standing, Standing | None, Sequence[Standing]], str]
RACE = Race(SEARCH, BLOCK)


def wilcoxon(threshold: float) -> Test:
    """Optuna's `WilcoxonPruner`: 0 where it prunes at this p, else 1. It knows the rival's scores to come."""

    @functools.lru_cache(None)
    def prunes(seen: tuple[tuple[float, float], ...], rest: tuple[float, ...]) -> bool:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            pruner = optuna.pruners.WilcoxonPruner(p_threshold=threshold)
        study = optuna.create_study(direction="maximize", pruner=pruner)
        theirs = [*(score for _, score in seen), *rest]
        study.add_trial(
            optuna.trial.create_trial(
                value=sum(theirs) / len(theirs), intermediate_values=dict(enumerate(theirs))
            )
        )
        trial = study.ask()
        for step, (ours, _) in enumerate(seen):
            trial.report(ours, step)
        return trial.should_prune()

    # Its answer does not depend on the order of the items.
    return lambda paired: float(not prunes(tuple(sorted(paired.seen)), tuple(sorted(paired.rest))))


def alone(test: Test, alpha: float) -> Decide:
    """A test without any other rule."""

    def rule(candidate: Standing, _: object, front: Sequence[Standing]) -> str:
        rival = last_finalist(front, FINALISTS)
        return "behind" if test(pair(candidate, rival, RACE, strict=False)) <= alpha else ""

    return rule


def in_races(**changes: Any) -> Decide:
    """All rules of stopping together, with fields of `Race` changed."""
    return functools.partial(decide, race=replace(RACE, **changes))


def only_reach(paired: Paired) -> float:
    """No test: what remains is "cannot reach the finalists"."""
    return 1.0


def race(landscape: Landscape, designs: Sequence[Design], writing: int, rule: Decide) -> Saving:
    """Race designs one after another, seeds first; seeds are not stopped."""
    complete: list[Standing] = []
    trace = Trace(writing=writing)
    for number, design in enumerate(designs):
        full = standing(landscape, design, SEARCH)
        why, n = "", SEARCH
        if number >= len(SEED_AGENTS):
            best = max(complete, key=lambda s: (s.mean, -s.cost))
            for n in (*range(BLOCK // 2, SEARCH, BLOCK), SEARCH):
                why = rule(standing(landscape, design, n), best, complete) if n < SEARCH else ""
                if why:
                    break
        if not why:
            complete.append(full)
        operator = "seed" if number < len(SEED_AGENTS) else "novel"
        trace.evaluations.append(EndedRace(design, n, why, operator, 0, None))
    return saving(landscape, trace, FINALISTS)


def standing(landscape: Landscape, design: Design, n: int) -> Standing:
    """A design after its first n items."""
    rows = landscape.rows(design)[:n]
    scores = {item: float(row.right) for item, row in zip(landscape.items, rows, strict=False)}
    costs = {item: float(row.tokens + row.calls) for item, row in zip(landscape.items, rows, strict=False)}
    return Standing(scores, sum(costs.values()) / n, costs)


def in_force(landscape: Landscape, seeds: Sequence[int], candidates: int = CANDIDATES) -> Saving:
    """The races in force in whole searches of the default."""
    traces = searches(landscape, STRATEGIES["default"], seeds, candidates, 10**9)
    halves = [landscape.shuffled(seed) for seed in seeds]
    return sum((saving(h, t, FINALISTS) for h, t in zip(halves, traces, strict=True)), Saving())


def rules() -> list[tuple[str, str, Decide]]:
    """Name, threshold and rule: tests by themselves, then in place of the one in force."""
    names = (*TESTS, "Wilcoxon (Optuna)")
    tests = {(name, a): TESTS.get(name) or wilcoxon(a) for name in names for a in ALPHAS}
    found: list[tuple[str, str, Decide]] = []
    for (name, a), test in tests.items():
        found.append((f"{name} alone", f"{a:g}", alone(test, a)))
    found.append(("cannot reach the finalists", "", in_races(test=only_reach, alpha=0.0)))
    for (name, a), test in tests.items():
        found.append((f"all rules, {name}", f"{a:g}", in_races(test=test, alpha=a)))
    found.append(("all rules, chance, against the best alone", f"{ALPHA:g}", in_races(finalists=1)))
    return found


def main() -> None:
    options = arguments("racing", __doc__, SEEDS).parse_args()
    landscape, seeds = Landscape.read(options.file), range(options.seeds)
    halves = [landscape.shuffled(seed) for seed in seeds]
    written = []
    for trace in searches(landscape, STRATEGIES["without racing"], seeds, CANDIDATES, 10**9):
        by_seeds = sorted(trace.evaluations, key=lambda e: e.operator != "seed")
        written.append(([e.design for e in by_seeds], trace.writing))
    shown = Table(
        *(
            "rule",
            "threshold",
            "calls saved",
            "would-be finalists lost",
            "places filled worse",
            "",
            "lost → saved",
        ),
        title=f"Races of {sum(len(d) for d, _ in written)} candidates in {len(written)} searches, "
        f"{SEARCH} items, block {BLOCK}, {FINALISTS} finalists",
    )
    for name, threshold, rule in rules():
        total = sum((race(h, d, t, rule) for h, (d, t) in zip(halves, written, strict=True)), Saving())
        shown.add_row(name, threshold, *told(total))
    shown.add_section()
    shown.add_row("the races in force, in searches of their own", "", *told(in_force(landscape, seeds)))
    Console(width=150).print(shown)


def told(total: Saving) -> tuple[str, ...]:
    """Cells of a row; the last one is a plot, a mark every two per cent: `x` lost, `=` saved."""
    good = total.saved >= LEAST_SAVED and total.lost_share <= MOST_LOST
    bar = "x" * round(total.lost_share * 50) + "=" * round(total.saved * 50)
    worse = f"{total.worse / max(1, total.places):.1%}"
    return f"{total.saved:.1%}", f"{total.lost_share:.1%}", worse, "ok" if good else "", bar


if __name__ == "__main__":
    main()
