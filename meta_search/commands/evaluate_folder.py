"""Going on with an evaluation in its own folder, `meta-search evaluate … run.dir=SAME`, after a sudden end.

The ledger answers the calls that were paid, and items that came to a result are not run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archive.records import Archive
from domains.sources.source import is_pinned
from meta_search.config import Config
from meta_search.errors import ArchiveError, ConfigError
from meta_search.run.folder import ARCHIVE, new_folder, read_config, resume_command
from meta_search.run.runner import Runner
from meta_search.run.secrets import stored
from meta_search.text import override
from meta_search.types import PERTURBED, Agent, Split

__all__ = ["EvaluationFolder", "elsewhere", "open_folder", "same_data"]

# What another session may have otherwise: how long, how fast and where; never what makes an item's result.
CHANGEABLE = (
    *("budget.", "ray.", "run.", "evaluate.executor", "evaluate.workers", "evaluate.per_worker"),
    *("llm.max_concurrency", "llm.requests_per_minute", "llm.tokens_per_minute", "llm.max_retries"),
    *("llm.timeout_s", "llm.api_key_env", "llm.base_url", "llm.task.base_url", "llm.meta.base_url"),
    *("llm.callbacks", "llm.local.", "llm.prices", "llm.extra_headers"),
)


@dataclass(frozen=True, slots=True)
class EvaluationFolder:
    """Where an evaluation lies and what earlier sessions left there.

    Attributes:
        folder: The run folder.
        elapsed_s: Seconds of earlier sessions.
        goes_on: Whether there were any.
    """

    folder: Path
    elapsed_s: float = 0.0
    goes_on: bool = False

    def recall(self, runner: Runner, agents: Iterable[Agent], split: Split) -> int:
        """Tell a runner the results that earlier sessions archived. Returns their number."""
        found = 0
        with Archive(self.folder) as archive:
            for agent in {a.id: a for a in agents}.values():
                for known in (split, PERTURBED):
                    for result in archive.results(agent.id, known, trace=False):
                        runner.know(result)
                        found += 1
        return found


def open_folder(config: Config) -> EvaluationFolder:
    """The folder of an evaluation: a new one, or that of an evaluation which `run.dir` names.

    Raises:
        ConfigError: `run.dir` holds a search, or an evaluation with other settings; one line.
    """
    folder = Path(config.run.dir) if config.run.dir else None
    if folder is None or not (folder / ARCHIVE).exists():
        return EvaluationFolder(new_folder(config))
    try:
        with Archive(folder) as archive:
            kind, elapsed = archive.meta("kind"), float(archive.meta("elapsed_s") or 0.0)
            empty = kind is None and len(archive) == 0 and archive.meta("config") is None
    except ArchiveError:  # killed before it had any tables
        kind, elapsed, empty = None, 0.0, True
    if kind != "evaluate" and not empty:
        raise ConfigError(f"run.dir={folder} holds a search: `{resume_command(folder)}` goes on with it")
    try:
        before = read_config(folder)
    except ArchiveError:
        before = config
    if other := list(_differences(stored(before), stored(config))):
        raise ConfigError(
            f"run.dir={folder} holds an evaluation with other settings ({', '.join(other[:3])}): "
            "name another folder, or give the same settings to go on with it"
        )
    return EvaluationFolder(folder, elapsed, goes_on=True)


def same_data(config: Config) -> Config:
    """The configuration with the revision of its data that an earlier session in `run.dir` has pinned."""
    path = config.domain.path
    try:
        before = read_config(Path(str(config.run.dir))).domain.path
    except ArchiveError:
        return config
    if not path or not before or not is_pinned(before, path):
        return config
    return replace(config, domain=replace(config.domain, path=before))


def elsewhere(folder: Path) -> str:
    """How to evaluate anew and pay only what this folder has not."""
    again = override("llm.recording", str(folder.resolve()))
    return f"name another run.dir, and add {again}: answers that it paid are taken from there"


def _differences(one: Mapping[str, Any], two: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Keys that differ and may not."""
    for key in sorted(one.keys() | two.keys()):
        name, mine, other = f"{above}{key}", one.get(key), two.get(key)
        if any(name == c or (c.endswith(".") and f"{name}.".startswith(c)) for c in CHANGEABLE):
            continue
        if isinstance(mine, dict) and isinstance(other, dict):
            yield from _differences(mine, other, f"{name}.")
        elif _plain(mine) != _plain(other):
            yield name


def _plain(value: Any) -> Any:
    """A value as JSON would give it back."""
    return [_plain(v) for v in value] if isinstance(value, tuple | list) else value
