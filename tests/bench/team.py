"""A team of seven roles against the three of them that matter most, with the embedded model, in one run.

`search=dylan` does it: the seven are evaluated, ratings flow back as importance, the three are written, and
both meet the same fresh test items. The run lies in a folder that stays (`$META_SEARCH_BENCH_RUNS`, else
`runs/`): a measurement that was cut short goes on where it stopped, and one that is done is only read.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import meta_search
from meta_search.commands import search
from tests.bench.row import ROWS, NotYet, Row
from tests.bench.searches import ROOT

VARIABLE = "META_SEARCH_BENCH_RUNS"
TRAIN, TEST = 12, 40
QUICK = 4, 4
FAMILIES = "letter_counting,needle_haystack"  # that the model is neither always right nor always wrong at


def folder_of(name: str) -> Path:
    """Where a measurement that can go on lies."""
    folder = Path(os.environ.get(VARIABLE, ROOT / "runs")) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def overrides(quick: bool) -> list[str]:
    """Overrides of the search."""
    train, test = QUICK if quick else (TRAIN, TEST)
    return [
        *("search=dylan", "search.seeds=[team:7]", "search.candidates=1", "author=composer"),
        *(
            "domain=reasoning",
            f"domain.families=[{FAMILIES}]",
            "llm.max_tokens=128",
            "evaluate.executor=inline",
            "evaluate.racing=false",
        ),
        *(f"evaluate.items={train}", f"evaluate.test_items={test}", f"author.probe_items={min(train, 12)}"),
        *("author.probe_calls=400", "budget.wall_s=null", "run.confirm=false", "search.finalists=1"),
    ]


def measure(quick: bool) -> Row:
    """Search, or go on with it, and compare the test evaluations."""
    folder = folder_of("bench-team-quick" if quick else "bench-team")
    run = folder / "run"
    with contextlib.redirect_stdout(sys.stderr):
        if (run / "archive.db").exists() and not _done(folder):
            search.resume(run)
        elif not _done(folder):
            meta_search.search(*overrides(quick), f"run.dir={run}", live=True)
    if not _done(folder):
        raise NotYet(f"the search in {run} did not end; another call goes on with it")
    rows = rows_of(folder)
    whole, small = rows[0], rows[-1]
    return Row(
        *ROWS["team"],
        figure="; ".join(told(row) for row in rows),
        ok=len(rows) == 2 and small["score"] >= whole["low"] and 2 * small["calls"] <= whole["calls"],
        note=f"{whole['items']} fresh test items each, 95 % Wilson intervals; {folder / 'run'}",
    )


def told(row: dict[str, Any]) -> str:
    """An agent in a line: score with interval, calls and tokens per item."""
    n = row["items"]
    return (
        f"{row['name']}: {100 * row['score']:.1f} % [{100 * row['low']:.1f}, {100 * row['high']:.1f}], "
        f"{row['calls'] / n:.1f} calls, {row['tokens'] / n:,.0f} tokens an item"
    )


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """The agents that met test items, the whole team first."""
    from meta_search.report.tables import evaluation_row

    with meta_search.open_run(folder / "run") as archive:
        tested = [r for r in archive.agents() if "test" in r.evaluations]
    return [evaluation_row(r.agent, r.evaluations["test"]) for r in tested]


def _done(folder: Path) -> bool:
    from meta_search.errors import ArchiveError

    try:
        with meta_search.open_run(folder / "run") as archive:
            return bool(archive.meta("status") == "done")
    except ArchiveError:
        return False
