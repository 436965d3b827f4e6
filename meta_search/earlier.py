"""Takes what earlier runs under the same root found out about briefs; see `guide.prior`.

What is taken is numbered with the run's events: the earlier runs may be gone when it is resumed or replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from archive.records import Archive
from meta_search.config import Config
from meta_search.errors import MetaSearchError
from meta_search.guide.guide import Guide
from meta_search.guide.prior import MOST, Prior
from meta_search.history import earlier_runs
from meta_search.journal import Journal
from meta_search.progress import Progress
from meta_search.session import Session, read_config

__all__ = ["DECISION", "begin", "prior_of"]

DECISION = "prior"

Brief = tuple[Mapping[str, Any], float]


def begin(session: Session, guide: Guide, journal: Journal, progress: Progress) -> None:
    """Give a guide that was asked for nothing yet its prior, where there is one, and say so."""
    config = session.config
    if not (config.search.prior and config.search.guided):
        return
    found = journal.find(DECISION, lambda: prior_of(config, session.folder, guide.could_ask).told())
    prior = Prior.of(found)
    if prior.briefs:
        guide.restore({}, prior=prior)
        progress.note(prior.line)


def prior_of(config: Config, but: Path, could_ask: Callable[[Mapping[str, Any]], bool]) -> Prior:
    """The newest briefs that runs of the same domain with the same models were told of, finished or not.

    Args:
        config: The run that begins. but: Its own folder.
        could_ask: Whether this run could ask for a brief with these parameters; the others are left out.
    """
    briefs: list[Brief] = []
    runs = 0
    for folder in earlier_runs(config, but):
        found = [(params, value) for params, value in _told(folder, config) if could_ask(params)]
        briefs = [*found, *briefs][-MOST:]
        runs += bool(found)
        if len(briefs) >= MOST:
            break
    return Prior(tuple(briefs), runs)


def _told(folder: Path, config: Config) -> list[Brief]:
    """Briefs of one run, the last one last; none of a run of something else, or one that cannot be read."""
    try:
        earlier = read_config(folder)
        if earlier.llm.mode == "replay" or _about(earlier) != _about(config):
            return []  # a replay is no evidence of its own
        with Archive(folder) as archive:
            if not archive.is_current:
                return []
            trials = [t for t in archive.trials("briefs") if t.values is not None]
    except (MetaSearchError, OSError):
        return []
    return [
        ({name: value for name, value in t.params.items() if not name.startswith("_")}, t.values[0])
        for t in trials
        if t.values is not None
    ]


def _about(config: Config) -> tuple[object, ...]:
    """What two runs must share for the briefs of one to tell of the other's."""
    domain, llm = config.domain, config.llm
    return domain.name, domain.path, tuple(domain.families), llm.task.model, llm.meta.model
