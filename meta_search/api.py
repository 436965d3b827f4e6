"""`search`, `evaluate` and `open_run` from Python, with the meaning they have on the command line.

import meta_search
summary = meta_search.search("domain=table", "domain.path=q.csv", budget={"wall_s": 300})
archive = meta_search.open_run(summary.folder)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_search.config import Config

if TYPE_CHECKING:
    from archive.records import Archive
    from meta_search.engine.loop import RunSummary

__all__ = ["evaluate", "open_run", "search"]


def search(*overrides: str | Config, live: bool = False, **groups: Any) -> RunSummary:
    """Search for an agent: `meta-search run`.

    Args:
        overrides: Hydra overrides such as `"domain=table"`, or one finished `Config`.
        live: Show the live view while it runs.
        groups: Overrides as keywords: `domain="table"`, `budget={"wall_s": 300}`, `seed=3`.

    Returns:
        The run's folder, exit status (0 done, 3 stopped before the end) and its closing sentence.

    Raises:
        ConfigError: Bad configuration, before any work starts.
        MetaSearchError: The run failed; what was done is saved.
    """
    config, words = _configured(overrides, groups)
    from meta_search.commands.search import search

    return search(config, overrides=words, live=live)


def evaluate(agents: str | Path, *overrides: str | Config, **groups: Any) -> list[dict[str, Any]]:
    """Evaluate agents: `meta-search evaluate`.

    Args:
        agents: An ADAS archive (.json), a .py file, a run folder, `latest`, or RUN:AGENT.
        overrides: As for `search`.
        groups: As for `search`.

    Returns:
        One row an agent in input order, with the keys of `meta-search evaluate --json`. Where budget or a
        signal ended it early, the rows of agents that lack items have `complete` false.
    """
    config, _ = _configured(overrides, groups)
    from meta_search.commands.evaluate import evaluate

    return evaluate(str(agents), config, live=False).rows


def open_run(run: str | Path = "latest") -> Archive:
    """Open the archive of a run read-only, while the run writes or afterwards.

    Args:
        run: A run folder, or `latest`: the newest under `runs/`.
    """
    from archive.records import Archive
    from meta_search.run.folder import resolve

    return Archive(resolve(run))


def _configured(
    overrides: tuple[str | Config, ...], groups: dict[str, Any]
) -> tuple[Config, tuple[str, ...]]:
    if len(overrides) == 1 and isinstance(overrides[0], Config) and not groups:
        return overrides[0], ()
    from meta_search.compose import compose, override_strings

    words = (*(str(word) for word in overrides), *override_strings(groups))
    return compose(words), words
