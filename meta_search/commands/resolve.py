"""What a configuration comes to: values that depend on others, and mistakes told before slow work starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from domains.sources.source import is_local
from meta_search.authors.block_table import CHEAP_BLOCKS, EMBEDDED_BLOCKS, OTHER_BLOCKS
from meta_search.authors.llm import FORMS
from meta_search.authors.own_prompts import check_prompts
from meta_search.authors.plan import EVERY_WAY
from meta_search.authors.registry import AUTHORS, briefed
from meta_search.config import Config
from meta_search.engine import seeds
from meta_search.errors import ConfigError
from meta_search.guide.masks import askable
from meta_search.llm.wires import WIRES
from meta_search.run.folder import resolve
from meta_search.run.fork import pinned
from meta_search.run.news import check_news
from meta_search.run.secrets import check_addresses
from meta_search.types import OUTSIDE
from meta_search.types.operators import OPERATORS, searchable

__all__ = ["check_names", "resolved"]

# Most tokens of one answer of the meta agent: embedded models ramble; others need room for a program and the
# thinking before it.
EMBEDDED_TOKENS = 1500
PROGRAM_TOKENS = 16_384
OF_BUDGET, LEAST_TOKENS = 12, 4_096  # part of the budget that one answer may take; but so many always
LESSONS = 6  # evaluated agents after which the meta agent writes one; embedded models have no room for them


def _program_tokens(config: Config) -> int:
    """Most tokens of one answer: all of them are set aside before it is asked for, so that a small budget
    would end at its first draft. An answer that is cut is asked for again with more."""
    budget, llm = config.budget, config.llm
    limits = [] if budget.tokens is None else [budget.tokens]
    priced = [llm.prices.get(model.model, {}) for model in llm.meta_models.values()]
    dearest = max((max(p.get("output", 0.0), p.get("reasoning", 0.0)) for p in priced), default=0.0)
    if budget.usd is not None and dearest > 0:
        limits.append(int(budget.usd / dearest * 1e6))
    return min([PROGRAM_TOKENS, *(max(LEAST_TOKENS, limit // OF_BUDGET) for limit in limits)])


def resolved(config: Config) -> Config:
    """Check a configuration, and fill in what depends on the model.

    An embedded model writes plans, one at a time, and is too slow for a second look at them.

    Raises:
        ConfigError: Keys that do not go together, or the name of an author, provider, operator, seed, format
            or way of working that does not exist; one line.
    """
    check_names(config)
    author, embedded = config.author, config.llm.provider == "local"
    formats = author.formats or (("plan",) if embedded else ("program", "edit", "plan"))
    _check_list("author.formats", formats, tuple(FORMS))
    _check_list("author.ways", author.ways, EVERY_WAY)
    blocks = author.blocks if author.blocks is not None else EMBEDDED_BLOCKS if embedded else CHEAP_BLOCKS
    if blocks:
        _check_list("author.blocks", blocks, OTHER_BLOCKS)
    reflexions = author.reflexions if author.reflexions is not None else int(not embedded)
    lessons = author.lessons if author.lessons is not None else 0 if embedded else LESSONS
    most = author.max_tokens or (EMBEDDED_TOKENS if embedded else _program_tokens(config))
    drafts = author.drafts if author.drafts is not None else 1 if embedded else 2
    if config.search.candidates is not None:  # what is not evaluated need not be written
        drafts = min(drafts, max(1, config.search.candidates))
    failing = config.search.failing
    if failing == "auto":
        failing = "all" if embedded else "some"
    path = config.domain.path or file_of(config.domain.task)
    if path and is_local(path):
        path = str(Path(path).expanduser().resolve())
    root = str(Path(config.run.root).expanduser())
    folder = config.run.dir and str(Path(config.run.dir).expanduser())
    recording = config.llm.recording
    if recording is not None:
        recording = str(resolve(Path(recording).expanduser(), root).resolve())
    fork = config.search.fork
    if fork is not None and config.llm.mode != "replay":  # whose recording has what came along
        fork = pinned(fork, root)
        if config.evaluate.folds:
            raise ConfigError(
                "evaluate.folds cannot hold in a fork: the authors of the other run were shown the items"
            )
    return replace(
        config,
        llm=replace(config.llm, recording=recording),
        author=replace(
            author,
            formats=formats,
            blocks=blocks,
            reflexions=reflexions,
            max_tokens=most,
            drafts=drafts,
            lessons=lessons,
            prompts=_absolute(author.prompts),
        ),
        search=replace(config.search, failing=failing, fork=fork),
        run=replace(config.run, root=root, dir=folder),
        domain=replace(config.domain, path=path),  # a run can be resumed from any folder
    )


def _absolute(path: str | None) -> str | None:
    return path and str(Path(path).expanduser().resolve())


def file_of(task: str | None) -> str | None:
    """The file of a task that stands in one, as FILE.py@NAME."""
    file = (task or "").rpartition("@")[0] or task or ""
    return file if file.endswith(".py") else None


def check_names(config: Config) -> None:
    """See that what a configuration names is there, also in one that an earlier version has written.

    Raises:
        ConfigError: Keys that do not go together, the name of an author, provider, operator or seed that does
            not exist, or prompt templates that cannot be used; one line.
    """
    check_addresses(config)
    check_news(config)
    _check_models(config)
    _check_search(config)
    if config.author.prompts is not None:
        check_prompts(config.author.prompts)


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
    if name in OUTSIDE and not (config.author.command or "").strip():
        raise ConfigError(
            f"author={name} needs author.command: a program that writes agents, as "
            "author.command='my-agent \"read brief.md\"', or manual to write them yourself (docs/authors.md)"
        )
    if name not in OUTSIDE and config.author.command is not None:
        raise ConfigError(f"author.command needs author=command: author={name} ignores it")
    if spec.operators and not set(operators) <= set(spec.operators):
        preset = f"; search={spec.preset} sets everything it needs" if spec.preset else ""
        known = ",".join(spec.operators)
        raise ConfigError(f"author={name} supports search.operators=[{known}] only{preset}")
    if not askable(operators, briefed(name)):
        raise ConfigError(
            f"search.operators=[{','.join(operators)}]: author={name} can carry none of them out; "
            f"use author={OPERATORS[operators[0]].authors[0]}"
        )
    seeds.check(config.search.seeds)  # unknown names are found before anything slow starts


def _check_list(key: str, names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a list with an unknown name, and an empty one."""
    if not names:
        raise ConfigError(f"{key} is empty; choose from {', '.join(known)}")
    for name in names:
        if name not in known:
            raise ConfigError(f"{key}: unknown name {name}; choose from {', '.join(known)}")
