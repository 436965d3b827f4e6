"""What each operator of the meta agent brings for the same tokens, with the embedded models.

`python -m tests.bench.operators` searches from the same start with each arm: teaching first, `reflect`,
`instruct` (with `tune`), `diagnose`, `novel`, and the default opening as it was without these. The seeds
are evaluated once for a domain and seed; each arm takes their answers from that ledger and then has so many
tokens. What each has found, its best agent on train, meets the best seed on fresh test items.

Options: `--tokens` after the seeds, `--seeds` 0,1,2, `--arms`, `--domain` reasoning,families, `--minutes`
after which no further arm is begun. Arms are done seed by seed, so that what was cut short is even. All lies
in `$META_SEARCH_BENCH_RUNS`, else in `runs/`; a second start goes on, and runs no arm again that is done.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import meta_search
from meta_search.report.comparing import Comparison, compare_all
from meta_search.report.standing import Contender, Standing
from meta_search.types import ItemResult
from tests.bench.row import ROWS, NotYet, Row
from tests.bench.team import folder_of

BEFORE = "[novel,mutate,crossover,bootstrap,simplify,tune]"  # the default search without these operators
ARMS: dict[str, tuple[str, ...]] = {
    "teach": ("author=composer", "author.teach=true", "search.operators=[bootstrap,crossover,mutate,tune]"),
    "reflect": ("author=llm", "search.operators=[reflect]"),
    "instruct": ("author=llm", "search.operators=[instruct,tune]"),
    "diagnose": ("author=llm", "search.operators=[diagnose]"),
    "novel": ("author=llm", "search.operators=[novel]"),
    "opening": ("author=mixed", f"search.operators={BEFORE}"),
}
DOMAINS = {
    "reasoning": ("domain=reasoning",),
    # Families that the default search was not made on.
    "families": (
        "domain=reasoning",
        "domain.families=[gcd,count_bits,word_sorting,simple_equations,basic_arithmetic,decimal_chain_sum]",
    ),
}
SEEDS = "search.seeds=[direct,chain_of_thought,program_of_thought]"
ROOM = 12_000  # tokens of the budget beyond those that an arm has: a call is admitted by its upper bound
LINES = "arms.jsonl"


@dataclass(frozen=True, slots=True)
class Size:
    """Tokens of an arm after the seeds; train and test items; minutes after which no arm is begun."""

    tokens: int = 9_000
    train: int = 12
    test: int = 24
    minutes: float = 35.0


SIZE = Size()


@dataclass(frozen=True, slots=True)
class Arm:
    """What one arm came to.

    Attributes:
        domain: Of it, and seed: of search and items; arm: its name; tokens: that it had.
        spent: Tokens that it used after the seeds. candidates: That were evaluated; stopped ones too.
        dropped: Briefs that came to no candidate. seconds: That it took.
        best: Id of its best agent on train, a seed where none is better; name: of it; train: its score.
        test: Test item -> score, of its best agent; base: of the best seed.
    """

    domain: str
    seed: int
    arm: str
    tokens: int
    spent: int
    candidates: int
    dropped: int
    seconds: float
    best: str
    name: str
    train: float
    test: dict[str, float]
    base: dict[str, float]


class Bench:
    """All arms of some domains and seeds.

    Args:
        folder: Where runs and results lie.
        size: Of each arm.
        more: Further overrides of all runs.
    """

    def __init__(self, folder: Path, size: Size, more: Sequence[str] = ()) -> None:
        self._folder, self._size, self._more = folder, size, more
        self._begun = time.monotonic()

    def arms(self, domains: Sequence[str], seeds: Sequence[int], arms: Sequence[str]) -> Iterator[Arm]:
        """All of them, those that were done before as they were; fewer where the time is over."""
        done = {(a.domain, a.seed, a.arm, a.tokens): a for a in self._known()}
        for seed in seeds:
            for domain in domains:
                for arm in arms:
                    known = done.get((domain, seed, arm, self._size.tokens))
                    if known is None and time.monotonic() - self._begun < 60 * self._size.minutes:
                        known = self._run(domain, seed, arm)
                    if known is not None:
                        yield known

    def _known(self) -> list[Arm]:
        path = self._folder / LINES
        lines = path.read_text().splitlines() if path.exists() else []
        return [Arm(**json.loads(line)) for line in lines if line.strip()]

    def _run(self, domain: str, seed: int, arm: str) -> Arm:
        begun = time.monotonic()
        start = self._start(domain, seed)
        before = spent(start)
        # Tokens are part of its name: with more of them it is another search.
        run = self._folder / f"{domain}-{seed}-{arm}-{self._size.tokens}"
        most = before + self._size.tokens
        words = [*self._words(domain, seed), *ARMS[arm], f"run.dir={run}", f"llm.recording={start}"]
        words += ["search.candidates=1000", f"budget.tokens={most + ROOM}"]
        searched(run, words, lambda: spent(run) < most)
        with meta_search.open_run(run) as archive:
            records = [r for r in archive.agents() if r.status != "baseline" and "train" in r.evaluations]
            whole = [r for r in records if r.evaluations["train"].complete]
            made = [r for r in records if r.operator != "seed"]
            barren = sum(e.data.get("agent") is None for e in archive.events("delivery") if "brief" in e.data)
        ranked = sorted(
            whole, key=lambda r: (-r.evaluations["train"].score, r.evaluations["train"].used.tokens)
        )
        base = next(r for r in ranked if r.operator == "seed")
        best = ranked[0]
        tests = [self._tested(domain, seed, run, r.agent.id) for r in (best, base)]
        found = Arm(
            *(domain, seed, arm, self._size.tokens, spent(run) - before, len(made), barren),
            *(round(time.monotonic() - begun, 1), best.agent.id, best.agent.name),
            *(best.evaluations["train"].score, *tests),
        )
        with (self._folder / LINES).open("a") as lines:
            lines.write(json.dumps(dataclasses.asdict(found)) + "\n")
        tell(f"{domain}, seed {seed}, {arm}: {line(found)}")
        return found

    def _start(self, domain: str, seed: int) -> Path:
        """The run that has evaluated the seeds and nothing else."""
        run = self._folder / f"{domain}-{seed}-seeds"
        words = [*self._words(domain, seed), f"run.dir={run}", "search.candidates=0", "author=composer"]
        searched(run, words, lambda: True)
        return run

    def _words(self, domain: str, seed: int) -> list[str]:
        train, test = self._size.train, self._size.test
        return [
            *DOMAINS[domain],
            *(f"domain.seed={seed}", f"seed={seed}", SEEDS, "search.in_flight=1", "search.prior=false"),
            f"domain.sizes={{examples:12,train:{train},validation:2,test:{test}}}",
            *(f"evaluate.items={train}", f"evaluate.block={max(2, train // 2)}", "evaluate.executor=inline"),
            # The test is apart, so that its cost is none of the search's.
            *("evaluate.test_items=1", "budget.final_share=0.02", "search.finalists=1"),
            *("budget.wall_s=null", "run.confirm=false", *self._more),
        ]

    def _tested(self, domain: str, seed: int, run: Path, agent: str) -> dict[str, float]:
        """Scores of an agent on the test items of a seed; an agent that several arms found is run once."""
        test = self._folder / f"{domain}-{seed}-test-{agent}"
        words = [w for w in self._words(domain, seed) if not w.startswith(("search.", "evaluate.test_items"))]
        words = [w for w in words if not w.startswith(("evaluate.items", "evaluate.block"))]
        with contextlib.redirect_stdout(sys.stderr):
            meta_search.evaluate(
                f"{run}:{agent}", *words, f"evaluate.items={self._size.test}", f"run.dir={test}"
            )
        with meta_search.open_run(test) as archive:
            return {row.item: row.score or 0.0 for row in archive.results(agent, "test", trace=False)}


def searched(run: Path, words: Sequence[str], goes_on: Callable[[], bool]) -> None:
    """Search, or go on with a search, until it ends or has spent what it has."""

    def on_event(event: object) -> bool:
        return goes_on()

    if _ended(run):
        return
    with contextlib.redirect_stdout(sys.stderr):
        if (run / "archive.db").exists():
            meta_search.resume(run, on_event=on_event, live=True)
        else:
            meta_search.search(*words, on_event=on_event, live=True)
    if not _ended(run):
        raise NotYet(f"the search in {run} did not end; another call goes on with it")


def spent(run: Path) -> int:
    """Tokens that a search was charged so far, its final report left out."""
    if not (run / "archive.db").exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"file:{run}/archive.db?mode=ro", uri=True)) as database:
        # What is in flight is charged by its upper bound until it is done.
        # What is in flight is charged by its upper bound until it is done.
        total = "SELECT SUM(prompt_tokens + completion_tokens) FROM calls"
        query = f"{total} WHERE state = 'done' AND split != 'test'"
        return int(database.execute(query).fetchone()[0] or 0)


def _ended(run: Path) -> bool:
    if not (run / "archive.db").exists():
        return False
    with meta_search.open_run(run) as archive:
        return archive.meta("best") is not None


def contender(name: str, found: Sequence[Arm], base: bool = False) -> Contender:
    """The test results of an arm's agents, or of the best seeds it met, over all seeds."""
    rows = [
        ItemResult(name, "test", f"{a.domain}/{a.seed}/{item}", 0, "ok", score=score)
        for a in found
        for item, score in (a.base if base else a.test).items()
    ]
    return Contender.of(name, name, rows)


