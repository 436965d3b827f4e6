"""The last screen of a search: the best agent's code, the verdict, and what to type next."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from archive.records import Archive
from meta_search.commands.status import print_notes
from meta_search.report.alarms import of_archive
from meta_search.report.tables import verdict_table
from meta_search.report.verdict import Verdict
from meta_search.text import one_line, printable

__all__ = ["print_end"]


def print_end(folder: Path, result: Verdict | None, sentence: str, best: str) -> None:
    """The last screen: the table, the best agent's code, the plain sentence, and what to type next."""
    from rich.console import Console
    from rich.syntax import Syntax

    console = Console(highlight=False, soft_wrap=False)
    if best:
        with Archive(folder) as archive:
            record = archive.record(best)
        who = f"{one_line(record.agent.name, 80)} ({record.agent.id}), {record.operator} by {record.author}"
        console.print(f"\nBest agent: {who}", markup=False)
        source = printable(record.agent.source)
        if console.is_terminal:
            console.print(Syntax(source, "python", background_color="default", word_wrap=True))
        else:
            print(source)
    if result is not None and result.comparisons:
        console.print(verdict_table(result))
    console.print(f"\n{result.text if result is not None else sentence}", markup=False)
    with Archive(folder) as archive:
        print_notes(archive, of_archive(archive))
    if best:
        console.print("\nNext:", markup=False)
        run = shlex.quote(str(folder))  # so that the lines work when they are pasted
        for line in (
            f"meta-search archive list {run}",
            f"meta-search archive show {run} {best}",
            f"meta-search export {run} {best} --to my-agent",
        ):
            console.print(f"  {line}", markup=False, soft_wrap=True)
    sys.stdout.flush()
    if (folder / "report.html").is_file():  # a search that was stopped has written none
        print(f"report: {folder / 'report.html'}")
    print(f"run folder: {folder}", flush=True)
