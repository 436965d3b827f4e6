"""The last screen of a search: the code of the agent to take, the verdict, and what to type next."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from archive.records import Archive
from meta_search.commands.status import print_notes, print_perturbed
from meta_search.commands.terminal import say
from meta_search.report.alarms import of_archive
from meta_search.report.screen import LastingStream
from meta_search.report.tables import verdict_table
from meta_search.report.verdict import Verdict
from meta_search.text import one_line, printable, shell_path

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_end"]


def print_end(folder: Path, result: Verdict | None, sentence: str, best: str, go_on: str = "") -> None:
    """The last screen: the agent to take with its code, the table, the plain sentence, and what to type next.

    Args:
        folder: The run folder.
        result: What the final report came to; `None` where there was none.
        sentence: What is said in its place.
        best: Id of the agent to take, see `report.chosen`; `""` without any.
        go_on: What to type to go on with a run that was stopped.
    """
    from rich.console import Console

    console = Console(
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
        file=cast("IO[str]", LastingStream(sys.stdout)),
    )
    if best:
        _print_agent(console, folder, best, _heading(result))
    if result is not None and result.comparisons:
        console.print(verdict_table(result))
    console.print(printable(f"\n{result.text if result is not None else sentence}"), markup=False)
    if result is not None and result.power:
        console.print(f"few test items: {result.power}", markup=False)
    with Archive(folder) as archive:
        print_perturbed(archive)
        print_notes(archive, of_archive(archive))
    run = shell_path(folder)  # so that the lines work when they are pasted
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
        say(f"report: {folder / 'report.html'}")
    say(f"run folder: {folder}")
    sys.stdout.flush()


def _print_agent(console: Console, folder: Path, agent: str, heading: str) -> None:
    from rich.syntax import Syntax

    with Archive(folder) as archive:
        record = archive.record(agent)
    who = f"{one_line(record.agent.name, 80)} ({record.agent.id}), {record.operator} by {record.author}"
    console.print(f"\n{heading}: {who}", markup=False)
    source = printable(record.agent.source)
    if console.is_terminal:
        console.print(Syntax(source, "python", background_color="default", word_wrap=True))
    else:
        print(source)


def _heading(result: Verdict | None) -> str:
    """What the agent to take is."""
    if result is not None and result.take is None:  # by train and validation items
        return "Best agent so far, not tested"
    if result is None or result.outcome in ("beats", "untested"):
        return "Best agent"
    if result.outcome == "no_claim":
        return "No agent was shown to beat the baselines; take the best of these"
    return "No agent found beats the baselines; take the best of these"
