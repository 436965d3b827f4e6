"""`search=adas` and `search=default` live with the embedded models: equal items, tokens, seeds; three times.

`python -m tests.bench.presets` prints the whole table.

Both begin with the published seven seed agents, and with the same answers to their calls: what the one has
asked, the other takes from its ledger and is charged for. The budget is one number of tokens for meta agent
and evaluations together; `adas` gets some more room, as its last call may else not fit. Then the agent that
each search chose meets the best seed on fresh test items. The families are none that the default search was
made on (its opening was chosen on a landscape of the domain's own mixture). It has a way of working by
programs in its composer; `adas` has to come upon that.

It takes some two hours. All lies in `$META_SEARCH_BENCH_RUNS`, else in `runs/`: a second start goes on.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import meta_search
from meta_search.commands.search import resume
from meta_search.report.comparing import Comparison, compare_all
from meta_search.report.standing import Contender, Standing
from meta_search.types import ItemResult
from tests.bench.row import ROWS, NotYet, Row
from tests.bench.team import folder_of

FAMILIES = "gcd,count_bits,word_sorting,simple_equations,basic_arithmetic,decimal_chain_sum"
PRESETS = ("adas", "default")
# A call is admitted by the upper bound of what it may take. For the prompt of `adas`, with the whole archive,
# that is up to 21,000 tokens where 3,500 are used: with an equal limit it stopped at 68,000 to 73,000.
ROOM = {"adas": 20_000, "default": 0}
BEST_SEED = "best seed"


@dataclass(frozen=True, slots=True)
class Size:
    """Seeds of the searches; train and test items; tokens of one search."""

    seeds: tuple[int, ...]
    train: int
    test: int
    tokens: int


WHOLE, QUICK = Size((1, 2, 3), 6, 30, 90_000), Size((1,), 3, 3, 30_000)


@dataclass(frozen=True, slots=True)
class Search:
    """What one search came to.

    Attributes:
        seed: Of the search and of its items. preset: Its name.
        agents: Candidates that were evaluated on all train items, seeds aside. stopped: by a race.
        failed: Briefs that came to nothing, attempts that failed.
        tokens: Used by the meta agent, and in all.
        best: Id of the agent it chose, `""` where it found none; name: Its name.
    """

    seed: int
    preset: str
    agents: int
    stopped: int
    failed: int
    tokens: tuple[int, int]
    best: str
    name: str


def overrides(seed: int, preset: str, size: Size, folder: Path) -> list[str]:
    """Overrides of one search."""
    return [
        *(f"search={preset}", *_domain(seed), "search.prior=false", "search.finalists=1"),
        *(f"evaluate.items={size.train}", f"evaluate.block={size.train // 2}", "search.candidates=1000"),
        # The test is apart, so that its cost is none of the search's.
        *(f"budget.tokens={size.tokens + ROOM[preset]}", "evaluate.test_items=1", "budget.final_share=0.02"),
        f"run.dir={_run(folder, seed, preset)}",
    ] + ([] if preset == "adas" else [_same_seeds(), f"llm.recording={_run(folder, seed, 'adas')}"])


def _domain(seed: int) -> tuple[str, ...]:
    families = f"domain.families=[{FAMILIES}]"
    return (
        *("domain=reasoning", families, f"domain.seed={seed}", f"seed={seed}"),
        *("evaluate.executor=inline", "budget.wall_s=null", "run.confirm=false"),
    )


def _same_seeds() -> str:
    from meta_search.compose import compose

    return f"search.seeds=[{','.join(compose(['search=adas']).search.seeds)}]"


def _run(folder: Path, seed: int, what: str) -> Path:
    return folder / f"{seed}-{what}"


def searched(folder: Path, seed: int, preset: str, size: Size) -> Search:
    """Search, go on with it, or only read what it came to."""
    run = _run(folder, seed, preset)
    if not _ended(run):
        with contextlib.redirect_stdout(sys.stderr):
            if (run / "archive.db").exists():
                resume(run)
            else:
                meta_search.search(*overrides(seed, preset, size, folder), live=True)
    if not _ended(run):
        raise NotYet(f"the search in {run} did not end; another call goes on with it")
    with meta_search.open_run(run) as archive:
        records = [r for r in archive.agents() if r.operator != "seed" and r.status != "baseline"]
        raced = [r for r in records if "train" in r.evaluations]
        whole = [r for r in raced if r.evaluations["train"].complete]
        final, used = archive.meta("final"), archive.usage()
        best = next(iter(final["finalists"]), "")
        return Search(
            *(seed, preset, len(whole), len(raced) - len(whole), len(archive.attempts())),
            tokens=(used["meta"].tokens if "meta" in used else 0, sum(u.tokens for u in used.values())),
            best=best,
            name=archive.record(best).agent.name if best else "none",
        )


def _ended(run: Path) -> bool:
    """Whether its final report was written; that the budget had nothing left for test items is no matter."""
    if not (run / "archive.db").exists():
        return False
    with meta_search.open_run(run) as archive:
        return archive.meta("best") is not None


def best_seed(folder: Path, seed: int) -> str:
    """Id of the best seed by the search that ran all of them on all items."""
    with meta_search.open_run(_run(folder, seed, "adas")) as archive:
        return str(archive.meta("final")["baselines"][0])


def tested(folder: Path, seed: int, run: str, agent: str, what: str, size: Size) -> list[ItemResult]:
    """Results of an agent on the test items of a seed; their ids say which seed."""
    test = _run(folder, seed, f"test-{what}")
    source = f"{_run(folder, seed, run)}:{agent}"
    with contextlib.redirect_stdout(sys.stderr):
        meta_search.evaluate(source, *_domain(seed), f"evaluate.items={size.test}", f"run.dir={test}")
    with meta_search.open_run(test) as archive:
        rows = archive.results(agent, "test", trace=False)
    return [replace(row, item=f"{seed}/{row.item}") for row in rows]


def all_tested(folder: Path, found: list[Search], size: Size) -> dict[str, list[ItemResult]]:
    """Test results of each preset and of the best seeds; a search that found nothing has the best seed's."""
    rows: dict[str, list[ItemResult]] = {name: [] for name in (*PRESETS, BEST_SEED)}
    for seed in dict.fromkeys(search.seed for search in found):
        base = tested(folder, seed, "adas", best_seed(folder, seed), "seed", size)
        rows[BEST_SEED] += base
        for search in (s for s in found if s.seed == seed):
            chosen = (seed, search.preset, search.best, search.preset, size)
            rows[search.preset] += tested(folder, *chosen) if search.best else base
    return rows


