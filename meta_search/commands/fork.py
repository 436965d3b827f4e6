"""`meta-search run --from RUN[:AGENT]`: the overrides that a fork takes from the run that it begins with."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path

from archive.guard import making_sense
from archive.records import Archive
from meta_search.agent.seeds import NAMES
from meta_search.compose import compose
from meta_search.config import Config, to_mapping
from meta_search.errors import ConfigError
from meta_search.run.folder import read_config, resolve, split_agent
from meta_search.run.fork import pinned
from meta_search.run.ownership import is_own
from meta_search.run.secrets import HIDDEN
from meta_search.text import one_line, override

__all__ = ["fork_words", "taken_from"]

FLAG = "--from"
TAKEN = ("domain", "llm", "evaluate", "sandbox", "seed")  # the task, and how it is measured
NOT_TAKEN = ("llm.mode", "llm.recording")
SIGNED = (  # what runs code, or says who is asked with which keys
    *("domain.path", "domain.task", "domain.confined", "sandbox.level"),
    *("llm.provider", "llm.base_url", "llm.api_key_env", "llm.callbacks", "llm.extra_headers"),
    *("llm.meta.base_url", "llm.task.base_url", "llm.judge.base_url", "llm.meta.models"),
)


def fork_words(arguments: Sequence[str]) -> list[str]:
    """Arguments of `run` with `--from RUN` replaced by the overrides that it stands for.

    Raises:
        ConfigError: It names nothing, or stands there twice; one line.
    """
    rest: list[str] = []
    named: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == FLAG:
            named.append(next(words, ""))
        elif word.startswith(f"{FLAG}="):
            named.append(word.removeprefix(f"{FLAG}="))
        else:
            rest.append(word)
    if not named:
        return rest
    if len(named) > 1 or not named[0] or named[0].startswith("-") or "=" in named[0]:
        raise ConfigError("--from names one run: `meta-search run --from RUN` or `--from RUN:AGENT`")
    return [*taken_from(named[0], rest), *rest]


def taken_from(named: str, typed: Sequence[str]) -> list[str]:
    """Overrides of a fork: which run it is made from; task, models and measures as they were typed for that.

    What is typed here goes before: `domain=…` in place of all that was typed below `domain`. Of a run that
    was not made here nothing but agents comes along: its configuration names code and endpoints.

    Args:
        named: `RUN` or `RUN:AGENT`.
        typed: Overrides of this command.

    Raises:
        ConfigError: There is no such run or agent, or it does not keep a key that is needed; one line.
    """
    roots = [word.partition("=")[2] for word in typed if _key(word) == "run.root"]
    place = pinned(named, roots[-1] if roots else "runs")
    fork = f"search.fork={_quoted(place)}"
    folder = resolve(split_agent(place)[0])
    if not is_own(folder):
        return [fork]
    mine = [_key(word) for word in typed]
    found = [word for word in _task_of(folder) if not any(_is_within(_key(word), key) for key in mine)]
    if keys := [_key(word) for word in found if HIDDEN in word]:
        given = {"llm.extra_headers": "{NAME:$VARIABLE}"}
        again = " ".join(f"{key}={given.get(key, '…')}" for key in keys)
        raise ConfigError(
            f"{one_line(folder, 200)} was run with a key, which is not stored: add to the command {again}"
        )
    return [*found, *_as_signed(found, read_config(folder), mine), fork]


def _task_of(folder: Path) -> list[str]:
    """Task, models and measures of a run, as they were typed."""
    with Archive(folder) as archive, making_sense(archive.path):
        words = [str(word) for word in archive.meta("overrides") or ()]
    path = read_config(folder).domain.path
    found = []
    for word in words:
        key = _key(word)
        if key == "search.seeds" and set(re.findall(r"[\w.:/-]+", word.partition("=")[2])) <= set(NAMES):
            found.append(word)  # those that the person brought along come from the archive
        if key in NOT_TAKEN or not any(_is_within(key, name) for name in TAKEN):
            continue
        found.append(f"domain.path={_quoted(path)}" if key == "domain.path" and path else word)
    return found


def _is_within(key: str, group: str) -> bool:
    """Whether a key is another one, or stands below it."""
    return key == group or key.startswith(f"{group}.")


def _as_signed(words: Sequence[str], config: Config, typed: Collection[str]) -> list[str]:
    """Overrides that put right what words of the archive say otherwise than the run's configuration.

    That one is signed; the archive is not, and whoever changed it would choose what runs here and who gets
    the keys.
    """
    if not words:
        return []
    said, right = to_mapping(compose(words)), to_mapping(config)
    found = []
    for key in SIGNED:
        value, held = said, right
        for part in key.split("."):
            value, held = value[part], held[part]
        if value == held or any(_is_within(key, name) for name in typed):
            continue
        if HIDDEN in str(held):
            raise ConfigError(f"{key} is not kept in a run: add it to the command")
        found.append(f"{key}={_literal(held)}")
    return found


def _literal(value: object) -> str:
    return _quoted(value) if isinstance(value, str) else shlex.split(override("x", value))[0][2:]


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+~")


def _quoted(text: str) -> str:
    """A text as the value of an override, as a shell would have handed it on."""
    [word] = shlex.split(override("x", text))
    return word.partition("=")[2]
