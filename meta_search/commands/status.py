"""`meta-search status`: how a run stands, why it ended, and its alarms."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from meta_search.commands.terminal import open_run, print_json, print_rich, say
from meta_search.text import shell_path

if TYPE_CHECKING:
    from meta_search.report.alarms import Alarm
    from meta_search.report.source import Archive

__all__ = ["print_notes", "status"]


def status(run: str, as_json: bool) -> int:
    """Print how a run stands; it may be at work.

    Args:
        run: The run folder, its name, or `latest`.
        as_json: Print JSON in place of text.
    """
    from archive.writer import is_being_written
    from meta_search.report import alarms
    from meta_search.report.live import duration
    from meta_search.report.source import meta_value
    from meta_search.report.tables import usd_text
    from meta_search.types import Usage

    folder, archive = open_run(run)
    records, found = archive.agents(), alarms.of_archive(archive)
    paid = sum(archive.usage().values(), Usage())
    elapsed = float(meta_value(archive, "elapsed_s") or 0.0)
    without = "running" if is_being_written(archive.path) else "killed"
    row: dict[str, Any] = {
        "run": str(folder),
        "status": meta_value(archive, "status") or without,
        "end": meta_value(archive, "end"),
        "elapsed_s": elapsed,
        "agents": len(records),
        "evaluated": sum(bool((e := r.evaluations.get("train")) and e.complete) for r in records),
        "briefs": len(archive.events("ask")),
        "calls": paid.calls,
        "tokens": paid.tokens,
        "cost_usd": paid.cost_usd,
        "verdict": meta_value(archive, "verdict"),
        "alarms": [dataclasses.asdict(alarm) for alarm in found],
    }
    if as_json:
        return print_json(row)
    spent = f"{paid.calls:,} calls, {paid.tokens:,} tokens"
    spent += f", {usd_text(paid.cost_usd)}" if paid.cost_usd else ""
    say(f"{folder}: {row['status']}, {duration(elapsed)}, {spent}")
    say(_agents(row["agents"], row["evaluated"], row["briefs"]))
    if row["status"] == "killed":
        again = f"meta-search resume {shell_path(folder)}"
        if meta_value(archive, "kind") == "evaluate":
            again = f"the same `meta-search evaluate …` with run.dir={shell_path(folder)}"
        say(f"it ended without a report; go on with: {again}")
    if row["verdict"]:
        say(row["verdict"])
    print_notes(archive, found)
    return 0


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


def print_notes(archive: Archive, found: Sequence[Alarm]) -> None:
    """Why the search or the evaluation ended, what is known of its judge, and the alarms, a line each."""
    from meta_search.report.alarms import end_text
    from meta_search.report.judge import judge_lines
    from meta_search.report.source import meta_value

    if end := end_text(archive):
        say(f"{'evaluation' if meta_value(archive, 'kind') == 'evaluate' else 'search'} ended: {end}")
    for line in judge_lines(archive):
        say(f"judge: {line}")
    for alarm in found:
        say(f"alarm: {alarm.line}")
