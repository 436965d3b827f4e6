"""`meta-search status`: how a run stands, why it ended, and its alarms."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_search.commands.lessons import say_lessons
from meta_search.commands.terminal import open_run, print_json, print_rich, say
from meta_search.commands.watching import Look, watch
from meta_search.text import one_line, shell_path
from meta_search.types import Split

if TYPE_CHECKING:
    from archive.records import Archive
    from meta_search.report.alarms import Alarm

__all__ = ["print_notes", "status", "status_row"]

MOST_IN_FLIGHT = 12


def status(run: str, as_json: bool, follow: bool = False) -> int:
    """Print how a run stands; it may be at work, in another process.

    Args:
        run: The run folder, its name, or `latest`.
        as_json: Print JSON in place of text.
        follow: Show it until it ends, then print how it stands.
    """
    folder, archive = open_run(run)
    if follow:
        watch(folder, archive, as_json, lambda: status_row(folder, archive))
        if as_json:
            return 0
    row = status_row(folder, archive)
    if as_json:
        return print_json(row)
    _print(folder, archive, row)
    return 0


def status_row(folder: Path, archive: Archive) -> dict[str, Any]:
    """How a run stands, as `status --json` prints it.

    Returns:
        `run` (folder), `status` (`running`, `killed`, `done`, …), `end` (why the search ended, or `None`),
        `paused` (`who`, `at`, or `None`), `pending` (requests to steer that wait: `id`, `who`, `at`,
        `asked`), `elapsed_s`, `agents`, `evaluated` (complete on train items), `briefs`, `calls`, `tokens`,
        `cost_usd` (paid), `limits` (`usd`, `tokens`, `calls`, `wall_s`; `None` is no limit), `best` (`agent`,
        `name`, `split`, `score`, `low`, `high`, `items`, `why`; scores 0..1) or `None`, `in_flight` (a line
        each), `verdict` and `alarms` (`kind`, `line`).
    """
    from archive.writer import is_being_written
    from meta_search.report import alarms
    from meta_search.report.source import meta_value
    from meta_search.run.steering import pause_of, pending

    look = Look(folder, archive)
    now, pause = look.snapshot(), pause_of(archive)
    without = "running" if is_being_written(archive.path) else "killed"
    whole = archive.select("SELECT COUNT(*) FROM evaluations WHERE split = 'train' AND complete = 1")
    asked = archive.select("SELECT COUNT(*) FROM events WHERE kind = 'ask'")
    return {
        "run": str(folder),
        "status": meta_value(archive, "status") or without,
        "end": meta_value(archive, "end"),
        "paused": None if pause is None else {"who": pause[0], "at": pause[1]},
        "pending": [{"id": s.id, "who": s.who, "at": s.at, "asked": s.line()} for s in pending(folder)],
        "elapsed_s": now.elapsed_s,
        "agents": now.agents,
        "evaluated": whole[0][0],
        "briefs": asked[0][0],
        "calls": now.calls,
        "tokens": now.tokens,
        "cost_usd": now.cost_usd,
        "limits": look.limits(),
        "best": _best(archive),
        "in_flight": list(now.in_flight),
        "verdict": meta_value(archive, "verdict"),
        "alarms": [dataclasses.asdict(alarm) for alarm in alarms.of_archive(archive)],
    }


def _best(archive: Archive) -> dict[str, Any] | None:
    """The agent to take, with the scores that say most of it."""
    from meta_search.report.chosen import chosen

    take = chosen(archive)
    record = archive.record(take.agent) if take else None
    if take is None or record is None:
        return None
    order: tuple[Split, ...] = ("test", "validation", "train")
    splits = [split for split in order if split in record.evaluations]
    evaluation = record.evaluations[splits[0]] if splits else None
    return {
        "agent": take.agent,
        "name": record.agent.name,
        "split": splits[0] if splits else None,
        "score": evaluation.score if evaluation else None,
        "low": evaluation.low if evaluation else None,
        "high": evaluation.high if evaluation else None,
        "items": evaluation.items if evaluation else 0,
        "why": take.why,
    }


def _print(folder: Path, archive: Archive, row: Mapping[str, Any]) -> None:
    from meta_search.report import alarms
    from meta_search.report.chosen import chosen
    from meta_search.report.live import duration
    from meta_search.report.source import meta_value
    from meta_search.report.spending import spending_lines
    from meta_search.report.tables import usd_text

    spent = f"{row['calls']:,} calls, {row['tokens']:,} tokens"
    spent += f", {usd_text(row['cost_usd'])}" if row["cost_usd"] else ""
    say(f"{folder}: {row['status']}, {duration(row['elapsed_s'])}, {spent}{_left(row)}")
    _say_steered(folder, row)
    say(_agents(row["agents"], row["evaluated"], row["briefs"]))
    if row["status"] == "running":
        _print_best(row["best"])
        for line in row["in_flight"][:MOST_IN_FLIGHT]:
            say(f"  {line}")
        if len(row["in_flight"]) > MOST_IN_FLIGHT:
            say(f"  and {len(row['in_flight']) - MOST_IN_FLIGHT} more")
    if row["status"] == "killed":
        again = f"meta-search resume {shell_path(folder)}"
        if meta_value(archive, "kind") == "evaluate":
            again = f"the same `meta-search evaluate …` with run.dir={shell_path(folder)}"
        say(f"it ended without a report; go on with: {again}")
    if row["verdict"]:
        say(row["verdict"])
    for line in spending_lines(archive, chosen(archive)):
        say(line)
    print_notes(archive, alarms.of_archive(archive))
    say_lessons(folder, archive.lessons())


def _left(row: Mapping[str, Any]) -> str:
    """How much of the limit of which the most is spent: `, 62 % of budget.calls`."""
    used = {k: row[k] for k in ("calls", "tokens")} | {"usd": row["cost_usd"], "wall_s": row["elapsed_s"]}
    shares = {name: used[name] / limit for name, limit in row["limits"].items() if limit}
    if not shares or row["status"] != "running":
        return ""
    name = max(shares, key=lambda name: shares[name])
    return f", {shares[name]:.0%} of budget.{name}"


def _print_best(best: Mapping[str, Any] | None) -> None:
    if best is None or best["score"] is None:
        return
    from meta_search.report.tables import score_text

    score = score_text(best["score"], best["low"], best["high"]).strip()
    say(
        f"best so far: {one_line(best['name'], 80)} ({best['agent']}), {score} % on {best['items']} "
        f"{best['split']} items (selection scores, not the result)"
    )


def _agents(agents: int, evaluated: int, briefs: int) -> str:
    """How many agents there are; an evaluation has none that were written, nor train items."""
    counted = f"{agents} agent{'' if agents == 1 else 's'}"
    return f"{counted}, {evaluated} complete on train items, from {briefs} briefs" if briefs else counted


def print_perturbed(archive: Archive) -> None:
    """What perturbing the test items cost finalists and baselines; nothing where none were."""
    from meta_search.report.robustness import of_archive, robustness_table

    found = of_archive(archive)
    if found is None:
        return
    if any(drop.items for drop in found.drops):
        print_rich(robustness_table(found.drops))
    for note in found.notes:
        say(note)


def _say_steered(folder: Path, row: Mapping[str, Any]) -> None:
    """Who has paused the search, and what waits to be taken in."""
    from meta_search.run.steered import clock_time

    if row["paused"] and row["status"] == "running":
        who, at = row["paused"]["who"], clock_time(row["paused"]["at"])
        say(f"paused by {who} at {at}; go on with: meta-search steer {shell_path(folder)} resume")
    if n := len(row["pending"]):
        say(f"{n} request{'s' if n > 1 else ''} of `meta-search steer` not applied yet")


def print_notes(archive: Archive, found: Sequence[Alarm]) -> None:
    """The worked examples, why the search or the evaluation ended, what is known of its judge, and alarms, a
    line each."""
    from meta_search.report.alarms import end_text
    from meta_search.report.judge import judge_lines
    from meta_search.report.outside import outside_line
    from meta_search.report.source import meta_value
    from meta_search.report.taught import pool_line
    from meta_search.run.fork import origin

    if begun := origin(archive):
        say(begun.line)
    if line := pool_line(archive):
        say(line)
    if end := end_text(archive):
        say(f"{'evaluation' if meta_value(archive, 'kind') == 'evaluate' else 'search'} ended: {end}")
    for line in judge_lines(archive):
        say(f"judge: {line}")
    if line := outside_line(archive):
        say(f"authors: {line}")
    for alarm in found:
        say(f"alarm: {alarm.line}")
