"""What of a run was written by a program of the user's, whose own cost is not among the figures."""

from __future__ import annotations

from meta_search.report.source import Archive
from meta_search.types import OUTSIDE

__all__ = ["outside_line"]


def outside_line(archive: Archive) -> str:
    """One sentence; `""` where no brief went to such a program."""
    asked = [event.data.get("author") for event in archive.events("ask")]
    briefs = sum(author in OUTSIDE for author in asked)
    if not briefs:
        return ""
    which = f"{briefs} of {len(asked)} briefs" if briefs < len(asked) else f"all {briefs} briefs"
    if briefs == 1 == len(asked):
        which = "the only brief"
    return f"{which} went to a program whose own cost isn't counted (author.command)"
