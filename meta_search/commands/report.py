"""`meta-search report`: the verdict of a run, which briefs paid off, and the page `report.html`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from meta_search.commands.lessons import lesson_rows, say_lessons
from meta_search.commands.status import print_notes, print_perturbed
from meta_search.commands.terminal import open_run, print_json, print_rich, say
from meta_search.text import one_line

if TYPE_CHECKING:
    from archive.records import Archive
    from meta_search.report.verdict import Verdict

__all__ = ["report", "write_page"]


def report(run: str, as_json: bool) -> int:
    """Print the verdict of a run and which briefs paid off, and write `report.html` beside its archive.

    Args:
        run: The run folder, its name, or `latest`.
        as_json: Print JSON in place of text.
    """
    from meta_search.commands.across import read_matrix
    from meta_search.report import alarms, briefs, spending
    from meta_search.report.chosen import chosen
    from meta_search.report.guidance import guidance_lines, guidance_rows
    from meta_search.report.judge import judge_facts
    from meta_search.report.robustness import of_archive
    from meta_search.report.source import meta_value

    if (matrix := read_matrix(Path(run))) is not None:
        from meta_search.commands.across_table import report_matrix

        return report_matrix(matrix, Path(run), as_json)
    folder, archive = open_run(run)
    verdict, page = write_page(folder, archive)
    asked, found = briefs.asked(archive, archive.agents()), alarms.of_archive(archive)
    take = chosen(archive, verdict)
    if as_json:
        paid = {"briefs": briefs.by_operator(asked), "rules": briefs.by_rule(asked)}
        paid |= {"models": models} if (models := briefs.by_model(asked)) else {}
        best = take.agent if take is not None else ""
        perturbed = of_archive(archive)
        told = {
            "perturbed": perturbed.as_json() if perturbed else None,
            "end": meta_value(archive, "end"),
            "judge": judge_facts(archive),
            "spent": [dataclasses.asdict(s) for s in spending.spent(archive)],
            "best_so_far": [dataclasses.asdict(s) for s in spending.stairs(spending.steps_of(archive))],
            "alarms": [dataclasses.asdict(a) for a in found],
            "guidance": guidance_rows(archive),
            "lessons": lesson_rows(archive.lessons()),
        }
        return print_json({"report": str(page), "agent": best, **dataclasses.asdict(verdict), **paid, **told})
    for line in verdict.lines:
        say(line)
    if take is not None:
        name = one_line(archive.record(take.agent).agent.name, 80)
        say(f"Agent to take: {name} ({take.agent}), {take.why}")
    print_perturbed(archive)
    print_notes(archive, found)
    for line in spending.spending_lines(archive, take):
        say(line)
    if asked:
        print_rich(briefs.table(asked))
    for line in guidance_lines(archive):
        say(line)
    say_lessons(folder, archive.lessons())
    for line in briefs.model_lines(asked):
        say(line)
    say(page)
    return 0


def write_page(folder: Path, archive: Archive) -> tuple[Verdict, Path]:
    """Write a run's `report.html`. Returns the verdict and the page."""
    from meta_search.dashboard.one_file import write_report
    from meta_search.report.verdict import archive_verdict

    verdict = archive_verdict(archive)
    page = folder / "report.html"
    write_report(archive, verdict, page)
    return verdict, page
