"""Record the third landscape by call: `python -m tests.bench.landscape.record_stages FOLDER FILE`.

The embedded 1.5B works BFCL's simple and multiple calls (tests/bench/peers/bfcl.py fetches them) in stages:
prepare, solve, instruction, worked examples, votes (`stages.py`). Every call is written to FOLDER as it
comes (stage, item, digest of what was sent, sample), so the recording may be stopped at any time, and a
second start goes on; what is recorded so far is written to FILE at the end of every start. Ways are taken in
a fixed random order, six on all items at a time, first with one sample, then with three: what is cut short is
a random part of the space.

FILE (.json.xz) holds no request and no reply, only which answers were equal, right, and what they used.
`--check N` draws N designs of a way for each kind, runs them live without the record, and says how often they
come to another answer than what is composed of calls. `--base-url` takes another endpoint for the embedded
one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import lzma
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from meta_search.fetching.cache import cache_folder
from tests.bench.landscape.calls import Calls, Model
from tests.bench.landscape.staged_table import StagedDesign, StagedLandscape
from tests.bench.landscape.stages import (
    EXAMPLES,
    KINDS,
    SAMPLES,
    VOTES,
    Asked,
    Item,
    Said,
    Way,
    Worked,
    kind_of,
    voted,
    ways,
    work,
)
from tests.bench.peers import bfcl_domain
from tests.bench.peers.bfcl import domain_file

MODEL = "qwen2.5-coder-1.5b"
IN_FLIGHT = 8
CONTEXT = 4096
POOL = 24  # worked items that may be shown
LONGEST, LONGEST_SHOWN = 2500, 900  # characters of a request: reading prompts is most of the work
TOGETHER = 6  # ways that are taken together


@dataclass(frozen=True, slots=True)
class Scored:
    """An answer as it is compared with others, and whether it is right."""

    text: str
    right: int


class Recorder:
    """Works all ways on all items, with the calls that are known already.

    Args:
        calls: Known calls, and where new ones go.
        items: What is worked. pool: what may be shown; rows: id -> the data's row, with what is accepted.
        most: Groups of ways that are recorded at the most.
    """

    def __init__(
        self,
        calls: Calls,
        items: Sequence[Item],
        pool: Sequence[Item],
        rows: Mapping[str, Any],
        most: int = 10_000,
    ) -> None:
        self.calls, self.items, self.pool, self._rows, self._most = calls, items, pool, rows, most

    def order(self) -> Iterator[tuple[Way, Item, int]]:
        """Ways in a random order, on all items, one sample of all of them first.

        A few ways that show the same examples are taken together, item by item: what they send begins alike,
        and llama.cpp reads that once.
        """
        rng, groups = random.Random(0), []
        for examples in EXAMPLES:
            alike = [way for way in ways() if way.examples == examples]
            rng.shuffle(alike)
            groups += [alike[at : at + TOGETHER] for at in range(0, len(alike), TOGETHER)]
        rng.shuffle(groups)
        for samples in (range(1), range(1, SAMPLES)):
            for group in groups[: self._most]:
                for item in self.items:
                    for way in group:
                        for sample in samples:
                            yield way, item, sample

    def record(self, seconds: float) -> None:
        """Make what calls are missing, until the time is over."""
        began, before, last = time.monotonic(), len(self.calls), [time.monotonic()]
        todo, lost = self.order(), []
        left = sum(not self.known(*step) for step in self.order())

        async def worker() -> None:
            for step in todo:
                if time.monotonic() - began > seconds or lost:
                    return
                if self.known(*step):
                    continue
                try:
                    await asyncio.to_thread(work, step[0], step[1], self.pool, step[2], self.calls.ask)
                except OSError as error:  # the endpoint: what is recorded stays
                    lost.append(error)
                    return
                if time.monotonic() - last[0] > 20:
                    last[0] = time.monotonic()
                    tell(progress(len(self.calls) - before, time.monotonic() - began, left))

        async def all_of_them() -> None:
            await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))

        asyncio.run(all_of_them())
        tell(progress(len(self.calls) - before, time.monotonic() - began, left))
        if lost:
            tell(f"the endpoint failed, a second start goes on: {lost[0]}")

    def known(self, way: Way, item: Item, sample: int) -> Worked | None:
        """What was recorded of a sample, `None` where a call of it was not made."""
        try:
            return work(way, item, self.pool, sample, self.calls.recorded)
        except KeyError:
            return None

    def scored(self, item: Item, answer: str) -> Scored:
        """An answer as votes compare it, and its score."""
        found = bfcl_domain.call_in(answer)
        text = json.dumps(found, sort_keys=True) if found else "no call"
        row = _Row(self._rows[item.id])
        return Scored(text, int(bfcl_domain.score(row, answer) == 1.0))

    def table(self) -> list[dict[str, Any]]:
        """Rows of every way: per item its samples, see `staged_table.Sample`."""
        numbers: dict[str, dict[str, int]] = defaultdict(dict)
        table = []
        for way in ways():
            rows = []
            for item in self.items:
                samples = []
                for sample in range(SAMPLES):
                    worked = self.known(way, item, sample)
                    if worked is None:
                        break
                    scored, known = self.scored(item, worked.answer), numbers[item.id]
                    used = [s.prompt + s.completion if s else 0 for s in (worked.solved, worked.prepared)]
                    samples.append([known.setdefault(scored.text, len(known)), scored.right, *used])
                rows.append(samples)
            if any(rows):
                table.append({"way": [way.prepare, way.solve, way.instruction, way.examples], "rows": rows})
        return table

    def check(self, land: StagedLandscape, designs: int, model: Model) -> dict[str, int]:
        """Run mixed designs live, without the record, and compare.

        Returns:
            Number of `designs`, of `cells`, and of cells that were `other`wise right or wrong.
        """
        rng, cells, other, done = random.Random(1), 0, 0, 0
        each = [[(w, v) for v in VOTES for w in land.known(kind, v)] for kind in land.kinds]
        for _ in range(designs if all(each) else 0):
            parts = dict(zip(land.kinds, map(rng.choice, each), strict=True))
            chosen = [parts[kind] for kind in land.kind_of]
            design = StagedDesign(tuple(w for w, _ in parts.values()), tuple(v for _, v in parts.values()))
            with ThreadPoolExecutor(IN_FLIGHT) as pool:
                live = list(pool.map(lambda at: self.live(*at, model), zip(chosen, self.items, strict=True)))
            cells += len(live)
            other += sum(right != cell.right for right, cell in zip(live, land.rows(design), strict=True))
            done += 1
            tell(f"check {done}/{designs}: {other} of {cells} cells are otherwise")
        return {"designs": done, "cells": cells, "other": other}

    def live(self, chosen: tuple[Way, int], item: Item, model: Model) -> int:
        """Whether a way with so many votes gets an item right now, by calls that are all made anew."""
        way, votes = chosen
        made: dict[str, Said] = {}

        def ask(asked: Asked) -> Said:
            if asked.key not in made:  # its samples share the call that prepares
                made[asked.key] = model.ask(asked)
            return made[asked.key]

        samples = [work(way, item, self.pool, sample, ask) for sample in range(votes)]
        answers = [(self.scored(item, worked.answer).text, worked) for worked in samples]
        return self.scored(item, voted(answers).answer).right


class _Row:
    """As the domain's scorer wants an item."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.data = row


