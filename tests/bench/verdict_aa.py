"""The verdict against itself: whole final reports, and live evaluations, of agents that are equally good."""

from __future__ import annotations

import contextlib
import io
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from meta_search import cli
from meta_search.api import open_run
from meta_search.final.baselines import Baseline
from meta_search.final.field import Field, contenders
from meta_search.final.report import _verdict
from meta_search.report.payback import Paid
from meta_search.report.standing import Contender
from meta_search.report.verdict import Verdict, verdict
from meta_search.run.members import Member, Members
from meta_search.testing import CountingEndpoint
from meta_search.types import Agent, Brief, Candidate, ItemResult, Usage, wilson
from tests.kits.searches import overrides, write_table

FOUND, SEEDS, ITEMS = 12, 6, 18  # agents of a simulated search; items of train and of validation
TESTS = (24, 42, 100)
LIVE_ITEMS = 42

Scores = Callable[[random.Random, float], float]  # difficulty of an item -> score


def right(rng: random.Random, level: float) -> float:
    """Right or wrong."""
    return float(rng.random() < level)


def thrice(rng: random.Random, level: float) -> float:
    """Three repeats."""
    return sum(rng.random() < level for _ in range(3)) / 3


KINDS: Mapping[str, Scores] = {"right or wrong": right, "three repeats": thrice}


def _member(number: int, seed: bool) -> Member:
    agent = Agent.of(f"agent {number}", f"def forward(self, taskInfo):\n    return {number}\n")
    brief = Brief(number, "seed" if seed else "novel", "hand" if seed else "llm")
    return Member(Candidate(agent, brief), seed=seed, done=True)


class Reports:
    """Simulated final reports, all of whose agents are equally good; agents are made once.

    Args:
        kind: How an item is scored.
    """

    def __init__(self, kind: Scores) -> None:
        self._kind = kind
        self._all = [_member(n, n < SEEDS) for n in range(SEEDS + FOUND)]
        self._matched = _member(SEEDS + FOUND, True)

    def report(self, rng: random.Random, tests: int) -> Verdict:
        """One report: finalists, seeds and their order are chosen by train and validation, as in a run."""
        members, middle = Members(), rng.uniform(0.2, 0.8)
        for member in self._all:
            member.forget()
            members.add(member)
        self._matched.forget()
        self._run(rng, self._all, "train", ITEMS, middle)
        best = sorted((m for m in self._all), key=lambda m: -m.score("train"))
        self._run(rng, best[:5], "validation", ITEMS, middle)
        finalists, seeds = contenders(members, 2)
        sampled = (Baseline("self-consistency", self._matched, seeds[0], 2),)
        field = Field(tuple(finalists), tuple(seeds), sampled)
        self._run(rng, field.everyone, "test", tests, middle)
        return _verdict(field, Paid(10_000), {}, True)

    def _run(
        self, rng: random.Random, members: Sequence[Member], split: Any, items: int, middle: float
    ) -> None:
        for n in range(items):
            level = min(0.98, max(0.02, rng.gauss(middle, 0.25)))
            for member in members:
                score = self._kind(rng, level)
                used = Usage(1, rng.randrange(80, 120), 20)
                member.add(ItemResult(member.agent.id, split, f"{split}{n}", 0, "ok", score=score, used=used))


def simulated(reports: int) -> None:
    """Print how often a report claims that one of equal agents beats the baselines.

    Args:
        reports: Of items that are right or wrong, over all sizes together; of repeats a tenth of that.
    """
    heads = ("test items", "reports", "beats, %", "95 % interval", "does not beat, %", "pays back, %")
    table = Table("items are", *heads, title="Simulated reports of equal agents", box=box.MARKDOWN)
    for name, kind in KINDS.items():
        every, all_beats = 0, 0
        for tests in TESTS:
            made, rng = Reports(kind), random.Random(tests)
            number = -(-reports // len(TESTS) // (1 if kind is right else 10))
            found = [made.report(rng, tests) for _ in range(number)]
            beats = sum(v.outcome == "beats" for v in found)
            worse = sum(v.outcome == "does_not_beat" for v in found) / number
            back = sum(any(p.case == "pays_back" for p in v.paybacks) for v in found) / number
            more = (f"{100 * worse:.1f}", f"{100 * back:.1f}")
            table.add_row(name, f"{tests}", f"{number:,}", *_share(beats, number), *more)
            every, all_beats = every + number, all_beats + beats
            print(f"{name}, {tests} items: {beats} of {number} beat", flush=True)  # the rest takes long
        table.add_row(name, "all", f"{every:,}", *_share(all_beats, every))
        Console(width=120).print(table)


def _share(beats: int, number: int) -> tuple[str, str]:
    low, high = wilson(beats, number)
    return f"{100 * beats / number:.2f}", f"[{100 * low:.2f}, {100 * high:.2f}]"


SOURCE = """def forward(self, taskInfo):
    {name} = LLMAgentBase(["answer"], "Solver", temperature=0.7)
    [answer] = {name}([taskInfo], "Reply with only the final answer.")
    return answer
"""


def _noisy(seed: int) -> Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], str]:
    """A model that is right every other time, anew at each request; half of the chance hangs on the item."""
    rng = random.Random(seed)

    def answer(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        text = str(messages[-1]["content"])
        a, b = (int(n) for n in text.split("What is ")[1].split("?")[0].split(" + "))
        hard = random.Random(f"{a} {b}").random()
        return str(a + b) if rng.random() < 0.25 + hard / 2 else "0"

    return answer


def live(pairs: int) -> None:
    """Evaluate pairs of equal agents through `meta-search evaluate`, and print what verdicts say of them."""
    outcomes: dict[str, int] = {}
    apart: list[float] = []
    for number in range(pairs):
        with tempfile.TemporaryDirectory() as folder, CountingEndpoint(_noisy(number)) as endpoint:
            found = _pair(Path(folder), endpoint)
        outcomes[found.outcome] = outcomes.get(found.outcome, 0) + 1
        assert found.best is not None
        apart.append(found.best.difference)
    low, high = wilson(outcomes.get("beats", 0), pairs)
    told = ", ".join(f"{name} {n}" for name, n in sorted(outcomes.items()))
    spread = f"differences from {100 * min(apart):+.0f} to {100 * max(apart):+.0f} points"
    Console(width=120).print(f"{pairs} live pairs, {LIVE_ITEMS} items: {told}; {spread}")
    Console(width=120).print(f"false beats: 95 % interval [{100 * low:.1f}, {100 * high:.1f}] %")


def _pair(folder: Path, endpoint: CountingEndpoint) -> Verdict:
    rows = ((f"What is {a} + {b}?", str(a + b)) for a in range(1, 15) for b in range(1, 15))
    table = write_table(folder / "sums.jsonl", rows)
    for name in ("first", "second"):
        (folder / f"{name}.py").write_text(SOURCE.format(name=name))
    words = overrides(
        table,
        endpoint,
        f"run.dir={folder / 'run'}",
        "run.confirm=false",
        f"evaluate.test_items={LIVE_ITEMS}",
        "domain.sizes={test:60}",
    )
    with contextlib.redirect_stdout(io.StringIO()):
        status = cli.main(["evaluate", *(str(folder / f"{n}.py") for n in ("first", "second")), *words])
    if status:
        raise SystemExit(f"the evaluation ended with status {status}")
    archive = open_run(str(folder / "run"))
    first, second = (
        Contender.of(r.agent.id, r.agent.name, archive.results(r.agent.id, "test")) for r in archive.agents()
    )
    return verdict([second], [replace(first, kind="found")], paid=Paid(1000))
