"""The page's server on large archives: `python -m tests.bench.dashboard [--folder DIR] [--quick]`.

Makes (and keeps, with --folder) an archive of 100,000 agents and 5,000,000 results and one of 1,000,000
agents, starts the real command, and asks every view that there is over HTTP: the first answer, the median,
the worst, and what memory the server came to.

With --overhead: the engine's own work with ten clients that listen and read, against none.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from archive.records import Archive
from tests.bench.large_archive import Sizes, grow, make_archive

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 9
CLIENTS = 10
LARGE = {
    "100,000 agents, 5,000,000 results": ("a100k", Sizes(100_000, 5_000_000, 1_000_000)),
    "1,000,000 agents": ("a1m", Sizes(1_000_000, 5_000_000, 200_000, events=False)),
}
SMALL = {"2,000 agents, 50,000 results": ("a2k", Sizes(2_000, 50_000, 10_000))}


@dataclass(frozen=True, slots=True)
class Timed:
    """How long a view took, in milliseconds; `error` where it did not answer."""

    view: str
    first: float
    median: float
    worst: float
    kilobytes: float
    error: str = ""


def views(archive: Path) -> list[str]:
    """Paths to ask, behind `/api/run/ID/`; some of an agent in the middle."""
    with Archive(archive) as opened:
        ids = [row[0] for row in opened.select("SELECT id FROM agents ORDER BY rowid LIMIT 3 OFFSET 900")]
    one, other, _ = ids
    plain = ["overview", "progress", "now", "lanes", "agents"]
    further = [
        *(f"agents?sort={sort}" for sort in ("name", "tokens_per_item", "created_at", "author")),
        *(
            "agents?q=voting+12",
            "agents?author=llm&operator=mutate",
            "agents?offset=50000",
            "agents?status=better",
        ),
        *("lineage", f"lineage?agent={one}", "niches?x=tokens_per_item&y=operator", "guide"),
        *("events?newest=1", "events?kind=race&newest=1", "items?split=train", "search?q=voting"),
        *(f"agent/{one}", f"source/{one}", f"attempts/{one}", f"versus/{one}?vs={other}&split=train"),
        f"item/train-001?split=train&agent={one}",
    ]
    return [*plain, *further]


@contextmanager
def server(folder: Path) -> Iterator[tuple[int, int]]:
    """The command, serving a folder: its port and process."""
    command = [sys.executable, "-P", "-m", "meta_search", "dashboard", str(folder), "--no-browser"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", process.stdout.readline())
        assert found, "the server does not start"
        try:
            yield int(found[1]), process.pid
        finally:
            process.terminate()


def ask(port: int, path: str) -> tuple[float, bytes, int]:
    """Milliseconds, body and status of one answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    began = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    took = 1000 * (time.perf_counter() - began)
    connection.close()
    return took, body, answer.status


def timed(port: int, run: str, view: str, archive: Path) -> Timed:
    """Ask a view several times; each time the archive has grown, as while a search goes on."""
    path = f"/api/run/{run}/{view}"
    first, body, status = ask(port, path)
    if status != 200:
        return Timed(view, first, 0, 0, 0, str(json.loads(body).get("error")))
    times = []
    for _ in range(ROUNDS):
        grow(archive)
        times.append(ask(port, path)[0])
    return Timed(view, first, statistics.median(times), max(times), len(body) / 1000)


def megabytes(process: int) -> float:
    """Most memory that a process has come to."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def measure(folder: Path, sizes: dict[str, tuple[str, Sizes]], console: Console) -> None:
    """Print a table for each archive."""
    for title, (name, size) in sizes.items():
        with console.status(f"making {title}"):
            archive = make_archive(folder / name, size)
        with server(folder / name) as (port, process):
            took, _, _ = ask(port, "/api/runs")
            rows = [timed(port, ".", view, archive) for view in views(archive)]
            memory = megabytes(process)
        table = Table("view", "first ms", "median ms", "worst ms", "kB", title=title)
        for row in rows:
            if row.error:
                table.add_row(row.view, f"{row.first:,.0f}", row.error[:60])
                continue
            cells = (f"{n:,.0f}" for n in (row.first, row.median, row.worst, row.kilobytes))
            table.add_row(row.view, *cells)
        console.print(table)
        medians = [row.median for row in rows if not row.error]
        console.print(
            f"table of runs, first: {took:,.0f} ms; "
            f"median of all views {statistics.median(medians):,.0f} ms, slowest {max(medians):,.0f} ms; "
            f"server {memory:,.0f} MB"
        )


# -- overhead


def overhead(quick: bool, console: Console) -> None:
    """The engine's own work without and with clients, in turn."""
    from tests.bench import overhead as engine

    made: list[Path] = []
    original = tempfile.TemporaryDirectory

    class Known(original):  # type: ignore[type-arg, misc, valid-type]
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)
            made.append(Path(self.name))

    engine.tempfile.TemporaryDirectory = Known  # type: ignore[misc, assignment]
    for listens in (False, True, False, True):
        end, asked = threading.Event(), [0]
        watching = threading.Thread(target=_watch, args=(made, len(made), end, asked)) if listens else None
        if watching:
            watching.start()
        row = engine.measure(quick)
        end.set()
        if watching:
            watching.join()
        who = f"{CLIENTS} clients, {asked[0]:,} answers" if listens else "nobody looks"
        console.print(f"{who}: engine over the ideal {row.figure} ({row.note})")


def _watch(made: list[Path], before: int, end: threading.Event, asked: list[int]) -> None:
    """Start server and clients once there is an archive, in a process of their own, as people's browsers are
    no part of the search's."""
    while len(made) == before or not (made[-1] / "archive.db").exists():
        if end.wait(0.05):
            return
    command = [sys.executable, "-m", "tests.bench.dashboard", "--clients", str(made[-1])]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        end.wait()
        asked[0] = int(process.communicate("end")[0] or 0)


def clients(folder: Path) -> int:
    """Ten clients that listen, and read what they show when something changed, as the page does; until
    something comes from stdin.

    Returns:
        Answers that they had.
    """
    end, asked = threading.Event(), [0]
    with server(folder) as (port, _):
        os.nice(19)  # browsers of ten people are on their own machines
        threads = [threading.Thread(target=_client, args=(port, end, asked)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        sys.stdin.read()
        end.set()
        for thread in threads:
            thread.join()
    return asked[0]


def _client(port: int, end: threading.Event, asked: list[int]) -> None:
    shown = ("overview", "progress", "now", "agents?limit=200")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/api/run/./stream")
    answer = connection.getresponse()
    while not end.is_set():
        try:
            if answer.readline().startswith(b"event: change"):
                for view in shown:
                    ask(port, f"/api/run/./{view}")
                    asked[0] += 1
        except OSError:
            break
    connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.dashboard", description=__doc__)
    parser.add_argument("--folder", type=Path, help="keep the archives there, and take them from there")
    parser.add_argument("--quick", action="store_true", help="small archives, a short search")
    parser.add_argument("--overhead", action="store_true", help="what clients cost the search")
    parser.add_argument("--clients", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    console = Console(width=120)
    if options.clients:
        print(clients(options.clients))
        return
    if options.overhead:
        overhead(options.quick, console)
        return
    with tempfile.TemporaryDirectory() as name:
        measure(options.folder or Path(name), SMALL if options.quick else LARGE, console)


if __name__ == "__main__":
    main()
