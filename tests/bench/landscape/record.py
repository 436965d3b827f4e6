"""Record a landscape: `python -m tests.bench.landscape.record RUN FILE`. Takes hours; may be stopped.

Every design is run for real, in the sandbox, with the embedded model, on the first 40 train items of the
domain `reasoning`: its own mixture, or other families (`--families gcd,count_bits`). Designs are of the
composer's own space: a way of working for each of the families, one vote or three, 0 to 3 worked examples.
First come the *pure* designs (one way for all families), then mixed ones drawn at random from the space,
whose calls are the pure ones' calls (`llm.cache`): so a mixed design costs nothing more, and the recording
itself shows that its score on an item is that of the pure design of the item's family. What was paid for
stays in the run's ledger: a second start repeats nothing.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from meta_search.authors.author import Context, Course
from meta_search.authors.bootstrap import collect
from meta_search.authors.compiler import compile_plan
from meta_search.authors.designs import cell_for
from meta_search.authors.plan import WAYS, Plan, Route
from meta_search.compose import compose
from meta_search.engine import seeds
from meta_search.engine.context import Contexts
from meta_search.engine.open_brief import OpenBrief
from meta_search.engine.workbench import BriefWorkbench
from meta_search.run.chances import MetChances
from meta_search.run.folder import ARCHIVE, write_config
from meta_search.run.members import Member
from meta_search.run.preflight import checked
from meta_search.run.progress import Progress
from meta_search.run.run import Run
from meta_search.run.runner import Runner
from meta_search.run.session import Session, open_session
from meta_search.types import Agent, Brief, Candidate, Demonstration, ItemResult

ITEMS = 40
MIXED = 110
SAMPLES = (1, 3)
SHOWN = (0, 1, 2, 3)
IN_FLIGHT = 24
OVERRIDES = (
    *("domain=reasoning", "llm=local", "author=composer", "evaluate.executor=inline"),
    *(f"evaluate.items={ITEMS}", "budget.wall_s=360000", "budget.final_share=0", "seed=0"),
)


class NoTrial:
    """Collecting worked examples chooses nothing."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        raise AssertionError(name)

    def suggest_int(self, name: str, low: int, high: int) -> int:
        raise AssertionError(name)


def pure() -> Iterator[Plan]:
    """One way for all families; worked examples do nothing for `think`."""
    for samples in SAMPLES:
        for way in WAYS:
            for shown in SHOWN if way != "think" else (0,):
                yield Plan(f"{way}, {samples} votes, {shown} shown", "", way, samples=samples, shown=shown)


def mixed(keywords: dict[str, str]) -> Iterator[Plan]:
    """Designs as the composer draws them: a way for each family."""
    rng, kinds = random.Random(0), sorted(keywords)
    seen: set[tuple[tuple[str, ...], int, int]] = set()
    while len(seen) < MIXED:
        ways = tuple(rng.choice(WAYS) for _ in kinds)
        samples, shown = rng.choice(SAMPLES), rng.choice(SHOWN)
        if len(set(ways)) == 1 or (ways, samples, shown) in seen:
            continue
        seen.add((ways, samples, shown))
        default = max(WAYS, key=ways.count)
        routes = [Route(keywords[k], w) for k, w in zip(kinds, ways, strict=True) if w != default]
        yield Plan(f"mixed {len(seen)}", "", default, tuple(routes), samples=samples, shown=shown)


def teach(run: Run, contexts: Contexts) -> list[Demonstration]:
    """Worked examples as `bootstrap` finds them: the plain program's right replies, both models teaching."""
    program = next(c for c in seeds.candidates(("program_of_thought",)))
    run.members.add(Member(program, True))
    brief = Brief(0, "bootstrap", "composer", (program.agent.id,))
    bench = BriefWorkbench(run, MetChances())
    context: Context = contexts.context(OpenBrief(brief, 0), NoTrial(), bench)
    return collect(replace(context, course=Course()), context.parents[0])


