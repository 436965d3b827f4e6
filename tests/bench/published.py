"""Fifteen published agents on 32 items each, against an endpoint of 200 ms mean latency, 64 in flight."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.bench.endpoint import Endpoint
from tests.bench.parts import Parts
from tests.bench.row import ROWS, NotYet, Row
from tests.bench.searches import command, questions

AGENTS, ITEMS, IN_FLIGHT = 15, 32, 64
REFERENCE_S, REFERENCE_CALLS = 54.0, 2648  # ADAS's own code, median of three
VARIABLE = "META_SEARCH_BENCH_ADAS"
FILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "adas_mgsm_archive.json"


def agents(folder: Path) -> Path:
    """The first fifteen of the archive at `$META_SEARCH_BENCH_ADAS`, or in `../shared/data`."""
    path = Path(os.environ.get(VARIABLE, FILE))
    if not path.exists():
        raise NotYet(f"needs an archive that ADAS published: name the file in ${VARIABLE}")
    chosen = folder / "agents.json"
    chosen.write_text(json.dumps(json.loads(path.read_text())[:AGENTS]))
    return chosen


def measure(quick: bool) -> Row:
    """`meta_search.evaluate` with Ray, its defaults, `llm.cache` off; evaluating never races."""
    import meta_search

    with tempfile.TemporaryDirectory() as name, Endpoint(0.1, 0.3) as endpoint:
        folder = Path(name)
        overrides = command(questions(folder), endpoint.base_url, f"run.root={folder}", "llm.cache=false")
        overrides += [f"llm.max_concurrency={IN_FLIGHT}", f"evaluate.items={8 if quick else ITEMS}"]
        with contextlib.redirect_stdout(sys.stderr), Parts() as parts:
            rows = meta_search.evaluate(agents(folder), *overrides)
        books = endpoint.books()
    ideal = books.served_s / IN_FLIGHT
    limit = REFERENCE_S / 4 * books.calls / REFERENCE_CALLS
    outcomes = sum((Counter(row["outcomes"]) for row in rows), Counter[str]())
    good = set(outcomes) == {"ok"}
    cpu = parts.per_call(books.first or 0.0, books.span_s, books.calls)
    by_part = ", ".join(f"{part} {ms:.2f}" for part, ms in cpu.items())
    return Row(
        *ROWS["published"],
        figure=f"{books.span_s:.1f} s = {books.span_s / ideal:.2f} × ideal ({ideal:.1f} s)",
        ok=books.span_s <= limit and books.span_s <= 1.5 * ideal and good,
        note=f"{books.calls} calls, {books.busy:.0f} in flight on average, at most {books.most}; outcomes "
        f"{dict(outcomes)}; a quarter of the reference, by number of calls, is {limit:.1f} s; CPU ms a call: "
        f"{by_part}, together {sum(cpu.values()):.2f}",
    )
