"""What a configuration comes to: values that depend on others, and mistakes told before slow work starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from meta_search.authors.llm import FORMS
from meta_search.authors.plan import EVERY_WAY
from meta_search.config import Config
from meta_search.engine import seeds
from meta_search.errors import ConfigError
from meta_search.run.folder import resolve

__all__ = ["OPERATORS", "resolved"]

OPERATORS = ("novel", "mutate", "crossover", "bootstrap", "simplify", "team", "tune")


def resolved(config: Config) -> Config:
    """Fill in what depends on the model: an embedded one writes plans, and is too slow for a second look.

    Raises:
        ConfigError: Keys that do not go together, unknown operators, seeds or formats; one line.
    """
    author, embedded = config.author, config.llm.provider == "local"
    for key in ("base_url", "api_key_env") if embedded else ():
        if getattr(config.llm, key):
            raise ConfigError(f"llm.{key} needs llm=endpoint or llm=openai: llm=local serves its own models")
    recording = config.llm.recording
    if config.llm.mode == "replay" and recording is None:
        raise ConfigError("llm.mode=replay needs llm.recording=RUN: the recorded search that it replays")
    unknown_operators = [name for name in config.search.operators if name not in OPERATORS]
    if unknown_operators or not config.search.operators:
        named = unknown_operators[0] if unknown_operators else "an empty list"
        raise ConfigError(f"search.operators: {named} is none of {', '.join(OPERATORS)}")
    if author.name == "adas" and config.search.operators != ("novel",):
        raise ConfigError(
            "author=adas writes by search.operators=[novel] only: search=adas sets all it needs"
        )
    seeds.candidates(config.search.seeds)  # unknown names are found before anything slow starts
    formats = author.formats or (("plan",) if embedded else ("plan", "edit", "program"))
    unknown = [name for name in formats if name not in FORMS]
    if unknown:
        raise ConfigError(f"author.formats: {unknown[0]} is none of {', '.join(FORMS)}")
    unknown_ways = [name for name in author.ways if name not in EVERY_WAY]
    if unknown_ways or not author.ways:
        named = unknown_ways[0] if unknown_ways else "an empty list"
        raise ConfigError(f"author.ways: {named} is none of {', '.join(EVERY_WAY)}")
    reflexions = author.reflexions if author.reflexions is not None else int(not embedded)
    path = config.domain.path and str(Path(config.domain.path).expanduser().resolve())
    root = str(Path(config.run.root).expanduser())
    folder = config.run.dir and str(Path(config.run.dir).expanduser())
    if recording is not None:
        recording = str(resolve(Path(recording).expanduser(), root).resolve())
    return replace(
        config,
        llm=replace(config.llm, recording=recording),
        author=replace(author, formats=formats, reflexions=reflexions),
        run=replace(config.run, root=root, dir=folder),
        domain=replace(config.domain, path=path),  # a run can be resumed from any folder
    )
