"""`meta-search archive`: which command is which, the lineage of an agent, and imports.

The other commands have a file each: `archive_list`, `show`, `item`, `diff`, `find`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from meta_search.commands.archive_list import list_agents
from meta_search.commands.diff import diff
from meta_search.commands.find import search_agents
from meta_search.commands.show import show
from meta_search.commands.terminal import ascii_only, open_run, print_json, say
from meta_search.errors import ArchiveError
from meta_search.run import folder as run_folder
from meta_search.text import one_line, shell_path

__all__ = ["COMMANDS"]


def _lineage(arguments: argparse.Namespace) -> int:
    from meta_search.export.export import best
    from meta_search.report import graphs
    from meta_search.report.tables import agent_row, free_of, score_text, told

    _, archive = open_run(arguments.run)
    record = archive.record(arguments.agent) if arguments.agent else best(archive)
    ancestors = archive.lineage(record.agent.id)
    rows = [agent_row(ancestor) for ancestor in ancestors]
    if arguments.json:
        return print_json(rows)
    by_id = {row["agent"]: row for row in told(rows, archive)}
    for branches, agent in graphs.ancestry(graphs.lineage(ancestors), record.agent.id, ascii_only()):
        row = by_id[agent]
        score = score_text(row["score"], row["low"], row["high"])
        parents = ", ".join(parent[:8] for parent in row["parents"])
        made = one_line(f"{row['operator']} by {row['author']}{' of ' if parents else ''}{parents}")
        name = branches + one_line(row["name"], 40)
        say(f"{row['generation']:3}  {agent[:8]}  {score:>20}  {name}: {made}{free_of(row)}")
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
    "diff": diff,
    "import": _import,
    "lineage": _lineage,
    "list": list_agents,
    "search": search_agents,
    "show": show,
}
