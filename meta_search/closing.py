"""The end of a run: finalists beside seeds on fresh test items, the verdict, and what to type next.

Also `meta-search evaluate`, which is an end without a search.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archive.records import Archive
from meta_search.config import Config
from meta_search.errors import ArchiveError, ConfigError
from meta_search.llm.budget import Left
from meta_search.members import Member, Members
from meta_search.progress import Progress
from meta_search.report.html import write_report
from meta_search.report.standing import Contender
from meta_search.report.tables import evaluation_row, verdict_table
from meta_search.report.verdict import Verdict, measure_of, verdict
from meta_search.scoring import Pairs, Runner
from meta_search.session import Session, new_folder, open_session
from meta_search.types import Agent, Brief, Candidate, ItemJob, ItemResult, Usage

__all__ = ["Ending", "evaluate_agents", "final_report", "print_end", "read_agents"]

BASELINES = 2  # best seeds that are tested beside the finalists
ROUND = 6  # test items all contenders run before the clock is looked at
RESERVE_S = 6.0  # for the report itself
MARGIN = 1.25  # test items may be a little dearer than train items


@dataclass(frozen=True, slots=True)
class Ending:
    """What the final report came to; `complete` is false where it was cut short."""

    verdict: Verdict
    best: str
    complete: bool


def final_report(
    session: Session, members: Members, runner: Runner, pairs: Pairs, progress: Progress
) -> Ending:
    """Run the contenders on test items in lockstep until items or time are used up, and say what came of it.

    All contenders meet the same items, so that the comparison is paired; when the clock ends it, it ends for
    all of them after the same item.
    """
    progress.phase = "final"
    finalists, baselines = contenders(members, session.config.search.finalists)
    everyone = [*finalists, *baselines]
    for member in finalists:
        runner.write("set_status", member.agent.id, "finalist")
    names = ", ".join(f"«{m.agent.name}»" for m in everyone)
    progress.say(f"final report on fresh test items: {names}")
    complete = bool(everyone) and _lockstep(session, everyone, runner, pairs, progress, members)
    measure = measure_of(row for m in everyone for row in m.rows("test"))
    compared = [
        [
            Contender.of(m.agent.id, m.agent.name, list(m.results.get("test", {}).values()), measure)
            for m in side
        ]
        for side in (baselines, finalists)
    ]
    result = verdict(*compared)
    for member in everyone:
        runner.save(member, "test")
    runner.write("set_meta", "verdict", result.text)
    runner.finish("reporting")
    with Archive(session.folder) as archive:
        write_report(archive, result, session.folder / "report.html", session.folder.name)
    best = result.best.finalist.agent if result.best is not None else _best_of(everyone)
    runner.write("set_meta", "best", best)
    return Ending(result, best, complete)


def contenders(members: Members, finalists: int) -> tuple[list[Member], list[Member]]:
    """Finalists by validation, and the best seeds; whoever lacks validation results comes after."""

    def rank(member: Member) -> tuple[float, ...]:
        on_validation = len(member.rows("validation")) >= member.wanted.get("validation", 1)
        score = member.score("validation") if on_validation else member.score("train")
        return (not on_validation, -score, -member.score("train"), member.cost("train"))

    ready = [m for m in members.all() if m.done and not m.stopped and m.rows("train")]
    found = sorted((m for m in ready if not m.seed), key=rank)
    seeds = sorted((m for m in ready if m.seed), key=rank)
    return found[:finalists], seeds[:BASELINES]


def _lockstep(
    session: Session,
    everyone: Sequence[Member],
    runner: Runner,
    pairs: Pairs,
    progress: Progress,
    members: Members,
) -> bool:
    """Returns whether everyone has test results, the same items for all."""
    planned, last = runner.planned("test"), 0.0
    while progress.time_left() - RESERVE_S > last:
        began = time.monotonic()
        size = min(ROUND, affordable(session.status().left, everyone))
        jobs = [(m, job) for m in everyone for job in runner.next_jobs(m, "test", pairs, size)]
        if not jobs:
            break
        futures = [(m, runner.submit(job)) for m, job in jobs]
        stop = _gather(futures, runner, progress, members, planned)
        for member in everyone:
            runner.save(member, "test")
        if stop:
            break
        last = 1.2 * (time.monotonic() - began)
    runner.cancel()
    return all(m.rows("test") for m in everyone)


def affordable(left: Left, everyone: Sequence[Member]) -> int:
    """How many more items all of them can surely run on what is left, going by their train items so far."""
    rows = [m.rows("train") for m in everyone]
    usage = [sum((r.used for r in row), Usage()) for row in rows]
    items = [max(1, len(row)) for row in rows]
    each = (
        (left.calls, sum(u.calls / n for u, n in zip(usage, items, strict=True))),
        (left.tokens, sum(u.tokens / n for u, n in zip(usage, items, strict=True))),
        (left.usd, sum(u.cost_usd / n for u, n in zip(usage, items, strict=True))),
    )
    rooms = [int(limit / (MARGIN * cost)) for limit, cost in each if limit is not None and cost > 0]
    return min([ROUND, *rooms])


def _gather(
    futures: Sequence[tuple[Member, Future[ItemResult]]],
    runner: Runner,
    progress: Progress,
    members: Members,
    planned: int,
) -> bool:
    """Take results as they come. True if time or budget ended before all were there."""
    open_ = {future: member for member, future in futures}
    while open_:
        done, _ = wait(open_, timeout=0.5, return_when="FIRST_COMPLETED")
        for future in done:
            if runner.take(open_.pop(future), future):
                return True
        tested = tuple(
            f"test: «{m.agent.name}» {len(m.rows('test'))}/{planned}"
            for m in dict.fromkeys(m for m, _ in futures)
        )
        progress.show(members, tested)
        runner.tick()
        if progress.time_left() < RESERVE_S / 2:
            return True
    return False


def _best_of(members: Sequence[Member]) -> str:
    return members[0].agent.id if members else ""


def print_end(folder: Path, result: Verdict | None, sentence: str, best: str) -> None:
    """The last screen: the table, the best agent's code, the plain sentence, and what to type next."""
    from rich.console import Console
    from rich.syntax import Syntax

    console = Console(highlight=False, soft_wrap=False)
    if best:
        with Archive(folder) as archive:
            record = archive.record(best)
        console.print(
            f"\nBest agent: {record.agent.name} ({record.agent.id}), {record.operator} by {record.author}"
        )
        if console.is_terminal:
            console.print(Syntax(record.agent.source, "python", background_color="default", word_wrap=True))
        else:
            print(record.agent.source)
    if result is not None and result.comparisons:
        console.print(verdict_table(result))
    console.print(f"\n{result.text if result is not None else sentence}", markup=False)
    if best:
        console.print("\nNext:", markup=False)
        for line in (
            f"meta-search archive list {folder}",
            f"meta-search archive show {folder} {best}",
            f"meta-search export {folder} {best} --to my-agent",
        ):
            console.print(f"  {line}", markup=False, soft_wrap=True)
    sys.stdout.flush()
    print(f"report: {folder / 'report.html'}")
    print(f"run folder: {folder}", flush=True)