def items_of(rows: Sequence[Mapping[str, Any]], wanted: int) -> tuple[list[Item], list[Item]]:
    """Items, as many of each kind, and the worked ones that may be shown: other rows, short ones."""
    made = [Item(row["id"], kind_of(row), row["question"], row["answer"]) for row in rows]
    pool = [item for item in made if len(item.question) <= LONGEST_SHOWN][-POOL:]
    rest = [item for item in made if item not in pool and len(item.question) <= LONGEST]
    each = {kind: [item for item in rest if item.kind == kind] for kind in KINDS}
    chosen = [each[kind][n] for n in range(wanted) for kind in KINDS if n < len(each[kind])]
    return chosen[:wanted], pool


def progress(made: int, seconds: float, left: int) -> str:
    """Rate, and how long the rest and ten thousand calls take at it."""
    if not made:
        return f"no call was made; {left:,} samples are missing"
    rate = made / max(1e-9, seconds)
    ten_thousand, rest = 10_000 / rate / 3600, left / rate / 3600
    return (
        f"{made:,} calls in {seconds / 60:.1f} min, {rate:.2f}/s: 10,000 take {ten_thousand:.1f} h, "
        f"the {left:,} samples that were missing at most {rest:.1f} h"
    )


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.landscape.record_stages", description=__doc__.split("\n\n")[1]
    )
    parser.add_argument("folder", type=Path, help="where the calls are kept")
    parser.add_argument("file", type=Path, help="where the landscape is written (.json.xz)")
    parser.add_argument("--items", type=int, default=40)
    parser.add_argument("--groups", type=int, default=10_000, help="groups of six ways, at the most")
    parser.add_argument("--minutes", type=float, default=1e6)
    parser.add_argument("--check", type=int, default=0, help="mixed designs to run live")
    parser.add_argument("--base-url", default="", help="an endpoint; by default the embedded 1.5B")
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--data", type=Path, help="bfcl.jsonl; by default it is fetched")
    chosen = parser.parse_args(words)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    data = chosen.data or domain_file(cache_folder("bench-peers")).with_name("bfcl.jsonl")
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    items, pool = items_of(rows, chosen.items)
    with served(chosen) as model:
        calls = Calls(chosen.folder / "calls.jsonl", model)
        recorder = Recorder(calls, items, pool, {row["id"]: row for row in rows}, chosen.groups)
        tell(f"{len(items)} items, {len(list(ways())):,} ways, {len(calls):,} calls known")
        recorder.record(60 * chosen.minutes)
        found = described(chosen.model, recorder)
        if chosen.check:
            found["checked"] = recorder.check(StagedLandscape(found), chosen.check, model)
    chosen.file.write_bytes(lzma.compress(json.dumps(found).encode(), preset=9))
    land = StagedLandscape.read(chosen.file)
    size = chosen.file.stat().st_size / 1e3
    tell(f"{chosen.file}: {size:.0f} kB, {len(calls):,} calls, {land.size:,} designs")


def described(model: str, recorder: Recorder) -> dict[str, Any]:
    """The landscape as it is written."""
    from meta_search.llm.models import MODELS

    known = {found.name: found.sha256 for found in MODELS}
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "model": model,
        "sha256": known.get(model, ""),
        "calls": len(recorder.calls),
        "items": [{"id": item.id, "kind": item.kind} for item in recorder.items],
        "ways": recorder.table(),
    }


@contextlib.contextmanager
def served(chosen: argparse.Namespace) -> Iterator[Model]:
    """The endpoint: the one that was named, or a server of the embedded model."""
    if chosen.base_url:
        yield Model(chosen.base_url, chosen.model)
        return
    from meta_search.llm.local import LocalServer, Serving

    serving = Serving(chosen.model, 0, IN_FLIGHT, CONTEXT)
    with LocalServer.start(serving, chosen.folder / "llama.log") as server:
        yield Model(server.base_url, chosen.model, server.api_key)


def tell(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


if __name__ == "__main__":
    main()
