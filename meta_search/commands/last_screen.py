"""The last screen of a search: the best agent's code, the verdict, and what to type next."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import IO, cast

from archive.records import Archive
from meta_search.commands.status import print_notes
from meta_search.report.alarms import of_archive
from meta_search.report.screen import LastingStream
from meta_search.report.tables import verdict_table
from meta_search.report.verdict import Verdict
from meta_search.text import one_line, printable

__all__ = ["print_end"]


def print_end(folder: Path, result: Verdict | None, sentence: str, best: str, go_on: str = "") -> None:
    """The last screen: the table, the best agent's code, the plain sentence, and what to type next.

    Args:
        folder: The run folder.
        result: The verdict, `None` where there was no final report.
        sentence: In its place.
        best: Id of the best agent, `""` if there is none.
        go_on: What to type to go on with a run that was stopped.
    """
    from rich.console import Console
    from rich.syntax import Syntax

    console = Console(highlight=False, soft_wrap=False, file=cast("IO[str]", LastingStream(sys.stdout)))
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
    run = shlex.quote(str(folder))  # so that the lines work when they are pasted
    lines = [go_on] if go_on else []
    if best:
        lines += [
            f"meta-search archive list {run}",
            f"meta-search archive show {run} {best}",
            f"meta-search export {run} {best} --to my-agent",
        ]
    if lines:
        console.print("\nNext:", markup=False)
        for line in lines:
            console.print(f"  {line}", markup=False, soft_wrap=True)
    sys.stdout.flush()
    if (best or result is not None) and (folder / "report.html").is_file():  # else of an earlier session
        print(f"report: {folder / 'report.html'}")
    print(f"run folder: {folder}", flush=True)