def share(side: Contender) -> str:
    """A side's score with its interval."""
    standing = Standing.of(side, sorted(side.scores))
    return f"{100 * standing.score:.1f} [{100 * standing.low:.0f}, {100 * standing.high:.0f}]"


def gain(found: Sequence[Arm]) -> Comparison:
    """What an arm's agents are better than the best seeds, paired over all items of all seeds."""
    return compare_all([contender("arm", found)], [contender("seed", found, base=True)], 0)[0]


def points(found: Comparison) -> str:
    """A paired difference in points with its interval."""
    return f"{100 * found.difference:+.1f} [{100 * found.low:+.0f}, {100 * found.high:+.0f}]"


def line(found: Arm) -> str:
    """An arm in a few words."""
    scores = [sum(side.values()) / max(1, len(side)) for side in (found.test, found.base)]
    return (
        f"«{found.name}» {100 * found.train:.0f} % on train, {100 * scores[0]:.0f} % on test, best seed "
        f"{100 * scores[1]:.0f} %; {found.candidates} candidates, {found.dropped} briefs without, "
        f"{found.spent:,} tokens, {found.seconds:.0f} s"
    )


def tell(text: str) -> None:
    """Progress, apart from the table."""
    print(text, file=sys.stderr, flush=True)


def print_table(found: Sequence[Arm], size: Size) -> None:
    """One row for each domain and arm, over its seeds."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        *("domain", "arm", "seeds", "test %", "best seed %", "gain, points", "candidates", "none", "tokens"),
        title=f"{size.tokens:,} tokens after the seeds, {size.train} train items, {size.test} test items",
    )
    for domain in dict.fromkeys(a.domain for a in found):
        for arm in dict.fromkeys(a.arm for a in found if a.domain == domain):
            mine = [a for a in found if (a.domain, a.arm) == (domain, arm)]
            n = len(mine)
            table.add_row(
                *(domain, arm, ",".join(str(a.seed) for a in mine)),
                *(share(contender(arm, mine)), share(contender(arm, mine, base=True)), points(gain(mine))),
                *(f"{sum(a.candidates for a in mine) / n:.1f}", f"{sum(a.dropped for a in mine) / n:.1f}"),
                f"{sum(a.spent for a in mine) / n:,.0f}",
            )
    console = Console(width=150)
    console.print(table)
    for a in found:
        console.print(f"{a.domain}, seed {a.seed}, {a.arm}: {line(a)}", highlight=False)


def measure(quick: bool) -> Row:
    """All arms on the first domain, or with `quick` two of them with next to nothing to spend."""
    size = Size(1_500, 3, 4, 5.0) if quick else Size()
    bench = Bench(folder_of("bench-operators-quick" if quick else "bench-operators"), size)
    arms = ("reflect", "novel") if quick else tuple(ARMS)
    found = list(bench.arms(("reasoning",), (0,) if quick else (0, 1, 2), arms))
    if not found:
        raise NotYet("no arm was done")
    told = {arm: [a for a in found if a.arm == arm] for arm in arms}
    gains = {arm: gain(mine) for arm, mine in told.items() if mine}
    base = gains.get("novel")
    better = [g.difference for arm, g in gains.items() if arm not in ("novel", "opening")]
    return Row(
        *ROWS["operators"],
        figure="; ".join(f"{arm} {points(found)}" for arm, found in gains.items()),
        ok=base is not None and max(better, default=-1.0) >= base.difference,
        note=f"points over the best seed; {size.tokens:,} tokens an arm",
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.operators", description=__doc__)
    parser.add_argument("--tokens", type=int, default=SIZE.tokens, help="of an arm, after the seeds")
    parser.add_argument("--train", type=int, default=SIZE.train, help="items")
    parser.add_argument("--test", type=int, default=SIZE.test, help="items")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--arms", default=",".join(ARMS), help=f"of {', '.join(ARMS)}")
    parser.add_argument("--domain", default=",".join(DOMAINS), help=f"of {', '.join(DOMAINS)}")
    parser.add_argument("--minutes", type=float, default=SIZE.minutes, help="after which no arm is begun")
    parser.add_argument("--folder", default="bench-operators", help="name of the folder for runs and results")
    chosen = parser.parse_args()
    arms, domains = chosen.arms.split(","), chosen.domain.split(",")
    for name, known in [*((a, ARMS) for a in arms), *((d, DOMAINS) for d in domains)]:
        if name not in known:
            parser.error(f"no {name}: there are {', '.join(known)}")
    size = Size(chosen.tokens, chosen.train, chosen.test, chosen.minutes)
    bench = Bench(folder_of(chosen.folder), size)
    found = list(bench.arms(domains, [int(seed) for seed in chosen.seeds.split(",")], arms))
    print_table(found, size)


if __name__ == "__main__":
    main()