def read_agents(agents: str) -> list[Candidate]:
    """Agents of an ADAS archive (.json), a .py file, a run (its finalists, if it has any), or RUN:AGENT.

    Raises:
        ConfigError: There is no such file or run; one line.
    """
    from archive import adas
    from meta_search import runs

    path = Path(agents)
    if path.suffix == ".json":
        return [_imported(agent) for agent, _ in adas.read(path)]
    if path.suffix == ".py":
        try:
            source = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read {path}: {error}") from error
        return [_imported(Agent.of(path.stem, source))]
    run, name = runs.split_agent(agents)
    try:
        folder = runs.resolve(run)
    except ArchiveError as error:
        raise ConfigError(
            f"{error} (AGENTS is an ADAS archive .json, a .py file, RUN or RUN:AGENT)"
        ) from error
    with Archive(folder) as archive:
        if name is not None:
            records = [archive.record(name)]
        else:
            records = archive.agents()
            records = [r for r in records if r.status == "finalist"] or records
        return [
            Candidate(
                r.agent, r.brief or Brief(0, r.operator, r.author), r.thought, r.generation, r.space, r.plan
            )
            for r in records
        ]


def _imported(agent: Agent) -> Candidate:
    return Candidate(agent, Brief(0, "import", "hand"))


def evaluate_agents(agents: str, config: Config, live: bool = True) -> list[dict[str, Any]]:
    """Evaluate agents on `evaluate.split`, in a run folder of its own, without racing.

    Returns:
        One row an agent in input order (DESIGN.md section 9).
    """
    chosen = read_agents(agents)
    folder = new_folder(config)
    split = config.evaluate.split
    if split == "test" and config.evaluate.items:
        config = replace(config, evaluate=replace(config.evaluate, test_items=config.evaluate.items))
    with (
        Progress(config, folder, 0.0, live) as progress,
        open_session(config, folder, 0.0, progress.say) as session,
    ):
        progress.attach(session)
        progress.phase = "evaluate"
        session.write("set_meta", "kind", "evaluate").result()
        session.host.call("set_phase", "final").result()  # all of the budget: there is no search
        rows = _evaluate(session, chosen, split, progress)
    if live:
        print(f"run folder: {folder}", flush=True)
    return rows


def _evaluate(
    session: Session, chosen: Sequence[Candidate], split: str, progress: Progress
) -> list[dict[str, Any]]:
    runner, members = Runner(session), Members()
    examples = tuple((i.question, i.target) for i in session.domain.items("examples"))
    jobs: list[tuple[Member, ItemJob]] = []
    for candidate in chosen:
        if candidate.agent.id not in members:
            members.add(Member(candidate))
            runner.write("add_candidate", candidate, "evaluated")
            member = members[candidate.agent.id]
            jobs += [
                (member, job) for job in runner.next_jobs(member, split, examples, runner.planned(split))
            ]
    futures = [(m, runner.submit(job)) for m, job in jobs]
    cut = _gather(futures, runner, progress, members, runner.planned(split))
    runner.cancel()
    for member in members.all():
        runner.save(member, split)
    runner.finish("cut short" if cut else "done")
    return [
        evaluation_row(
            c.agent, members[c.agent.id].evaluation(split) if members[c.agent.id].rows(split) else None
        )
        for c in chosen
    ]
