"""Every attempt on the way to an agent, with the meta agent's conversation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archive import inspecting, summaries
from archive.records import Archive
from meta_search.dashboard.views.calls import calls_json
from meta_search.dashboard.views.inspecting import shown
from meta_search.dashboard.views.shared import Json
from meta_search.text import one_line
from meta_search.types import Brief

__all__ = ["attempts"]

MOST_SOURCE, MOST_MESSAGE = 60_000, 2_000  # characters
REPAIRS = 8  # of a candidate that are looked for


def attempts(folder: Path, archive: Archive, *, agent: str) -> Json:
    """`Attempts` of the contract.

    Of an agent that nobody asked for (a seed, a baseline, an imported one) `brief` and `asked` are null.

    Args:
        folder: Of the run.
        archive: Its archive.
        agent: Id, the start of one, or a name.

    Raises:
        ArchiveError: No agent is called so, or several are.
    """
    brief = archive.record(agent).brief
    if brief is None or brief.kind not in ("asked", "repair"):
        return {"brief": None, "asked": None, "attempts": [], "conversation": []}
    found = inspecting.drafts(archive, brief.number)
    said = archive.conversation(brief.number, max(brief.repair, REPAIRS))
    return {
        "brief": brief.number,
        "asked": _asked(archive, brief),
        "attempts": [
            {
                "stage": one_line(draft.stage, 40),
                "message": shown(draft.message, MOST_MESSAGE),
                "source": shown(draft.source, MOST_SOURCE),
                "at": draft.at,
            }
            for draft in found
        ],
        "conversation": calls_json(said, conversation=True),
    }


def _asked(archive: Archive, brief: Brief) -> Json:
    """The brief in plain values; ids of agents with their names."""
    names = summaries.names(archive, (*brief.parents, *brief.inspirations))

    def who(ids: tuple[str, ...]) -> list[Any]:
        return [{"agent": i, "name": one_line(names.get(i, i), 80)} for i in ids[:50]]

    return {
        "operator": one_line(brief.operator, 40),
        "author": one_line(brief.author, 40),
        "model": one_line(brief.model, 80),
        "repair": brief.repair,
        "temperature": brief.temperature,
        "tags": [one_line(tag, 80) for tag in brief.tags[:50]],
        "parents": who(brief.parents),
        "inspirations": who(brief.inspirations),
    }
