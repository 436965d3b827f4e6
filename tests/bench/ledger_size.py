"""Bytes that a call takes in the archive, and how it fares with hundreds of thousands of them."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

from meta_search.types import CallRequest, Usage
from tests.bench.row import ROWS, Row, percentile

WORDS = "the a train leaves meets answer because therefore number first then half way total of and is".split()


def measure(quick: bool) -> Row:
    """Calls as published agents make them: prompts of some 800 characters, answers of some 400."""
    from archive.store import Store
    from meta_search.llm.ledger import Entry, Ledger

    calls = 20_000 if quick else 200_000
    chance = random.Random(0)
    prompts, answers = ([_text(chance, words) for _ in range(500)] for words in (140, 70))
    with tempfile.TemporaryDirectory() as name, Store.open(Path(name)) as store:
        ledger, used = Ledger(store), Usage(1, 200, 100, 0.0)
        began = time.perf_counter()
        futures = []
        for n in range(calls):
            request = CallRequest(
                "task", (("system", "You solve."), ("user", f"{n} {prompts[n % 500]}")), item=str(n)
            )
            ledger.reserve(f"{n:064x}", request, "model", 1024, used)
            futures.append(ledger.settle(f"{n:064x}", Entry("done", answers[n % 499], used, used, 0.2)))
        for future in futures:
            future.result()
        rate = calls / (time.perf_counter() - began)
        store.flush().result()
        size = sum(file.stat().st_size for file in Path(name).glob("archive.db*")) / calls
        finds = [_timed(lambda: ledger.find(f"{chance.randrange(calls):064x}")) for _ in range(300)]
        total = _timed(ledger.spent)
    return Row(
        *ROWS["ledger_size"],
        figure=f"{size:.0f} bytes a call, {size * 1e6 / 1e9:.2f} GB for a million",
        ok=size <= 2_000 and percentile(finds, 0.99) <= 0.005,
        note=f"{calls} calls of 1,300 characters; written at {rate:,.0f} a second (reserved and settled); "
        f"found in {percentile(finds, 0.5) * 1e6:.0f} µs (p99 {percentile(finds, 0.99) * 1e6:.0f}); "
        f"all sums in {total * 1e3:.0f} ms",
    )


def _text(chance: random.Random, words: int) -> str:
    return " ".join(chance.choice(WORDS) + str(chance.randrange(100)) for _ in range(words))


def _timed(work: object) -> float:
    assert callable(work)
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
