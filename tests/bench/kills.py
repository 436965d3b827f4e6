"""`kill -9` ten times at random moments of an evaluation and of two searches: nothing is sent twice.

One search has one candidate in flight, and must come to what it comes to undisturbed. The other has four, so
that its course is decided by chance: it must come to an end, and its replay to the same.
"""

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
    with tempfile.TemporaryDirectory() as name, Endpoint(0.05, 0.15) as endpoint:
        wide, same_replay = _wide_search(Path(name), endpoint, kills)
    all_ = (evaluation, search, wide)
    again, left = sum(k.again for k in all_), sum(k.left for k in all_)
    same = (same_rows, same_agents, same_replay)
    words = ", ".join("equal" if one else "DIFFERENT" for one in same)
    return Row(
        *ROWS["kills"],
        figure=f"{again} sent again; results {words}; {left} processes left",
        ok=again == left == 0 and all(same) and all(k.repeats <= k.in_flight for k in all_),
        note=f"evaluation: {_told(evaluation)}; search, one in flight: {_told(search)}; four: {_told(wide)}",
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
    overrides = _overrides(folder, endpoint, "search.in_flight=1", "search.candidates=6")
    run_whole(folder, "run", [*overrides, "run.dir=whole"])
    killed = _killed(folder, endpoint, overrides, kills)
    return killed, _evidence(folder / "whole") == _evidence(folder / "run")


def _wide_search(folder: Path, endpoint: Endpoint, kills: int) -> tuple[Killed, bool]:
    killed = _killed(
        folder, endpoint, _overrides(folder, endpoint, "search.in_flight=4", "search.candidates=20"), kills
    )
    run_whole(folder, "run", ["llm.mode=replay", "llm.recording=run", "run.dir=again"])
    return killed, _evidence(folder / "again") == _evidence(folder / "run")


def _overrides(folder: Path, endpoint: Endpoint, *more: str) -> list[str]:
    about = ("llm.cache=false", "author=composer", "evaluate.items=8", "evaluate.test_items=8")
    return command(questions(folder), endpoint.base_url, *about, *more)


def _killed(folder: Path, endpoint: Endpoint, overrides: list[str], kills: int) -> Killed:
    first, further = ("run", [*overrides, "run.dir=run"]), ("resume", ["run"])
    return run_killed(folder, endpoint, first, further, kills, 40)


def _evidence(run: Path) -> list[Any]:
    """Every agent with its score and what it used, by split."""
    with sqlite3.connect(f"file:{run / 'archive.db'}?mode=ro", uri=True) as database:
        columns = "agent, split, score, items, calls, tokens, outcomes"
        return database.execute(f"SELECT {columns} FROM evaluations ORDER BY agent, split").fetchall()
