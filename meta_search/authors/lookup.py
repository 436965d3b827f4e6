"""Agents and train items by what a meta model calls them, among those that the brief may be shown."""

from __future__ import annotations

from meta_search.authors.archive_lines import MOST_NAME
from meta_search.authors.knowledge import Knowledge, Known, TrainItem
from meta_search.authors.tool_text import BadArguments
from meta_search.text import one_line

__all__ = ["Lookup"]

LEAST_ID = 4  # characters of the beginning of an id


class Lookup:
    """What may be named in one brief.

    Args:
        known: What the run knew when the brief was handed out.
    """

    def __init__(self, known: Knowledge) -> None:
        self._known, self._items = known, {item.id: item for item in known.items}
        self._own: dict[str, Known] = {}

    def add(self, name: str, agent: Known) -> None:
        """Have the tools know an agent that was tried out in this brief, by a name of its own."""
        self._own[name] = agent

    def own(self, name: str) -> Known | None:
        """What was tried out by a name of this brief, if anything was."""
        return self._own.get(name)

    def agent(self, name: str) -> Known:
        """An agent by its id, the beginning of one, or its name.

        Raises:
            BadArguments: There is none, or several.
        """
        name = name.strip().strip("«»").strip()
        if name in self._own:
            return self._own[name]
        ids = [a for a in self._known.agents if a.candidate.agent.id == name]
        named = [a for a in self._known.agents if a.candidate.agent.name == name]
        short = len(name) >= LEAST_ID
        begun = [a for a in self._known.agents if short and a.candidate.agent.id.startswith(name)]
        for found in (ids, named, begun):
            if len(found) == 1:
                return found[0]
        told = one_line(name, MOST_NAME)
        several = named or begun
        raise BadArguments(
            f"several agents are called {told}: name one by its id"
            if several
            else f"there is no agent {told}; `list` has them"
        )

    def item(self, name: str) -> TrainItem:
        """A train item by its id, or by its number from 1.

        Raises:
            BadArguments: There is none that may be shown.
        """
        name = name.strip()
        if name in self._items:
            return self._items[name]
        number = int(name) if name.isascii() and name.isdigit() and len(name) < 9 else 0
        if 1 <= number <= len(self._known.items):
            return self._known.items[number - 1]
        raise BadArguments(
            f"there is no train item {one_line(name, MOST_NAME)}; `item` without one lists all "
            f"{len(self._known.items)}"
        )
