"""`meta-search archive`: the agents of a run, listed, searched, compared, with their lineage; and imports.

`archive show` has a file of its own.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from meta_search.commands.show import show
from meta_search.commands.terminal import ascii_only, open_run, print_json, print_rich, say, wide
from meta_search.errors import ArchiveError
from meta_search.run import folder as run_folder
from meta_search.text import one_line, printable, shell_path

if TYPE_CHECKING:
    from archive.records import Record

__all__ = ["COMMANDS"]

MOST_PLACES = 20  # agents whose line with the words is shown


def _list(arguments: argparse.Namespace) -> int:
    from meta_search.report.alarms import end_text
    from meta_search.report.tables import agent_rows, agents_table

    folder, archive = open_run(arguments.run)
    rows = agent_rows(archive)
    if arguments.json:
        return print_json(rows)
    print_rich(agents_table(rows, title=str(folder), limit=arguments.limit or len(rows), wide=wide()))
    if end := end_text(archive):
        say(f"search ended: {end}")
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
        for record in archive.get(row["agent"] for row in rows[:MOST_PLACES]):
            say(f"{record.agent.id[:8]}  {_where(record, arguments.words)}")
    else:
        say(f"no agent of {folder} contains {' and '.join(arguments.words)}")
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
        say(f"value {one_line(name, 80)}: {before} -> {after}")
    if one.demonstrations != other.demonstrations:
        print(f"demonstrations: {shown[0]} -> {shown[1]}")
    print("\n".join(printable(line) for line in lines) or "the sources are identical")
    return 0


def _lineage(arguments: argparse.Namespace) -> int:
    from meta_search.export.export import best
    from meta_search.report import graphs
    from meta_search.report.tables import agent_row, score_text

    _, archive = open_run(arguments.run)
    record = archive.record(arguments.agent) if arguments.agent else best(archive)
    ancestors = archive.lineage(record.agent.id)
    rows = [agent_row(ancestor) for ancestor in ancestors]
    if arguments.json:
        return print_json(rows)
    by_id = {row["agent"]: row for row in rows}
    for branches, agent in graphs.ancestry(graphs.lineage(ancestors), record.agent.id, ascii_only()):
        row = by_id[agent]
        score = score_text(row["score"], row["low"], row["high"])
        parents = ", ".join(parent[:8] for parent in row["parents"])
        made = one_line(f"{row['operator']} by {row['author']}{' of ' if parents else ''}{parents}")
        name = branches + one_line(row["name"], 40)
        say(f"{row['generation']:3}  {agent[:8]}  {score:>20}  {name}: {made}")
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
    say(f"{added} of {len(published)} agents of {arguments.file} are new in {folder}")
    if (folder / "config.json").is_file():
        say(f"Evaluate them in this search: {run_folder.resume_command(folder)}")
    seeds = shell_path(f"search.seeds=[{arguments.file}]")
    say(f"Start a search from them, as baselines to beat: meta-search run {seeds}")
    return 0


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "diff": _diff,
    "import": _import,
    "lineage": _lineage,
    "list": _list,
    "search": _search,
    "show": show,
}
