"""One agent's code, for diffs."""

from __future__ import annotations

from pathlib import Path

from archive.records import Archive
from meta_search.dashboard.views.inspecting import shown
from meta_search.dashboard.views.shared import Json, shown_name
from meta_search.report.tuning import value_text
from meta_search.text import one_line

__all__ = ["source"]

MOST_SOURCE = 400_000  # characters


def source(folder: Path, archive: Archive, *, agent: str) -> Json:
    """`Source` of the contract.

    Args:
        folder: Of the run.
        archive: Its archive.
        agent: Id, the start of one, or a name.

    Raises:
        ArchiveError: No agent is called so, or several are.
    """
    record = archive.record(agent)
    values = {one_line(n, 80): one_line(value_text(v), 200) for n, v in record.agent.values.items()}
    return {
        "agent": record.agent.id,
        "name": shown_name(record.agent.name),
        "source": shown(record.agent.source, MOST_SOURCE),
        "values": values,
        "demonstrations": len(record.agent.demonstrations),
    }
