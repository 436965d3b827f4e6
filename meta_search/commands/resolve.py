"""What a configuration comes to: values that depend on others, and mistakes told before slow work starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from domains.sources.source import is_local
from meta_search.authors.llm import FORMS
from meta_search.authors.plan import EVERY_WAY
from meta_search.authors.registry import AUTHORS
from meta_search.config import Config
from meta_search.engine import seeds
from meta_search.errors import ConfigError
from meta_search.llm.wires import WIRES
from meta_search.run.folder import resolve
from meta_search.run.secrets import check_addresses
from meta_search.types.operators import searchable

__all__ = ["check_names", "resolved"]

# Most tokens of one answer of the meta agent: embedded models ramble; others need room for a program and the
# thinking before it.
EMBEDDED_TOKENS = 1500
PROGRAM_TOKENS = 16_384


def resolved(config: Config) -> Config:
    """Check a configuration, and fill in what depends on the model.

    An embedded model writes plans, and is too slow for a second look at its drafts.

    Raises:
        ConfigError: Keys that do not go together, or the name of an author, provider, operator, seed, format
            or way of working that does not exist; one line.
    """
    check_names(config)
    author, embedded = config.author, config.llm.provider == "local"
    formats = author.formats or (("plan",) if embedded else ("plan", "edit", "program"))
    _check_list("author.formats", formats, tuple(FORMS))
    _check_list("author.ways", author.ways, EVERY_WAY)
    reflexions = author.reflexions if author.reflexions is not None else int(not embedded)
    most = author.max_tokens or (EMBEDDED_TOKENS if embedded else PROGRAM_TOKENS)
    path = config.domain.path or file_of(config.domain.task)
    if path and is_local(path):
        path = str(Path(path).expanduser().resolve())
    root = str(Path(config.run.root).expanduser())
    folder = config.run.dir and str(Path(config.run.dir).expanduser())
    recording = config.llm.recording
    if recording is not None:
        recording = str(resolve(Path(recording).expanduser(), root).resolve())
    return replace(
        config,
        llm=replace(config.llm, recording=recording),
        author=replace(author, formats=formats, reflexions=reflexions, max_tokens=most),
        run=replace(config.run, root=root, dir=folder),
        domain=replace(config.domain, path=path),  # a run can be resumed from any folder
    )


def file_of(task: str | None) -> str | None:
    """The file of a task that stands in one, as FILE.py@NAME."""
    file = (task or "").rpartition("@")[0] or task or ""
    return file if file.endswith(".py") else None


def check_names(config: Config) -> None:
    """See that what a configuration names is there, also in one that an earlier version has written.

    Raises:
        ConfigError: Keys that do not go together, or the name of an author, provider, operator or seed that
            does not exist; one line.
    """
    check_addresses(config)
    _check_models(config)
    _check_search(config)


def _check_models(config: Config) -> None:
    llm = config.llm
    if llm.provider not in WIRES:
        raise ConfigError(f"llm.provider={llm.provider}: must be one of {', '.join(WIRES)}")
    for key in ("base_url", "api_key_env") if llm.provider == "local" else ():
        if getattr(llm, key):
            raise ConfigError(f"llm.{key} needs llm=endpoint or llm=openai: llm=local serves its own models")
    if llm.mode == "replay" and llm.recording is None:
        raise ConfigError("llm.mode=replay needs llm.recording=RUN: the recorded search that it replays")


def _check_search(config: Config) -> None:
    name, operators = config.author.name, config.search.operators
    if name not in AUTHORS:
        raise ConfigError(f"author.name={name}: must be one of {', '.join(AUTHORS)}")
    _check_list("search.operators", operators, searchable())
    spec = AUTHORS[name]
    if spec.operators and not set(operators) <= set(spec.operators):
        preset = f"; search={spec.preset} sets everything it needs" if spec.preset else ""
        known = ",".join(spec.operators)
        raise ConfigError(f"author={name} supports search.operators=[{known}] only{preset}")
    seeds.check(config.search.seeds)  # unknown names are found before anything slow starts


def _check_list(key: str, names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a list with an unknown name, and an empty one."""
    if not names:
        raise ConfigError(f"{key} is empty; choose from {', '.join(known)}")
    for name in names:
        if name not in known:
            raise ConfigError(f"{key}: unknown name {name}; choose from {', '.join(known)}")
