"""What several views say of agents, and what they read of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from archive import summaries
from archive.records import Archive
from archive.schema import FILE_NAME
from archive.summaries import AgentRow, Scored
from meta_search.report.files import read_small
from meta_search.report.source import HAND_MADE
from meta_search.text import one_line
from meta_search.types import PAUSED, Evaluation, MetaName, Split, Usage

__all__ = [
    "Fate",
    "Json",
    "common_split",
    "config_of",
    "evaluated_split",
    "fate_of",
    "interval",
    "is_hand_made",
    "meta",
    "shown_name",
    "usage",
]

Json = dict[str, Any]
Fate = Literal[
    "better", "not better", "stopped early", "paused", "failed", "in flight", "seed", "same as another"
]

MOST_NAME = 80  # characters
SPLITS: tuple[Split, ...] = ("train", "validation", "test", "examples")


def shown_name(name: object) -> str:
    """A name that anybody may have written, as one printable line."""
    return one_line(name, MOST_NAME)


def meta(archive: Archive, key: str) -> Any:
    """A value of the table `meta`, `None` where there is none."""
    return archive.meta(cast(MetaName, key))


def usage(found: Usage) -> Json:
    """`Usage` of the contract."""
    return {"calls": found.calls, "tokens": found.tokens, "cost_usd": found.cost_usd}


def interval(evaluation: Evaluation | Scored | None) -> Json:
    """`Interval` of the contract: null where nothing came to a score."""
    if evaluation is None or not evaluation.items:
        return {"score": None, "low": None, "high": None, "items": 0}
    e = evaluation
    return {"score": e.score, "low": e.low, "high": e.high, "items": e.items}


def is_hand_made(agent: AgentRow) -> bool:
    """Whether an agent is a seed or a baseline, rather than found."""
    return not HAND_MADE.isdisjoint((agent.operator, agent.author, agent.status))


def config_of(folder: Path, archive: Archive) -> Mapping[str, Any]:
    """The configuration of a run, without keys; empty where it cannot be read."""
    stored = meta(archive, "config")
    if isinstance(stored, Mapping):
        return stored
    try:
        found = json.loads(read_small(folder / "config.json"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}


def part(config: Mapping[str, Any], *names: str) -> Any:
    """A value of nested mappings, `None` where there is none."""
    found: Any = config
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def common_split(archive: Archive) -> Split:
    """The split on which most agents were evaluated, test items apart; train if in doubt."""
    counts = summaries.splits(archive)
    return max(SPLITS, key=lambda s: (counts.get(s, 0) if s != "test" else 0, -SPLITS.index(s)))


def evaluated_split(archive: Archive) -> Split:
    """The split whose scores a run is about: of an evaluation the one it ran on, else `common_split`."""
    if meta(archive, "kind") != "evaluate":
        return common_split(archive)
    counts = summaries.splits(archive)
    return max(counts, key=lambda s: counts[s], default="test")


def fate_of(
    agent: AgentRow, evaluation: Scored | Evaluation | None, *, leads: bool, running: bool, same: str = ""
) -> Fate:
    """What became of an agent.

    Args:
        agent: Who.
        evaluation: On the split that the run is about.
        leads: Whether it was the best so far when its evaluation was complete.
        running: Whether the search goes on.
        same: Id of the agent that it behaves as; `""` for others.
    """
    if is_hand_made(agent):
        return "seed"
    if same or agent.status == "duplicate":
        return "same as another"
    if evaluation is None or (not evaluation.complete and not evaluation.stopped):
        return "in flight" if running else "failed" if evaluation is None else "stopped early"
    if evaluation.stopped.startswith(PAUSED):
        return "paused"
    if _all_failed(evaluation):
        return "failed"
    if not evaluation.complete:
        return "stopped early"
    return "better" if leads else "not better"


def _all_failed(evaluation: Scored | Evaluation) -> bool:
    """Whether no run of it came to an answer."""
    outcomes = evaluation.outcomes
    return ('"ok"' not in outcomes) if isinstance(outcomes, str) else ("ok" not in outcomes)


def is_run(folder: Path) -> bool:
    """Whether a folder holds an archive."""
    return (folder / FILE_NAME).is_file()
