"""Three of ten calls fail, in every way an endpoint can fail: the evaluation comes to the same scores."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.endpoint import Books, Endpoint
from tests.bench.killing import run_whole
from tests.bench.row import ROWS, Row
from tests.bench.searches import agents, command, questions

SHARE, ITEMS = 0.3, 60


def measure(quick: bool) -> Row:
    """The same agents on the same items, without faults and with them."""
    items = 15 if quick else ITEMS
    calm, _ = _evaluate(0.0, items)
    stormy, books = _evaluate(SHARE, items)
    failed = books.calls - books.outcomes.get("ok", 0)
    kinds = ", ".join(f"{kind} {n}" for kind, n in sorted(books.outcomes.items()))
    return Row(
        *ROWS["storm"],
        figure="the same scores" if calm == stormy else f"DIFFERENT: {calm} / {stormy}",
        ok=calm == stormy,
        note=f"{books.calls} requests for {sum(r['calls'] for r in calm)} calls, {failed} failed ({kinds})",
    )


def _evaluate(share: float, items: int) -> tuple[list[dict[str, Any]], Books]:
    """What `meta-search evaluate` says of three agents, and the endpoint's books."""
    with tempfile.TemporaryDirectory() as name, Endpoint(0.05, 0.15, share) as endpoint:
        folder = Path(name)
        overrides = command(questions(folder), endpoint.base_url, "run.dir=run", "llm.timeout_s=3")
        overrides += [f"evaluate.items={items}", "evaluate.executor=inline"]
        run_whole(folder, "evaluate", [str(agents(folder)), "--json", "rows.json", *overrides])
        rows = json.loads((folder / "rows.json").read_text())
        kept = ("name", "agent", "score", "items", "calls", "tokens", "outcomes")
        return [{key: row[key] for key in kept} for row in rows], endpoint.books()
