"""What a run has measured of the model that judges its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meta_search.report.source import Archive, meta_value
from meta_search.text import one_line

__all__ = ["judge_facts", "judge_lines"]

MOST_LINES = 8


def judge_facts(archive: Archive) -> Mapping[str, Any] | None:
    """The archive's `judge`, see `run.judge_check`; `None` where no model judges answers."""
    found = meta_value(archive, "judge")
    return found if isinstance(found, Mapping) else None


def judge_lines(archive: Archive) -> list[str]:
    """The lines that were told at the start, without the word `judge:`."""
    found = (judge_facts(archive) or {}).get("lines")
    lines = found if isinstance(found, list) else []
    return [one_line(str(line), 400).removeprefix("judge: ") for line in lines[:MOST_LINES]]
