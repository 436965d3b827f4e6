"""`meta-search archive search`: full text of names, thoughts, code and answers."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from meta_search.commands.terminal import open_run, print_json, print_rich, say
from meta_search.errors import ConfigError
from meta_search.text import one_line

if TYPE_CHECKING:
    from rich.table import Table

    from archive.search_index import Hit

__all__ = ["search_agents"]


def search_agents(arguments: argparse.Namespace) -> int:
    """`meta-search archive search`."""
    folder, archive = open_run(arguments.run)
    query = " ".join(arguments.words)
    if not any(letter.isalnum() for letter in query):
        raise ConfigError(
            f'nothing to search for in {one_line(query, 60)!r}: give a word, "a phrase" or a beginning*'
        )
    found = archive.find(query, arguments.limit)
    if arguments.json:
        hits = [asdict(hit) for hit in found.hits]
        return print_json({"q": found.q, "indexed": found.indexed, "of": found.of, "hits": hits})
    if found.hits:
        print_rich(_table(f"{folder}: {one_line(query, 80)}", found.hits))
    else:
        say(f"nothing in {folder} contains {one_line(query, 200)}")
    if len(found.hits) == arguments.limit:
        say(f"the first {arguments.limit}; --limit shows more")
    if found.indexed < found.of:
        say(f"{found.indexed:,} of {found.of:,} rows are indexed so far: search again to have the others")
    return 0


def _table(title: str, hits: tuple[Hit, ...]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.title_justify = "left"
    table.add_column("agent", no_wrap=True)
    table.add_column("name", no_wrap=True, overflow="ellipsis", min_width=9, max_width=32)
    table.add_column("where", no_wrap=True, overflow="ellipsis", max_width=28)
    table.add_column(
        "text", overflow="ellipsis", ratio=1
    )  # the only one that gives way: its cells do not wrap
    for hit in hits:
        place = f"{hit.split} {one_line(hit.item, 40)}" if hit.where == "answer" else hit.where
        cells = (one_line(hit.agent, 8, end=""), hit.name, place, hit.excerpt)
        table.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in cells))
    return table