def measure(runner: Runner, agents: list[Candidate]) -> dict[str, dict[str, ItemResult]]:
    """Run every agent on every item, one after another, several items at a time."""
    table: dict[str, dict[str, ItemResult]] = {}
    for number, candidate in enumerate(agents, 1):
        member, began = Member(candidate), time.monotonic()
        runner.pen.add_candidate(candidate, "landscape")
        jobs = runner.next_jobs(member, "train", ITEMS)
        futures: list[Future[ItemResult]] = [runner.submit(job) for job in jobs]
        for future in futures:
            runner.deliver(member, future)
        rows = {row.item: row for row in member.rows("train")}
        if len(rows) < ITEMS:
            raise SystemExit(f"{candidate.agent.name}: only {len(rows)} of {ITEMS} items ran; start again")
        runner.save(member, "train")
        table[candidate.agent.id] = rows
        print(
            f"{number}/{len(agents)} {candidate.agent.name}: {member.score('train'):.0%}, "
            f"{member.cost('train'):.0f} tokens an item, {time.monotonic() - began:.0f} s",
            flush=True,
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="run folder; an existing one is gone on with")
    parser.add_argument("file", type=Path, help="where the landscape is written (.json.xz)")
    parser.add_argument("--families", default="", help="in place of the domain's own mixture: a,b,c")
    options = parser.parse_args()
    overrides = (*OVERRIDES, f"domain.families=[{options.families}]")
    config = compose(overrides)
    options.run.mkdir(parents=True, exist_ok=True)
    write_config(options.run, config)
    with checked(config) as ready, open_session(config, options.run, 0.0, print, ready) as session:
        run = Run.of(session, Progress(config, options.run, 0.0, live=False))
        runner, contexts = run.runner, Contexts(run)
        demonstrations, words = tuple(teach(run, contexts)), contexts.keywords
        print(f"{len(demonstrations)} worked examples; families {words}", flush=True)
        if lacking := {item.kind for item in runner.items("train")} - set(words):
            raise SystemExit(f"no word tells {', '.join(lacking)} from the others: no design can route it")
        plans = [*pure(), *mixed(words)]
        agents = [candidate(plan, demonstrations) for plan in plans]
        table = measure(runner, agents)
        kinds = {item.id: item.kind for item in runner.items("train")}
        landscape = describe(session, overrides, words, kinds, plans, agents, table)
        runner.finish("done")
    landscape["calls"] = calls_of(options.run)
    options.file.write_bytes(lzma.compress(json.dumps(landscape, ensure_ascii=False).encode(), preset=9))
    print(f"{options.file}: {options.file.stat().st_size / 1e6:.2f} MB, {len(landscape['calls'])} calls")


def candidate(plan: Plan, demonstrations: tuple[Demonstration, ...]) -> Candidate:
    """The agent of a plan; all that show anything carry the same worked examples."""
    carried = demonstrations if plan.shown else ()
    agent = Agent.of(plan.name, compile_plan(plan), None, carried)
    return Candidate(agent, Brief(0, "novel", "composer"), plan=plan.to_mapping())


def describe(
    session: Session,
    overrides: tuple[str, ...],
    keywords: Mapping[str, str],
    kinds: dict[str, str],
    plans: list[Plan],
    agents: list[Candidate],
    table: dict[str, dict[str, ItemResult]],
) -> dict[str, Any]:
    """The landscape as plain data."""
    from meta_search.llm.models import lookup

    llm = session.config.llm
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "model": llm.task.model,
        "sha256": lookup(llm.task.model).sha256,
        "settings": {"overrides": list(overrides), "max_tokens": llm.max_tokens},
        "items": [{"id": item, "kind": kind} for item, kind in kinds.items()],
        "keywords": dict(keywords),
        "designs": [
            {
                "name": plan.name,
                "ways": {kind: cell_for(plan, words).way for kind, words in keywords.items()},
                "samples": plan.samples,
                "shown": plan.shown,
                "rows": [cell(table[made.agent.id][item]) for item in kinds],
            }
            for plan, made in zip(plans, agents, strict=True)
        ],
    }


def cell(row: ItemResult) -> list[Any]:
    """Right (0 or 1), used calls, used tokens, kind of outcome."""
    return [int(row.right), row.used.calls, row.used.tokens, row.kind]


def calls_of(run: Path) -> list[list[Any]]:
    """All calls: purpose, item, occurrence, messages, temperature, reply, prompt and completion tokens."""
    import sqlite3
    import zlib

    def text(blob: Any) -> Any:
        return json.loads(zlib.decompress(blob)) if blob else None

    connection = sqlite3.connect(f"file:{run / ARCHIVE}?mode=ro", uri=True)
    rows = connection.execute(
        "SELECT purpose, item, occurrence, request, reply, prompt_tokens, completion_tokens FROM calls "
        "WHERE state = 'done' ORDER BY purpose, item, occurrence"
    ).fetchall()
    connection.close()
    return [[*row[:3], text(row[3]), text(row[4]), *row[5:]] for row in rows]


if __name__ == "__main__":
    main()
