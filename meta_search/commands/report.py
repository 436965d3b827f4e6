"""`meta-search report`: the verdict of a run, which briefs paid off, and the page `report.html`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

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
    from meta_search.report import alarms, briefs
    from meta_search.report.chosen import chosen
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
        best = take.agent if take is not None else ""
        perturbed = of_archive(archive)
        told = {
            "perturbed": perturbed.as_json() if perturbed else None,
            "end": meta_value(archive, "end"),
            "judge": judge_facts(archive),
            "alarms": [dataclasses.asdict(a) for a in found],
        }
        return print_json({"report": str(page), "agent": best, **dataclasses.asdict(verdict), **paid, **told})
    for line in verdict.lines:
        say(line)
    if take is not None:
        name = one_line(archive.record(take.agent).agent.name, 80)
        say(f"Agent to take: {name} ({take.agent}), {take.why}")
    print_perturbed(archive)
    print_notes(archive, found)
    if asked:
        print_rich(briefs.table(asked))
    say(page)
    return 0


def write_page(folder: Path, archive: Archive) -> tuple[Verdict, Path]:
    """Write a run's `report.html`. Returns the verdict and the page."""
    from meta_search.guide.studies import parameter_importance
    from meta_search.report.html import write_report
    from meta_search.report.tuning import Tunings
    from meta_search.report.verdict import archive_verdict

    verdict = archive_verdict(archive)
    page = folder / "report.html"
    write_report(archive, verdict, page, tuned=Tunings(archive, parameter_importance))
    return verdict, page
