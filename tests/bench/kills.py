"""`kill -9` ten times at random moments of one evaluation, and of one search: nothing is sent twice."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.endpoint import Endpoint
from tests.bench.killing import Killed, run_killed, run_whole
from tests.bench.row import ROWS, Row
from tests.bench.searches import agents, command, questions

KILLS, ITEMS, IN_FLIGHT = 10, 60, 16


def measure(quick: bool) -> Row:
    """Each run once undisturbed and once with kills, with Ray; what came of them is compared."""
    kills = 2 if quick else KILLS
    with tempfile.TemporaryDirectory() as name, Endpoint(0.05, 0.15) as endpoint:
        evaluation, same_rows = _evaluation(Path(name), endpoint, kills)
    with tempfile.TemporaryDirectory() as name, Endpoint(0.05, 0.15) as endpoint:
        search, same_agents = _search(Path(name), endpoint, kills)
    both = (evaluation, search)
    again, left = sum(k.again for k in both), sum(k.left for k in both)
    same = ("equal" if same_rows else "DIFFERENT", "equal" if same_agents else "DIFFERENT")
    return Row(
        *ROWS["kills"],
        figure=f"{again} sent again; results {same[0]} and {same[1]}; {left} processes left",
        ok=again == left == 0 and same_rows and same_agents and all(k.repeats <= k.in_flight for k in both),
        note=f"evaluation: {_told(evaluation)}; search, one in flight: {_told(search)}",
    )


def _told(killed: Killed) -> str:
    return (
        f"{killed.calls} calls, {killed.kills} kills, {killed.in_flight} calls in flight then, "
        f"{killed.repeats} requests more than calls"
    )


def _evaluation(folder: Path, endpoint: Endpoint, kills: int) -> tuple[Killed, bool]:
    file = str(agents(folder))
    overrides = [*command(questions(folder), endpoint.base_url), f"evaluate.items={ITEMS}"]
    overrides += [f"llm.max_concurrency={IN_FLIGHT}"]
    run_whole(folder, "evaluate", [file, "--json", "whole.json", *overrides, "run.dir=whole"])
    arguments = [file, "--json", "killed.json", *overrides, "run.dir=run"]
    again = ("evaluate", arguments)
    between = 40  # of nine calls an item; more are answered until the kill
    killed = run_killed(folder, endpoint, again, again, kills, between)
    return killed, _rows(folder / "whole.json") == _rows(folder / "killed.json")


def _rows(file: Path) -> list[dict[str, Any]]:
    """What an evaluation says, without the seconds that it took."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in json.loads(file.read_text())]


def _search(folder: Path, endpoint: Endpoint, kills: int) -> tuple[Killed, bool]:
    overrides = command(questions(folder), endpoint.base_url, "llm.cache=false", "author=composer")
    overrides += ["search.in_flight=1", "search.candidates=6", "evaluate.items=8", "evaluate.test_items=8"]
    run_whole(folder, "run", [*overrides, "run.dir=whole"])
    first, further = ("run", [*overrides, "run.dir=run"]), ("resume", ["run"])
    killed = run_killed(folder, endpoint, first, further, kills, 40)
    return killed, _evidence(folder / "whole") == _evidence(folder / "run")


def _evidence(run: Path) -> list[Any]:
    """Every agent with its score and what it used, by split."""
    with sqlite3.connect(f"file:{run / 'archive.db'}?mode=ro", uri=True) as database:
        columns = "agent, split, score, items, calls, tokens, outcomes"
        return database.execute(f"SELECT {columns} FROM evaluations ORDER BY agent, split").fetchall()
