"""The verdict over the arms: paired on the same test items, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from meta_search.report.comparing import compare
from meta_search.report.standing import Contender, Standing
from meta_search.types import ItemResult
from tests.bench.peers.arms import ARMS, OURS
from tests.bench.peers.ledger import Arm, Ledger
from tests.bench.peers.tasks import Judge, Sizes, task_of

__all__ = ["Line", "lines", "markdown", "print_table", "rescored"]

Scores = Mapping[str, Mapping[str, float]]  # account -> test item -> score
ALL = "all"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: an arm on a task, over its seeds.

    Attributes:
        task: Or `ALL`. arm: its name; seeds: that it was run with.
        score: Share of the test items that were right, with low and high: its 95 % interval.
        paid: Tokens of a search, mean over the seeds; item_tokens: of a test item.
        refused: Calls that the proxy refused, in all.
        difference: Its score less that of ours on the same items; below: with its 95 % interval; p of it.
    """

    task: str
    arm: str
    seeds: tuple[int, ...]
    score: float
    low: float
    high: float
    paid: float
    item_tokens: float
    refused: int
    difference: tuple[float, float, float] | None
    p: float | None


def rescored(ledger: Ledger, cache: Path) -> Scores:
    """Scores of all answers of a ledger, by our scorer, now: programs are run anew in the sandbox."""
    judges: dict[tuple[str, int], Judge] = {}
    found: dict[str, dict[str, float]] = {}
    try:
        for account, arm in ledger.arms.items():
            task, seed, _ = arm.names
            if (task, seed) not in judges:
                judges[task, seed] = Judge(task_of(task, cache), seed, Sizes(**ledger.plan["sizes"]))
            judge = judges[task, seed]
            found[account] = {
                answer.item: judge.score(answer.item, answer.form, answer.text)[0]
                for answer in ledger.answers[account].values()
            }
    finally:
        for judge in judges.values():
            judge.close()
    return found


def differs(ledger: Ledger, scores: Scores) -> list[str]:
    """Lines on arms whose scores, or whose tokens, are not what the ledger's own lines come to."""
    told = []
    for account, arm in ledger.arms.items():
        right = sum(scores[account].values())
        if right != arm.right:
            told.append(f"{account}: {right:g} right, where the ledger says {arm.right:g}")
        paid = sum(c.prompt + c.completion for c in ledger.calls[account] if c.phase == "search")
        if paid < arm.paid:  # more where an earlier session of the arm was broken off
            told.append(f"{account}: calls of {paid:,} tokens, where the ledger says {arm.paid:,}")
    return told


def lines(arms: Iterable[Arm], scores: Scores) -> list[Line]:
    """The table; rows over all tasks last, where there are several."""
    found = list(arms)
    tasks = list(dict.fromkeys(a.names[0] for a in found))
    rows = [row for task in tasks for row in _of_task(task, [a for a in found if a.names[0] == task], scores)]
    return rows + (_of_task(ALL, found, scores) if len(tasks) > 1 else [])


def _of_task(task: str, arms: Sequence[Arm], scores: Scores) -> list[Line]:
    by_name = {name: [a for a in arms if a.names[2] == name] for name in ARMS}
    rows = []
    for name, mine in by_name.items():
        if not mine:
            continue
        # Paired with ours where both were run, on the same items of the same tasks and seeds.
        there = {a.names[:2] for a in by_name[OURS]} & {a.names[:2] for a in mine}
        ours = _contender(OURS, [a for a in by_name[OURS] if a.names[:2] in there], scores)
        side = _contender(name, mine, scores)
        standing = Standing.of(side, sorted(side.scores))
        found = compare(side, ours) if name != OURS and there else None
        rows.append(
            Line(
                *(task, name, tuple(dict.fromkeys(a.names[1] for a in mine))),
                *(standing.score, standing.low, standing.high),
                sum(a.paid for a in mine) / len(mine),
                sum(a.test_tokens for a in mine) / max(1, sum(a.items for a in mine)),
                sum(a.refused for a in mine),
                (found.difference, found.low, found.high) if found else None,
                found.p if found else None,
            )
        )
    return rows


def _contender(name: str, arms: Sequence[Arm], scores: Scores) -> Contender:
    rows = [
        ItemResult(name, "test", f"{a.names[0]}/{a.names[1]}/{item}", 0, "ok", score=score)
        for a in arms
        for item, score in scores[a.account].items()
    ]
    return Contender.of(name, name, rows)


HEAD = ("task", "arm", "seeds", "right, %", "tokens paid", "tokens an item", "refused", "points to ours", "p")


def _cells(row: Line) -> tuple[str, ...]:
    difference = "–"
    if row.difference is not None:
        middle, low, high = (100 * value for value in row.difference)
        difference = f"{middle:+.1f} [{low:+.0f}, {high:+.0f}]"
    return (
        *(row.task, row.arm, ",".join(map(str, row.seeds))),
        f"{100 * row.score:.1f} [{100 * row.low:.0f}, {100 * row.high:.0f}]",
        *(f"{row.paid:,.0f}", f"{row.item_tokens:,.0f}", str(row.refused), difference),
        "–" if row.p is None else f"{row.p:.3f}",
    )


def markdown(rows: Sequence[Line]) -> str:
    """The table for a page."""
    cells = [HEAD, ("---",) * len(HEAD), *map(_cells, rows)]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def print_table(rows: Sequence[Line], plan: Mapping[str, object]) -> None:
    """The table on the terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*HEAD, title=f"{plan.get('tokens')} tokens a search; {plan.get('models')}")
    for row in rows:
        table.add_row(*_cells(row))
    Console(width=150).print(table)
