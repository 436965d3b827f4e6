"""`meta-search run --help`: the groups, and every key with its value and what it does, from `config.py`."""

from __future__ import annotations

import dataclasses
import inspect
import re
import shutil
import textwrap
import typing
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from meta_search.compose import GROUPS, compose, known_keys
from meta_search.config import Config, to_mapping
from meta_search.errors import ConfigError
from meta_search.text import literal

__all__ = ["documentation", "help_text"]

HEADER = """\
meta-search run [override…] [--yes]   searches for an agent; the run folder is printed first and last

  meta-search run budget.wall_s=600 seed=1
  meta-search run domain=table domain.path=questions.csv
  meta-search run llm=openai llm.meta.model=gpt-5 llm.task.model=gpt-5-mini budget.usd=2
  meta-search run --yes …                      spend money without a budget, without asking
  meta-search run --trust llm.mode=replay …    replay a run that was not made here: with your rights
  meta-search run --multirun seed=1,2,3        one search after another
  meta-search run --cfg job                    print the configuration and stop
  eval "$(meta-search run -sc install=bash)"   completion
"""
COLUMN = 32  # where what a key does begins


def help_text(overrides: Sequence[str] = ()) -> str:
    """The whole text.

    Args:
        overrides: Overrides whose values are to be shown, as `domain=table`.
    """
    try:
        values = to_mapping(compose(overrides))
    except ConfigError:  # a key must be given yet
        values = to_mapping(Config())
    width = max(80, min(120, shutil.get_terminal_size((110, 24)).columns)) - 1
    lines = [HEADER, "== Groups (group=option) ==", ""]
    lines += [f"{group}: {', '.join(_options(group))}" for group in sorted(GROUPS)]
    lines += ["", "== Keys (key=value) =="]
    group = None
    for key, told in documentation().items():
        if key.rpartition(".")[0] != group:
            group = key.rpartition(".")[0]
            lines.append("")
        lines += _entry(f"{key}={_shown(values, key)}", told, width)
    return "\n".join(lines)


def documentation() -> dict[str, str]:
    """Every dotted key with what `config.py` says of it, in the order of that file."""
    found = dict(_below(Config, ""))
    assert found.keys() == known_keys()
    return found


def _below(cls: type, prefix: str) -> Iterator[tuple[str, str]]:
    hints, told = typing.get_type_hints(cls), _attributes(cls)
    for name in sorted(hints, key=lambda n: dataclasses.is_dataclass(hints[n])):
        if dataclasses.is_dataclass(hints[name]):
            yield from _below(typing.cast(type, hints[name]), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", told.get(name, "")


def _attributes(cls: type) -> Mapping[str, str]:
    """Name -> text of the section `Attributes` of the docstring, with those of the classes it extends."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__[:-1]):
        section = inspect.cleandoc(one.__doc__ or "")
        entries = re.split(r"\n    (?=\w+: )", section.partition("Attributes:")[2])
        pairs = (" ".join(entry.split()).partition(": ") for entry in entries)
        found |= {name: text.replace("`None`", "null").replace("`", "") for name, _, text in pairs}
    return found


def _options(group: str) -> list[str]:
    named = (f.name.removesuffix(".yaml") for f in (files("conf") / group).iterdir() if "yaml" in f.name)
    return sorted(name for name in named if not name.startswith("_"))


def _shown(values: Any, key: str) -> str:
    for part in key.split("."):
        values = values[part]
    text = values if isinstance(values, str) else literal(values)
    return text.replace("'", "") if isinstance(values, tuple) else text


def _entry(key: str, told: str, width: int) -> list[str]:
    """The lines of one key: its text beside it, or below where the key is long."""
    lines = textwrap.wrap(told, width - COLUMN, break_on_hyphens=False) or [""]
    if len(key) > COLUMN - 2:
        return [key, *(" " * COLUMN + line for line in lines)]
    return [key.ljust(COLUMN) + lines[0], *(" " * COLUMN + line for line in lines[1:])]