def contenders(rows: dict[str, list[ItemResult]]) -> dict[str, Contender]:
    """Preset (or best seed) -> what its agents scored on all seeds' items together."""
    return {name: Contender.of(name, name, found) for name, found in rows.items()}


def against(contender: Contender, base: Contender) -> Comparison:
    """Paired over all items of all seeds."""
    return compare_all([contender], [base], 0)[0]


def searches(folder: Path, size: Size) -> Iterator[Search]:
    """All searches, `adas` first: the other takes the seeds' calls from it."""
    for seed in size.seeds:
        for preset in PRESETS:
            yield searched(folder, seed, preset, size)


def measure(quick: bool) -> Row:
    """Search with both, test, and compare."""
    folder, size = folder_of("bench-presets-quick" if quick else "bench-presets"), QUICK if quick else WHOLE
    found = list(searches(folder, size))
    rows = all_tested(folder, found, size)
    sides = contenders(rows)
    direct = against(sides["default"], sides["adas"])
    print_table(found, rows, size)
    return Row(
        *ROWS["presets"],
        figure="; ".join(told(name, sides[name]) for name in (*PRESETS, BEST_SEED)),
        ok=direct.difference >= 0,
        note=f"default less adas {difference(direct)}; {direct.finalist.items} items",
    )


def told(name: str, side: Contender) -> str:
    """A side in a few words."""
    standing = Standing.of(side, sorted(side.scores))
    return f"{name} {100 * standing.score:.1f} % [{100 * standing.low:.1f}, {100 * standing.high:.1f}]"


def difference(found: Comparison) -> str:
    """A paired difference in a few words."""
    low, high = 100 * found.low, 100 * found.high
    return f"{100 * found.difference:+.1f} points [{low:+.1f}, {high:+.1f}], p = {found.p:.2g}"


def print_table(found: list[Search], rows: dict[str, list[ItemResult]], size: Size) -> None:
    """One row a search, and what all together come to."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        *("seed", "preset", "evaluated", "raced out", "failed", "tokens: meta, all"),
        *("chosen", "test %", "best seed %"),
        title=f"{size.tokens:,} tokens a search, {size.train} train items, {size.test} test items",
    )

    def share(name: str, seed: int) -> str:
        mine = [row.right for row in rows[name] if row.item.startswith(f"{seed}/")]
        return f"{100 * sum(mine) / max(1, len(mine)):.0f}"

    for s in found:
        table.add_row(
            *(str(s.seed), s.preset, str(s.agents), str(s.stopped), str(s.failed)),
            *(f"{s.tokens[0]:,}, {s.tokens[1]:,}", s.name[:40]),
            *(share(s.preset, s.seed), share(BEST_SEED, s.seed)),
        )
    console, sides = Console(width=150, stderr=True), contenders(rows)
    console.print(table)
    for name in (*PRESETS, BEST_SEED):
        console.print(told(name, sides[name]))
    for one, other in (("default", "adas"), ("default", BEST_SEED), ("adas", BEST_SEED)):
        console.print(f"{one} less {other}: {difference(against(sides[one], sides[other]))}")


if __name__ == "__main__":
    print(measure("--quick" in sys.argv))
