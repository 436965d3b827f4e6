"""Small searches: their questions, overrides and models; their replays, and what these must agree on."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import meta_search
from meta_search import cli
from meta_search.testing import CountingEndpoint
from meta_search.testing.endpoint import Answer

# What a run must share with its replay. Left out: times, and what was paid (a replay pays nothing).
COLUMNS = {
    "agents": "id, name, status, author, operator, generation, thought, [values], space, brief, plan, source,"
    " demonstrations",
    "edges": "parent, child, kind",
    "evaluations": "agent, split, score, low, high, items, calls, tokens, prompt_tokens, cost_usd, outcomes,"
    " complete, stopped",
    "trials": "study, number, params, [values], state, agent",
    "attempts": "brief, author, operator, stage, message, source",
    "events": "seq, kind, data",
}

PATIENCE_S = 240.0  # until a search of its own has come so far: machines differ by a factor of four


def questions(folder: Path) -> Path:
    """A table of 96 sums and products."""
    path = folder / "questions.jsonl"
    rows = [
        {
            "question": f"A shop counts {a} {what} {b} loaves. How many are that?",
            "answer": str(a + b if what == "plus" else a * b),
            "kind": what,
        }
        for a in range(2, 14)
        for b in range(3, 7)
        for what in ("plus", "times")
    ]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path


def write_table(path: Path, rows: Iterable[tuple[str, str]]) -> Path:
    """Questions and answers as a file of the domain `table`, `.csv` or `.jsonl`."""
    pairs = [{"question": question, "answer": answer} for question, answer in rows]
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ("question", "answer"))
            writer.writeheader()
            writer.writerows(pairs)
    else:
        path.write_text("\n".join(map(json.dumps, pairs)))
    return path


def sums(folder: Path) -> Path:
    """A table of 108 sums, all of one kind; their first numbers go from 3 to 14."""
    text = "A baker sells loaves twice. What is {} + {}?"
    rows = ((text.format(a, b), str(a + b)) for a in range(3, 15) for b in range(9))
    return write_table(folder / "sums.jsonl", rows)


def overrides(
    path: Path | str,
    endpoint: CountingEndpoint | str,
    *more: str,
    domain: str = "table",
    meta: str = "scripted",
    task: str = "scripted",
) -> list[str]:
    """Overrides of a search or an evaluation against an endpoint, without Ray.

    Args:
        path: File of the domain.
        endpoint: The endpoint, or its URL.
        more: Further overrides; of several for one key the last one holds.
        domain: Name of the domain.
        meta: Name of the meta model.
        task: Name of the task model.
    """
    base_url = endpoint if isinstance(endpoint, str) else endpoint.base_url
    return [
        *(f"domain={domain}", f"domain.path={path}", "llm=endpoint", f"llm.base_url={base_url}"),
        *(f"llm.meta.model={meta}", f"llm.task.model={task}", "evaluate.executor=inline", *more),
    ]


def mixed_search(path: Path, endpoint: CountingEndpoint | str, *more: str) -> list[str]:
    """Overrides of a search with both authors and racing; `answers.mind` is both models."""
    words = (
        *("author=mixed", "author.formats=[plan,program]", "author.reflexions=0", "author.debug_rounds=1"),
        *("domain.sizes={examples:8,train:18,validation:9,test:9}", "evaluate.items=18", "evaluate.block=4"),
        *("search.seeds=[direct,chain_of_thought,program_of_thought]", "run.confirm=false"),
        "search.give_up_after=8",
    )
    return overrides(path, endpoint, *words, *more, meta="writer", task="solver")


def written_search(folder: Path, endpoint: CountingEndpoint, *more: str) -> list[str]:
    """Overrides of a short search of sums: the model `writer` writes agents, `solver` answers for them."""
    words = ("evaluate.items=6", "evaluate.test_items=4", "run.confirm=false", "search.give_up_after=8")
    return overrides(sums(folder), endpoint, *words, *more, meta="writer", task="solver")


def composed_search(folder: Path, endpoint: CountingEndpoint, *more: str) -> list[str]:
    """Overrides of a short search of sums by the composer alone, in the folder `run`."""
    words = (
        "author=composer",
        "evaluate.items=6",
        "evaluate.test_items=6",
        "run.dir=run",
        "search.give_up_after=8",
    )
    return overrides(sums(folder), endpoint, *words, *more)


def command(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """`meta-search …` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "meta_search", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(meta_search.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_killed(folder: Path, endpoint: CountingEndpoint, calls: int, *arguments: str) -> None:
    """`kill -9` a command when the endpoint has been sent this many calls."""
    process = command(folder, *arguments)
    try:
        endpoint.wait_for(calls, PATIENCE_S)
    finally:
        process.kill()
        process.communicate()


def whole_and_killed(
    folder: Path, answers: Answer, more: Sequence[str], shares: Sequence[float]
) -> tuple[int, int]:
    """A mixed search undisturbed, in `whole`, and in `run` killed at these shares of its calls and resumed.

    Returns:
        Calls that the endpoint was sent for the one and the other.
    """
    path = questions(folder)
    with CountingEndpoint(answers) as endpoint:
        assert cli.main(["run", *mixed_search(path, endpoint.base_url, "run.dir=whole", *more)]) == 0
        sent = endpoint.calls
    with CountingEndpoint(answers, latency_s=0.01) as endpoint:
        verb = ["run", *mixed_search(path, endpoint.base_url, "run.dir=run", *more)]
        for share in shares:
            run_killed(folder, endpoint, int(sent * share), *verb)
            verb = ["resume", "run"]
        assert cli.main(verb) == 0
        return sent, endpoint.calls


def cut_behind(seq: int) -> str:
    """A copy of the run in `run` as a `kill -9` behind an event leaves it: what came later has rows, but no
    events. Returns its name."""
    name = f"cut{seq}"
    shutil.copytree("run", name)
    with sqlite3.connect(f"{name}/archive.db") as database:
        database.execute("DELETE FROM events WHERE seq > ?", [seq])
    return name


def tables(run: Path | str) -> dict[str, list[tuple[Any, ...]]]:
    """What a run and its replay must agree on, row by row."""
    with sqlite3.connect(f"file:{run}/archive.db?mode=ro", uri=True) as database:
        return {
            name: database.execute(f"SELECT {columns} FROM {name} ORDER BY {columns}").fetchall()
            for name, columns in COLUMNS.items()
        }


def sentence(run: Path | str) -> str:
    """The verdict as it was archived."""
    with meta_search.open_run(run) as archive:
        return str(archive.meta("verdict"))


def replay(recording: str = "run", to: str = "again", *more: str) -> int:
    """Replay a recorded run into a folder; the command's exit status."""
    return cli.main(["run", "llm.mode=replay", f"llm.recording={recording}", f"run.dir={to}", *more])


def assert_same(one: Path | str, other: Path | str, hint: str = "") -> None:
    """Two runs agree, row by row, and on the verdict."""
    first, second = tables(one), tables(other)
    for name, rows in first.items():
        assert rows == second[name], f"{name} {hint}"
    assert sentence(one) == sentence(other)


def assert_replays(recording: str = "run") -> None:
    """A replay of this run comes to the same."""
    assert replay(recording) == 0
    assert_same(recording, "again")
