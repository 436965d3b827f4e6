"""An archive of a million agents: adding them, the best twenty, one lineage, memory."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from meta_search.types import Agent, Brief, Candidate, Evaluation, Usage
from tests.bench.row import ROWS, Row

BATCH, ROUNDS = 1000, 15
ADD_PER_S, READ_MS, MEMORY_MB = 2000, 50.0, 200
SOURCE = """
def forward(self, taskInfo):
    # Candidate {n}: think first, then judge.
    thinker = LLMAgentBase(['thinking', 'answer'], 'Thinker {n}', temperature={temperature})
    thinking, answer = thinker([taskInfo], 'Think step by step, then solve the task.')
    judge = LLMAgentBase(['thinking', 'answer'], 'Judge {n}')
    return judge([taskInfo, thinking, answer], 'Weigh the answer above and give the final one.')[1]
"""


def measure(quick: bool) -> Row:
    """Writes in this process; reads in a fresh one, whose caches are cold but for the system's."""
    from archive.store import Store

    size = 100_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with Store.open(folder) as store:
            for batch in _batches(size):
                store.add_candidates([candidate for candidate, _ in batch], "population")
                for _, evaluation in batch:
                    store.put_evaluation(evaluation)
            store.flush().result()
        rate = size / (time.perf_counter() - began)
        written_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        lone = _lone(size)
        command = [sys.executable, "-m", "tests.bench.archive_size", folder, lone]
        reply = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        megabytes = sum(file.stat().st_size for file in Path(folder).iterdir()) / 2**20
    top_ms, lineage_ms, read_mb, depth = (float(word) for word in reply)
    memory_mb = max(written_mb, read_mb)
    ok = rate >= ADD_PER_S and top_ms <= READ_MS and lineage_ms <= READ_MS and memory_mb <= MEMORY_MB
    return Row(
        *ROWS["archive_size"],
        figure=f"add {rate:,.0f}/s; top 20 {top_ms:.1f} ms; lineage of {depth:.0f} {lineage_ms:.1f} ms; "
        f"{memory_mb:.0f} MB",
        ok=None if quick else ok,
        note=f"{size:,} agents with an evaluation each, in batches of {BATCH}; file {megabytes:,.0f} MB"
        + ("; quick: not the size that is asked for" if quick else ""),
    )


def _id(n: int) -> str:
    return f"{n:016x}"


def _lone(size: int) -> str:
    return _id(size - 1)


def _batches(size: int) -> Iterator[list[tuple[Candidate, Evaluation]]]:
    """Agents that each came from an earlier one; ids are given, as hashing is not the archive's work."""
    rng = random.Random(0)
    for start in range(0, size, BATCH):
        yield [_pair(n, rng) for n in range(start, start + BATCH)]


def _pair(n: int, rng: random.Random) -> tuple[Candidate, Evaluation]:
    # Recent parents, as in a search, so that lineages get long; one each: with two, everybody is an ancestor.
    parents = (_id(max(0, n - rng.randint(1, 2000))),) if n else ()
    source = SOURCE.format(n=n, temperature=rng.random())
    brief = Brief(n, "mutate", "llm", parents)
    candidate = Candidate(Agent(_id(n), f"agent {n}", source), brief, "A judge may help.", n // 1000)
    score = rng.random()
    usage = Usage(64, 20_000, 5_000, 0.01)
    evaluation = Evaluation(
        _id(n), "validation", score, score - 0.1, score + 0.1, 32, usage, usage, 10.0, {"ok": 32}
    )
    return candidate, evaluation


def read(folder: str, agent: str) -> None:
    """Print median milliseconds of the top 20 and of a lineage, peak memory in MB, and the lineage's size."""
    from archive.records import Archive

    with Archive(folder) as archive:
        top = _median_ms(lambda: archive.top(20))
        lineage = _median_ms(lambda: archive.lineage(agent))
        size = len(archive.lineage(agent))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(top, lineage, memory, size)


def _median_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)[ROUNDS // 2]


if __name__ == "__main__":
    read(*sys.argv[1:])
