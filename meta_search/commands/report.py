"""`meta-search report`: the verdict of a run, which briefs paid off, and the page `report.html`."""

from __future__ import annotations

import dataclasses

from meta_search.commands.terminal import open_run, print_json, print_rich
from meta_search.text import one_line

__all__ = ["report"]


def report(run: str, as_json: bool) -> int:
    """Print the verdict of a run and which briefs paid off, and write `report.html` beside its archive.

    Args:
        run: The run folder, its name, or `latest`.
        as_json: Print JSON in place of text.
    """
    from meta_search.guide.studies import parameter_importance
    from meta_search.report import briefs
    from meta_search.report.chosen import chosen
    from meta_search.report.html import write_report
    from meta_search.report.tuning import Tunings
    from meta_search.report.verdict import archive_verdict

    folder, archive = open_run(run)
    verdict = archive_verdict(archive)
    page = folder / "report.html"
    write_report(archive, verdict, page, tuned=Tunings(archive, parameter_importance))
    asked, take = briefs.asked(archive, archive.agents()), chosen(archive, verdict)
    if as_json:
        paid = {"briefs": briefs.by_operator(asked), "rules": briefs.by_rule(asked)}
        best = take.agent if take is not None else ""
        return print_json({"report": str(page), "agent": best, **dataclasses.asdict(verdict), **paid})
    print("\n".join(verdict.lines))
    if take is not None:
        name = one_line(archive.record(take.agent).agent.name, 80)
        print(f"Agent to take: {name} ({take.agent}), {take.why}")
    if asked:
        print_rich(briefs.table(asked))
    print(page)
    return 0
