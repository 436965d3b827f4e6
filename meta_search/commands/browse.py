"""What the command line prints of a run: its agents, differences, lineage, report."""

from __future__ import annotations

import argparse
import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_search.commands.show import show
from meta_search.commands.terminal import open_run, print_json, print_rich, wide
from meta_search.errors import ArchiveError, ConfigError
from meta_search.run import folder as run_folder
from meta_search.text import one_line, printable

if TYPE_CHECKING:
    from archive.records import Record

__all__ = ["COMMANDS", "check_writable", "print_evaluations", "report"]

Row = dict[str, Any]
MOST_HINTS = 20


def print_evaluations(rows: Sequence[Row], file: Path | None) -> None:
    """Print the rows of `meta-search evaluate` as a table, and write them to `file` if there is one.

    Below the table stands the most frequent fault of each agent that has any, with what mends it.
    """
    from meta_search.report.tables import evaluations_table

    print_rich(evaluations_table(rows))
    failing = list({row["agent"]: row for row in rows if row["hint"]}.values())
    for row in failing[:MOST_HINTS]:
        print(f"{row['agent'][:8]}  {one_line(row['name'], 40)}: {one_line(row['hint'], 600)}")
    if len(failing) > MOST_HINTS:
        print(f"and {len(failing) - MOST_HINTS} more agents with faults; --json has them all")
    if file:
        file.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def check_writable(file: Path | None) -> None:
    """Refuse a file that could not be written at the end, before any work is done for it."""
    if file and (file.is_dir() or not file.absolute().parent.is_dir()):
        raise ConfigError(f"--json {file}: not a file that can be written")


def _list(arguments: argparse.Namespace) -> int:
    from meta_search.report.tables import agent_rows, agents_table

    folder, archive = open_run(arguments.run)
    rows = agent_rows(archive)
    if arguments.json:
        return print_json(rows)
    print_rich(agents_table(rows, title=str(folder), limit=arguments.limit or len(rows), wide=wide()))
    return 0


def _search(arguments: argparse.Namespace) -> int:
    from meta_search.report.tables import agent_rows, agents_table

    folder, archive = open_run(arguments.run)
    matches = [{record.agent.id for record in archive.search(word, len(archive))} for word in arguments.words]
    found = set.intersection(*matches)
    rows = [row for row in agent_rows(archive) if row["agent"] in found]
    if arguments.json:
        return print_json(rows)
    if rows:
        title = f"{folder}: {' '.join(arguments.words)}"
        print_rich(agents_table(rows, title=title, limit=len(rows), wide=wide()))
        print()
        for record in archive.get(row["agent"] for row in rows[:MOST_HINTS]):
            print(f"{record.agent.id[:8]}  {_where(record, arguments.words)}")
    else:
        print(f"no agent of {folder} holds {' and '.join(arguments.words)}")
    return 0


def _where(record: Record, words: Sequence[str]) -> str:
    """The line of an agent that holds most of the words, with where it stands."""
    lines = enumerate(record.agent.source.splitlines(), start=1)
    texts = {"name": record.agent.name, "thought": record.thought}
    texts |= {f"line {number}": line for number, line in lines}

    def held(place: str) -> list[int]:
        return [at for word in words if (at := texts[place].lower().find(word.lower())) >= 0]

    place = max(texts, key=lambda place: len(held(place)))
    start = max(0, min(held(place), default=0) - 60)
    return f"{place}: {one_line(texts[place][start:].strip(), 120)}"


def _diff(arguments: argparse.Namespace) -> int:
    from meta_search.report.tuning import value_text

    _, archive = open_run(arguments.run)
    one, other = (archive.record(name).agent for name in (arguments.agent, arguments.other))
    lines = list(
        difflib.unified_diff(
            one.source.splitlines(), other.source.splitlines(), one.id, other.id, lineterm="", n=3
        )
    )
    values = {
        name: [one.values.get(name), other.values.get(name)]
        for name in sorted({*one.values, *other.values})
        if one.values.get(name) != other.values.get(name)
    }
    shown = [len(one.demonstrations), len(other.demonstrations)]
    if arguments.json:
        same = one.demonstrations == other.demonstrations
        return print_json(
            {"agents": [one.id, other.id], "values": values, "demonstrations": shown, "diff": lines}
            | {"same_demonstrations": same}
        )
    for name, change in values.items():
        before, after = (one_line(value_text(value), 80) for value in change)
        print(f"value {one_line(name, 80)}: {before} -> {after}")
    if one.demonstrations != other.demonstrations:
        print(f"demonstrations: {shown[0]} -> {shown[1]}")
    print("\n".join(printable(line) for line in lines) or "the sources are equal")
    return 0


def _lineage(arguments: argparse.Namespace) -> int:
    from meta_search.export.export import best
    from meta_search.report.tables import agent_row, score_text

    _, archive = open_run(arguments.run)
    record = archive.record(arguments.agent) if arguments.agent else best(archive)
    rows = [agent_row(ancestor) for ancestor in archive.lineage(record.agent.id)]
    if arguments.json:
        return print_json(rows)
    for row in rows:
        score = score_text(row["score"], row["low"], row["high"])
        parents = ", ".join(parent[:8] for parent in row["parents"])
        made = f"{row['operator']} by {row['author']}{' of ' if parents else ''}{parents}"
        print(f"{row['generation']:3}  {row['agent'][:8]}  {score:>20}  {one_line(row['name'], 40)}: {made}")
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from archive.adas import import_into, read
    from archive.store import Store

    published = read(arguments.file)  # before a folder is made for it
    try:
        folder = run_folder.resolve(arguments.run)
    except ArchiveError:
        if arguments.run == "latest" or Path(arguments.run).exists():
            raise
        folder = Path(arguments.run)  # a new one
    with Store.open(folder / run_folder.ARCHIVE) as store:
        added = import_into(store, arguments.file)
    if arguments.json:
        return print_json({"run": str(folder), "added": added, "agents": [a.id for a, _ in published]})
    print(f"{added} of {len(published)} agents of {arguments.file} are new in {folder}")
    return 0


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "diff": _diff,
    "import": _import,
    "lineage": _lineage,
    "list": _list,
    "search": _search,
    "show": show,
}


def report(run: str, as_json: bool) -> int:
    """Print the verdict of a run and which briefs paid, and write `report.html` beside its archive."""
    import dataclasses

    from meta_search.guide.studies import parameter_importance
    from meta_search.report import briefs
    from meta_search.report.html import write_report
    from meta_search.report.tuning import Tunings
    from meta_search.report.verdict import archive_verdict

    folder, archive = open_run(run)
    verdict = archive_verdict(archive)
    page = folder / "report.html"
    write_report(archive, verdict, page, tuned=Tunings(archive, parameter_importance))
    asked = briefs.asked(archive, archive.agents())
    if as_json:
        paid = {"briefs": briefs.by_operator(asked), "rules": briefs.by_rule(asked)}
        return print_json({"report": str(page), **dataclasses.asdict(verdict), **paid})
    print("\n".join(verdict.lines))
    if asked:
        print_rich(briefs.table(asked))
    print(page)
    return 0
